"""The configuration as it takes effect, and what it means to the model: terms, policy and limits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from pydantic import Field, PrivateAttr

from reconciler.model.terms import CodePolicy, Do, Limits, Policy, StatusTerms, Terms
from reconciler.settings.sections import (
    BillingSection,
    HttpSection,
    LagoSection,
    LedgerSection,
    LimitsSection,
    LogSection,
    NotifySection,
    OrgsSection,
    PolicySection,
    ReportsSection,
    ScheduleSection,
    Section,
    StatusesSection,
    StripeSection,
)
from reconciler.settings.tiers import CatalogSection, TierSection, catalog_of
from reconciler.settings.toml_text import toml_text


class Settings(Section):
    """Every section, checked. `load_settings` makes it; it holds no secret."""

    orgs: OrgsSection
    billing: BillingSection
    lago: LagoSection | None = None
    stripe: StripeSection | None = None
    tiers: dict[str, TierSection]
    catalog: CatalogSection = CatalogSection()
    statuses: StatusesSection
    policy: PolicySection = Field(default_factory=lambda: PolicySection.model_validate({}))
    limits: LimitsSection = LimitsSection()
    schedule: ScheduleSection = ScheduleSection()
    ledger: LedgerSection = LedgerSection()
    reports: ReportsSection = ReportsSection()
    notify: NotifySection = NotifySection()
    http: HttpSection = HttpSection()
    log: LogSection = LogSection()

    _origin: str = PrivateAttr("")
    _given: Mapping[tuple[str, ...], str] = PrivateAttr(default_factory=dict)

    def came_from(self, origin: str, given: Mapping[tuple[str, ...], str]) -> Settings:
        """The same settings, which know the file they are from and, by path, where each value was given."""
        self._origin, self._given = origin, given
        return self

    @property
    def origin(self) -> str:
        """The file that these settings were read from."""
        return self._origin

    @property
    def sha256(self) -> str:
        """Hexadecimal SHA-256 of everything that takes effect; the same wherever the values were given."""
        return hashlib.sha256(toml_text(self._tables(), {}).encode()).hexdigest()

    def show(self) -> str:
        """Everything that takes effect, as TOML that loads again; a comment names where a value was given."""
        absent = [side for side in ("lago", "stripe") if getattr(self, side) is None]
        head = "# What takes effect. A comment says where the value was given; the others are defaults.\n"
        head += "".join(f"# There is no [{side}], so {side.capitalize()} is not read.\n" for side in absent)
        return f"{head}\n{toml_text(self._tables(), self._given)}"

    def terms(self) -> Terms:
        """What rules need to know besides the facts."""
        statuses = self.statuses
        return Terms(
            authority=self.billing.authority,
            catalog=catalog_of(self.tiers, self.catalog),
            statuses=StatusTerms(
                unpaid_tier=statuses.unpaid_tier,
                entitled=statuses.entitled,
                lapsed=statuses.lapsed,
                ended=statuses.ended,
                trialing=statuses.trialing,
                flagged=statuses.flagged,
                flagged_codes=frozenset(statuses.flagged_codes),
            ),
            authority_of=self.billing.authority_of,
            exclude=self.orgs.exclude,
            collects=self.billing.collects,
            currency=self.billing.currency,
            livemode=self.billing.livemode,
            grace_days=self.billing.grace_days,
            settle_raise=self.policy.settle_raise,
            settle_lower=self.policy.settle_lower,
        )

    def policies(self) -> Policy:
        """What a pass may fix by itself."""
        said = self.policy
        return Policy(
            mode=said.mode,
            raising=Do(said.raising),
            lowering=Do(said.lowering),
            linking=Do(said.linking),
            codes={code: CodePolicy(do=one.do, reason=one.reason) for code, one in said.codes.items()},
            settle_raise=said.settle_raise,
            settle_lower=said.settle_lower,
            confirm_runs=said.confirm_runs,
        )

    def bounds(self) -> Limits:
        """How much may change in 24 hours."""
        return Limits(**self.limits.model_dump())

    def _tables(self) -> Mapping[str, Any]:
        return self.model_dump(by_alias=True)

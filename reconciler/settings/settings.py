"""The whole configuration, and the values of the model that it stands for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import PrivateAttr

from reconciler.model.catalog import Catalog, SourceKeys, Tier
from reconciler.model.terms import CodePolicy, Limits, Policy, StatusTerms, Terms
from reconciler.settings.sections import (
    Billing,
    CatalogSection,
    Http,
    Keys,
    Lago,
    LedgerSection,
    LimitsSection,
    Log,
    Notify,
    Orgs,
    PolicySection,
    Reports,
    Schedule,
    Section,
    Statuses,
    Stripe,
    TierSection,
)
from reconciler.settings.toml_text import toml_text


class Settings(Section):
    """The configuration as it takes effect. A side without a section is not read."""

    orgs: Orgs
    billing: Billing
    lago: Lago | None = None
    stripe: Stripe | None = None
    tiers: dict[str, TierSection]
    catalog: CatalogSection = CatalogSection()
    statuses: Statuses
    policy: PolicySection = PolicySection()
    limits: LimitsSection = LimitsSection()
    schedule: Schedule = Schedule()
    ledger: LedgerSection = LedgerSection()
    reports: Reports = Reports()
    notify: Notify = Notify()
    http: Http = Http()
    log: Log = Log()

    _origins: Mapping[str, str] = PrivateAttr(default_factory=dict)
    _origin: str = PrivateAttr(default="")

    def came_from(self, origin: str, origins: Mapping[str, str]) -> Settings:
        """The same settings that know the file they are from, and for each dotted key where its value was said."""
        self._origin, self._origins = origin, dict(origins)
        return self

    @property
    def origin(self) -> str:
        """The file they were read from."""
        return self._origin

    @property
    def sha256(self) -> str:
        """A hash over every effective value; credentials are no part of it."""
        canonical = json.dumps(self._plain(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def show(self) -> str:
        """The effective configuration as TOML that loads again; behind each value that was said, where."""
        return toml_text(self._plain(), self._origins)

    def terms(self) -> Terms:
        """What the rules need to know."""
        return Terms(
            authority=self.billing.authority,
            authority_of=self.billing.authority_of,
            catalog=Catalog(
                tiers={name: _tier(name, tier) for name, tier in self.tiers.items()},
                not_tiers=_keys(self.catalog.not_tiers),
            ),
            statuses=StatusTerms(
                unpaid_tier=self.statuses.unpaid_tier,
                entitled=self.statuses.entitled,
                lapsed=self.statuses.lapsed,
                ended=self.statuses.ended,
                trialing=self.statuses.trialing,
            ),
            exclude=self.orgs.exclude,
            collects=self.billing.collects,
            currency=self.billing.currency,
            livemode=self.billing.livemode,
            grace_days=self.billing.grace_days,
        )

    def policies(self) -> Policy:
        """What may be written."""
        said = self.policy
        return Policy(
            mode=said.mode,
            raising=said.raising,
            lowering=said.lowering,
            linking=said.linking,
            codes={code: CodePolicy(do=each.do, reason=each.reason) for code, each in said.codes.items()},
            settle_raise=said.settle_raise,
            settle_lower=said.settle_lower,
            confirm_runs=said.confirm_runs,
        )

    def bounds(self) -> Limits:
        """How much may be written."""
        return Limits(**dict(self.limits))

    def without_effect(self) -> list[str]:
        """What was asked for that this version does not do, in words."""
        notify = "This version sends no messages ([notify])"
        snapshots = "This version keeps no raw answers ([ledger] keep_snapshots)"
        return [
            *([notify] if self.notify.urls or self.notify.ping_url else []),
            *([snapshots] if self.ledger.keep_snapshots else []),
        ]

    def _plain(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def _tier(name: str, said: TierSection) -> Tier:
    keys = _keys(said)
    return Tier(
        name=name,
        rank=said.rank,
        paid=said.paid,
        keys=SourceKeys(
            lago_plans=keys.lago_plans | set(said.legacy.lago_plans),
            stripe_prices=keys.stripe_prices | set(said.legacy.stripe_prices),
            stripe_lookup_keys=keys.stripe_lookup_keys,
            stripe_products=keys.stripe_products,
            stripe_price_metadata=keys.stripe_price_metadata,
        ),
        prices=said.price,
        legacy_amounts={
            currency: {interval: frozenset(amounts) for interval, amounts in by_interval.items()}
            for currency, by_interval in said.legacy.amounts.items()
        },
        trial_days=said.trial_days,
    )


def _keys(said: Keys) -> SourceKeys:
    return SourceKeys(
        lago_plans=frozenset(said.lago_plans),
        stripe_prices=frozenset(said.stripe_prices),
        stripe_lookup_keys=frozenset(said.stripe_lookup_keys),
        stripe_products=frozenset(said.stripe_products),
        stripe_price_metadata=frozenset(said.stripe_price_metadata.items()),
    )

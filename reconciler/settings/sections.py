"""Every section of the configuration with its keys, kinds and defaults, as the file has them; tiers stand beside it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reconciler.model.billing import Source
from reconciler.model.terms import Authority, Do, Mode
from reconciler.settings.kinds import (
    Count,
    Cron,
    Currency,
    Duration,
    HttpUrl,
    LedgerUrl,
    ListenAddress,
    Name,
    Names,
    OptionalHttpUrl,
    OrgId,
    PositiveCount,
    PositiveNumber,
    Ratio,
    Reference,
    StoreAddress,
    TimeZone,
    Unfolded,
)

Status = Literal["active", "suspended"]  # the application refuses a record with any other, "deleted" apart
AuthorityWord = Annotated[Authority, Field(strict=False)]


class Section(BaseModel):
    """A table of the file: unknown keys refused, nothing converted in silence, values never in an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class OrgsSection(Section):
    """`[orgs]`: the organisation store."""

    store: StoreAddress
    lock_timeout_s: PositiveNumber = 30
    exclude: dict[OrgId, Name] = Field(default_factory=dict)
    backups_keep: Count = 20
    backups_keep_days: Count = 30

    @property
    def folder(self) -> Path:
        """The folder that holds `organizations.json`."""
        return Path(self.store.removeprefix("json:"))


class BillingSection(Section):
    """`[billing]`: which side grants, which one collects."""

    authority: AuthorityWord
    authority_of: dict[OrgId, AuthorityWord] = Field(default_factory=dict)
    collects: Annotated[Source, Field(strict=False)] = Source.STRIPE
    livemode: bool = True
    currency: Currency = "usd"
    grace_days: Count = 14


class LagoSection(Section):
    """`[lago]`; left out, Lago is not read."""

    url: HttpUrl
    max_requests_per_s: PositiveNumber = 20
    app_url: OptionalHttpUrl = ""


class StripeSection(Section):
    """`[stripe]`; left out, Stripe is not read."""

    url: HttpUrl = "https://api.stripe.com"
    max_requests_per_s: PositiveNumber = 20
    account: str = ""
    metadata_org_key: Name = "org_id"


class StatusesSection(Section):
    """`[statuses]`: what a standing in billing means for the store."""

    entitled: Status = "active"
    lapsed: Status = "suspended"
    ended: Status = "active"
    unpaid_tier: Name
    trialing: str = ""
    flagged: Literal["", "suspended"] = ""
    flagged_codes: Names = ()


class CodeSection(Section):
    """One entry of `[policy] codes`."""

    do: Annotated[Do, Field(strict=False)]
    reason: str = ""


class PolicySection(Section):
    """`[policy]`: what a pass may write by itself."""

    mode: Annotated[Mode, Field(strict=False)] = Mode.FLAG
    raising: Literal["fix", "flag"] = Field("fix", alias="raise")
    lowering: Literal["fix", "flag"] = Field("flag", alias="lower")
    linking: Literal["fix", "flag"] = Field("fix", alias="link")
    codes: dict[Name, Annotated[CodeSection, Unfolded]] = Field(default_factory=dict)
    settle_raise: Duration = timedelta(0)
    settle_lower: Duration = timedelta(hours=24)
    confirm_runs: PositiveCount = 2


class LimitsSection(Section):
    """`[limits]`: over a rolling 24 hours, fixes done plus planned."""

    max_lower_ratio: Ratio = Decimal("0.05")
    max_lower_count: Count = 25
    max_raise_ratio: Ratio = Decimal("0.10")
    max_raise_count: Count = 50
    always_allowed: Count = 3
    max_monthly_value_ratio: Ratio = Decimal("0.02")
    max_population_drop_ratio: Ratio = Decimal("0.10")


class ScheduleSection(Section):
    """`[schedule]`: `every` or `cron`, never both; `every` is None where `cron` is given."""

    every: Duration | None = None
    cron: Cron = ""
    jitter_ratio: Ratio = Decimal("0.10")

    @model_validator(mode="before")
    @classmethod
    def _one_of_two(cls, table: Any) -> Any:
        if not isinstance(table, dict) or table.get("cron"):
            return table
        return {"every": "15m", **table}

    @model_validator(mode="after")
    def _not_both(self) -> ScheduleSection:
        if self.cron and self.every is not None:
            raise ValueError("has both every and cron: keep one")
        if self.every == timedelta(0):
            raise ValueError("every must be longer than 0s")
        return self


class LedgerSection(Section):
    """`[ledger]`: the history of runs."""

    url: LedgerUrl = ""
    keep_days: PositiveCount = 2557
    keep_snapshots: Count = 0


class ReportsSection(Section):
    """`[reports]`: files made after each run."""

    folder: str = ""
    formats: Annotated[tuple[Literal["text", "json", "markdown", "html", "csv", "xlsx"], ...], Field(strict=False)] = (
        "html",
        "xlsx",
        "json",
    )
    timezone: TimeZone = "UTC"


class NotifySection(Section):
    """`[notify]`: where messages go; each URL is named by where it is kept, never written out."""

    urls: Annotated[tuple[Reference, ...], Field(strict=False)] = ()
    ping_url: Reference = ""
    after: Duration = timedelta(hours=1)


class HttpSection(Section):
    """`[http]`: health and metrics."""

    listen: ListenAddress = "127.0.0.1:9464"


class LogSection(Section):
    """`[log]`: how the program's own log looks."""

    format: Literal["auto", "console", "json"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"

"""What the person who runs the product has decided: who grants, what statuses mean, what may be written, how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache

from reconciler.model.billing import Source
from reconciler.model.catalog import Catalog
from reconciler.model.orgs import ACTIVE, SUSPENDED


class Authority(StrEnum):
    """Which source grants an organisation its tier (drift_codes.md, Terms)."""

    LAGO = "lago"
    STRIPE = "stripe"
    BOTH = "both"
    EITHER = "either"

    @property
    def sides(self) -> tuple[Source, ...]:
        """The granting sides."""
        return _sides_of(self)


@cache  # it is asked several times of every organisation
def _sides_of(authority: Authority) -> tuple[Source, ...]:
    match authority:
        case Authority.LAGO:
            return (Source.LAGO,)
        case Authority.STRIPE:
            return (Source.STRIPE,)
        case Authority.BOTH | Authority.EITHER:
            return (Source.LAGO, Source.STRIPE)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusTerms:
    """What a standing in billing means for the store; `trialing` empty: the tier of the price.

    `flagged` is set for drifts of `flagged_codes`, whose money is leak; empty: none is.
    """

    unpaid_tier: str
    entitled: str = ACTIVE
    lapsed: str = SUSPENDED
    ended: str = ACTIVE
    trialing: str = ""
    flagged: str = ""
    flagged_codes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Everything that rules need to know besides the facts themselves.

    What changed within `settle_raise` or `settle_lower` is in flight (drift_codes.md, in_flight).
    """

    authority: Authority
    catalog: Catalog
    statuses: StatusTerms
    authority_of: Mapping[str, Authority] = field(default_factory=dict)
    exclude: Mapping[str, str] = field(default_factory=dict)  # organisation id -> why
    collects: Source = Source.STRIPE
    currency: str = "usd"
    livemode: bool = True
    grace_days: int = 14
    settle_raise: timedelta = timedelta(0)
    settle_lower: timedelta = timedelta(hours=24)

    def authority_for(self, org_id: str) -> Authority:
        """The authority of one organisation."""
        return self.authority_of.get(org_id, self.authority)


class Mode(StrEnum):
    """Whether a pass writes at all; the safe value is the default."""

    FLAG = "flag"
    FIX = "fix"


class Do(StrEnum):
    """What policy says of one code or direction."""

    FIX = "fix"
    FLAG = "flag"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePolicy:
    """What policy says of one code; `reason` must be given to ignore it."""

    do: Do
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Which drifts a pass may fix by itself, and how sure it must be before it lowers."""

    mode: Mode = Mode.FLAG
    raising: Do = Do.FIX
    lowering: Do = Do.FLAG
    linking: Do = Do.FIX
    codes: Mapping[str, CodePolicy] = field(default_factory=dict)
    settle_raise: timedelta = timedelta(0)
    settle_lower: timedelta = timedelta(hours=24)
    confirm_runs: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds over a rolling 24 hours, on fixes done plus planned; ratios are shares from 0 to 1."""

    max_lower_ratio: Decimal = Decimal("0.05")
    max_lower_count: int = 25
    max_raise_ratio: Decimal = Decimal("0.10")
    max_raise_count: int = 50
    always_allowed: int = 3
    max_monthly_value_ratio: Decimal = Decimal("0.02")
    max_population_drop_ratio: Decimal = Decimal("0.10")

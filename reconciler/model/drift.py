"""Drifts, the decisions about them and the fixes that would mend them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from reconciler.model.money import Money


class Code(StrEnum):
    """Codes of the catalogue (drift_codes.md); stable and public, and no case is without one."""

    TIER_UNDER = "tier_under"
    PAID_NOT_REFLECTED = "paid_not_reflected"
    TIER_OVER = "tier_over"
    ENDED_STILL_ENTITLED = "ended_still_entitled"
    PAID_TIER_NO_BILLING = "paid_tier_no_billing"
    BILLING_DISAGREES = "billing_disagrees"
    SIDE_MISSING = "side_missing"
    UNEXPECTED_SIDE = "unexpected_side"
    SUSPENDED_BUT_PAYING = "suspended_but_paying"
    PAST_DUE_IN_GRACE = "past_due_in_grace"
    PAST_DUE_BEYOND_GRACE = "past_due_beyond_grace"
    OVERDUE_BY_INVOICE = "overdue_by_invoice"
    UNPAID = "unpaid"
    PAYMENT_DISPUTED = "payment_disputed"
    INCOMPLETE_IN_WINDOW = "incomplete_in_window"
    NEVER_PAID_ENTITLED = "never_paid_entitled"
    CANCELED_PAID_THROUGH = "canceled_paid_through"
    PAUSED = "paused"
    COLLECTION_PAUSED = "collection_paused"
    TRIAL_OVERRUN = "trial_overrun"
    ZERO_AMOUNT_LIVE = "zero_amount_live"
    FREE_TIER_PAYING = "free_tier_paying"
    DELETED_STILL_BILLED = "deleted_still_billed"
    STATUS_UNKNOWN = "status_unknown"
    TIER_UNRESOLVABLE = "tier_unresolvable"

    CANCEL_SCHEDULED = "cancel_scheduled"
    CANCEL_STATE_DIFFERS = "cancel_state_differs"
    SCHEDULE_MISSED = "schedule_missed"
    DOWNGRADE_SCHEDULED = "downgrade_scheduled"
    DOWNGRADE_EARLY = "downgrade_early"
    DOWNGRADE_LATE = "downgrade_late"
    FUTURE_START = "future_start"
    IN_FLIGHT = "in_flight"

    DUPLICATE_SUBSCRIPTION = "duplicate_subscription"
    LEFTOVER_FREE_SUBSCRIPTION = "leftover_free_subscription"
    DOUBLE_BILLED = "double_billed"
    DUPLICATE_CUSTOMER = "duplicate_customer"
    ID_SHARED = "id_shared"
    ID_CROSSED = "id_crossed"
    LINK_MISSING = "link_missing"
    LINK_WEAK = "link_weak"
    LINK_OTHER_FORM = "link_other_form"
    LINK_DEAD = "link_dead"
    LINK_STALE = "link_stale"
    CUSTOMER_DELETED = "customer_deleted"
    ORPHAN_PAYER = "orphan_payer"
    PROVIDER_LINK_DIFFERS = "provider_link_differs"
    LIVEMODE_DIFFERS = "livemode_differs"

    PRICE_OVERRIDE = "price_override"
    DISCOUNTED = "discounted"
    AMOUNT_DIFFERS = "amount_differs"
    CURRENCY_DIFFERS = "currency_differs"
    INTERVAL_DIFFERS = "interval_differs"
    BASE_AMBIGUOUS = "base_ambiguous"
    CONTRACT_EXPIRED = "contract_expired"
    CONTRACT_OK = "contract_ok"
    GRANDFATHERED = "grandfathered"

    SNAPSHOT_INCOMPLETE = "snapshot_incomplete"
    RECORD_INVALID = "record_invalid"
    FIX_FAILED = "fix_failed"
    FIX_NOT_STICKING = "fix_not_sticking"
    UNCLASSIFIED = "unclassified"


class Decided(StrEnum):
    """What is to be done about a drift (drift_codes.md, Decisions)."""

    FIX = "fix"
    FLAG = "flag"
    WAIT = "wait"
    HOLD = "hold"
    OK = "ok"
    IGNORE = "ignore"


class Direction(StrEnum):
    """What a fix does to the customer; only LOWER takes something away."""

    LINK = "link"
    RAISE = "raise"
    LOWER = "lower"


class Severity(StrEnum):
    """How bad it is for a customer or for the money."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class Call(StrEnum):
    """The OrgManager update methods, the only things that are ever written."""

    PLAN = "update_org_plan"
    STATUS = "update_org_status"
    BILLING_IDS = "update_org_billing_ids"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """An organisation's tier and status, had or due; None where it does not apply or is not known."""

    tier: str | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftMoney:
    """Monthly minor units of one currency; None is unpriced, which is not 0. `overdue` is once, not monthly."""

    currency: str
    leak: int | None = 0
    owed: int | None = 0
    overbilled: int | None = 0
    variance: int | None = 0
    at_risk: int | None = 0
    overdue: int | None = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """One call of an OrgManager update method with the field values it expects to find (names of the store's fields).

    `arguments` are the method's keyword arguments besides the organisation id. `worth` is the monthly list value that
    the fix gives or takes, None where that is not known; two fixes are the same whatever they are worth.
    """

    org_id: str
    drift_id: str
    call: Call
    arguments: Mapping[str, str]
    expects: Mapping[str, str | None]
    direction: Direction
    worth: Money | None = field(default=None, compare=False)

    @property
    def key(self) -> str:
        """The same for the very same fix only, in any run."""
        said = [self.drift_id, self.direction, self.call, dict(self.arguments), dict(self.expects)]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One difference, its money, the evidence for it and the fix that would mend it.

    `stopped_by` names the safety rule of the judgement itself that forbids the fix; empty where none does.
    `id` holds no values, so it stays the same while amounts move. `default` is what is done about it before policy is
    heard, None: what the catalogue says of its code. `stops` are the directions in which it forbids every other fix of
    its organisation, None: those that the catalogue says.
    """

    id: str
    code: Code
    org_id: str | None
    org_name: str
    text: str
    remedy: str
    has: State
    due: State | None
    money: DriftMoney | None
    effective_at: datetime | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    fix: Fix | None = None
    stopped_by: str = ""
    default: Decided | None = None
    stops: frozenset[Direction] | None = None

    @property
    def values(self) -> Mapping[str, str]:
        """What a waiver of this drift accepts: tiers, statuses and money; a drift with other values is another one."""
        said: dict[str, object] = {"has.tier": self.has.tier, "has.status": self.has.status}
        if self.due is not None:
            said |= {"due.tier": self.due.tier, "due.status": self.due.status}
        if self.money is not None:
            said |= {f"money.{name}": getattr(self.money, name) for name in self.money.__slots__}
        return {name: str(value) for name, value in said.items() if value not in (None, 0)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be done about one drift and why, in words; `blocked_by` is the first rule that stopped its fix.

    `needs_approval`: only policy, and no safety rule, holds the fix back. `confirms` is a hash over the fix, the same
    for the same fix only; empty where anything but time or policy stops it, since such a run confirms nothing.
    `waived_until`: a person accepted the drift as it is until then; it is decided as `wait` and never fixed.
    """

    drift: Drift
    decided: Decided
    severity: Severity
    primary: bool
    reason: str
    first_seen: datetime
    runs_seen: int
    blocked_by: str | None = None
    needs_approval: bool = False
    confirms: str = ""
    waived_until: datetime | None = None

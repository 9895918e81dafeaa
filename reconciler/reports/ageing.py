"""How old a drift is, and what its money has come to meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime

from reconciler.model.drift import Decision, DriftMoney
from reconciler.model.money import Money
from reconciler.reports.background import Background
from reconciler.rules.accrual import accrued

BUCKETS = ("0-1 d", "2-7 d", "8-30 d", "31-60 d", "61-90 d", "over 90 d")
_LAST_DAYS = (1, 7, 30, 60, 90)


def first_seen(decision: Decision, beside: Background) -> datetime:
    """When it was first seen at all; one that came back has its first age."""
    known = beside.known.get(decision.drift.id)
    return min(decision.first_seen, known.first_ever_seen) if known else decision.first_seen


def age_days(seen: datetime, as_of: datetime) -> int:
    """Whole days of UTC from the day it was first seen to the day of the run."""
    return max(0, (as_of.astimezone(UTC).date() - seen.astimezone(UTC).date()).days)


def bucket(days: int) -> str:
    """The bucket of that age."""
    return next((name for name, last in zip(BUCKETS, _LAST_DAYS, strict=False) if days <= last), BUCKETS[-1])


def accrued_money(money: DriftMoney | None, effective_at: datetime | None, as_of: datetime) -> Money | None:
    """What leak, owed, overbilled and variance, its sign aside, have come to since the drift took effect.

    None where there is no such date, no money, or a part of it is unpriced. At risk and overdue do not accrue.
    """
    if money is None or effective_at is None:
        return None
    parts = (money.leak, money.owed, money.overbilled, money.variance)
    if None in parts:
        return None
    monthly = sum(abs(part) for part in parts if part is not None)
    return Money(minor=accrued(monthly, effective_at, as_of), currency=money.currency)

"""Billing periods as Lago counts them, in the customer's calendar: calendar or anniversary, for every interval."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from reconciler.sandbox.lago.rows import Plan, Subscription, SubscriptionStatus

INTERVALS = ("weekly", "monthly", "quarterly", "semiannual", "yearly")

_MONTHS = {"monthly": 1, "quarterly": 3, "semiannual": 6, "yearly": 12}
_PERIODS_A_YEAR = {"weekly": 52, "monthly": 12, "quarterly": 4, "semiannual": 2, "yearly": 1}
_DAY_END = time(23, 59, 59)


def yearly_amount(plan: Plan) -> int:
    """The base fee of a year, which alone decides between upgrade and downgrade; currencies are not converted."""
    return plan.amount_cents * _PERIODS_A_YEAR[plan.interval]


def local_date(at: datetime, subscription: Subscription) -> date:
    """The day that `at` is on where the customer lives."""
    return at.astimezone(_zone(subscription.customer.timezone)).date()


def plan_period(day: date, subscription: Subscription) -> tuple[date, date]:
    """First and last day of the plan's period that holds `day`."""
    anchor = local_date(subscription.subscription_at, subscription)
    return period(day, subscription.plan.interval, subscription.billing_time, anchor)


def usage_period(now: datetime, subscription: Subscription) -> tuple[datetime, datetime] | None:
    """Start and end of the current period as a subscription row shows them; None before the first start.

    The start is never before the subscription's, the end never after its termination. A longer plan that bills usage
    monthly shows months.
    """
    started_at = subscription.started_at
    if started_at is None:
        return None
    interval = "monthly" if subscription.plan.bill_charges_monthly else subscription.plan.interval
    day = local_date(max(now, started_at), subscription)
    anchor = local_date(subscription.subscription_at, subscription)
    first, last = period(day, interval, subscription.billing_time, anchor)
    zone = _zone(subscription.customer.timezone)
    starts = max(datetime.combine(first, time(), zone).astimezone(UTC), started_at)
    ends = datetime.combine(last, _DAY_END, zone).astimezone(UTC)
    if subscription.status is SubscriptionStatus.TERMINATED and subscription.terminated_at:
        ends = min(ends, subscription.terminated_at)
    return starts, ends


@lru_cache(maxsize=4096)
def period(day: date, interval: str, billing_time: str, anchor: date) -> tuple[date, date]:
    """First and last day of the period of `interval` that holds `day`; `anchor` counts with anniversary billing."""
    if interval == "weekly":
        back = (day.weekday() - (anchor.weekday() if billing_time == "anniversary" else 0)) % 7
        first = day - timedelta(days=back)
        return first, first + timedelta(days=6)
    months = _MONTHS[interval]
    if billing_time != "anniversary":
        anchor = date(day.year, 1, 1)
    count = ((day.year - anchor.year) * 12 + day.month - anchor.month) // months
    if _add_months(anchor, count * months) > day:
        count -= 1
    first = _add_months(anchor, count * months)
    return first, _add_months(anchor, (count + 1) * months) - timedelta(days=1)


def _add_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _zone(name: str | None) -> tzinfo:
    return ZoneInfo(name) if name else UTC

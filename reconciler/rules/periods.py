"""Until when a subscription is paid, and when its billing period ends where the source does not say so itself."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import datetime, timedelta

from reconciler.model.billing import EndReason, Item, Source, Subscription
from reconciler.model.money import Interval, Period

_MONTHS = {Interval.MONTH: 1, Interval.QUARTER: 3, Interval.HALF_YEAR: 6, Interval.YEAR: 12}
_DAYS = {Interval.DAY: 1, Interval.WEEK: 7}

# Days are the customer's, whose time zone may lie this far behind UTC: a date is past when it is past there too.
_LAST_TIME_ZONE = timedelta(hours=12)


def paid_through_date(subscription: Subscription, base: Sequence[Item]) -> datetime | None:
    """Until when an ended subscription is paid (drift_codes.md, Terms, Paid-through)."""
    if subscription.source is Source.LAGO:
        if subscription.keeps_paid_period and subscription.ended_at is not None:
            return period_end(subscription, base[0].period, subscription.ended_at)
        return subscription.ended_at
    failed = subscription.end_reason in {EndReason.PAYMENT_FAILED, EndReason.PAYMENT_DISPUTED}
    unpaid = failed or not subscription.paid_for_period
    dates = [date for item in base if (date := item.period_start if unpaid else item.period_end) is not None]
    return max(dates, default=subscription.ended_at)


def period_end(subscription: Subscription, period: Period, at: datetime) -> datetime:
    """The end of the billing period that contains `at`, counted from the anchor or by the calendar; rather late."""
    anchor = subscription.anchor_at or subscription.started_at or subscription.created_at
    if subscription.calendar_periods:
        anchor = anchor.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
        if period.interval in _DAYS:  # calendar weeks begin on Monday
            anchor -= timedelta(days=anchor.weekday())
    steps = 1
    while (end := _after(anchor, period, steps)) <= at:
        steps += 1
    return end + _LAST_TIME_ZONE


def _after(anchor: datetime, period: Period, steps: int) -> datetime:
    if period.interval in _DAYS:
        return anchor + timedelta(days=_DAYS[period.interval] * period.count * steps)
    months = anchor.month - 1 + _MONTHS[period.interval] * period.count * steps
    year, month = anchor.year + months // 12, months % 12 + 1
    return anchor.replace(year=year, month=month, day=min(anchor.day, calendar.monthrange(year, month)[1]))

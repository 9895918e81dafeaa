"""Finds the billing period of an interval, counted from an anchor, that an instant falls into."""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta

_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "year": 12}


def period_around(anchor: datetime, interval: str, interval_count: int, instant: datetime) -> tuple[datetime, datetime]:
    """Start and end of the period holding `instant`; the first period where `instant` lies before `anchor`.

    A month without the anchor's day ends its period on its last day, as at Stripe.
    """
    number = 0
    if interval in _DAYS:
        step = timedelta(days=_DAYS[interval] * interval_count)
        number = max(0, (instant - anchor) // step)
        return anchor + number * step, anchor + (number + 1) * step
    months = _MONTHS[interval] * interval_count
    whole = (instant.year - anchor.year) * 12 + instant.month - anchor.month
    number = max(0, whole // months)
    if number and months_later(anchor, number * months) > instant:
        number -= 1
    return months_later(anchor, number * months), months_later(anchor, (number + 1) * months)


def months_later(anchor: datetime, months: int) -> datetime:
    """The same day and time `months` on, or that month's last day."""
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    day = min(anchor.day, calendar.monthrange(year, month + 1)[1])
    return anchor.replace(year=year, month=month + 1, day=day)

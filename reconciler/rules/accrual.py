"""What a monthly amount has come to since a date, calendar month by calendar month."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime
from fractions import Fraction


def accrued(monthly: int, since: datetime, until: datetime) -> int:
    """Minor units that `monthly` came to from the day of `since` up to the day of `until`, days of UTC.

    Of each calendar month its share by days; a date ahead gives 0 (drift_codes.md, Money). Halves go to the even
    neighbour, once, at the end.
    """
    day, last = since.astimezone(UTC).date(), until.astimezone(UTC).date()
    months = Fraction(0)
    while day < last:  # pragma: no mutate # one more step, of no days, would add nothing
        length = monthrange(day.year, day.month)[1]
        following = _first_of_next(day)
        months += Fraction((min(following, last) - day).days, length)
        day = following
    return round(monthly * months)


def _first_of_next(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)

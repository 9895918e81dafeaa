"""Money in integer minor units and the way an amount per interval is brought to a month."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class Interval(StrEnum):
    """How often a price is charged."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    YEAR = "year"


_MONTHS = {
    Interval.DAY: Fraction(12, 365),
    Interval.WEEK: Fraction(12, 52),
    Interval.MONTH: Fraction(1),
    Interval.QUARTER: Fraction(3),
    Interval.HALF_YEAR: Fraction(6),
    Interval.YEAR: Fraction(12),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A billing period: `count` times `interval`."""

    interval: Interval = Interval.MONTH
    count: int = 1

    @property
    def months(self) -> Fraction:
        """Length in months; a year has 365 days and 52 weeks (drift_codes.md, Money)."""
        return _MONTHS[self.interval] * self.count


MONTH = Period()


def monthly(amount_minor: int, period: Period) -> int:
    """`amount_minor` per `period`, brought to a month; halves go to the even neighbour."""
    if period.count == 1 and period.interval is Interval.MONTH:  # nearly all are, and fractions are slow
        return amount_minor
    return round(amount_minor / period.months)


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount in minor units of one currency (lower-case ISO code); amounts of two currencies are never added."""

    minor: int
    currency: str

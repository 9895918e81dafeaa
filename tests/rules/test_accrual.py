from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.rules.accrual import accrued

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("since", "until", "months"),
    [
        (datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC), 1),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), 12),
        (datetime(2026, 2, 15, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC), 0.5),
        (datetime(2026, 4, 16, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC), 0.5),
        (datetime(2026, 12, 31, 23, tzinfo=UTC), datetime(2026, 12, 31, 23, 59, tzinfo=UTC), 0),
    ],
)
def test_each_calendar_month_counts_by_its_own_days(since: datetime, until: datetime, months: float) -> None:
    assert accrued(9000, since, until) == 9000 * months


def test_what_begins_later_has_come_to_nothing() -> None:
    assert accrued(9000, datetime(2026, 10, 2, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)) == 0


def test_days_are_those_of_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert accrued(3100, datetime(2026, 10, 2, 8, tzinfo=tokyo), datetime(2026, 10, 2, tzinfo=UTC)) == 100


moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@given(st.integers(-(10**9), 10**9), moments, st.integers(0, 2000))
def test_a_negative_amount_comes_to_the_same_with_its_sign(monthly: int, since: datetime, days: int) -> None:
    assert accrued(-monthly, since, since + days * DAY) == -accrued(monthly, since, since + days * DAY)


@given(st.integers(0, 10**9), moments, st.integers(0, 2000))
def test_a_day_more_is_never_less(monthly: int, since: datetime, days: int) -> None:
    assert accrued(monthly, since, since + days * DAY) <= accrued(monthly, since, since + (days + 1) * DAY)

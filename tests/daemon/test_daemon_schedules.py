"""When passes begin: an interval, or cron as cron itself means it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.daemon.schedule import interval_of, make_trigger
from reconciler.errors import SettingsError
from reconciler.settings.sections import ScheduleSection

MONDAY = datetime(2026, 11, 23, 0, 0, 30, tzinfo=UTC)


def schedule(**said: object) -> ScheduleSection:
    return ScheduleSection.model_validate(said)


def beginnings(cron: str, count: int, *, zone: str = "UTC", jitter_ratio: int = 0) -> list[datetime]:
    trigger = make_trigger(schedule(cron=cron, jitter_ratio=jitter_ratio), zone, MONDAY)
    found: list[datetime] = []
    for _ in range(count):
        after = found[-1] + timedelta(seconds=1) if found else MONDAY
        found.append(trigger.get_next_fire_time(None, after))
    return found


def days(cron: str, count: int) -> list[str]:
    return [f"{at:%a}" for at in beginnings(cron, count)]


def test_an_interval_is_the_time_between_two_beginnings() -> None:
    trigger = make_trigger(schedule(every="15m", jitter_ratio=0), "UTC", MONDAY)
    assert trigger.get_next_fire_time(MONDAY, MONDAY) == MONDAY + timedelta(minutes=15)
    assert interval_of(schedule(every="15m"), "UTC", MONDAY) == timedelta(minutes=15)


def test_jitter_only_delays_and_by_no_more_than_its_share() -> None:
    trigger = make_trigger(schedule(every="100s"), "UTC", MONDAY)
    waits = [(trigger.get_next_fire_time(MONDAY, MONDAY) - MONDAY).total_seconds() for _ in range(200)]
    assert 100 <= min(waits) < max(waits) <= 110


def test_the_interval_of_a_cron_is_its_longest_wait() -> None:
    assert interval_of(schedule(cron="*/15 * * * *"), "UTC", MONDAY) == timedelta(minutes=15)
    assert interval_of(schedule(cron="0 9 * * 1-5"), "UTC", MONDAY) == timedelta(days=3)


@pytest.mark.parametrize(
    ("weekday", "expected"),
    [
        ("0", ["Sun", "Sun"]),
        ("7", ["Sun", "Sun"]),
        ("1-5", ["Mon", "Tue", "Wed", "Thu", "Fri", "Mon"]),
        ("5-7", ["Fri", "Sat", "Sun", "Fri"]),
        ("mon,wed", ["Mon", "Wed", "Mon"]),
        ("*/2", ["Tue", "Thu", "Sat", "Sun", "Tue"]),
        ("0,3", ["Wed", "Sun", "Wed"]),
    ],
)
def test_days_of_the_week_are_numbered_as_in_cron(weekday: str, expected: list[str]) -> None:
    assert days(f"30 6 * * {weekday}", len(expected)) == expected


def test_a_day_of_the_month_and_one_of_the_week_mean_either_as_in_cron() -> None:
    found = beginnings("0 6 1 * 5", 3)
    assert [f"{at:%d %a}" for at in found] == ["27 Fri", "01 Tue", "04 Fri"]


def test_a_cron_goes_by_the_zone_of_the_reports() -> None:
    (first,) = beginnings("0 6 * * *", 1, zone="Asia/Tokyo")
    assert first.astimezone(UTC).hour == 21


@pytest.mark.parametrize("cron", ["99 * * * *", "* * * * 8", "* * * * 5-1", "0 0 31 2 *", "* * * * */0", "* * * foo *"])
def test_a_cron_that_names_no_times_is_refused_with_its_key(cron: str) -> None:
    with pytest.raises(SettingsError, match=r"\[schedule\] cron"):
        make_trigger(schedule(cron=cron), "UTC", MONDAY)

"""What the daemon knows of itself after each attempt: readiness, failures in a row, and when it tries again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.daemon.attempt import Attempt, Part
from reconciler.daemon.condition import Condition
from reconciler.daemon.watch import ClockWatch
from run_builders import run_record

NOW = datetime(2026, 11, 25, 22, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
SOUND = Attempt(started_at=NOW, finished_at=NOW, run=run_record())


def spoilt(part: Part, problem: str = "away", at: datetime = NOW) -> Attempt:
    return Attempt(started_at=at, finished_at=at, problems={part: problem})


def after(*attempts: Attempt, interval: timedelta = QUARTER) -> Condition:
    condition = Condition(interval=interval)
    for attempt in attempts:
        condition = condition.after(attempt, monotonic_s=0.0)
    return condition


def test_it_is_ready_while_the_last_sound_run_is_younger_than_twice_the_interval() -> None:
    assert not after().ready(monotonic_s=0.0)
    assert after(SOUND).ready(monotonic_s=1799.0)
    assert not after(SOUND).ready(monotonic_s=1800.0)
    assert after(SOUND, spoilt(Part.LAGO)).ready(monotonic_s=1799.0)


def test_it_tries_again_after_five_seconds_then_after_twice_as_long_and_never_later_than_the_schedule() -> None:
    waits = [after(*[spoilt(Part.LEDGER)] * count).retry_after for count in range(12)]
    seconds = [wait.total_seconds() if wait else None for wait in waits]
    assert seconds == [None, 5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900]
    assert after(*[spoilt(Part.STORE)] * 5000).retry_after == QUARTER


def test_one_sound_run_ends_the_count_of_failures() -> None:
    assert after(spoilt(Part.STRIPE), spoilt(Part.STRIPE)).failures == 2
    assert after(spoilt(Part.STRIPE), SOUND).failures == 0


@pytest.mark.parametrize("part", [Part.LIMITS, Part.FIXES, Part.REPORTS])
def test_what_a_run_that_was_judged_ends_with_is_a_trouble_but_no_failure(part: Part) -> None:
    judged = Attempt(started_at=NOW, finished_at=NOW, run=run_record(), problems={part: "no"})
    condition = after(judged)
    assert part in condition.troubles
    assert (condition.failures, condition.retry_after) == (0, None)


def test_a_trouble_keeps_the_time_of_its_beginning_and_the_words_of_the_last_attempt() -> None:
    later = NOW + QUARTER
    trouble = after(spoilt(Part.LAGO, "slow"), spoilt(Part.LAGO, "away", later)).troubles[Part.LAGO]
    assert (trouble.since, trouble.problem) == (NOW, "away")


def test_a_clock_that_is_set_is_noticed_once_and_one_that_is_slewed_is_not() -> None:
    watch = ClockWatch(NOW, 100.0)
    assert watch.jumped(NOW + timedelta(seconds=1.2), 101.0) == 0.0
    assert watch.jumped(NOW + timedelta(hours=1, seconds=2), 102.0) == pytest.approx(3599.8)
    assert watch.jumped(NOW + timedelta(hours=1, seconds=3), 103.0) == 0.0
    assert watch.jumped(NOW, 104.0) == pytest.approx(-3604.0)

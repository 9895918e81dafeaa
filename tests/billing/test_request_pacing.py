"""The rate budget: how long requests wait for each other, told by a clock that only sleeping moves."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from reconciler.billing.pacing import RateBudget


class SleepingClock:
    def __init__(self) -> None:
        self.now_s = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.now_s += seconds


@pytest.fixture
def clock() -> SleepingClock:
    return SleepingClock()


def budget(clock: SleepingClock, max_requests_per_s: float) -> RateBudget:
    return RateBudget(max_requests_per_s, monotonic=clock.monotonic, sleep=clock.sleep)


def test_the_first_request_goes_at_once_and_the_next_ones_wait_their_turn(clock: SleepingClock) -> None:
    paced = budget(clock, 20)
    for _ in range(3):
        paced.take()
    assert clock.slept == [0.05, 0.05]


def test_time_that_went_by_between_requests_is_not_waited_again(clock: SleepingClock) -> None:
    paced = budget(clock, 20)
    paced.take()
    clock.now_s += 0.04
    paced.take()
    clock.now_s += 10
    paced.take()
    assert clock.slept == [0.01]


def test_idle_time_is_not_saved_up_for_a_burst(clock: SleepingClock) -> None:
    paced = budget(clock, 10)
    clock.now_s += 60
    for _ in range(3):
        paced.take()
    assert clock.slept == [0.1, 0.1]


def test_a_pause_that_the_source_asked_for_holds_the_next_request_back(clock: SleepingClock) -> None:
    paced = budget(clock, 20)
    paced.take()
    paced.hold(3)
    paced.take()
    assert clock.slept == [3]


def test_a_shorter_pause_does_not_cut_a_longer_one(clock: SleepingClock) -> None:
    paced = budget(clock, 20)
    paced.hold(3)
    paced.hold(1)
    paced.take()
    assert clock.slept == [3]


def test_threads_share_one_budget() -> None:
    waits: list[float] = []
    paced = RateBudget(10, monotonic=lambda: 0.0, sleep=waits.append)
    threads: Sequence[threading.Thread] = [threading.Thread(target=paced.take) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(round(wait, 6) for wait in waits) == [round(turn / 10, 6) for turn in range(1, 20)]


def test_an_objection_halves_the_rate_once_for_all_that_were_under_way(clock: SleepingClock) -> None:
    paced = budget(clock, 20)
    first, second = paced.take(), paced.take()
    assert first is not None
    assert second is not None
    clock.now_s += 1
    paced.slow_down(sent_at=first)
    paced.slow_down(sent_at=second)
    assert paced.requests_per_s == 10
    clock.now_s += 1
    paced.slow_down(sent_at=clock.now_s)
    assert paced.requests_per_s == 5


def test_the_rate_grows_back_slowly_and_no_higher_than_it_was(clock: SleepingClock) -> None:
    paced = budget(clock, 20)
    paced.slow_down(sent_at=clock.now_s)
    for _ in range(10):
        paced.speed_up()
    assert round(paced.requests_per_s, 6) == 12
    for _ in range(1_000):
        paced.speed_up()
    assert paced.requests_per_s == 20


def test_the_rate_never_falls_to_nothing(clock: SleepingClock) -> None:
    paced = budget(clock, 32)
    for _ in range(50):
        clock.now_s += 1
        paced.slow_down(sent_at=clock.now_s)
    assert paced.requests_per_s == 1


def test_a_request_whose_turn_comes_after_the_deadline_is_told_so_at_once(clock: SleepingClock) -> None:
    paced = budget(clock, 20)
    paced.hold(30)
    assert paced.take(until=clock.now_s + 10) is None
    assert clock.slept == []
    assert paced.take() is not None

"""How many requests are in flight, who does them, and what happens when one fails or hangs."""

from __future__ import annotations

import threading
import time

import pytest

from billing.billing_support import NOW
from reconciler.billing.asking import OutageError
from reconciler.billing.breadth import Breadth
from reconciler.billing.crew import Crew, OneByOne
from reconciler.billing.tally import Tally
from reconciler.errors import SourceUnavailableError
from reconciler.model.billing import Source


def settle(breadth: Breadth, answer_s: dict[int, float], answers: int = 90) -> list[int]:
    """The widths that come one after the other when answers take so long at each width."""
    widths = [breadth.width]
    for _ in range(answers):
        width = breadth.width
        breadth.answered(answer_s[width], width=width)
        if breadth.width != width:
            widths.append(breadth.width)
    return widths


def test_a_server_that_answers_as_fast_however_many_ask_is_asked_by_as_many_as_may() -> None:
    assert settle(Breadth(8), dict.fromkeys((1, 2, 4, 8), 0.2)) == [1, 2, 4, 8]


def test_a_server_of_one_worker_is_asked_one_request_at_a_time() -> None:
    assert settle(Breadth(8), {1: 0.1, 2: 0.2}) == [1, 2, 1]


def test_a_server_of_four_workers_is_asked_by_four() -> None:
    assert settle(Breadth(8), {1: 0.1, 2: 0.1, 4: 0.1, 8: 0.2}) == [1, 2, 4, 8, 4]


def test_more_in_flight_is_tried_again_after_a_hundred_answers() -> None:
    widths = settle(Breadth(8), {1: 0.1, 2: 0.2}, answers=9 + 103 + 6)
    assert widths == [1, 2, 1, 2, 1]


def test_one_slow_answer_is_no_sign() -> None:
    breadth = Breadth(2)
    for took in (5.0, 0.1, 0.1):
        breadth.answered(took, width=1)
    for took in (0.2, 0.2, 0.2, 0.2, 0.2, 0.2):
        breadth.answered(took, width=2)
    assert breadth.width == 1


def test_answers_to_requests_of_another_width_do_not_count() -> None:
    breadth = Breadth(8)
    for _ in range(50):
        breadth.answered(0.1, width=4)
    assert breadth.width == 1


def test_a_breadth_of_one_stays_one() -> None:
    assert settle(Breadth(1), {1: 0.1}) == [1]


def test_no_more_requests_are_in_flight_than_the_width_whoever_asks() -> None:
    breadth = Breadth(1)
    soon = time.monotonic() + 0.01
    assert breadth.begin(until=soon) == 1
    assert breadth.begin(until=soon) is None
    breadth.end()
    assert breadth.begin(until=soon) == 1


def test_who_waits_to_be_in_flight_goes_when_another_is_done() -> None:
    breadth = Breadth(1)
    breadth.begin(until=time.monotonic())
    went = threading.Thread(target=breadth.begin, kwargs={"until": time.monotonic() + 30})
    went.start()
    breadth.end()
    went.join(timeout=5)
    assert not went.is_alive()


def tally(width: int, *, seconds: float = 60) -> Tally:
    breadth = Breadth(width)
    breadth.width = width
    return Tally(read_from=NOW, until=time.monotonic() + seconds, breadth=breadth)


def test_a_crew_does_as_many_jobs_at_once_as_the_breadth_allows() -> None:
    together = threading.Barrier(3, timeout=5)
    with Crew(Source.LAGO, tally(3)) as crew:
        given = 0
        while crew.free:
            crew.give(given, together.wait)
            given += 1
        answered = {crew.take()[0] for _ in range(given)}
    assert (given, answered) == (3, {0, 1, 2})


def test_what_a_job_raises_is_raised_where_its_answer_is_taken_and_ends_the_read() -> None:
    def fail() -> None:
        raise OutageError("down")

    counts = tally(1)
    with Crew(Source.LAGO, counts) as crew:
        crew.give("job", fail)
        with pytest.raises(SourceUnavailableError, match="down"):
            crew.take()
    assert counts.over


def test_a_job_that_hangs_does_not_hold_the_read_past_its_deadline() -> None:
    wakes = threading.Event()
    counts = tally(1, seconds=0.05)
    began = time.monotonic()
    with Crew(Source.STRIPE, counts) as crew:
        crew.give("job", wakes.wait)
        with pytest.raises(SourceUnavailableError, match="Stripe was not read to its end in the time"):
            crew.take()
    assert time.monotonic() - began < 2
    wakes.set()


def test_threads_end_with_the_read() -> None:
    before = threading.active_count()
    with Crew(Source.LAGO, tally(2)) as crew:
        crew.give(1, lambda: None)
        crew.take()
    assert threading.active_count() <= before


def test_one_by_one_does_each_job_where_its_answer_is_taken() -> None:
    hands = OneByOne()
    hands.give("tag", threading.get_ident)
    assert not hands.free
    assert hands.take() == ("tag", threading.get_ident())
    assert hands.free

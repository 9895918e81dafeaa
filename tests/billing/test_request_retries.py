"""The one retry policy: what is sent again, how often, and how a pause asked for by the source is honoured."""

from __future__ import annotations

import socket
import ssl
import time

import pytest

from billing.billing_support import NOW, QUICK
from reconciler.billing.asking import (
    Caller,
    OutageError,
    Retry,
    RetryPolicy,
    TryAgainError,
    asked_wait,
    unheard,
    why_unreachable,
)
from reconciler.billing.pacing import RateBudget
from reconciler.billing.tally import Tally
from reconciler.errors import CredentialError, SourceUnavailableError
from reconciler.model.billing import Source


class Asked:
    """A request that fails with each of `failures` and then answers; every wait and retry is kept."""

    def __init__(self, *failures: Exception, policy: RetryPolicy = QUICK) -> None:
        self.failures = list(failures)
        self.sent = 0
        self.waits: list[float] = []
        self.retries: list[Retry] = []
        self.tally = Tally(read_from=NOW)
        budget = RateBudget(1e9, monotonic=lambda: 0.0, sleep=self.waits.append)
        self._caller = Caller(Source.LAGO, budget, policy=policy, on_retry=self.retries.append)

    def send(self) -> str:
        self.sent += 1
        if self.failures:
            raise self.failures.pop(0)
        return "answer"

    def call(self) -> str:
        return self._caller.call(self.send, self.tally)


def test_a_request_that_fails_is_sent_again_until_it_answers() -> None:
    asked = Asked(TryAgainError("down"), TryAgainError("still down"))
    assert asked.call() == "answer"
    assert (asked.tally.requests, asked.tally.retries) == (3, 2)


def test_each_retry_is_told_with_its_reason() -> None:
    asked = Asked(TryAgainError("down"), TryAgainError("still down"))
    asked.call()
    assert asked.retries == [
        Retry(source=Source.LAGO, attempt=2, reason="down"),
        Retry(source=Source.LAGO, attempt=3, reason="still down"),
    ]


def test_after_the_last_attempt_the_last_failure_is_raised_as_an_outage() -> None:
    asked = Asked(TryAgainError("one"), TryAgainError("two"), TryAgainError("three"), TryAgainError("four"))
    with pytest.raises(SourceUnavailableError, match="three"):
        asked.call()
    assert (asked.sent, asked.tally.requests, asked.tally.retries) == (3, 3, 2)


@pytest.mark.parametrize("final", [CredentialError("refused", remedy="set it"), OutageError("asked not to retry")])
def test_what_cannot_get_better_is_not_sent_again(final: Exception) -> None:
    asked = Asked(final)
    with pytest.raises(type(final)):
        asked.call()
    assert asked.sent == 1


def test_nothing_is_sent_again_after_the_deadline() -> None:
    asked = Asked(
        *(TryAgainError("down") for _ in range(9)),
        policy=RetryPolicy(attempts=9, deadline_s=0.02, first_wait_s=0.03, longest_wait_s=0.03, jitter_s=0),
    )
    with pytest.raises(SourceUnavailableError):
        asked.call()
    assert asked.sent == 2


def test_waits_grow_and_no_two_are_alike_so_that_many_do_not_come_back_at_once() -> None:
    waits = set()
    for _ in range(4):
        asked = Asked(TryAgainError("down"), policy=RetryPolicy(attempts=2, first_wait_s=0.01, jitter_s=0.05))
        began = time.monotonic()
        asked.call()
        waits.add(round(time.monotonic() - began, 4))
    assert len(waits) > 1
    assert min(waits) >= 0.01


def test_the_pause_that_the_source_asks_for_is_kept() -> None:
    asked = Asked(TryAgainError("too fast", wait_s=7))
    assert asked.call() == "answer"
    assert [round(wait) for wait in asked.waits] == [7]


def test_a_pause_longer_than_the_deadline_is_not_waited_for() -> None:
    asked = Asked(TryAgainError("come back tomorrow", wait_s=86_400))
    with pytest.raises(SourceUnavailableError, match="tomorrow"):
        asked.call()
    assert (asked.sent, asked.waits) == (1, [])


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry-After": "3"}, 3.0),
        ({"X-RateLimit-Reset": "12"}, 12.0),
        ({"Retry-After": "3", "X-RateLimit-Reset": "12"}, 3.0),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "12"}, 12.0),
        ({"Retry-After": "Tue, 24 Nov 2026 12:00:30 GMT", "Date": "Tue, 24 Nov 2026 12:00:00 GMT"}, 30.0),
        ({"Retry-After": "Tue, 24 Nov 2026 11:00:00 GMT", "Date": "Tue, 24 Nov 2026 12:00:00 GMT"}, 0.0),
        ({"Retry-After": "Wed, 01 Jan 2020 00:00:00 GMT"}, 0.0),
        ({"Retry-After": "Tue, 24 Nov 2026 12:00:30 GMT", "Date": "today"}, None),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "nan"}, None),
        ({}, None),
    ],
)
def test_seconds_to_wait_are_read_from_the_headers(headers: dict[str, str], wait_s: float | None) -> None:
    assert asked_wait(headers) == wait_s


@pytest.mark.parametrize(
    ("beneath", "why"),
    [
        (socket.gaierror(-2, "Name or service not known"), "its name does not resolve"),
        (ssl.SSLCertVerificationError("self-signed"), "its certificate is not trusted"),
        (ConnectionRefusedError(), "it refuses the connection"),
        (TimeoutError(), "it did not answer in time"),
        (ConnectionResetError(), "the connection broke"),
    ],
)
def test_the_networks_reason_is_found_beneath_a_librarys_error(beneath: Exception, why: str) -> None:
    library, wrapped = LookupError("what was sent"), RuntimeError("again")
    library.__context__ = beneath
    wrapped.__cause__ = library
    assert why_unreachable(wrapped) == why


def test_an_objection_to_the_rate_halves_it_for_all_and_success_grows_it_back() -> None:
    budget = RateBudget(100, monotonic=lambda: 0.0, sleep=lambda _: None)
    caller = Caller(Source.STRIPE, budget, policy=QUICK, on_retry=unheard)
    failures = [TryAgainError("too fast", too_fast=True), TryAgainError("locked")]

    def send() -> str:
        if failures:
            raise failures.pop(0)
        return "answer"

    assert caller.call(send, Tally(read_from=NOW)) == "answer"
    assert budget.requests_per_s == 51


@pytest.mark.parametrize(
    ("headers", "holds_s"),
    [
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9"}, [9]),
        ({"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "9"}, []),
        ({"X-RateLimit-Remaining": "0"}, []),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795521600"}, []),
    ],
)
def test_a_success_that_was_the_last_for_now_holds_the_next_request_back(
    headers: dict[str, str], holds_s: list[int]
) -> None:
    waits: list[float] = []
    budget = RateBudget(1e9, monotonic=lambda: 0.0, sleep=waits.append)
    Caller(Source.LAGO, budget, policy=QUICK, on_retry=unheard).heed(headers)
    budget.take()
    assert [round(wait) for wait in waits] == holds_s


def test_nothing_is_sent_after_the_deadline_of_the_read_nor_after_it_was_given_up() -> None:
    asked = Asked()
    for tally in (Tally(read_from=NOW, until=0.0), Tally(read_from=NOW, given_up=True)):
        asked.tally = tally
        with pytest.raises(SourceUnavailableError, match="Lago was not read to its end in the time"):
            asked.call()
    assert asked.sent == 0


def test_a_turn_that_comes_after_the_deadline_of_the_read_is_not_waited_for() -> None:
    budget = RateBudget(1)
    budget.hold(3_600)
    caller = Caller(Source.LAGO, budget, policy=QUICK, on_retry=unheard)
    with pytest.raises(SourceUnavailableError, match="not read to its end"):
        caller.call(lambda: "answer", Tally(read_from=NOW, until=time.monotonic() + 60))

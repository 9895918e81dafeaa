"""Sends the requests of one source: within its rate, again where that can help, and counted."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import stamina

from reconciler.billing.pacing import RateBudget
from reconciler.billing.tally import Tally
from reconciler.errors import SourceUnavailableError
from reconciler.model.billing import Source

Answer = TypeVar("Answer")

DROPS = 2  # a whole answer may take this many times as long as the time out of a single read from the network
MOST_IN_FLIGHT = 8  # of one read; at 200 ms an answer that is 40 requests a second
READ_DEADLINE_S = 900.0
_NOT_DONE = "The source counts as not read whole"


class OutageError(SourceUnavailableError):
    """A source that does not answer as it should; `problem` names it and holds nothing that it sent."""

    def __init__(self, problem: str, *, remedy: str = "See whether the source is up, then run again") -> None:
        super().__init__(problem, not_done=_NOT_DONE, remedy=remedy)


class TryAgainError(OutageError):
    """A request that may well succeed a moment later; `wait_s` is the pause the source asked for, if it did.

    `too_fast` says that the source objects to the rate and not to this request alone.
    """

    def __init__(self, problem: str, *, wait_s: float | None = None, too_fast: bool = False) -> None:
        super().__init__(problem)
        self.wait_s = wait_s
        self.too_fast = too_fast


class GarbledError(TryAgainError):
    """An answer that says success but is not what the source sends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how long one request is tried: waits double from `first_wait_s`, each with up to `jitter_s` more.

    A source that asks for a pause longer than `deadline_s` is not waited for.
    """

    attempts: int = 5
    deadline_s: float = 60.0
    first_wait_s: float = 0.25
    longest_wait_s: float = 5.0
    jitter_s: float = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """One request that is sent again: which attempt this is, counted from 1, and why.

    `throttled`: the source said that requests came too fast.
    """

    source: Source
    attempt: int
    reason: str
    throttled: bool = False


RetryListener = Callable[[Retry], None]


def unheard(_retry: Retry) -> None:
    """Tell nobody."""


class Caller:
    """The one way by which requests leave for a source."""

    def __init__(
        self,
        source: Source,
        budget: RateBudget,
        *,
        policy: RetryPolicy,
        on_retry: RetryListener,
    ) -> None:
        """Tell `on_retry` of every request that is sent again."""
        self._source = source
        self._budget = budget
        self._policy = policy
        self._on_retry = on_retry

    def call(self, send: Callable[[], Answer], tally: Tally) -> Answer:
        """What `send` returns, sent again while it raises TryAgainError and the policy allows; else its last error.

        Raises OutageError where the read that `tally` counts must end before the request may go.
        """
        policy = self._policy
        failure: TryAgainError | None = None
        for attempt in stamina.retry_context(
            on=self._worth_it,
            attempts=policy.attempts,
            timeout=policy.deadline_s,
            wait_initial=policy.first_wait_s,
            wait_max=policy.longest_wait_s,
            wait_jitter=policy.jitter_s,
        ):
            with attempt:
                width = tally.breadth.begin(until=tally.until)
                if width is None:
                    raise failure or out_of_time(self._source)
                try:
                    return self._send(send, tally, width=width, attempt=attempt.num, failure=failure)
                except TryAgainError as error:
                    failure = error
                    raise
                finally:
                    tally.breadth.end()
        raise AssertionError  # retry_context ends by returning or raising

    def _send(
        self, send: Callable[[], Answer], tally: Tally, *, width: int, attempt: int, failure: TryAgainError | None
    ) -> Answer:
        sent_at = None if tally.over else self._budget.take(until=tally.until)
        if sent_at is None:
            raise failure or out_of_time(self._source)
        if failure is not None:
            tally.count(retries=1)
            self._on_retry(
                Retry(source=self._source, attempt=attempt, reason=failure.problem, throttled=failure.too_fast)
            )
        tally.count(requests=1)
        began = time.monotonic()
        try:
            answer = send()
        except TryAgainError as error:
            if error.too_fast:
                self._budget.slow_down(sent_at=sent_at)
            if error.wait_s is not None and error.wait_s <= self._policy.deadline_s:
                self._budget.hold(error.wait_s)
            raise
        if tally.watched:
            tally.breadth.answered(time.monotonic() - began, width=width)
        self._budget.speed_up()
        return answer

    def heed(self, headers: Mapping[str, str]) -> None:
        """Hold further requests back where a success says, by `X-RateLimit-Remaining`, that it was the last one."""
        if headers.get("X-RateLimit-Remaining") != "0":
            return
        wait_s = asked_wait(headers)
        if wait_s is not None and wait_s <= self._policy.deadline_s:
            self._budget.hold(wait_s)

    def _worth_it(self, error: Exception) -> bool:
        if not isinstance(error, TryAgainError):
            return False
        return error.wait_s is None or error.wait_s <= self._policy.deadline_s


def out_of_time(source: Source) -> OutageError:
    """What is said of a read that its deadline cut off."""
    return OutageError(
        f"{source.value.capitalize()} was not read to its end in the time that one read may take",
        remedy="Run again; see whether the source is slow",
    )


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """The seconds a source asks to wait: `Retry-After`, else `X-RateLimit-Reset` (seconds left, not a time)."""
    for name in ("Retry-After", "X-RateLimit-Reset"):
        said = headers.get(name)
        if said is None:
            continue
        try:
            seconds = float(said)
        except ValueError:
            seconds = _seconds_to(said, headers.get("Date"))
        if 0 <= seconds < float("inf"):
            return seconds
    return None


def _seconds_to(said: str, sent: str | None) -> float:
    """Seconds to an HTTP date, by the source's own clock where it told it; not a number where `said` is no date."""
    try:
        then = parsedate_to_datetime(said)
        now = datetime.now(UTC) if sent is None else parsedate_to_datetime(sent)
        return max(0.0, (then - now).total_seconds())
    except (ValueError, TypeError):  # no date, or one with a zone and one without
        return float("nan")


def why_unreachable(error: BaseException) -> str:
    """The network's reason beneath a library's `error`, in words that hold neither address nor content."""
    beneath: BaseException | None = error
    while beneath is not None:
        match beneath:
            case socket.gaierror():
                return "its name does not resolve"
            case ssl.SSLCertVerificationError():
                return "its certificate is not trusted"
            case ConnectionRefusedError():
                return "it refuses the connection"
            case TimeoutError():
                return "it did not answer in time"
            case _:
                beneath = beneath.__cause__ or beneath.__context__
    return "the connection broke"

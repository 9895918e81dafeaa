"""Sends the requests of one source: within its rate, again where that can help, and counted."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import stamina

from reconciler.billing.pacing import RateBudget
from reconciler.errors import SourceUnavailableError
from reconciler.model.billing import Source
from reconciler.model.observation import ReadProof

Answer = TypeVar("Answer")

_NOT_DONE = "The source counts as not read whole"


class OutageError(SourceUnavailableError):
    """A source that does not answer as it should; `problem` names it and holds nothing that it sent."""

    def __init__(self, problem: str, *, remedy: str = "See whether the source is up, then run again") -> None:
        super().__init__(problem, not_done=_NOT_DONE, remedy=remedy)


class TryAgainError(OutageError):
    """A request that may well succeed a moment later; `wait_s` is the pause the source asked for, if it did."""

    def __init__(self, problem: str, *, wait_s: float | None = None) -> None:
        super().__init__(problem)
        self.wait_s = wait_s


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
    """One request that is sent again: which attempt this is, counted from 1, and why."""

    source: Source
    attempt: int
    reason: str


RetryListener = Callable[[Retry], None]


def unheard(_retry: Retry) -> None:
    """Tell nobody."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts of one read while it goes on."""

    read_from: datetime
    pages: int = 0
    requests: int = 0
    retries: int = 0

    def proof(self, *, rows: int, read_until: datetime) -> ReadProof:
        """What was counted so far."""
        return ReadProof(
            read_from=self.read_from,
            read_until=read_until,
            rows=rows,
            pages=self.pages,
            requests=self.requests,
            retries=self.retries,
        )


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
        """What `send` returns, sent again while it raises TryAgainError and the policy allows; else its last error."""
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
                if failure is not None:
                    tally.retries += 1
                    self._on_retry(Retry(source=self._source, attempt=attempt.num, reason=failure.problem))
                self._budget.take()
                tally.requests += 1
                try:
                    return send()
                except TryAgainError as error:
                    failure = error
                    if error.wait_s is not None and error.wait_s <= policy.deadline_s:
                        self._budget.hold(error.wait_s)
                    raise
        raise AssertionError  # retry_context ends by returning or raising

    def _worth_it(self, error: Exception) -> bool:
        if not isinstance(error, TryAgainError):
            return False
        return error.wait_s is None or error.wait_s <= self._policy.deadline_s


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """The seconds a refusal asks to wait: `Retry-After`, else `X-RateLimit-Reset` (seconds left, not a time)."""
    for name in ("Retry-After", "X-RateLimit-Reset"):
        said = headers.get(name)
        if said is None:
            continue
        try:
            seconds = float(said)
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    return None


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

"""Reads with several requests in flight: threads do the asking, one thread decides what is asked next."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

from reconciler.billing.asking import out_of_time
from reconciler.billing.tally import Tally
from reconciler.model.billing import Source

_PARTING_S = 0.5  # for threads to end after a read; who hangs longer ends with its time out, or with the process

Answer = TypeVar("Answer")
_Tag = tuple[int, object]  # the number of the job, and whose it is


class Hands(Protocol):
    """Does jobs, several at a time where it can, and gives back what they return, the first that is ready first."""

    @property
    def free(self) -> bool:
        """Whether a further job may be given now."""
        ...

    def give(self, tag: object, job: Callable[[], object]) -> None:
        """Have `job` done."""
        ...

    def take(self) -> tuple[Any, Any]:
        """Wait for a job and return its tag and what it returned; raises what it raised."""
        ...


@dataclass(frozen=True, slots=True)
class _Done(Generic[Answer]):
    tag: _Tag
    answer: Answer | None = None
    error: BaseException | None = None


class Crew:
    """Threads that do the jobs of one read, as many at a time as the breadth of its tally says.

    Use as a context manager. `take` raises OutageError when the deadline of the tally has passed, whatever a thread is
    still waiting for; nothing further is sent then, nor after a job has failed.
    """

    def __init__(self, source: Source, tally: Tally, *, on_step: Callable[[str], None] | None = None) -> None:
        """Tell `on_step` each step: `crew` now, then `give`, `take N` of the Nth job given, from 0, and `late`."""
        self._source = source
        self._tally = tally
        self._on_step = on_step
        self._given = 0
        self._jobs: queue.SimpleQueue[tuple[_Tag, Callable[[], object]] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[_Done[object]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._in_flight = 0
        self._step("crew")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tally.given_up = True
        for _each in self._threads:
            self._jobs.put(None)
        must_end_by = time.monotonic() + _PARTING_S
        for thread in self._threads:
            thread.join(timeout=max(0.0, must_end_by - time.monotonic()))

    @property
    def free(self) -> bool:
        """Whether a further job may be given now."""
        return self._in_flight < self._tally.breadth.width

    def give(self, tag: object, job: Callable[[], object]) -> None:
        """Have `job` done by a thread."""
        self._in_flight += 1
        number, self._given = self._given, self._given + 1
        self._step("give")
        if len(self._threads) < self._in_flight:
            whole = copy_context()  # its lines in the log belong to the run as well
            thread = threading.Thread(target=whole.run, args=(self._work,), name=f"read {self._source}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._jobs.put(((number, tag), job))

    def take(self) -> tuple[Any, Any]:
        """Wait for a job and return its tag and what it returned; raises what it raised."""
        left_s = self._tally.until - time.monotonic()
        try:
            done = self._done.get(timeout=max(0.0, min(left_s, threading.TIMEOUT_MAX)))
        except queue.Empty:
            self._tally.given_up = True
            self._step("late")
            raise out_of_time(self._source) from None
        self._in_flight -= 1
        number, tag = done.tag
        self._step(f"take {number}")
        if done.error is not None:
            self._tally.given_up = True
            raise done.error
        return tag, done.answer

    def _step(self, step: str) -> None:
        if self._on_step is not None:
            self._on_step(step)

    def _work(self) -> None:
        while (given := self._jobs.get()) is not None:
            tag, job = given
            try:
                self._done.put(_Done(tag, answer=job()))
            except BaseException as error:  # noqa: BLE001 # raised again where the answer is taken
                self._done.put(_Done(tag, error=error))


def do_all(hands: Hands, jobs: Iterable[tuple[str, Callable[[], Answer]]]) -> Iterator[tuple[str, Answer]]:
    """What each job returns, by its name, in the order in which they are done; raises what one raises."""
    waiting = list(jobs)[::-1]
    in_flight = 0
    while waiting or in_flight:
        while waiting and hands.free:
            hands.give(*waiting.pop())
            in_flight += 1
        name, answer = hands.take()
        in_flight -= 1
        yield name, answer


class OneByOne:
    """Does each job when its answer is taken, in the thread that takes it."""

    def __init__(self) -> None:
        self._given: tuple[object, Callable[[], object]] | None = None

    @property
    def free(self) -> bool:
        """Whether no job waits."""
        return self._given is None

    def give(self, tag: object, job: Callable[[], object]) -> None:
        """Keep `job` until its answer is taken."""
        self._given = tag, job

    def take(self) -> tuple[Any, Any]:
        """Do the job and return its tag and what it returned; raises what it raises."""
        if self._given is None:
            raise AssertionError
        (tag, job), self._given = self._given, None
        return tag, job()

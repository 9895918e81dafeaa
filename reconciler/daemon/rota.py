"""Begins passes one at a time, by the schedule or when asked, through APScheduler."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from apscheduler.events import (
    EVENT_JOB_EXECUTED,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_SUBMITTED,
    JobExecutionEvent,
    JobSubmissionEvent,
)
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

T = TypeVar("T")

_JOB = "pass"
_LATE = timedelta(seconds=5)


class Rota(Generic[T]):
    """A schedule with one job. `done` is called with what it returned, `late` and `skipped` where it was not on time.

    They are called from other threads. Beginnings that were missed are made up for by one, at once, whatever the delay.
    """

    def __init__(
        self,
        job: Callable[[], T],
        trigger: BaseTrigger,
        *,
        done: Callable[[T], None],
        late: Callable[[timedelta], None],
        skipped: Callable[[], None],
        at_once: bool,
    ) -> None:
        """`at_once`: the first pass begins when the rota does, and not by the trigger."""
        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # what it warns of is told by `late` and `skipped`
        self._done, self._late, self._skipped = done, late, skipped
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        first = {"next_run_time": datetime.now(UTC)} if at_once else {}
        self._scheduler.add_job(job, trigger, id=_JOB, **first)
        self._scheduler.add_listener(self._hear, EVENT_JOB_EXECUTED | EVENT_JOB_MAX_INSTANCES | EVENT_JOB_SUBMITTED)

    def start(self) -> None:
        """Begin passes from now on."""
        self._scheduler.start()

    def stop(self) -> None:
        """Begin no more; one that is going on is not waited for."""
        self._scheduler.shutdown(wait=False)

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        thread = getattr(self._scheduler, "_thread", None)
        return thread is not None and thread.is_alive()

    @property
    def next_run(self) -> datetime | None:
        """When the next pass is due."""
        job = self._scheduler.get_job(_JOB)
        return job.next_run_time if job else None

    def follow(self, trigger: BaseTrigger) -> None:
        """Go by `trigger` from now on, counted from now."""
        self._scheduler.reschedule_job(_JOB, trigger=trigger)

    def no_later_than(self, at: datetime) -> None:
        """Have the next pass at `at`, unless it is due before."""
        due = self.next_run
        if due is None or due > at:
            self._scheduler.modify_job(_JOB, next_run_time=at)

    def _hear(self, event: JobSubmissionEvent | JobExecutionEvent) -> None:
        if event.code == EVENT_JOB_EXECUTED:
            self._done(event.retval)
        elif event.code == EVENT_JOB_MAX_INSTANCES:
            self._skipped()
        else:
            delay = datetime.now(UTC) - event.scheduled_run_times[0]
            if delay > _LATE:
                self._late(delay)

"""Sends the news of each run, and pings a dead-man's switch; never fails a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import httpx
import structlog

from reconciler.model.run import RunMode, RunRecord
from reconciler.notify.memory import Memory
from reconciler.notify.news import Ending, MonthOver, news
from reconciler.notify.post import Post

_log = structlog.get_logger()

_PING_S = 10.0


class Messages:
    """A ReportWriter that tells people. What could not be sent is sent after the next run that gives cause for it."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        ping_url: str,
        after: timedelta,
        memory: Memory,
        endings: Callable[[RunRecord], Sequence[Ending]],
        month_over: Callable[[RunRecord], MonthOver | None],
    ) -> None:
        """`endings` and `month_over` are asked after each run. Nothing is sent before the first."""
        self._post, self._ping_url = Post(urls, memory), ping_url
        self._after, self._memory = after, memory
        self._endings, self._month_over = endings, month_over

    def write(self, run: RunRecord) -> None:
        """Send what is new in `run`, then ping where it was complete."""
        try:
            told = self._memory.told()
            due = news(run, told, after=self._after, endings=self._endings(run), month=self._month_over(run))
            if due:
                self._memory.keep(told)  # what cannot be remembered would be sent again after every run
        except Exception as error:  # noqa: BLE001 -- no word to anybody is worth a run
            _log.error("notify.failed", reason=type(error).__name__)
        else:
            self._post.send(due)
        if self._ping_url and run.complete and not run.partial and run.mode is not RunMode.DRY_RUN:
            self._ping()

    def _ping(self) -> None:
        try:
            httpx.get(self._ping_url, timeout=_PING_S, follow_redirects=True).raise_for_status()
        except httpx.HTTPError as error:
            _log.error("notify.failed", reason=f"ping: {type(error).__name__}")

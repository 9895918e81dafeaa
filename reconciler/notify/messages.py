"""Sends the news of each run through Apprise and remembers what was sent, in one small file; never fails a run."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import apprise
import httpx
import structlog

from reconciler.model.run import RunMode, RunRecord
from reconciler.notify.news import Ending, Kind, Message, news

_log = structlog.get_logger()

_PING_S = 10.0
_GRADES = {
    Kind.OUTAGE: apprise.NotifyType.WARNING,
    Kind.BREAKER: apprise.NotifyType.FAILURE,
    Kind.STUCK: apprise.NotifyType.FAILURE,
    Kind.RESOLVED: apprise.NotifyType.SUCCESS,
}


class Messages:
    """A ReportWriter that tells people. What could not be sent is sent after the next run that gives cause for it."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        ping_url: str,
        after: timedelta,
        memory: Path,
        endings: Callable[[RunRecord], Sequence[Ending]],
    ) -> None:
        """`memory` holds what was sent; its folder is there. Nothing is sent before the first run."""
        self._urls, self._ping_url = tuple(urls), ping_url
        self._after, self._memory, self._endings = after, memory, endings

    def write(self, run: RunRecord) -> None:
        """Send what is new in `run`, then ping where it was complete."""
        try:
            self._send(run)
        except Exception as error:  # noqa: BLE001 -- no word to anybody is worth a run; Apprise's plugins raise anything
            _log.error("notify.failed", reason=type(error).__name__)
        if self._ping_url and run.complete and not run.partial and run.mode is not RunMode.DRY_RUN:
            self._ping()

    def _send(self, run: RunRecord) -> None:
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it would name the addresses; we say what failed
        receivers = apprise.Apprise()
        unusable = sum(not receivers.add(url) for url in self._urls)
        if unusable:
            _log.error("notify.failed", reason=f"{unusable} of [notify] urls are no address that Apprise knows")
        if not len(receivers):
            return
        told = self._told()
        for message in news(run, told, after=self._after, endings=self._endings(run)):
            if not receivers.notify(
                title=message.title,
                body=message.body or message.title,
                notify_type=_GRADES.get(message.kind, apprise.NotifyType.INFO),
                body_format=apprise.NotifyFormat.TEXT,
            ):
                _log.error("notify.failed", reason="a receiver did not take it", kind=message.kind.value)
                return  # the next run tries again with all that is left
            told = self._keep(message, told)
            _log.info("notify.sent", kind=message.kind.value)

    def _ping(self) -> None:
        try:
            httpx.get(self._ping_url, timeout=_PING_S, follow_redirects=True).raise_for_status()
        except httpx.HTTPError as error:
            _log.error("notify.failed", reason=f"ping: {type(error).__name__}")

    def _told(self) -> dict[str, str]:
        with suppress(FileNotFoundError, ValueError):  # none yet, or cut off: people are told once more
            read = json.loads(self._memory.read_text(encoding="utf-8"))
            if isinstance(read, dict):
                return {str(key): str(value) for key, value in read.items()}
        return {}

    def _keep(self, message: Message, told: Mapping[str, str]) -> dict[str, str]:
        """Kept after each message, so that a crash repeats one at most."""
        now = message.told(told)
        beside = self._memory.with_suffix(".new")
        with beside.open("w", encoding="utf-8") as file:
            json.dump(now, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._memory)
        return now

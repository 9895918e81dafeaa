"""Shows on a terminal how far a pass has come: rows, pages, rate and time left of each source, then fixes."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from reconciler.cycle.line import UNWATCHED
from reconciler.model.billing import Source
from reconciler.ports import Watcher

_QUIET_S = 1.0  # work that is done within it needs no bar
_EVERY_S = 0.1
_BAR = 10


def watcher_of(log_format: str, *, quiet: bool) -> Watcher:
    """Bars where somebody looks: standard error is a terminal that can show them, and logs do not go there as JSON."""
    console = Console(stderr=True)
    if quiet or log_format == "json" or not console.is_terminal or console.is_dumb_terminal:
        return UNWATCHED
    return Bars(console)


@dataclass(slots=True, kw_only=True)
class _Reading:
    """How far one source is read; `expected` is what it counts, or what it held in the last complete run."""

    task: TaskID
    began: float
    expected: int = 0
    counted: int = 0
    rows: int = 0
    pages: int = 0

    def words(self, now: float) -> str:
        per_s = self.rows / max(now - self.began, 1e-3)
        of = max(self.expected, self.counted)
        seen = f"{self.rows:,}/{of:,} rows" if of > self.rows else f"{self.rows:,} rows"
        left = f"  {_clock((of - self.rows) / per_s)} left" if of > self.rows and per_s > 0 else ""
        return f"{seen}  {self.pages:,} pages  {per_s:,.0f}/s{left}"


class Bars:
    """Draws when something happened, at most ten times a second, and not in the first one; it has no thread of its own.

    Threads may share it. `done` takes the bars away.
    """

    def __init__(self, console: Console, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._monotonic = monotonic
        self._began = monotonic()
        self._drawn = self._began
        self._lock = threading.Lock()
        self._progress = Progress(
            TextColumn("{task.description:<7}", markup=False),
            BarColumn(bar_width=_BAR),
            TextColumn("{task.fields[words]}", markup=False),
            console=console,
            auto_refresh=False,
            transient=True,
        )
        self._readings: dict[Source, _Reading] = {}
        self._remembered: Mapping[Source, int] = {}
        self._step: TaskID | None = None
        self._over = False

    def expects(self, rows: Mapping[Source, int]) -> None:
        """What each source held in the last complete run."""
        with self._lock:
            self._remembered = dict(rows)

    def page(self, source: Source, rows: int, counted: int) -> None:
        """A page of `rows` was read; the source counts `counted` more in its list than was told before."""
        with self._lock:
            now = self._monotonic()
            reading = self._readings.get(source)
            if reading is None:
                task = self._progress.add_task(source.value, total=None, words="")
                reading = _Reading(task=task, began=self._began, expected=self._remembered.get(source, 0))
                self._readings[source] = reading
            reading.rows += rows
            reading.pages += 1
            reading.counted += counted
            of = max(reading.expected, reading.counted)
            self._progress.update(
                reading.task,
                completed=min(reading.rows, of),
                total=of or None,
                words=reading.words(now),
            )
            self._draw(now)

    def judging(self, orgs: int) -> None:
        """Everything is read."""
        self._next(f"judging {orgs:,} organisations", done=0, of=0)

    def applied(self, done: int, of: int) -> None:
        """So many fixes were begun."""
        self._next(f"{done:,}/{of:,} fixes", done=done, of=of)

    def done(self) -> None:
        """The pass is over."""
        with self._lock:
            if not self._over and self._progress.live.is_started:
                before = sys.stderr
                self._progress.stop()
                _move_logs(before)
            self._over = True

    def _next(self, words: str, *, done: int, of: int) -> None:
        with self._lock:
            for reading in self._readings.values():
                self._progress.update(reading.task, visible=False)
            name = "writing" if of else "rules"
            if self._step is None:
                self._step = self._progress.add_task(name, total=of or None, words=words)
            self._progress.update(self._step, description=name, completed=done, total=of or None, words=words)
            self._draw(self._monotonic())

    def _draw(self, now: float) -> None:
        if self._over or now - self._began < _QUIET_S:
            return
        if not self._progress.live.is_started:
            before = sys.stderr
            self._progress.start()
            self._console.show_cursor(True)  # whoever ends this process by a signal keeps it
            _move_logs(before)
        elif now - self._drawn < _EVERY_S:
            return
        self._drawn = now
        self._progress.refresh()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _move_logs(before: TextIO) -> None:
    """Lines of the log go above the bars while there are any: sys.stderr is Rich's then, which moves them down."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is before:
            handler.setStream(sys.stderr)

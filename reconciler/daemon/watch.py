"""Notices that somebody set the clock, or that the machine slept."""

from __future__ import annotations

from datetime import datetime

_JUMP_S = 5.0  # a clock that is slewed, or a loop that turns late, stays below


class ClockWatch:
    """Compares the machine's clock with the one that nobody sets."""

    def __init__(self, now: datetime, monotonic_s: float) -> None:
        """Begin to compare."""
        self._now, self._monotonic_s = now, monotonic_s

    def jumped(self, now: datetime, monotonic_s: float) -> float:
        """By how many seconds the clock jumped since the last look, backwards negative; 0.0 where it did not."""
        by = (now - self._now).total_seconds() - (monotonic_s - self._monotonic_s)
        self._now, self._monotonic_s = now, monotonic_s
        return by if abs(by) > _JUMP_S else 0.0

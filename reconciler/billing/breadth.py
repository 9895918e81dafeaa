"""Finds how many requests of one read may be in flight, by watching whether more of them bring more."""

from __future__ import annotations

import statistics
import threading
import time

_GAIN = 1.3  # twice the requests must bring at least this much more, or they only queue at the server
_SAMPLES_EACH = 2  # answers watched for each request in flight; the first of them find the server less busy
_SAMPLES = 3  # at the least; the first may have had to open its connection
_PATIENCE = 100  # answers until a width that brought too little is tried again


class Breadth:
    """Begins with one request in flight and doubles up to `most` while that brings more answers.

    What the server gives is the number in flight divided by the median time of an answer; waits for the rate budget
    are not in it. Where doubling brings less than 1.3 times as much it is taken back: a server of one worker answers
    no faster for being asked twice at once. It is tried again after a hundred answers. However many threads ask, no
    more than `width` requests are between `begin` and `end`.
    """

    def __init__(self, most: int, *, width: int = 1) -> None:
        self._most = most
        self._changed = threading.Condition()
        self._in_flight = 0
        self._lower = 1
        self._lower_per_s = 0.0
        self._watched: list[float] = []
        self._unwatched = 0
        self.width = width

    def begin(self, *, until: float) -> int | None:
        """Wait until one more may be in flight and return how many may; None where that is past `until`.

        `until` is a moment of `time.monotonic`. Who was let go calls `end`.
        """
        left_s = max(0.0, min(until - time.monotonic(), threading.TIMEOUT_MAX))
        with self._changed:
            if not self._changed.wait_for(lambda: self._in_flight < self.width, timeout=left_s):
                return None
            self._in_flight += 1
            return self.width

    def end(self) -> None:
        """One is no longer in flight."""
        with self._changed:
            self._in_flight -= 1
            self._changed.notify()

    def answered(self, duration_s: float, *, width: int) -> None:
        """An answer took `duration_s`, asked for when `width` requests might be in flight."""
        with self._changed:
            if width != self.width or self._most == 1:
                return
            if self._unwatched:
                self._unwatched -= 1
                return
            self._watched.append(duration_s)
            if len(self._watched) < max(_SAMPLES, _SAMPLES_EACH * self.width):
                return
            per_s = self.width / max(statistics.median(self._watched), 1e-9)
            self._watched.clear()
            if per_s < self._lower_per_s * _GAIN:
                self.width = self._lower
                self._lower_per_s = 0.0
                self._unwatched = _PATIENCE
            elif self.width == self._most:
                self._lower_per_s = 0.0
                self._unwatched = _PATIENCE
            else:
                self._lower, self._lower_per_s = self.width, per_s
                self.width = min(2 * self.width, self._most)
                self._changed.notify_all()

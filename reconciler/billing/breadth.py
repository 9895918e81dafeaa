"""Finds how many requests of one read may be in flight, by watching whether more of them bring more."""

from __future__ import annotations

import statistics
import threading

_GAIN = 1.3  # twice the requests must bring at least this much more, or they only queue at the server
_SAMPLES_EACH = 3  # answers watched for each request in flight; the first may have had to open its connection
_PATIENCE = 100  # answers until a width that brought too little is tried again


class Breadth:
    """Begins with one request in flight and doubles up to `most` while that brings more answers.

    What the server gives is the number in flight divided by the median time of an answer; waits for the rate budget
    are not in it. Where doubling brings less than 1.3 times as much it is taken back: a server of one worker answers
    no faster for being asked twice at once. It is tried again after a hundred answers.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._lower = 1
        self._lower_per_s = 0.0
        self._watched: list[float] = []
        self._unwatched = 0
        self.width = 1

    def answered(self, duration_s: float, *, width: int) -> None:
        """An answer took `duration_s`, asked for when `width` requests might be in flight."""
        with self._lock:
            if width != self.width or self._most == 1:
                return
            if self._unwatched:
                self._unwatched -= 1
                return
            self._watched.append(duration_s)
            if len(self._watched) < _SAMPLES_EACH * self.width:
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

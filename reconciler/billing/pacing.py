"""Keeps the requests to one source under its rate, whatever thread sends them, and slower when the source objects."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_SLOWEST = 1 / 32  # of the configured rate; a source that allows less than that is refusing us, not pacing us
_REGAINED = 1 / 100  # of the configured rate, with each request that goes well


class RateBudget:
    """Lets one request go every 1 / rate seconds, and none at all while the source asked for a pause.

    The rate is `max_requests_per_s` until the source objects: then half of it, grown back by a hundredth of the
    configured rate with each request that goes well. `monotonic` tells seconds, `sleep` waits for them; requests never
    go out in bursts.
    """

    def __init__(
        self,
        max_requests_per_s: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._most_per_s = max_requests_per_s
        self._per_s = max_requests_per_s
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()
        self._free_at = monotonic()
        self._halved_at = float("-inf")

    @property
    def requests_per_s(self) -> float:
        """The rate at present."""
        return self._per_s

    def take(self, *, until: float = float("inf")) -> float | None:
        """Wait until the next request may go and return the moment; None, at once, where that is past `until`.

        Moments are those of `monotonic`.
        """
        with self._lock:
            now = self._monotonic()
            mine = max(now, self._free_at)
            if mine > until:
                return None
            self._free_at = mine + 1 / self._per_s
        if mine > now:
            self._sleep(mine - now)
        return mine

    def hold(self, seconds: float) -> None:
        """Let no further request go for `seconds`."""
        with self._lock:
            self._free_at = max(self._free_at, self._monotonic() + seconds)

    def slow_down(self, *, sent_at: float) -> None:
        """Halve the rate for an objection to a request of `sent_at`; once for all that were under way together."""
        with self._lock:
            if sent_at < self._halved_at:
                return
            self._halved_at = self._monotonic()
            self._per_s = max(self._per_s / 2, self._most_per_s * _SLOWEST)

    def speed_up(self) -> None:
        """Grow the rate back a little, for a request that went well."""
        with self._lock:
            self._per_s = min(self._per_s + self._most_per_s * _REGAINED, self._most_per_s)

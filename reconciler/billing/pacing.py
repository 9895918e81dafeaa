"""Keeps the requests to one source under its configured rate, whatever thread sends them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class RateBudget:
    """Lets one request go every 1 / `max_requests_per_s` seconds, and none at all while the source asked for a pause.

    `monotonic` tells seconds, `sleep` waits for them; requests never go out in bursts.
    """

    def __init__(
        self,
        max_requests_per_s: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap_s = 1 / max_requests_per_s
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()
        self._free_at = monotonic()

    def take(self) -> None:
        """Wait until the next request may go."""
        with self._lock:
            now = self._monotonic()
            mine = max(now, self._free_at)
            self._free_at = mine + self._gap_s
        if mine > now:
            self._sleep(mine - now)

    def hold(self, seconds: float) -> None:
        """Let no further request go for `seconds`."""
        with self._lock:
            self._free_at = max(self._free_at, self._monotonic() + seconds)

"""Counts one read while it goes on, and knows when it must end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.billing.breadth import Breadth
from reconciler.model.observation import ListProof, ReadProof

PageListener = Callable[[int, int], None]


def unwatched(_rows: int, _counted: int) -> None:
    """Tell nobody."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts of one read while it goes on, kept by all threads that read; and when the read must end.

    `until` is a moment of `time.monotonic`. `breadth` says how many requests may be in flight and, where they are
    `watched`, learns how long answers take. `heard_before`: the part before this one was answered sensibly. A part
    that is `within` a read ends with it. `on_page` hears of each page how many rows it has, and how many more the
    source counts in its list than was told before.
    """

    read_from: datetime
    until: float = float("inf")
    breadth: Breadth = field(default_factory=lambda: Breadth(1))
    pages: int = 0
    requests: int = 0
    retries: int = 0
    given_up: bool = False
    heard_before: bool = False
    watched: bool = True
    within: Tally | None = None
    on_page: PageListener = unwatched
    _told: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, *, pages: int = 0, requests: int = 0, retries: int = 0) -> None:
        """Add to the counts."""
        with self._lock:
            self.pages += pages
            self.requests += requests
            self.retries += retries

    def saw_page(self, *, rows: int, of: str = "", counted: int = 0) -> None:
        """Count a page and tell of it, and of what the list `of` holds as far as that was not told before."""
        with self._lock:
            self.pages += 1
            untold = max(0, counted - self._told.get(of, 0))
            self._told[of] = self._told.get(of, 0) + untold
        self.on_page(rows, untold)

    def apart(self, *, watched: bool = True) -> Tally:
        """One for a part of the read that may fail by itself; its counts are to be added when it is done."""
        return Tally(
            read_from=self.read_from,
            until=self.until,
            breadth=self.breadth,
            heard_before=self.heard,
            watched=watched and self.watched,
            within=self,
            on_page=self.on_page,
        )

    def add(self, part: Tally) -> None:
        """Add what was counted apart."""
        self.count(pages=part.pages, requests=part.requests, retries=part.retries)

    @property
    def heard(self) -> bool:
        """Whether any page of this read made sense already."""
        return self.heard_before or self.pages > 0

    @property
    def over(self) -> bool:
        """Whether nothing further may be sent: given up, here or around it, or the deadline passed."""
        return self.given_up or time.monotonic() > self.until or (self.within is not None and self.within.over)

    def proof(self, *, rows: int, lists: tuple[ListProof, ...], read_until: datetime) -> ReadProof:
        """What was counted so far."""
        return ReadProof(
            read_from=self.read_from,
            read_until=read_until,
            rows=rows,
            pages=self.pages,
            requests=self.requests,
            retries=self.retries,
            lists=lists,
        )

"""Reads one of Stripe's lists in ranges of `created`, split where they prove dense, to have several pages in flight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from reconciler.billing.crew import Hands
from reconciler.billing.stripe_wire import WireList
from reconciler.model.observation import CreatedRange, ListProof

_LONG = 3  # pages after which a list counts as long; a short one is not worth a range that may prove empty
_AHEAD = 12  # pages, by the density of the last one, that a split leaves before it: each range ends with a broken page


class _Dated(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def created(self) -> datetime | None: ...


Dated = TypeVar("Dated", bound=_Dated)


@dataclass(slots=True)
class _Range(Generic[Dated]):
    """Rows created from `gte` on and before `lt`, in seconds of the epoch, read newest first; None: no bound."""

    gte: int | None = None
    lt: int | None = None
    rows: dict[str, Dated] = field(default_factory=dict)
    cursor: str | None = None
    reached: int | None = None
    page_s: int = 1
    waiting: bool = False
    done: bool = False

    def query(self) -> dict[str, Any]:
        bounds = {name: at for name, at in (("gte", self.gte), ("lt", self.lt)) if at is not None}
        asked: dict[str, Any] = {"created": bounds} if bounds else {}
        return asked if self.cursor is None else {**asked, "starting_after": self.cursor}

    def holds(self, row: Dated) -> bool:
        if row.created is None:
            return self.gte is None and self.lt is None
        at = int(row.created.timestamp())
        return (self.gte is None or at >= self.gte) and (self.lt is None or at < self.lt)

    def split_at(self) -> int | None:
        """Where to cut off the older part of what is not read yet; None where it is too little to be cut."""
        if self.done or self.reached is None:
            return None
        at = self.reached - _AHEAD * self.page_s
        return at if self.gte is None or at > self.gte else None

    def pages_left(self) -> float:
        """By the density of the last page."""
        if self.gte is None or self.reached is None:
            return float("inf")
        return (self.reached - self.gte) / self.page_s


class Sweep(Generic[Dated]):
    """One reading of one list; `ranges` adjoin at every moment, newest first, the first and last without an end."""

    def __init__(self, fetch: Callable[[dict[str, Any]], WireList[Dated]], *, what: str) -> None:
        """`fetch` gets what a page's query says of bounds and cursor."""
        self._fetch = fetch
        self.what = what
        self._ranges: list[_Range[Dated]] = [_Range()]
        self.pages = 0

    def proof(self) -> ListProof:
        """How the list was read so far."""
        ids = list(self.rows())
        return ListProof(
            name=self.what,
            rows=len(ids),
            pages=self.pages,
            first_id=ids[0] if ids else "",
            last_id=ids[-1] if ids else "",
            ranges=tuple(CreatedRange(from_s=each.gte, before_s=each.lt) for each in self._ranges),
        )

    def rows(self) -> dict[str, Dated]:
        """The rows so far by id, newest first."""
        rows: dict[str, Dated] = {}
        for each in self._ranges:
            rows.update(each.rows)
        return rows

    def begin(self, hands: Hands) -> list[str]:
        """Read the first page and return nothing, or why it proves wrong: no row made later will be among the rows."""
        self._give(hands, self._ranges[0])
        return self._take(hands)

    def run(self, hands: Hands) -> list[str]:
        """Read the list or its rest and return nothing where every range was read to its end, else why not, in words.

        What `fetch` raises goes through. Rows born meanwhile may be missing, none that was there all along.
        """
        while not all(each.done for each in self._ranges):
            while hands.free and (chosen := self._next()) is not None:
                self._give(hands, chosen)
            problems = self._take(hands)
            if problems:
                return problems
        return []

    def _give(self, hands: Hands, chosen: _Range[Dated]) -> None:
        chosen.waiting = True
        query = chosen.query()
        hands.give((chosen, query), partial(self._fetch, query))

    def _take(self, hands: Hands) -> list[str]:
        (answered, query), page = hands.take()
        self.pages += 1
        problem = self._take_in(answered, query, page)
        return [] if problem is None else [problem]

    def _next(self) -> _Range[Dated] | None:
        idle = next((each for each in self._ranges if not (each.done or each.waiting)), None)
        if idle is not None or self.pages < _LONG:
            return idle
        dense = [each for each in self._ranges if each.split_at() is not None]
        return self._split(max(dense, key=_Range.pages_left)) if dense else None

    def _split(self, dense: _Range[Dated]) -> _Range[Dated]:
        older = _Range[Dated](gte=dense.gte, lt=dense.split_at())
        dense.gte = older.lt
        self._ranges.insert(self._ranges.index(dense) + 1, older)
        return older

    def _take_in(self, answered: _Range[Dated], query: dict[str, Any], page: WireList[Dated]) -> str | None:
        answered.waiting = False
        asked = _Range[Dated](gte=query.get("created", {}).get("gte"), lt=query.get("created", {}).get("lt"))
        if not all(asked.holds(row) for row in page.data):
            return f"Stripe showed {self.what} of another time than was asked for"
        known = len(answered.rows)
        answered.rows.update((row.id, row) for row in page.data if answered.holds(row))
        if not page.has_more:
            answered.done = True
            return None
        fresh = [row.id for row in page.data]
        if not fresh or (len(answered.rows) == known and answered.holds(page.data[-1])):
            return f"Stripe said that more {self.what} follow and showed no new one after {len(self.rows())}"
        answered.cursor = page.data[-1].id
        first, last = page.data[0].created, page.data[-1].created
        if first is not None and last is not None:
            answered.reached = int(last.timestamp())
            answered.page_s = max(1, int((first - last).total_seconds()))
            # A split made while this page was under way may have cut within it; the rest is the older range's.
            answered.done = answered.gte is not None and answered.reached < answered.gte
        return None

"""Keeps the objects of one kind in Stripe's list order and cuts pages out of it by cursor."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.sandbox.stripe.objects import Json

Place = tuple[int, int, str]  # minus created, minus number, id: ascending order is newest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Seconds since the epoch, both ends included; None is open."""

    first: int | None = None
    last: int | None = None

    def holds(self, instant: int) -> bool:
        """Whether `instant` lies inside."""
        return (self.first is None or instant >= self.first) and (self.last is None or instant <= self.last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of rows, in list order."""

    rows: list[Json]
    has_more: bool


class Table:
    """Rows by id, listed newest `created` first, the later added first among equals; rows may be added meanwhile."""

    def __init__(self, *, indexed: tuple[str, ...] = (), in_order_added: bool = False) -> None:
        """Keep an index of each field in `indexed`; with `in_order_added` list the first added first instead."""
        self.rows: dict[str, Json] = {}
        self._indexed = indexed
        self._in_order_added = in_order_added
        self._place: dict[str, Place] = {}
        self._lists: dict[tuple[str, str], list[Place]] = {("", ""): []}
        self._unsorted: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def add(self, row: Json) -> None:
        """Add a row; ValueError where its id is taken."""
        with self._lock:
            if row["id"] in self.rows:
                raise ValueError(f"id taken: {row['id']}")
            number = len(self.rows)
            place = (0, number, row["id"]) if self._in_order_added else (-row["created"], -number, row["id"])
            self.rows[row["id"]] = row
            self._place[row["id"]] = place
            for name in [("", ""), *((field, row[field]) for field in self._indexed)]:
                self._lists.setdefault(name, []).append(place)
                self._unsorted.add(name)

    def those_with(self, field: str, value: str) -> list[Json]:
        """All rows whose indexed `field` is `value`, in list order."""
        return [self.rows[place[2]] for place in self._places((field, value))]

    def page(
        self,
        *,
        where: tuple[str, str] | None,
        created: Span,
        keep: Callable[[Json], bool],
        limit: int,
        after: str | None,
        before: str | None,
    ) -> Page:
        """At most `limit` rows that `keep` accepts, next to the cursor; both cursors must be ids of this table.

        `where` names an indexed field and its value. A cursor is a position: its own row need not pass the filters.
        """
        places = self._places(where or ("", ""))
        low, high = 0, len(places)
        if created.last is not None:
            low = bisect_left(places, -created.last, key=lambda place: place[0])
        if created.first is not None:
            high = bisect_right(places, -created.first, key=lambda place: place[0])
        if after is not None:
            low = max(low, bisect_right(places, self._place[after]))
        if before is not None:
            high = min(high, bisect_left(places, self._place[before]))
        found: list[Json] = []
        for at in range(low, high) if before is None else range(high - 1, low - 1, -1):
            row = self.rows[places[at][2]]
            if not keep(row):
                continue
            if len(found) == limit:
                return Page(rows=found if before is None else found[::-1], has_more=True)
            found.append(row)
        return Page(rows=found if before is None else found[::-1], has_more=False)

    def _places(self, name: tuple[str, str]) -> list[Place]:
        with self._lock:
            places = self._lists.get(name, [])
            if name in self._unsorted:
                places = self._lists[name] = sorted(places)  # a new list: pages being cut keep the old one
                self._unsorted.discard(name)
            return places

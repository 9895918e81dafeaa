"""Walks a list of Stripe by cursor to its end and says whether every row was seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from reconciler.billing.stripe_wire import WireList


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


Row = TypeVar("Row", bound=_HasId)


def walk(fetch: Callable[[str | None], WireList[Row]], rows: dict[str, Row], *, what: str) -> list[str]:
    """Fill `rows` by id and return nothing where the list ended, else why it did not, in words.

    `fetch` gets the id after which its page begins, None for the first. What it raises goes through, with the rows
    so far in `rows`. Rows born meanwhile stand before the first page and are not seen.
    """
    cursor: str | None = None
    while True:
        page = fetch(cursor)
        known = len(rows)
        rows.update((row.id, row) for row in page.data)
        if not page.has_more:
            return []
        if len(rows) == known:
            return [f"Stripe said that more {what} follow and showed no new one after {known}"]
        cursor = page.data[-1].id

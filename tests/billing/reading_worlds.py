"""Lists that change while they are read, and hands that do jobs in any order: what a test, not time, decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from reconciler.billing.lago_client import Params
from reconciler.billing.lago_wire import Meta, Page, WireSubscription
from reconciler.billing.lago_wire import WireCustomer as LagoCustomer
from reconciler.billing.stripe_wire import WireCustomer, WireList
from reconciler.billing.tally import Tally
from reconciler.errors import SourceRefusedError

PER_PAGE = 2


@dataclass
class LagoList:
    """Customers by number, newest first; `anywhere` lets a new one stand at any place, as backdated rows do."""

    numbers: list[int]
    leave: bool
    anywhere: bool

    def __post_init__(self) -> None:
        self.all_along = set(self.numbers)
        self._next = max(self.numbers, default=0) + 1

    def fetch(self, number: int) -> Page[LagoCustomer]:
        shown = self.numbers[(number - 1) * PER_PAGE : number * PER_PAGE]
        total = len(self.numbers)
        pages = -(-total // PER_PAGE)
        return Page(
            rows=tuple(LagoCustomer(lago_id=str(each), external_id=f"org_{each}") for each in shown),
            meta=Meta(
                current_page=number,
                next_page=number + 1 if number < pages else None,
                total_pages=pages,
                total_count=total,
            ),
        )

    def change(self, data: st.DataObject) -> None:
        if self.leave and self.numbers and data.draw(st.booleans(), label="leaves"):
            gone = data.draw(st.sampled_from(self.numbers))
            self.numbers.remove(gone)
            self.all_along.discard(gone)
            return
        at = data.draw(st.integers(0, len(self.numbers))) if self.anywhere else 0
        self.numbers.insert(at, self._next)
        self._next += 1


@dataclass
class LagoWithAPast:
    """A LagoClient whose few live subscriptions, as those of `alive`, stand before a past that nobody walks."""

    alive: LagoList
    page_size = PER_PAGE

    def page(self, _path: str, _model: object, _tally: Tally, *, number: int, params: Params) -> Page[WireSubscription]:
        if ("status[]", "terminated") in params:
            return Page(rows=(), meta=Meta(current_page=1, next_page=None, total_pages=1, total_count=10**6))
        page = self.alive.fetch(number)
        return Page(rows=tuple(_live(int(each.lago_id)) for each in page.rows), meta=page.meta)

    def count(self, path: str, model: object, tally: Tally, params: Params) -> Page[WireSubscription]:
        return self.page(path, model, tally, number=1, params=params)


def _live(number: int) -> WireSubscription:
    return WireSubscription(
        lago_id=str(number),
        external_id=f"sub_{number}",
        lago_customer_id="customer",
        external_customer_id="org_1",
        plan_code="professional",
        status="active",
        created_at=datetime.fromtimestamp(number, UTC),
    )


@dataclass
class StripeList:
    """Customers as (created, number), newest first; new ones come in front."""

    rows: list[tuple[int, int]]

    def __post_init__(self) -> None:
        self.rows.sort(reverse=True)
        self.all_along = {number for _, number in self.rows}
        self._next = max(self.all_along, default=0) + 1

    def fetch(self, query: dict[str, Any]) -> WireList[WireCustomer]:
        bounds = query.get("created", {})
        rows = [each for each in self.rows if bounds.get("gte", 0) <= each[0] < bounds.get("lt", 2**40)]
        if (cursor := query.get("starting_after")) is not None:
            last = next((each for each in self.rows if str(each[1]) == cursor), None)
            if last is None:
                raise SourceRefusedError("No such cursor", status=400, remedy="Run again")
            rows = [each for each in rows if each < last]
        return WireList(
            data=tuple(WireCustomer(id=str(n), created=datetime.fromtimestamp(at, UTC)) for at, n in rows[:PER_PAGE]),
            has_more=len(rows) > PER_PAGE,
        )

    def change(self, data: st.DataObject) -> None:
        leaves: bool = data.draw(st.booleans(), label="leaves")
        if leaves and self.rows:
            gone: tuple[int, int] = data.draw(st.sampled_from(self.rows))
            self.rows.remove(gone)
            self.all_along.discard(gone[1])
            return
        newest = self.rows[0][0] if self.rows else 1_000
        self.rows.insert(0, (newest + data.draw(st.integers(0, 5)), self._next))
        self._next += 1


class AnyOrder:
    """Up to `width` jobs at once; which is done when, and when the world changes, is drawn."""

    def __init__(
        self, data: st.DataObject, *, width: int, change: Callable[[st.DataObject], None], changes: int
    ) -> None:
        self._data = data
        self._width = width
        self._change = change
        self._changes = changes
        self._given: list[tuple[object, Callable[[], object]]] = []
        self._done: list[tuple[object, object]] = []
        self.jobs = 0

    @property
    def free(self) -> bool:
        return len(self._given) + len(self._done) < self._width

    def give(self, tag: object, job: Callable[[], object]) -> None:
        self.jobs += 1
        self._given.append((tag, job))

    def take(self) -> tuple[Any, Any]:
        while True:
            steps = [name for name, there in (("done", self._done), ("given", self._given)) if there]
            step = self._data.draw(st.sampled_from([*steps, *(["change"] if self._changes else [])]))
            if step == "change":
                self._changes -= 1
                self._change(self._data)
            elif step == "given":
                tag, job = self._given.pop(self._data.draw(st.integers(0, len(self._given) - 1)))
                self._done.append((tag, job()))
            else:
                return self._done.pop(self._data.draw(st.integers(0, len(self._done) - 1)))

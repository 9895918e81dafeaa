"""The lists of one Lago organisation, and which walk of its subscriptions proves that none is missed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from reconciler.billing.crew import Hands
from reconciler.billing.lago_client import LagoClient, Params
from reconciler.billing.lago_walk import Fetch, Walk
from reconciler.billing.lago_wire import (
    Page,
    Row,
    WireAppliedCoupon,
    WireCustomer,
    WireInvoice,
    WireSubscription,
)
from reconciler.billing.tally import Tally
from reconciler.model.observation import ListProof

_LIVE = ("active", "pending")
_OVER = ("terminated", "canceled")
_NEW = "incomplete"
_NEW_SINCE = (1, 45, 2)  # an older server drops the whole filter at a status it does not know
_LONG = 1_000  # rows; what a shorter list holds of the past costs a few pages
_MOSTLY_PAST = 3  # times the live rows
_WALKS = 4  # of live rows, until two that follow one another agree

Version = tuple[int, int, int]


class _HasId(Protocol):
    @property
    def lago_id(self) -> str: ...


@dataclass(slots=True, kw_only=True)
class Subscriptions:
    """What a walk of subscriptions gave, as far as it came; `with_ended`: those that ended are among the rows."""

    rows: dict[str, WireSubscription] = field(default_factory=dict)
    proofs: list[ListProof] = field(default_factory=list)
    with_ended: bool = True


class LagoLists:
    """What can be asked of one organisation whose server is of `version`; every method counts in the tally it gets."""

    def __init__(self, client: LagoClient, version: Version) -> None:
        self._client = client
        new = (_NEW,) if version >= _NEW_SINCE else ()
        self.live = frozenset({*_LIVE, *new})
        self._of_live = _asked(*_LIVE, *new)
        self.of_all = _asked(*_LIVE, *_OVER, *new)

    def customers(self, tally: Tally) -> Walk[WireCustomer]:
        """All that are not deleted."""
        fetch = self._pages("/customers", Page[WireCustomer], tally)
        return Walk(fetch, key=_lago_id, what="customers", newest_first=True)

    def subscriptions(self, tally: Tally, params: Params) -> Walk[WireSubscription]:
        """Those that `params` name."""
        return Walk(
            self._pages("/subscriptions", Page[WireSubscription], tally, params), key=_lago_id, what="subscriptions"
        )

    def coupons(self, tally: Tally, params: Params = ()) -> Walk[WireAppliedCoupon]:
        """Those at work."""
        asked = (("status", "active"), *params)
        return Walk(
            self._pages("/applied_coupons", Page[WireAppliedCoupon], tally, asked), key=_lago_id, what="applied coupons"
        )

    def invoices(self, tally: Tally, params: Params, rows: dict[str, WireInvoice]) -> list[str]:
        """Put those that `params` name into `rows`, and say why that is not all, if it is not.

        Their total is counted half an hour late, so that only a page that is not full, or an empty one, is an end.
        """
        fetch = self._pages("/invoices", Page[WireInvoice], tally, params)
        number = 1
        while True:
            page, known = fetch(number), len(rows)
            size = self._client.page_size
            rows.update((row.lago_id, row) for row in page.rows)
            full = size is None or len(page.rows) >= size or page.meta.next_page is not None
            if not page.rows or not full:
                return []
            if len(rows) == known:
                return [f"Lago showed no new one of its invoices on page {number}"]
            number += 1

    def read_subscriptions(self, tally: Tally, hands: Hands, into: Subscriptions) -> list[str]:
        """Put all of them into `into`, or all that have not ended, and say what is not proven.

        One walk of every status, in which rows only move towards the end. Where most of that is the past, two walks of
        what has not ended, which must agree: from such a list rows leave, and a walk alone may miss one unseen.
        """
        fetch = self._pages("/subscriptions", Page[WireSubscription], tally, self.of_all)
        hands.give(1, partial(fetch, 1))  # not here: this thread must be free when the read must end
        _, first = hands.take()
        into.with_ended = not self._is_mostly_past(first.meta.total_count, tally, hands)
        if not into.with_ended:
            return self._walk_live(tally, hands, into)
        asked_already = [first]
        walk = Walk(
            lambda number: asked_already.pop() if number == 1 and asked_already else fetch(number),
            key=_lago_id,
            what="subscriptions",
        )
        try:
            return walk.run(hands)
        finally:
            into.rows = walk.rows()
            into.proofs.append(walk.proof())

    def _is_mostly_past(self, every: int, tally: Tally, hands: Hands) -> bool:
        if every <= _LONG:
            return False
        hands.give(1, partial(self._client.count, "/subscriptions", Page[WireSubscription], tally, self._of_live))
        _, live = hands.take()
        heeded = all(row.status in self.live for row in live.rows)
        return heeded and every > _MOSTLY_PAST * live.meta.total_count

    def _walk_live(self, tally: Tally, hands: Hands, into: Subscriptions) -> list[str]:
        before: dict[str, WireSubscription] | None = None
        for _ in range(_WALKS):
            walk = self.subscriptions(tally, self._of_live)
            try:
                problems = walk.run(hands)
            finally:
                live = {key: row for key, row in walk.rows().items() if row.status in self.live}
                into.rows = {**(before or {}), **live}
                into.proofs.append(walk.proof())
            if problems:
                return problems
            if before is not None and _agree(before, live):
                return []
            before = live
        return [f"Lago's list of live subscriptions was not twice the same in {_WALKS} walks"]

    def _pages(self, path: str, model: type[Page[Row]], tally: Tally, params: Params = ()) -> Fetch[Row]:
        return lambda number: self._client.page(path, model, tally, number=number, params=params)


def _agree(before: Mapping[str, WireSubscription], live: Mapping[str, WireSubscription]) -> bool:
    """Whether both hold the same rows, those aside that are younger than all that were there before."""
    youngest = max((row.created_at for row in before.values()), default=None)
    added = [row for key, row in live.items() if key not in before]
    return before.keys() <= live.keys() and all(youngest is None or row.created_at > youngest for row in added)


def _asked(*statuses: str) -> Params:
    return tuple(("status[]", status) for status in statuses)


def _lago_id(row: _HasId) -> str:
    return row.lago_id

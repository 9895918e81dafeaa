"""Puts together a snapshot of the lists and what was asked for beyond them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.billing.tally import Tally
from reconciler.model.billing import Customer, Subscription, SubscriptionStatus
from reconciler.model.observation import Snapshot

MOST_SINGLY = 50  # of one kind; in the time that they take at 25 requests a second a list gives 5,000 rows
OVER = frozenset({SubscriptionStatus.ENDED, SubscriptionStatus.ABANDONED})


def population(customers: Collection[Customer], subscriptions: Iterable[Subscription]) -> int:
    """Customers and subscriptions that have not ended (model ReadProof.rows)."""
    return len(customers) + sum(each.status not in OVER for each in subscriptions)


@dataclass(slots=True, kw_only=True)
class More:
    """What was found beyond the lists; `ended_of` as in a snapshot, `unread` ids that were not looked up."""

    customers: list[Customer] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)
    ended_of: frozenset[str] | None = frozenset()
    unread: int = 0
    problems: list[str] = field(default_factory=list)

    def added_to(self, snapshot: Snapshot, tally: Tally, *, read_until: datetime) -> Snapshot:
        """`snapshot` with it; a row that it held is replaced by the one read later."""
        owners = {each.id: each for each in (*snapshot.customers, *self.customers)}
        rows = {each.id: each for each in (*snapshot.subscriptions, *self.subscriptions)}
        known = snapshot.ended_of
        proof = snapshot.proof
        return replace(
            snapshot,
            customers=tuple(owners.values()),
            subscriptions=tuple(rows.values()),
            complete=snapshot.complete and not self.problems,
            problem="; ".join(each for each in (snapshot.problem, *self.problems) if each) or None,
            ended_of=None if known is None or self.ended_of is None else known | self.ended_of,
            notes=(*snapshot.notes, *self._notes(snapshot)),
            proof=replace(
                proof,
                read_until=read_until,
                pages=proof.pages + tally.pages,
                requests=proof.requests + tally.requests,
                retries=proof.retries + tally.retries,
            ),
        )

    def _notes(self, snapshot: Snapshot) -> Iterable[str]:
        if self.unread:
            yield (
                f"{self.unread} recorded {snapshot.source} ids that no list held were not looked up one by one: "
                f"a run looks up {MOST_SINGLY}"
            )

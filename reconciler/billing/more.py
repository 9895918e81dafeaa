"""Puts together a snapshot of the lists and what was asked for beyond them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from reconciler.billing.asking import Tally
from reconciler.model.billing import Customer, Subscription, SubscriptionStatus
from reconciler.model.observation import Snapshot

MOST_SINGLY = 50  # of one kind; in the time that they take at 25 requests a second a list gives 5,000 rows
OVER = frozenset({SubscriptionStatus.ENDED, SubscriptionStatus.ABANDONED})


def population(customers: Collection[Customer], subscriptions: Iterable[Subscription]) -> int:
    """Customers and subscriptions that have not ended (model ReadProof.rows)."""
    return len(customers) + sum(each.status not in OVER for each in subscriptions)


def with_more(
    snapshot: Snapshot,
    tally: Tally,
    *,
    read_until: datetime,
    customers: Iterable[Customer] = (),
    subscriptions: Iterable[Subscription] = (),
    problem: str = "",
) -> Snapshot:
    """`snapshot` with what was read after it; a row that it held is replaced by the one read later."""
    owners = {each.id: each for each in (*snapshot.customers, *customers)}
    rows = {each.id: each for each in (*snapshot.subscriptions, *subscriptions)}
    proof = snapshot.proof
    return replace(
        snapshot,
        customers=tuple(owners.values()),
        subscriptions=tuple(rows.values()),
        complete=snapshot.complete and not problem,
        problem="; ".join(each for each in (snapshot.problem, problem) if each) or None,
        proof=replace(
            proof,
            read_until=read_until,
            pages=proof.pages + tally.pages,
            requests=proof.requests + tally.requests,
            retries=proof.retries + tally.retries,
        ),
    )

"""What is live on each side: which plans and prices, how often, and for which organisations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.firststeps.needs import Offers
from reconciler.model.account import Offer
from reconciler.model.billing import Item, Source, Subscription, SubscriptionStatus
from reconciler.model.observation import Snapshot
from reconciler.model.orgs import Org
from reconciler.rules.identity import BillingIndex, claims_of

_LIVE = frozenset({SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING, SubscriptionStatus.PAST_DUE})

Snapshots = Mapping[Source, Snapshot]
Key = tuple[Source, str]


def key_of(source: Source, item: Item) -> Key:
    """The plan or price of an item, as it is counted."""
    return source, item.plan_code or item.price_id or item.id


def live_subscriptions(snapshot: Snapshot) -> Iterator[Subscription]:
    """Those that run, those on trial or past due included."""
    return (each for each in snapshot.subscriptions if each.status in _LIVE)


def live_counts(snapshots: Snapshots) -> Counter[Key]:
    """How many live subscriptions have an item of each plan or price."""
    counts: Counter[Key] = Counter()
    for source, snapshot in snapshots.items():
        for subscription in live_subscriptions(snapshot):
            counts.update({key_of(source, item) for item in subscription.items})
    return counts


def with_unlisted(offers: Offers, snapshots: Snapshots) -> tuple[Offer, ...]:
    """Everything listed, and what only subscriptions show: deleted plans, inline prices.

    A side that is not in `offers` could not be listed; there nothing tells what is archived.
    """
    known = {key_of(source, offer.item): offer for source, listed in offers.items() for offer in listed}
    for source, snapshot in snapshots.items():
        for subscription in snapshot.subscriptions:
            for item in subscription.items:
                key = key_of(source, item)
                if key not in known:
                    known[key] = Offer(source=source, item=item, archived=source in offers)
    return tuple(known.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Payers:
    """Per side: the organisations that are live and pay, and how many such subscriptions no organisation leads to."""

    orgs: Mapping[Source, frozenset[str]]
    unlinked: Mapping[Source, int]


def payers(orgs: Iterable[Org], snapshots: Snapshots, *, free: frozenset[Key]) -> Payers:
    """Who has a live subscription with an item that costs; the plans and prices of `free` do not."""
    claims = claims_of(orgs, BillingIndex.of(snapshots))
    found: dict[Source, set[str]] = {source: set() for source in snapshots}
    unlinked = Counter[Source]()
    for source, snapshot in snapshots.items():
        for subscription in live_subscriptions(snapshot):
            if all(item.unit_amount == 0 or key_of(source, item) in free for item in subscription.items):
                continue
            org_ids = claims.get((source, subscription.customer_id), ())
            found[source].update(org_ids)
            unlinked[source] += not org_ids
    return Payers(orgs={source: frozenset(org_ids) for source, org_ids in found.items()}, unlinked=unlinked)

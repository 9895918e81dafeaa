"""Which customers of each source belong to which organisation, by which id, and where two claims collide."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from reconciler.model.billing import Customer, Source, Subscription, SubscriptionStatus
from reconciler.model.observation import CustomerReading, Snapshot
from reconciler.model.orgs import DELETED, Org

_DEAD = frozenset({SubscriptionStatus.ENDED, SubscriptionStatus.ABANDONED})


class Way(StrEnum):
    """How an organisation leads to a customer (drift_codes.md, Terms, Known id)."""

    CUSTOMER_ID = "the recorded customer id"
    EXTERNAL_ID = "the recorded external id"
    SUBSCRIPTION_ID = "the recorded id, which is a subscription's"
    OWN_ID = "the organisation's own id, held by the customer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where one organisation leads on one side: each customer with the ways to it.

    `recorded` is the id in the store. `strange` says what is wrong where the ways collide or lead nowhere: then
    nothing may be concluded from this side. `unread`: the recorded id leads nowhere in what was read, which was not
    all.
    """

    source: Source
    recorded: str | None
    customers: Mapping[str, frozenset[Way]]
    strange: str = ""
    unread: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingIndex:
    """Customers and subscriptions of every configured side, ready to look up; `complete` by side."""

    complete: Mapping[Source, bool]
    customers: Mapping[Source, Mapping[str, Customer]]
    by_key: Mapping[Source, Mapping[str, tuple[str, ...]]]
    subscriptions: Mapping[Source, Mapping[str, tuple[Subscription, ...]]]
    customer_of: Mapping[Source, Mapping[str, str]]

    @classmethod
    def of(cls, snapshots: Mapping[Source, Snapshot]) -> BillingIndex:
        """Index what the sources said."""
        by_key: dict[Source, dict[str, tuple[str, ...]]] = {source: {} for source in snapshots}
        subscriptions: dict[Source, dict[str, tuple[Subscription, ...]]] = {source: {} for source in snapshots}
        for source, snapshot in snapshots.items():
            keys: dict[str, list[str]] = defaultdict(list)
            for customer in snapshot.customers:
                if customer.org_key and not customer.deleted:
                    keys[customer.org_key].append(customer.id)
            by_key[source] = {key: tuple(sorted(ids)) for key, ids in keys.items()}
            rows: dict[str, list[Subscription]] = defaultdict(list)
            for subscription in snapshot.subscriptions:
                rows[subscription.customer_id].append(subscription)
            subscriptions[source] = {customer: tuple(held) for customer, held in rows.items()}
        return cls(
            complete={source: snapshot.complete for source, snapshot in snapshots.items()},
            customers={
                source: {each.id: each for each in snapshot.customers} for source, snapshot in snapshots.items()
            },
            by_key=by_key,
            subscriptions=subscriptions,
            customer_of={
                source: {each.id: each.customer_id for each in snapshot.subscriptions}
                for source, snapshot in snapshots.items()
            },
        )

    def with_reading(self, reading: CustomerReading) -> BillingIndex:
        """The same index with one customer as it was read afresh."""
        source, key = reading.customer.source, reading.customer.id
        return replace(
            self,
            customers={**self.customers, source: {**self.customers[source], key: reading.customer}},
            subscriptions={**self.subscriptions, source: {**self.subscriptions[source], key: reading.subscriptions}},
        )

    def of_customer(self, source: Source, customer_id: str) -> tuple[Subscription, ...]:
        """Every known subscription of one customer."""
        return self.subscriptions[source].get(customer_id, ())

    def is_live(self, source: Source, customer_id: str) -> bool:
        """Whether the customer has any subscription that has not ended."""
        return any(each.status not in _DEAD for each in self.of_customer(source, customer_id))


Claims = Mapping[tuple[Source, str], tuple[str, ...]]
"""Customer -> the ids of all organisations that lead to it, sorted."""


def link_of(org: Org, source: Source, index: BillingIndex) -> Link:
    """Follow every known id of `org` on one side."""
    recorded = recorded_id(org, source)
    ways: dict[str, set[Way]] = defaultdict(set)
    if recorded is not None:
        if recorded in index.customers[source]:
            ways[recorded].add(Way.CUSTOMER_ID)
        if source is Source.LAGO:
            for customer in index.by_key[source].get(recorded, ()):
                ways[customer].add(Way.EXTERNAL_ID)
            owner = index.customer_of[source].get(recorded)
            if owner is not None:
                ways[owner].add(Way.SUBSCRIPTION_ID)
    for customer in index.by_key[source].get(org.id, ()):
        ways[customer].add(Way.OWN_ID)
    customers = {customer: frozenset(found) for customer, found in sorted(ways.items())}
    by_record = any(found != {Way.OWN_ID} for found in customers.values())
    return Link(
        source=source,
        recorded=recorded,
        customers=customers,
        strange=_strange(org, source, index, customers),
        unread=recorded is not None and not by_record and not index.complete[source],
    )


def recorded_id(org: Org, source: Source) -> str | None:
    """The id of `org` on one side as the store has it; an empty one counts as absent."""
    return (org.lago_id if source is Source.LAGO else org.stripe_id) or None


def _strange(org: Org, source: Source, index: BillingIndex, customers: Mapping[str, frozenset[Way]]) -> str:
    """What is wrong with where `org` leads, in words; empty when nothing is."""
    for customer_id in customers:
        customer = index.customers[source].get(customer_id)
        if customer is None and not index.complete[source]:
            continue
        if customer is None or customer.deleted:
            return f"the {source} customer {customer_id} is deleted"
        own = customer.org_key in {"", org.id}
        if not own and (source is Source.STRIPE or customer.org_key.startswith("org_")):
            return f"the {source} customer {customer_id} names another organisation, {customer.org_key}"
    by_record = [customer_id for customer_id, ways in customers.items() if ways != {Way.OWN_ID}]
    recorded = recorded_id(org, source)
    known = bool(by_record) or (source is Source.LAGO and bool(customers))
    if recorded is not None and not known and index.complete[source]:
        return f"the recorded {source} id {recorded} leads to no customer"
    live = [customer_id for customer_id in customers if index.is_live(source, customer_id)]
    if len(live) > 1:
        return f"two {source} customers are live for it, {live[0]} and {live[1]}"
    if live and by_record and live[0] not in by_record:
        return f"the recorded {source} customer has nothing live, but another of its customers has, {live[0]}"
    return ""


def claims_of(orgs: Iterable[Org], index: BillingIndex) -> Claims:
    """Who leads to whom. Deleted organisations claim nothing that another claims (drift_codes.md, Who is judged)."""
    claims: dict[tuple[Source, str], set[str]] = defaultdict(set)
    deleted: dict[tuple[Source, str], set[str]] = defaultdict(set)
    for org in orgs:
        for source in index.complete:
            for customer in link_of(org, source, index).customers:
                (deleted if org.status == DELETED else claims)[source, customer].add(org.id)
    merged = {customer: claims.get(customer) or deleted[customer] for customer in {*claims, *deleted}}
    return {customer: tuple(sorted(org_ids)) for customer, org_ids in merged.items()}


def named_apart(source: Source, customer_id: str, org_ids: tuple[str, ...], index: BillingIndex) -> bool:
    """Whether each live subscription of a shared customer names exactly one of its organisations."""
    live = [each for each in index.of_customer(source, customer_id) if each.status not in _DEAD]
    sharers = frozenset(org_ids)
    return bool(live) and all(each.org_key in sharers for each in live)

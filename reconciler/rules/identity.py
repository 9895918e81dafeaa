"""Which customers of each source belong to which organisation, by which id, and where two claims collide."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from reconciler.model.billing import Customer, Invoice, Source, Subscription, SubscriptionStatus
from reconciler.model.observation import CustomerReading, SideList, Snapshot
from reconciler.model.orgs import DELETED, Org

_DEAD = frozenset({SubscriptionStatus.ENDED, SubscriptionStatus.ABANDONED})


class Way(StrEnum):
    """How an organisation leads to a customer (drift_codes.md, Terms, Known id)."""

    CUSTOMER_ID = "the recorded customer id"
    EXTERNAL_ID = "the recorded external id"
    SUBSCRIPTION_ID = "the recorded id, which is a subscription's"
    OWN_ID = "the organisation's own id, held by the customer"


@dataclass(slots=True, kw_only=True)  # not frozen: see Granting of standing.py
class Link:
    """Where one organisation leads on one side: each customer with the ways to it.

    `recorded` is the id in the store. `crossed` are customers that name somebody else, and whom; `gone` those that are
    deleted. `nowhere`: in a complete read the recorded id is of no known form; `unread`: it is unseen in what was read,
    which was not all.
    """

    source: Source
    recorded: str | None
    customers: Mapping[str, frozenset[Way]]
    crossed: Mapping[str, str] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    nowhere: bool = False
    unread: bool = False

    @property
    def by_record(self) -> list[str]:
        """The customers that the recorded id leads to."""
        return [customer for customer, ways in self.customers.items() if ways != _OWN]

    @property
    def understood(self) -> bool:
        """Whether the recorded id, of no known form, still means the Lago customer that holds the own id."""
        return self.source is Source.LAGO and not self.by_record and bool(self.customers)


NOT_LISTED = Customer(source=Source.LAGO, id="")
"""Stands for a customer that only a subscription names: it says nothing of itself."""

_NO_WAY: frozenset[Way] = frozenset()
_OWN = frozenset({Way.OWN_ID})
_BY_CUSTOMER_ID = frozenset({Way.CUSTOMER_ID})


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingIndex:
    """Customers, subscriptions and unpaid invoices of every configured side, ready to look up; `complete` by side.

    `read_alone` are customers that were read by themselves, `invoices_known` the sides whose unpaid invoices were read
    whole, and the customers read alone with theirs. `ended_of` as in the snapshots. `named_by_live` are the customers
    whose live subscriptions name an organisation in their own metadata, by its id; `charging` the customers of Lago by
    the Stripe customer that is charged for them.
    """

    complete: Mapping[Source, bool]
    customers: Mapping[Source, Mapping[str, Customer]]
    by_key: Mapping[Source, Mapping[str, tuple[str, ...]]]
    subscriptions: Mapping[Source, Mapping[str, tuple[Subscription, ...]]]
    customer_of: Mapping[Source, Mapping[str, str]]
    invoices: Mapping[Source, Mapping[str, tuple[Invoice, ...]]]
    invoices_known: frozenset[Source | tuple[Source, str]]
    ended_of: Mapping[Source, frozenset[str] | None]
    named_by_live: Mapping[Source, Mapping[str, frozenset[str]]]
    charging: Mapping[str, frozenset[str]]
    read_alone: frozenset[tuple[Source, str]] = frozenset()

    @classmethod
    def of(cls, snapshots: Mapping[Source, Snapshot]) -> BillingIndex:
        """Index what the sources said."""
        by_key: dict[Source, dict[str, tuple[str, ...]]] = {source: {} for source in snapshots}
        subscriptions: dict[Source, dict[str, tuple[Subscription, ...]]] = {source: {} for source in snapshots}
        for source, snapshot in snapshots.items():
            keys: dict[str, list[str]] = defaultdict(list)
            for customer in sorted(snapshot.customers, key=_deleted):
                if customer.org_key and not (customer.deleted and customer.org_key in keys):
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
            invoices={source: _by_customer(snapshot.invoices) for source, snapshot in snapshots.items()},
            invoices_known=frozenset(
                source for source, snapshot in snapshots.items() if snapshot.has_read(SideList.OPEN_INVOICES)
            ),
            ended_of={source: snapshot.ended_of for source, snapshot in snapshots.items()},
            named_by_live={source: _named_by_live(snapshot.subscriptions) for source, snapshot in snapshots.items()},
            charging=_charging(each for snapshot in snapshots.values() for each in snapshot.customers),
        )

    def with_reading(self, reading: CustomerReading) -> BillingIndex:
        """The same index with one customer as it was read afresh, its unpaid invoices included."""
        source, key = reading.customer.source, reading.customer.id
        known = self.invoices_known - {source}
        unpaid = {**self.invoices[source], key: reading.invoices or ()}
        ended_of = self.ended_of[source]
        return replace(
            self,
            invoices={**self.invoices, source: unpaid},
            invoices_known=known if reading.invoices is None else known | {(source, key)},
            ended_of={**self.ended_of, source: ended_of if ended_of is None else ended_of | {key}},
            read_alone=self.read_alone | {(source, key)},
            customers={**self.customers, source: {**self.customers[source], key: reading.customer}},
            subscriptions={**self.subscriptions, source: {**self.subscriptions[source], key: reading.subscriptions}},
        )

    def of_customer(self, source: Source, customer_id: str) -> tuple[Subscription, ...]:
        """Every known subscription of one customer."""
        return self.subscriptions[source].get(customer_id, ())

    def knows_invoices(self, source: Source, customer_id: str) -> bool:
        """Whether every unpaid invoice of the customer was read."""
        return source in self.invoices_known or (source, customer_id) in self.invoices_known

    def knows_ended(self, source: Source, customer_id: str) -> bool:
        """Whether the ended subscriptions of the customer were read."""
        ended_of = self.ended_of[source]
        return ended_of is None or customer_id in ended_of

    def is_live(self, source: Source, customer_id: str) -> bool:
        """Whether the customer has any subscription that has not ended."""
        return any(each.status not in _DEAD for each in self.of_customer(source, customer_id))


def _named_by_live(rows: Iterable[Subscription]) -> dict[str, frozenset[str]]:
    named: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.org_key and row.status not in _DEAD:
            named[row.org_key].add(row.customer_id)
    return {org_id: frozenset(customers) for org_id, customers in named.items()}


def _charging(customers: Iterable[Customer]) -> dict[str, frozenset[str]]:
    charging: dict[str, set[str]] = defaultdict(set)
    for customer in customers:
        if customer.provider_customer_id:
            charging[customer.provider_customer_id].add(customer.id)
    return {charged: frozenset(held) for charged, held in charging.items()}


def _deleted(customer: Customer) -> bool:
    return customer.deleted


def _by_customer(invoices: Iterable[Invoice]) -> dict[str, tuple[Invoice, ...]]:
    held: dict[str, list[Invoice]] = defaultdict(list)
    for invoice in invoices:
        held[invoice.customer_id].append(invoice)
    return {customer: tuple(sorted(rows, key=lambda each: each.id)) for customer, rows in held.items()}


Claims = Mapping[tuple[Source, str], tuple[str, ...]]
"""Customer -> the ids of all organisations that lead to it, sorted."""


def link_of(org: Org, source: Source, index: BillingIndex) -> Link:
    """Follow every known id of `org` on one side."""
    recorded = recorded_id(org, source)
    known = index.customers[source]
    ways: dict[str, frozenset[Way]] = {}
    if recorded is not None:
        if recorded in known:
            ways[recorded] = _BY_CUSTOMER_ID
        if source is Source.LAGO:
            for customer in index.by_key[source].get(recorded, ()):
                ways[customer] = ways.get(customer, _NO_WAY) | {Way.EXTERNAL_ID}
            owner = index.customer_of[source].get(recorded)
            if owner is not None:
                ways[owner] = ways.get(owner, _NO_WAY) | {Way.SUBSCRIPTION_ID}
    seen = recorded is None or bool(ways)
    for customer in index.by_key[source].get(org.id, ()):
        if customer in ways:
            ways[customer] |= _OWN
        elif customer not in known or not known[customer].deleted:
            ways[customer] = _OWN
    customers = dict(sorted(ways.items()))
    crossed, gone = _others(org, source, index, customers), _gone(source, index, customers)
    link = Link(source=source, recorded=recorded, customers=customers, crossed=crossed, gone=gone)
    if seen:
        return link
    whole = index.complete[source]
    return replace(link, nowhere=whole and not link.understood, unread=not whole)


def recorded_id(org: Org, source: Source) -> str | None:
    """The id of `org` on one side as the store has it; an empty one counts as absent."""
    return (org.lago_id if source is Source.LAGO else org.stripe_id) or None


def _others(org: Org, source: Source, index: BillingIndex, customers: Iterable[str]) -> dict[str, str]:
    """The customers that name somebody else, and whom; in Lago only an organisation's id is taken for a name."""
    crossed: dict[str, str] = {}
    known = index.customers[source]
    for customer_id in customers:
        named = known.get(customer_id, NOT_LISTED).org_key
        if named and named != org.id and (source is Source.STRIPE or named.startswith("org_")):
            crossed[customer_id] = named
    return crossed


def _gone(source: Source, index: BillingIndex, customers: Iterable[str]) -> tuple[str, ...]:
    """The customers that are deleted, or that a complete read does not have although a subscription names them."""
    known, whole = index.customers[source], index.complete[source]
    gone = [each for each in customers if (known[each].deleted if each in known else whole)]
    return tuple(gone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where every organisation leads by one index, worked out once."""

    index: BillingIndex
    by_org: Mapping[str, tuple[Org, Mapping[Source, Link]]]

    @classmethod
    def to(cls, orgs: Iterable[Org], index: BillingIndex) -> Links:
        """Follow every known id of every organisation."""
        sides = tuple(index.complete)
        by_org = {org.id: (org, {source: link_of(org, source, index) for source in sides}) for org in orgs}
        return cls(index=index, by_org=by_org)

    def of(self, org: Org, index: BillingIndex) -> Mapping[Source, Link]:
        """Where `org` leads by `index`; followed anew where either is not the one that was followed."""
        if org.id in self.by_org:
            known, links = self.by_org[org.id]
            if index is self.index and known is org:
                return links
        return {source: link_of(org, source, index) for source in index.complete}


def claims_of(orgs: Iterable[Org], index: BillingIndex) -> Claims:
    """Who leads to whom. Deleted organisations claim nothing that another claims (drift_codes.md, Who is judged)."""
    return claims_by(Links.to(orgs, index))


def claims_by(links: Links) -> Claims:
    """The same of organisations that were followed already."""
    claims: dict[tuple[Source, str], set[str]] = {}
    deleted: dict[tuple[Source, str], set[str]] = {}
    for org, by_side in links.by_org.values():
        claiming = deleted if org.status == DELETED else claims
        for source, link in by_side.items():
            for customer in link.customers:
                claiming.setdefault((source, customer), set()).add(org.id)
    return {customer: tuple(sorted(org_ids)) for customer, org_ids in (deleted | claims).items()}


def named_apart(source: Source, customer_id: str, org_ids: tuple[str, ...], index: BillingIndex) -> bool:
    """Whether each live subscription of a shared customer names exactly one of its organisations."""
    live = [each for each in index.of_customer(source, customer_id) if each.status not in _DEAD]
    sharers = frozenset(org_ids)
    return bool(live) and all(each.org_key in sharers for each in live)

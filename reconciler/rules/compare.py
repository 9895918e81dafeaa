"""Finds every drift between the store and both sources: organisation by organisation, then what none claims."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.model.billing import Source, Subscription
from reconciler.model.drift import Code, Drift, DriftMoney, State
from reconciler.model.observation import Observation
from reconciler.model.orgs import DELETED, Org
from reconciler.model.terms import Authority, Terms
from reconciler.rules.books import Books, collecting_sides
from reconciler.rules.case import Verdict, World, drift_id
from reconciler.rules.catalogue import CATALOGUE
from reconciler.rules.identity import BillingIndex, Links, claims_by
from reconciler.rules.judge import judge_org
from reconciler.rules.matching import Matcher, list_price
from reconciler.rules.past import Past
from reconciler.rules.standing import RUNS, Granting, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclaimed:
    """A subscription that no organisation claims, with its row of the tie-out, None where nothing was concluded."""

    drift: Drift
    books: Books | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One verdict per organisation, in the store's order, what belongs to none, and records without an organisation.

    `other_products` counts live subscriptions of nothing but other products that no organisation claims.
    `other_by_source` counts all of them, claimed or not.
    """

    verdicts: tuple[Verdict, ...]
    unclaimed: tuple[Unclaimed, ...]
    unreadable: tuple[Drift, ...]
    other_products: int = 0
    other_by_source: Mapping[Source, int] = field(default_factory=dict)

    @property
    def drifts(self) -> tuple[Drift, ...]:
        """All of them."""
        by_org = tuple(drift for verdict in self.verdicts for drift in verdict.drifts)
        return (*by_org, *(each.drift for each in self.unclaimed), *self.unreadable)


def make_world(observation: Observation, terms: Terms) -> World:
    """Index what was observed, once for all organisations."""
    index = BillingIndex.of(observation.snapshots)
    # What an unreadable record claims cannot be read; its key at least is known, so its customer is not unclaimed.
    unreadable = tuple(
        Org(id=key, name=key, tier=key, status=DELETED, created_at=observation.as_of)
        for key in faults_of(observation).keys() - {org.id for org in observation.store.orgs}
    )
    links = Links.to((*observation.store.orgs, *unreadable), index)
    return World(
        index=index,
        claims=claims_by(links),
        links=links,
        matcher=Matcher(terms.catalog),
        terms=terms,
        past=Past.of(observation.history),
        now=observation.as_of,
    )


def find_drifts(observation: Observation, terms: Terms) -> Judgement:
    """Judge every organisation and every unclaimed customer. Pure: the same observation gives the same judgement."""
    world = make_world(observation, terms)
    faults = faults_of(observation)
    judged = {org.id for org in observation.store.orgs}
    others = tuple(_other_products(world))
    return Judgement(
        verdicts=tuple(judge_org(org, world, faults.get(org.id, "")) for org in observation.store.orgs),
        unclaimed=tuple(_unclaimed(world)),
        unreadable=tuple(_unreadable(key, problem) for key, problem in faults.items() if key not in judged),
        other_products=sum(world.index.complete[key[0]] and key not in world.claims for key in others),
        other_by_source={source: sum(key[0] is source for key in others) for source in world.index.subscriptions},
    )


def faults_of(observation: Observation) -> dict[str, str]:
    """What is wrong with records of the store, by key; an organisation can have a fault in each of its files."""
    faults: dict[str, str] = {}
    for record in observation.store.invalid:
        faults[record.key] = "; ".join(filter(None, (faults.get(record.key), record.problem)))
    return faults


def _unclaimed(world: World) -> Iterator[Unclaimed]:
    for source, by_customer in world.index.subscriptions.items():
        if not world.index.complete[source]:  # an unread customer may name its organisation
            continue
        for customer in sorted(by_customer):
            if (source, customer) in world.claims:
                continue
            mode = world.terms.livemode
            strange = [row for row in by_customer[customer] if row.livemode is not None and row.livemode is not mode]
            if strange:
                yield _other_mode(source, customer, strange)
            rows = [row for row in by_customer[customer] if row not in strange]
            side = world.reader.standing_of(source, rows, complete=True)
            for live in side.live:
                if live.takes_money:
                    yield _orphan(source, side, live, world)
            for unknown in side.unknown:
                yield _unknown_orphan(source, unknown)
            for unresolved in side.unresolved:
                yield _unmapped_orphan(source, unresolved, side.unmapped)


def _other_products(world: World) -> Iterator[tuple[Source, str]]:
    """The source and customer of each live subscription, of the mode that is judged, of nothing but other products."""
    return (
        (source, customer)
        for source, by_customer in world.index.subscriptions.items()
        for customer, rows in by_customer.items()
        for row in rows
        if row.status in RUNS and row.livemode in {None, world.terms.livemode} and world.matcher.is_other_product(row)
    )


def _orphan(source: Source, side: Standing, live: Granting, world: World) -> Unclaimed:
    terms = world.terms
    collects = source in collecting_sides(terms.authority, {source: side}, terms)
    due, item = live.entitles_to, live.item
    currency = item.currency or terms.currency
    price = list_price(due, currency=currency, period=item.period, quantity=item.quantity)
    billed = live.monthly if collects else 0
    if not collects and terms.authority is not Authority.EITHER:
        price = 0  # a mirror's amounts are not billed money
    row = CATALOGUE[Code.ORPHAN_PAYER]
    words = {
        "due": due.name,
        "detail": f"{source} customer {live.subscription.customer_id}, subscription {live.subscription.id}",
    }
    books = Books(currency=currency, billed=billed, overbilled=0, due=price, had=0)
    return Unclaimed(
        drift=Drift(
            id=drift_id(Code.ORPHAN_PAYER, live.subscription.customer_id, live.subscription.id),
            code=Code.ORPHAN_PAYER,
            org_id=None,
            org_name="",
            text=row.text.format_map(words),
            remedy=row.remedy,
            has=State(),
            due=State(tier=due.name),
            money=DriftMoney(currency=currency, owed=books.owed),
            effective_at=live.subscription.started_at,
            evidence={source.value: Standing(source=source, complete=side.complete, live=(live,)).evidence()},
        ),
        books=books,
    )


def _other_mode(source: Source, customer: str, rows: Iterable[Subscription]) -> Unclaimed:
    names = ", ".join(sorted(row.id for row in rows))
    return _of_nobody(Code.LIVEMODE_DIFFERS, (customer,), f"{names} of {source} customer {customer}")


def _unknown_orphan(source: Source, row: Subscription) -> Unclaimed:
    detail = f"no organisation claims {source} customer {row.customer_id}, whose {row.id} is {row.raw_status!r}"
    return _of_nobody(Code.STATUS_UNKNOWN, (row.customer_id, row.id), detail)


def _unmapped_orphan(source: Source, row: Subscription, unmapped: Iterable[str]) -> Unclaimed:
    labels = {item.label for item in row.items}.intersection(unmapped) or unmapped
    detail = f"{', '.join(sorted(labels))} of {row.id}, {source} customer {row.customer_id} that no organisation claims"
    return _of_nobody(Code.TIER_UNRESOLVABLE, (row.customer_id, row.id), detail)


def _of_nobody(code: Code, subject: tuple[str, ...], detail: str) -> Unclaimed:
    row = CATALOGUE[code]
    return Unclaimed(
        drift=Drift(
            id=drift_id(code, *subject),
            code=code,
            org_id=None,
            org_name="",
            text=row.text.format(detail=detail),
            remedy=row.remedy,
            has=State(),
            due=None,
            money=None,
        ),
        books=None,
    )


def _unreadable(key: str, problem: str) -> Drift:
    row = CATALOGUE[Code.RECORD_INVALID]
    return Drift(
        id=drift_id(Code.RECORD_INVALID, key),
        code=Code.RECORD_INVALID,
        org_id=key,
        org_name="",
        text=row.text.format_map({"detail": problem}),
        remedy=row.remedy,
        has=State(),
        due=None,
        money=None,
    )

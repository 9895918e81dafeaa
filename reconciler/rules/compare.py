"""Finds every drift between the store and both sources: organisation by organisation, then what none claims."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.model.billing import Source
from reconciler.model.drift import Code, Drift, DriftMoney, State
from reconciler.model.observation import Observation
from reconciler.model.orgs import DELETED, Org
from reconciler.model.terms import Authority, Terms
from reconciler.rules.books import Books, collecting_sides
from reconciler.rules.case import Verdict, World, drift_id
from reconciler.rules.catalogue import CATALOGUE
from reconciler.rules.identity import BillingIndex, claims_of
from reconciler.rules.judge import judge_org
from reconciler.rules.matching import Matcher, list_price
from reconciler.rules.standing import Granting, Standing, Unjudged, standing_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclaimed:
    """A subscription that no organisation claims, with its row of the tie-out, None where nothing was concluded."""

    drift: Drift
    books: Books | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One verdict per organisation, in the store's order, what belongs to none, and records without an organisation."""

    verdicts: tuple[Verdict, ...]
    unclaimed: tuple[Unclaimed, ...]
    unreadable: tuple[Drift, ...]

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
        Org(id=key, name="", tier="", status=DELETED, created_at=observation.as_of)
        for key in faults_of(observation).keys() - {org.id for org in observation.store.orgs}
    )
    claims = claims_of((*observation.store.orgs, *unreadable), index)
    return World(index=index, claims=claims, matcher=Matcher(terms.catalog), terms=terms, now=observation.as_of)


def find_drifts(observation: Observation, terms: Terms) -> Judgement:
    """Judge every organisation and every unclaimed customer. Pure: the same observation gives the same judgement."""
    world = make_world(observation, terms)
    faults = faults_of(observation)
    judged = {org.id for org in observation.store.orgs}
    return Judgement(
        verdicts=tuple(judge_org(org, world, faults.get(org.id, "")) for org in observation.store.orgs),
        unclaimed=tuple(_unclaimed(world)),
        unreadable=tuple(_unreadable(key, problem) for key, problem in faults.items() if key not in judged),
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
            side = standing_of(
                source,
                by_customer[customer],
                matcher=world.matcher,
                terms=world.terms,
                now=world.now,
                complete=True,
            )
            for live in side.live:
                yield _orphan(source, side, live, world)
            free = {each.subscription.id for each in side.free}
            for unjudged in side.unjudged:
                pays = unjudged.entitles and unjudged.tier is not None and unjudged.tier.paid
                if pays and unjudged.subscription.id not in free:
                    yield _unjudged_orphan(source, unjudged)


def _orphan(source: Source, side: Standing, live: Granting, world: World) -> Unclaimed:
    terms = world.terms
    collects = source in collecting_sides(terms.authority, {source: side}, terms, double=False)
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
            evidence={source.value: Standing(source=source, complete=True, live=(live,)).evidence()},
        ),
        books=books,
    )


def _unjudged_orphan(source: Source, unjudged: Unjudged) -> Unclaimed:
    row, subscription = CATALOGUE[Code.UNCLASSIFIED], unjudged.subscription
    detail = f"no organisation claims {source} customer {subscription.customer_id}, whose {unjudged.why}"
    return Unclaimed(
        drift=Drift(
            id=drift_id(Code.UNCLASSIFIED, subscription.customer_id, subscription.id),
            code=Code.UNCLASSIFIED,
            org_id=None,
            org_name="",
            text=row.text.format_map({"detail": detail}),
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

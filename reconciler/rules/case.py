"""One organisation with all that bears on it, put together before it is judged, and the verdict that comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.model.billing import Source, Subscription
from reconciler.model.catalog import Tier
from reconciler.model.drift import Code, Decided, Drift, DriftMoney, Fix, State
from reconciler.model.orgs import DELETED, Org
from reconciler.model.terms import Authority, Terms
from reconciler.rules.books import Books, books_of
from reconciler.rules.catalogue import CATALOGUE
from reconciler.rules.identity import BillingIndex, Claims, Link, link_of, named_apart
from reconciler.rules.matching import Matcher
from reconciler.rules.standing import Granting, Standing, monthly_sum, standing_of


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What judging any one organisation needs besides its record."""

    index: BillingIndex
    claims: Claims
    matcher: Matcher
    terms: Terms
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was concluded about one organisation: its drifts, the primary one first, and its row of the tie-out.

    `books` is None where nothing may be summed: excluded, held or deleted.
    """

    org: Org
    drifts: tuple[Drift, ...]
    books: Books | None
    excluded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One organisation, where it leads, and what it amounts to on every configured side.

    `has` is None where its tier is not in the catalog. `double`: both sides collect by themselves although one grants.
    """

    org: Org
    has: Tier | None
    authority: Authority
    links: Mapping[Source, Link]
    standings: Mapping[Source, Standing]
    double: bool
    books: Books | None
    world: World

    @property
    def currency(self) -> str:
        """The currency of its money."""
        return self.books.currency if self.books else self.world.terms.currency

    def monthly(self, grantings: Iterable[Granting]) -> int | None:
        """What `grantings` are billed a month together, in the currency of the organisation's money."""
        return monthly_sum(grantings, self.currency)

    def drift(
        self,
        code: Code,
        *,
        detail: str = "",
        subject: str = "",
        due: State | None = None,
        fix: Fix | None = None,
        stopped_by: str = "",
        effective_at: datetime | None = None,
        overbilled: int | None = 0,
        at_risk: int | None = 0,
        with_tier_money: bool = True,
    ) -> Drift:
        """A drift of this organisation; `with_tier_money`: it is the one that carries what the tier leaks or owes."""
        row = CATALOGUE[code]
        words = {
            "org": self.org.id,
            "has": self.org.tier,
            "due": due.tier if due and due.tier else "",
            "detail": detail,
        }
        books = self.books
        return Drift(
            id=drift_id(code, self.org.id, subject),
            code=code,
            org_id=self.org.id,
            org_name=self.org.name,
            text=row.text.format_map(words),
            remedy=row.remedy.format_map(words),
            has=State(tier=self.org.tier, status=self.org.status),
            due=due,
            money=None
            if books is None or row.default is Decided.HOLD
            else DriftMoney(
                currency=books.currency,
                leak=books.leak if with_tier_money else 0,
                owed=books.owed if with_tier_money else 0,
                overbilled=overbilled,
                at_risk=at_risk,
            ),
            effective_at=effective_at,
            evidence=self.evidence(),
            fix=fix,
            stopped_by=stopped_by,
        )

    def evidence(self) -> dict[str, Any]:
        """What each side says about the organisation, as plain values."""
        return {
            source.value: {
                "recorded_id": self.links[source].recorded,
                "customers": {customer: sorted(ways) for customer, ways in self.links[source].customers.items()},
                **standing.evidence(),
            }
            for source, standing in self.standings.items()
        }


def drift_id(code: Code, *parts: str) -> str:
    """The id of a drift: its code and what it is about, no values, so it stays the same while amounts move."""
    return ":".join((code, *(part for part in parts if part)))


def make_case(org: Org, world: World) -> Case:
    """Put together what bears on `org`."""
    index, terms = world.index, world.terms
    has = terms.catalog.tiers.get(org.tier)
    authority = terms.authority_for(org.id)
    links = {source: link_of(org, source, index) for source in index.complete}
    standings = {
        source: standing_of(
            source,
            _subscriptions(org, link, world),
            matcher=world.matcher,
            terms=terms,
            now=world.now,
            complete=index.complete[source],
        )
        for source, link in links.items()
    }
    double = (
        authority is not Authority.BOTH
        and len(standings) > 1
        and all(side.collected_automatically for side in standings.values())
    )
    return Case(
        org=org,
        has=has,
        authority=authority,
        links=links,
        standings=standings,
        double=double,
        books=None
        if has is None or org.status == DELETED
        else books_of(org, has, authority=authority, standings=standings, terms=terms, double=double),
        world=world,
    )


def _subscriptions(org: Org, link: Link, world: World) -> list[Subscription]:
    """Those of every customer of `org`; of a customer it shares with others only those that name it."""
    held: list[Subscription] = []
    for customer_id in link.customers:
        rows = world.index.of_customer(link.source, customer_id)
        sharers = world.claims.get((link.source, customer_id), ())
        if len(sharers) > 1 and named_apart(link.source, customer_id, sharers, world.index):
            rows = tuple(row for row in rows if row.org_key == org.id)
        held.extend(rows)
    return held

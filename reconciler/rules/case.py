"""One organisation with all that bears on it, put together before it is judged, and the verdict that comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from reconciler.model.acts import Contract
from reconciler.model.billing import Source, Subscription
from reconciler.model.catalog import Tier
from reconciler.model.drift import Code, Decided, Direction, Drift, DriftMoney, Fix, State
from reconciler.model.orgs import DELETED, Org
from reconciler.model.run import ChargedTwice
from reconciler.model.terms import Authority, Terms
from reconciler.rules.books import Books, books_of, collecting_sides, overbilled_on
from reconciler.rules.catalogue import CATALOGUE
from reconciler.rules.due import Due, Says, Sides, what_is_due
from reconciler.rules.dunning import Late, disputed_rows, late_payments
from reconciler.rules.identity import BillingIndex, Claims, Link, Links, named_apart
from reconciler.rules.matching import Matcher
from reconciler.rules.past import Past
from reconciler.rules.standing import NO_RANK, Granting, Reader, Standing, monthly_sum


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What judging any one organisation needs besides its record."""

    index: BillingIndex
    links: Links
    claims: Claims
    matcher: Matcher
    terms: Terms
    past: Past
    now: datetime

    @property
    def reader(self) -> Reader:
        """What reads standings out of subscriptions."""
        return Reader(matcher=self.matcher, terms=self.terms, past=self.past, now=self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was concluded about one organisation: its drifts, the primary one first, and its row of the tie-out.

    `books` is None where nothing may be summed: excluded, held or deleted. `charged_twice` where both sides may take
    its money, drift or not.
    """

    org: Org
    drifts: tuple[Drift, ...]
    books: Books | None
    excluded: bool = False
    charged_twice: ChargedTwice | None = None


@dataclass(slots=True, kw_only=True)  # not frozen, which would take a tenth of judging; nobody changes one
class Case:
    """One organisation, where it leads, what it amounts to on every configured side, and what it is due.

    `has` is None where its tier is not in the catalog. `both_collect`: both sides have a live subscription that takes
    money by itself; `double`: they do although one grants.
    `late` are the live subscriptions whose payment is late, by id; `unpaid` those that lapsed or lost a dispute.
    `contracts` are in force, `expired` ones are over.
    `foreign` are subscriptions of the other mode, which grant nothing. `granted_rank` is that of the highest tier which
    a live subscription of a granting side, or a contract, grants; `collected` the live subscription of a collecting
    side that grants no less.
    """

    org: Org
    has: Tier | None
    authority: Authority
    links: Mapping[Source, Link]
    standings: Mapping[Source, Standing]
    foreign: Sequence[Subscription]
    granting: tuple[Standing, ...]
    collecting: tuple[Source, ...]
    both_collect: bool
    double: bool
    late: Mapping[str, Late]
    unpaid: AbstractSet[str]
    contracts: tuple[Contract, ...]
    expired: tuple[Contract, ...]
    due: Due
    granted_rank: int
    collected: Granting | None
    books: Books | None
    world: World

    @property
    def currency(self) -> str:
        """The currency of its money."""
        return self.books.currency if self.books else self.world.terms.currency

    @property
    def unpaid_tier(self) -> Tier:
        """What is left where nothing is paid for."""
        return self.world.terms.catalog.tiers[self.world.terms.statuses.unpaid_tier]

    @property
    def unmet(self) -> bool:
        """Whether it has a paid tier that nothing live of a granting side grants."""
        return self.has is not None and self.has.paid and self.granted_rank < self.has.rank

    def pays(self, granting: Granting) -> bool:
        """Whether money comes in for a live subscription: it bills something, and is not late."""
        return granting.takes_money and granting.subscription.id not in self.late

    def may_be_anothers(self, row: Subscription) -> bool:
        """Whether others claim the customer too, and the subscription names nobody."""
        return not row.org_key and len(self.world.claims.get((row.source, row.customer_id), ())) > 1

    def monthly(self, grantings: Iterable[Granting]) -> int | None:
        """What `grantings` are billed a month together, in the currency of the organisation's money."""
        return monthly_sum(grantings, self.currency)

    def overbilled_on(self, source: Source) -> int | None:
        """What one side bills a month besides its dearest live subscription; a side that does not collect bills 0."""
        if not self.double and source not in self.collecting:
            return 0
        return overbilled_on(self.standings[source], self.currency, self.unpaid)

    @property
    def charged_twice(self) -> ChargedTwice | None:
        """What each side takes a month, where both have a live subscription that takes money by itself."""
        if not self.both_collect:
            return None
        taken = {
            source.value: self.monthly(each for each in side.live if each.subscription.collected_automatically)
            for source, side in self.standings.items()
        }
        return ChargedTwice(org_id=self.org.id, org_name=self.org.name, currency=self.currency, **taken)

    def subscriptions(self) -> list[Subscription]:
        """Every subscription of every side."""
        return [
            row for source, link in self.links.items() for row in _subscriptions(self.org, source, link, self.world)
        ]

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
        variance: int | None = 0,
        at_risk: int | None = 0,
        overdue: int | None = 0,
        default: Decided | None = None,
        stops: frozenset[Direction] | None = None,
        currency: str = "",
    ) -> Drift:
        """A drift of this organisation. What its tier leaks or owes is put on one drift once all are known.

        `currency` is that of its money where the organisation has no books.
        """
        row = CATALOGUE[code]
        decided = row.default if default is None else default
        words = {
            "org": self.org.id,
            "has": self.org.tier,
            "due": due.tier if due and due.tier else "",
            "detail": detail,
        }
        money = (self.books is not None or currency) and row.priced and decided is not Decided.HOLD
        return Drift(
            id=drift_id(code, self.org.id, subject),
            code=code,
            org_id=self.org.id,
            org_name=self.org.name,
            text=row.text.format_map(words),
            remedy=row.remedy.format_map(words),
            has=State(tier=self.org.tier, status=self.org.status),
            due=due,
            money=DriftMoney(
                currency=currency or self.currency,
                overbilled=overbilled,
                variance=variance,
                at_risk=at_risk,
                overdue=overdue,
            )
            if money
            else None,
            effective_at=effective_at,
            evidence=self.evidence(),
            fix=fix,
            stopped_by=stopped_by,
            default=default,
            stops=stops,
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
    index, terms, now = world.index, world.terms, world.now
    has = terms.catalog.tiers.get(org.tier)
    authority = terms.authority_for(org.id)
    reader = world.reader
    links = world.links.of(org, index)
    standings: dict[Source, Standing] = {}
    foreign: list[Subscription] = []
    own_modes = {None, terms.livemode}
    for source in index.complete:
        rows = _subscriptions(org, source, links[source], world)
        strange = [row for row in rows if row.livemode not in own_modes]
        if strange:
            foreign += strange
            rows = [row for row in rows if row.livemode in own_modes]
        standings[source] = reader.standing_of(source, rows, complete=index.complete[source])
    both_collect = len(standings) == len(Source) and all(side.collected_automatically for side in standings.values())
    double = both_collect and authority is not Authority.BOTH
    granting = tuple(standings[source] for source in authority.sides)
    collecting = collecting_sides(authority, standings, terms)
    late = late_payments(org.id, collecting, standings, index=index, past=world.past, terms=terms, now=now)
    contracts, expired = world.past.contracts_of(org.id, now)
    lapsed = {key for key, each in late.items() if each.lapsed}
    unpaid = disputed_rows(collecting, standings, index, now) | lapsed
    if has is not None and org.status != DELETED:
        unread = frozenset(source for source, link in links.items() if link.unread)
        sides = Sides(
            has=has,
            authority=authority,
            standings=standings,
            unread=unread,
            contracts=contracts,
            terms=terms,
            granting=granting,
            lapsed=lapsed,
        )
        due = what_is_due(sides)
        books = books_of(
            org, sides, due, collecting=collecting, double=double, unpaid=unpaid, late=late.keys(), now=now
        )
    else:
        due, books = Due(says=Says.NOTHING), None
    tops = [side.live[0] for side in granting if side.live]
    tiers = terms.catalog.tiers
    ranks = [each.entitles_to.rank for each in tops] + [tiers[e.tier].rank for e in contracts if e.tier in tiers]
    granted_rank = max(ranks, default=NO_RANK)
    return Case(
        org=org,
        has=has,
        authority=authority,
        links=links,
        standings=standings,
        foreign=foreign,
        granting=granting,
        collecting=collecting,
        both_collect=both_collect,
        double=double,
        late=late,
        unpaid=unpaid,
        contracts=contracts,
        expired=expired,
        due=due,
        granted_rank=granted_rank,
        collected=_collected(collecting, standings, granted_rank),
        books=books,
        world=world,
    )


def _collected(
    collecting: Iterable[Source], standings: Mapping[Source, Standing], granted_rank: int
) -> Granting | None:
    rows = [standings[source].live[0] for source in collecting if standings[source].live]
    if not rows:
        return None
    top = max(rows, key=lambda each: (each.entitles_to.rank, each.takes_money))
    return top if top.entitles_to.rank >= granted_rank else None


def _subscriptions(org: Org, source: Source, link: Link, world: World) -> list[Subscription]:
    """Those of every customer of `org`; of a customer it shares only those that name it, or are paid for and name none.

    What ended may have named nobody: while it is, or may be, paid ahead it keeps whoever has its tier, and it proves no
    end. What was paid for it belongs to no single one.
    """
    held: list[Subscription] = []
    for customer_id in link.customers:
        rows = world.index.of_customer(source, customer_id)
        sharers = world.claims.get((source, customer_id), ())
        if len(sharers) > 1 and named_apart(source, customer_id, sharers, world.index):
            ahead = [row for row in rows if not row.org_key and world.reader.may_be_paid_ahead(row)]
            rows = (*(row for row in rows if row.org_key == org.id), *map(_unpriced, ahead))
        held += rows
    return held


def _unpriced(row: Subscription) -> Subscription:
    return replace(row, items=tuple(replace(item, unit_amount=None) for item in row.items))

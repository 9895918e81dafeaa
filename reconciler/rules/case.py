"""One organisation with all that bears on it, the world that it is judged in, and the verdict that comes of it."""

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
from reconciler.model.orgs import Org
from reconciler.model.run import ChargedTwice
from reconciler.model.terms import Authority, Terms
from reconciler.rules.books import Books, overbilled_on
from reconciler.rules.catalogue import CATALOGUE
from reconciler.rules.due import Due
from reconciler.rules.dunning import Late
from reconciler.rules.identity import BillingIndex, Claims, Link, Links, named_apart
from reconciler.rules.matching import Matcher
from reconciler.rules.past import Past
from reconciler.rules.standing import Granting, Standing, monthly_sum
from reconciler.rules.standing_reader import Reader


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

    def subscriptions_of(self, org: Org, link: Link) -> list[Subscription]:
        """Those of every customer of `org`; of one it shares only what names it, or names nobody and may be paid ahead.

        What ended may have named nobody: while it is, or may be, paid ahead it keeps whoever has its tier, and it
        proves no end. What was paid for it belongs to no single one.
        """
        held: list[Subscription] = []
        for customer_id in link.customers:
            rows = self.index.of_customer(link.source, customer_id)
            sharers = self.claims.get((link.source, customer_id), ())
            if len(sharers) > 1 and named_apart(link.source, customer_id, sharers, self.index):
                ahead = [row for row in rows if not row.org_key and self.reader.may_be_paid_ahead(row)]
                rows = (*(row for row in rows if row.org_key == org.id), *map(_unpriced, ahead))
            held += rows
        return held


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


@dataclass(slots=True, kw_only=True)  # not frozen: see Granting of standing.py
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
        return [row for link in self.links.values() for row in self.world.subscriptions_of(self.org, link)]

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


def _unpriced(row: Subscription) -> Subscription:
    return replace(row, items=tuple(replace(item, unit_amount=None) for item in row.items))

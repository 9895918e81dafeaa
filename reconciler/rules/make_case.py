"""Puts together all that bears on one organisation, before it is judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model.billing import Source, Subscription
from reconciler.model.orgs import DELETED, Org
from reconciler.model.terms import Authority
from reconciler.rules.books import books_of, collecting_sides
from reconciler.rules.case import Case, World
from reconciler.rules.due import Due, Says, Sides, what_is_due
from reconciler.rules.dunning import disputed_rows, late_payments
from reconciler.rules.standing import NO_RANK, Granting, Standing


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
        rows = world.subscriptions_of(org, links[source])
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

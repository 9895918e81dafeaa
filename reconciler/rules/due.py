"""Which tier an organisation is due, by which subscription or contract, or why that cannot be said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum, auto

from reconciler.model.acts import Contract
from reconciler.model.billing import Source
from reconciler.model.catalog import Tier
from reconciler.model.terms import Authority, Terms
from reconciler.rules.standing import Granting, Standing


class Says(StrEnum):
    """What the granting sides, and contracts, come to."""

    LIVE = auto()  # a live subscription grants
    PAID_THROUGH = auto()  # what ended is paid until a date ahead, and lets it keep what it has
    CONTRACT = auto()  # a contract grants
    DISAGREE = auto()  # both sides grant, and differ
    ONE_SIDE = auto()  # both must agree, and one is silent
    ELSEWHERE = auto()  # live only on a side that does not grant
    NOTHING = auto()  # nothing grants
    UNREAD = auto()  # absence or a lowering would follow from what was not read whole


_NOTHING_LIVE = frozenset({Says.NOTHING, Says.ELSEWHERE})  # on a side that grants


@dataclass(slots=True, kw_only=True)  # not frozen: see Granting of standing.py
class Due:
    """What is due: `tier` and the subscription or contract it comes from; without a tier, nothing is or none can be."""

    says: Says
    tier: Tier | None = None
    by: Granting | None = None
    contract: Contract | None = None


@dataclass(slots=True, kw_only=True)  # not frozen: see Granting of standing.py
class Sides:
    """One organisation's sides, of which what is due is made. `has` is its tier; `unread` where its id is unseen.

    `lapsed` are the live subscriptions that are late beyond their grace, by id.
    """

    has: Tier
    authority: Authority
    standings: Mapping[Source, Standing]
    unread: frozenset[Source]
    contracts: Sequence[Contract]
    terms: Terms
    granting: Sequence[Standing]
    lapsed: AbstractSet[str]

    def pays_or_in_grace(self, granting: Granting) -> bool:
        """Whether money comes in for a live subscription, or its grace is not over."""
        return granting.takes_money and granting.subscription.id not in self.lapsed

    @property
    def whole(self) -> bool:
        """Whether every granting side was read whole."""
        return all(side.complete for side in self.granting)


def what_is_due(sides: Sides) -> Due:
    """By the authority; a contract beside it where it gives more; kept where what ended is still paid for."""
    found = _by_authority(sides)
    contract = _best(sides)
    if contract is not None and not _gives_more(sides, contract):
        tier = sides.terms.catalog.tiers[contract.tier]
        found = Due(says=Says.CONTRACT, tier=tier, contract=contract)
    lowers = found.tier is not None and found.tier.rank < sides.has.rank
    if lowers or found.says in _NOTHING_LIVE:
        kept = _kept(sides)
        if kept is not None:
            found, lowers = Due(says=Says.PAID_THROUGH, tier=sides.has, by=kept), False
    unseen = not sides.unread.isdisjoint(sides.authority.sides)
    from_absence = found.tier is None or lowers
    if (unseen and found.says is not Says.CONTRACT) or (from_absence and not sides.whole):
        return Due(says=Says.UNREAD)
    return found


def _by_authority(sides: Sides) -> Due:
    granting = sides.granting
    live = [side for side in granting if side.live]
    match sides.authority:
        case Authority.LAGO | Authority.STRIPE:
            if not live and any(side.live for side in sides.standings.values()):
                return Due(says=Says.ELSEWHERE)
        case Authority.BOTH:
            agreeing = [side for side in granting if side.grants(sides.has)]
            if live and len(agreeing) == 1:
                return Due(says=Says.ONE_SIDE)
            if live and len({side.grants(sides.has)[0].entitles_to.name for side in agreeing}) > 1:
                return Due(says=Says.DISAGREE)
            live.sort(key=lambda side: side.source is not sides.terms.collects)
        case Authority.EITHER:
            if len({side.live[0].entitles_to.name for side in live}) > 1:
                return Due(says=Says.DISAGREE)
    if not live:
        return Due(says=Says.NOTHING)
    tops = [live[0].live[0]] if sides.authority is Authority.BOTH else [_deciding(side, sides) for side in live]
    top = max(tops, key=lambda each: (sides.pays_or_in_grace(each), each.entitles_to.rank))
    return Due(says=Says.LIVE, tier=top.entitles_to, by=top)


def _deciding(side: Standing, sides: Sides) -> Granting:
    """The highest; but what is not paid for does not stand before one that is, and that gives more than is had.

    That much is proven to be due, whatever comes of the other.
    """
    top = side.live[0]
    paid = () if sides.pays_or_in_grace(top) else filter(sides.pays_or_in_grace, side.live)
    return next((each for each in paid if each.entitles_to.rank > sides.has.rank), top)


def _best(sides: Sides) -> Contract | None:
    """The contract that gives most."""
    tiers = sides.terms.catalog.tiers
    known = [each for each in sides.contracts if each.tier in tiers]
    return max(known, key=lambda each: (tiers[each.tier].rank, each.id), default=None)


def _gives_more(sides: Sides, contract: Contract) -> bool:
    """Whether any live subscription of a granting side gives more than the contract: then the higher one is due.

    What is not paid for does not stand before a contract that gives no less than is had.
    """
    rank = sides.terms.catalog.tiers[contract.tier].rank
    live = [each for side in sides.granting for each in side.live if each.entitles_to.rank > rank]
    return any(rank < sides.has.rank or sides.pays_or_in_grace(each) for each in live)


def _kept(sides: Sides) -> Granting | None:
    """The ended subscription by which the organisation keeps its tier longest, since it is paid until a date ahead."""
    held = [each for side in sides.granting for each in side.keeps(sides.has)]
    return max(held, key=lambda each: (each.until, each.subscription.id), default=None)

"""The money of one organisation: what is billed, what is due, what it has, and the row it adds to the tie-out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.model.billing import Source
from reconciler.model.catalog import Tier
from reconciler.model.orgs import ACTIVE, Org
from reconciler.model.terms import Authority, Terms
from reconciler.rules.matching import list_price
from reconciler.rules.standing import Granting, Standing, monthly_sum


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Monthly minor units of one currency; None is unpriced. billed - overbilled + variance + leak - owed = had."""

    currency: str
    billed: int | None
    overbilled: int | None
    due: int | None
    had: int | None

    @property
    def priced(self) -> bool:
        """Whether every part is known; else the organisation is left out of the tie-out and counted as unpriced."""
        return None not in (self.billed, self.overbilled, self.due, self.had)

    @property
    def variance(self) -> int | None:
        """List price of what is due, less what is rightly billed."""
        if self.due is None or self.billed is None or self.overbilled is None:
            return None
        return self.due - (self.billed - self.overbilled)

    @property
    def leak(self) -> int | None:
        """List price of what the organisation has above what it is due."""
        return None if self.had is None or self.due is None else max(0, self.had - self.due)

    @property
    def owed(self) -> int | None:
        """List price of what it is due above what it has."""
        return None if self.had is None or self.due is None else max(0, self.due - self.had)


def collecting_sides(
    authority: Authority, standings: Mapping[Source, Standing], terms: Terms, *, double: bool
) -> tuple[Source, ...]:
    """The sides whose amounts are billed money; with `double`, both collect by themselves and both count."""
    if double:
        return tuple(standings)
    match authority:
        case Authority.LAGO | Authority.STRIPE:
            return authority.sides
        case Authority.BOTH:
            return (terms.collects,)
        case Authority.EITHER:
            sides = {source: standings[source] for source in authority.sides if source in standings}
            return tuple(source for source, side in sides.items() if side.live) or tuple(sides)


def books_of(
    org: Org, has: Tier, *, authority: Authority, standings: Mapping[Source, Standing], terms: Terms, double: bool
) -> Books:
    """The books of one judged organisation.

    What is due comes from the sides that grant, what is billed from those that collect, both in the currency of what
    is due. By what ended but is paid for the organisation's own tier is due, never more.
    """
    granting = [standings[source] for source in collecting_sides(authority, standings, terms, double=False)]
    collecting = [standings[source] for source in collecting_sides(authority, standings, terms, double=double)]
    entitling = [(each.entitles_to, each) for side in granting for each in side.live]
    entitling += [(has, each) for side in granting for each in side.keeps(has)]
    due, reference = max(entitling, key=lambda pair: (pair[0].rank, _weight(pair[1])), default=(None, None))
    mirror = max((each for side in standings.values() for each in side.grants(has)), key=_weight, default=None)
    like = reference or mirror
    currency = (like.item.currency if like else "") or terms.currency
    return Books(
        currency=currency,
        billed=monthly_sum((each for side in collecting for each in side.grants(has)), currency),
        overbilled=_overbilled(collecting, currency, double=double),
        due=_listed(due, currency, like) if due else 0,
        had=_listed(has, currency, like) if org.status == ACTIVE else 0,
    )


def overbilled_on(side: Standing, currency: str) -> int | None:
    """What one side bills a month besides its dearest live subscription; None where not all of it is known."""
    total = monthly_sum(side.live, currency)
    return None if total is None else total - _dearest(side)


def overbilled_between(sides: Iterable[Standing], currency: str) -> int | None:
    """What is billed a month besides the dearest side, where sides, at least one, collect for the same thing."""
    sides = list(sides)
    if any(monthly_sum(side.live, currency) is None for side in sides):
        return None
    dearest = [_dearest(side) for side in sides]
    return sum(dearest) - max(dearest)


def _overbilled(sides: list[Standing], currency: str, *, double: bool) -> int | None:
    parts = [overbilled_on(side, currency) for side in sides]
    if double:
        parts.append(overbilled_between(sides, currency))
    return None if None in parts else sum(each for each in parts if each is not None)


def _dearest(side: Standing) -> int:
    return max((each.monthly or 0 for each in side.live), default=0)


def _weight(granting: Granting) -> tuple[int, int, str]:
    return (granting.entitles_to.rank, granting.monthly or 0, granting.subscription.id)


def _listed(tier: Tier, currency: str, like: Granting | None) -> int | None:
    if like is None:
        return list_price(tier, currency=currency)
    return list_price(tier, currency=currency, period=like.item.period, quantity=like.item.quantity)

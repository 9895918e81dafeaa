"""The money of one organisation: what is billed, what is due, what it has, and the row it adds to the tie-out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.model.acts import Contract
from reconciler.model.billing import Source, SubscriptionStatus
from reconciler.model.catalog import Tier
from reconciler.model.money import monthly
from reconciler.model.orgs import ACTIVE, Org
from reconciler.model.terms import Authority, Terms
from reconciler.rules.due import Due, Says, Sides
from reconciler.rules.matching import list_price
from reconciler.rules.standing import Granting, Standing, monthly_sum

# How long Stripe waits for a first payment before it gives the subscription up.
_FIRST_PAYMENT = timedelta(hours=23)


@dataclass(slots=True, kw_only=True)  # not frozen: see Granting of standing.py
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


def collecting_sides(authority: Authority, standings: Mapping[Source, Standing], terms: Terms) -> tuple[Source, ...]:
    """The sides whose subscriptions take money (drift_codes.md, Collecting side)."""
    match authority:
        case Authority.LAGO | Authority.STRIPE:
            return authority.sides
        case Authority.BOTH:
            return (terms.collects,)
        case Authority.EITHER:
            sides = {source: standings[source] for source in authority.sides if source in standings}
            return tuple(source for source, side in sides.items() if side.live) or tuple(sides)


def books_of(
    org: Org,
    sides: Sides,
    due: Due,
    *,
    collecting: tuple[Source, ...],
    double: bool,
    unpaid: AbstractSet[str],
    late: AbstractSet[str],
    now: datetime,
) -> Books:
    """The books of one judged organisation; with `double` both sides bill.

    `unpaid` are live subscriptions that lapsed or lost a dispute, `late` all whose payment is late, by id.

    What is due comes from the collecting sides, or a contract, both in the currency of what is due. By what ended but
    is paid for, and while a first payment is waited for, the organisation's own tier is due, never more; by what takes
    no money, or lapsed, nothing is. A suspended organisation is due only what it pays for.
    """
    has, standings, terms = sides.has, sides.standings, sides.terms
    granting = [standings[source] for source in collecting]
    billing = list(standings.values()) if double else granting
    active = org.status == ACTIVE
    entitling = [
        (each.entitles_to, each)
        for side in granting
        for each in side.live
        if each.takes_money and each.subscription.id not in (unpaid if active else late)
    ]
    kept = [each for side in granting for each in side.keeps(has)]
    if due.says is Says.PAID_THROUGH and due.by is not None and sides.authority is Authority.EITHER:
        kept.append(due.by)  # its side has nothing live, and so collects no longer
    entitling += [(has, each) for each in kept if active or each.takes_money]
    if not entitling and active and due.says is Says.NOTHING:
        entitling = [(has, each) for side in sides.granting for each in side.open if first_payment_open(each, now)]
    tier, reference = max(entitling, key=lambda pair: (pair[0].rank, _weight(pair[1])), default=(None, None))
    billed = [each for side in billing for each in side.grants(has) if each.subscription.id not in unpaid]
    if due.contract is not None and due.tier is not None:
        return _by_contract(due.contract, due.tier, org, has, billing, unpaid=unpaid, double=double)
    like = reference or max(
        (each for side in standings.values() for each in side.grants(has)), key=_weight, default=None
    )
    currency = (like.item.currency if like else "") or terms.currency
    return Books(
        currency=currency,
        billed=monthly_sum((each for each in billed if each.takes_money), currency),
        overbilled=_overbilled(billing, currency, unpaid, double=double),
        due=_listed(tier, currency, like) if tier else 0,
        had=_listed(has, currency, like) if active else 0,
    )


def first_payment_open(granting: Granting, now: datetime) -> bool:
    """Whether the first payment is still waited for: Stripe ends the subscription after 23 hours."""
    subscription = granting.subscription
    return subscription.status is SubscriptionStatus.INCOMPLETE and now < subscription.created_at + _FIRST_PAYMENT


def _by_contract(
    contract: Contract,
    tier: Tier,
    org: Org,
    has: Tier,
    billing: Sequence[Standing],
    *,
    unpaid: AbstractSet[str],
    double: bool,
) -> Books:
    """By a contract its own amount is what is billed, beside what is billed twice."""
    currency, period = contract.currency, contract.period
    overbilled = _overbilled(billing, currency, unpaid, double=double)
    agreed = monthly(contract.amount_minor, period)
    return Books(
        currency=currency,
        billed=None if overbilled is None else agreed + overbilled,
        overbilled=overbilled,
        due=list_price(tier, currency=currency, period=period),
        had=list_price(has, currency=currency, period=period) if org.status == ACTIVE else 0,
    )


def overbilled_on(side: Standing, currency: str, unpaid: AbstractSet[str]) -> int | None:
    """What one side bills a month besides its dearest live subscription; None where not all of it is known."""
    live = _taking(side, unpaid)
    total = monthly_sum(live, currency)
    return None if total is None else total - max((each.monthly or 0 for each in live), default=0)


def overbilled_between(sides: Iterable[Standing], currency: str, unpaid: AbstractSet[str]) -> int | None:
    """What is billed a month besides the dearest side, where sides, at least one, collect for the same thing."""
    by_side = [_taking(side, unpaid) for side in sides]
    if any(monthly_sum(live, currency) is None for live in by_side):
        return None
    dearest = [max((each.monthly or 0 for each in live), default=0) for live in by_side]
    return sum(dearest) - max(dearest)


def _taking(side: Standing, unpaid: AbstractSet[str]) -> list[Granting]:
    return [each for each in side.live if each.takes_money and each.subscription.id not in unpaid]


def _overbilled(sides: Sequence[Standing], currency: str, unpaid: AbstractSet[str], *, double: bool) -> int | None:
    """What is billed besides what is billed by right: once where both sides collect for the same, else once a side."""
    totals, rightful = [], []
    for side in sides:
        live = _taking(side, unpaid)
        total = monthly_sum(live, currency)
        right = [each.rightful for each in live]
        if total is None or None in right:
            return None
        totals.append(total)
        rightful.append(max((each for each in right if each is not None), default=0))
    return sum(totals) - (max(rightful) if double else sum(rightful))


def _weight(granting: Granting) -> tuple[int, int, str]:
    return (granting.entitles_to.rank, granting.monthly or 0, granting.subscription.id)


def _listed(tier: Tier, currency: str, like: Granting | None) -> int | None:
    if like is None:
        return list_price(tier, currency=currency)
    quantity = max(1, like.item.quantity)  # what is billed for none is had all the same
    return list_price(tier, currency=currency, period=like.item.period, quantity=quantity)

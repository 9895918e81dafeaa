"""Sorts what is sold into tiers by name, and the tiers by price; what is not certain stays outside, with a reason."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.firststeps.live import Key, key_of
from reconciler.firststeps.naming import sounds_unpaid, tier_among, tier_named_by
from reconciler.model.account import Offer
from reconciler.model.billing import Source
from reconciler.model.money import Interval, Period, monthly

_INTERVALS = {
    (Interval.MONTH, 3): Interval.QUARTER,
    (Interval.MONTH, 6): Interval.HALF_YEAR,
    (Interval.MONTH, 12): Interval.YEAR,
}
_MADE_UP = "unpaid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """An offer with the number of its live subscriptions; `why_not` says why it is in no tier, where that is odd."""

    offer: Offer
    live: int
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftTier:
    """One tier: how many organisations of the store have it, what sells it, and its list prices in minor units.

    `other_prices` are sold at an amount that differs from the list price of the same currency and interval.
    """

    name: str
    orgs: int
    paid: bool
    sold: tuple[Sold, ...]
    prices: Mapping[str, Mapping[Interval, int]] = field(default_factory=dict)
    other_prices: tuple[Sold, ...] = ()
    made_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TierDraft:
    """Tiers from the lowest to the highest, the one that nobody pays for, and what was matched to none."""

    tiers: tuple[DraftTier, ...]
    unpaid_tier: str
    currency: str
    unmatched: tuple[Sold, ...]


def draft_tiers(
    offers: Iterable[Offer], *, live: Mapping[Key, int], store_tiers: Mapping[str, int], collects: Source | None
) -> TierDraft:
    """`store_tiers` counts the organisations on each; `collects` is the side whose prices win where both name one."""
    sold = [Sold(offer=offer, live=live.get(key_of(offer.source, offer.item), 0)) for offer in offers]
    names = _names(store_tiers, sold)
    by_tier: dict[str, list[Sold]] = {name: [] for name in names}
    unmatched: list[Sold] = []
    for each in sold:
        tier = tier_among(names, each.offer) if _can_stand_in_a_file(each.offer.key) else None
        (unmatched if tier is None else by_tier[tier]).append(each)
    tiers: list[DraftTier] = []
    for name, matched in by_tier.items():
        paid = _is_paid(name, matched)
        fitting = [each for each in matched if paid or not _costs(each)]
        why_not = f"it is named like {name}, which nobody pays for, but it costs"
        unmatched += [replace(each, why_not=why_not) for each in matched if not paid and _costs(each)]
        tiers.append(_tier(name, store_tiers.get(name, 0), fitting, paid=paid, collects=collects))
    unpaid = _unpaid_tier(tiers)
    if unpaid is None:
        unpaid = DraftTier(name=_free_name(names), orgs=0, paid=False, sold=(), made_up=True)
        tiers.append(unpaid)
    currency = _currency(tiers)
    tiers.sort(key=lambda tier: _rank(tier, currency, unpaid.name))
    unmatched.sort(key=lambda each: (each.offer.source, -each.live, each.offer.key))
    return TierDraft(
        tiers=tuple(tiers), unpaid_tier=unpaid.name, currency=currency or "usd", unmatched=tuple(unmatched)
    )


def _names(store_tiers: Mapping[str, int], sold: Iterable[Sold]) -> list[str]:
    """The tiers of the store, and those that plan codes and lookup keys speak of: the store may lag behind."""
    names = sorted(store_tiers)
    for each in sorted(sold, key=lambda each: each.offer.key):
        name = tier_named_by(each.offer)
        if name is not None and tier_among(names, each.offer) is None and name not in names:
            names.append(name)
    return names


def _can_stand_in_a_file(name: str) -> bool:
    """Settings refuse blanks around a name: they are mostly slips of the hand."""
    return name == name.strip()


def _is_paid(name: str, matched: Collection[Sold]) -> bool:
    amounts = [each.offer.item.unit_amount for each in matched]
    if sounds_unpaid(name):
        return bool(amounts) and 0 not in amounts
    return not amounts or any(amount != 0 for amount in amounts)


def _costs(sold: Sold) -> bool:
    return sold.offer.item.unit_amount != 0


def _tier(name: str, orgs: int, sold: list[Sold], *, paid: bool, collects: Source | None) -> DraftTier:
    prices: dict[str, dict[Interval, int]] = defaultdict(dict)
    others: list[Sold] = []
    surest_first = sorted(
        sold,
        key=lambda each: (each.offer.archived, each.offer.source is not collects, -each.live, each.offer.key),
    )
    for each in surest_first if paid else ():
        item = each.offer.item
        interval = _interval(item.period)
        if not item.unit_amount or not item.currency or item.metered or interval is None:
            continue
        if prices[item.currency].setdefault(interval, item.unit_amount) != item.unit_amount:
            others.append(each)
    in_order = sorted(sold, key=lambda each: (each.offer.source, each.offer.archived, each.offer.key))
    return DraftTier(
        name=name, orgs=orgs, paid=paid, sold=tuple(in_order), prices=dict(prices), other_prices=tuple(others)
    )


def _interval(period: Period) -> Interval | None:
    return period.interval if period.count == 1 else _INTERVALS.get((period.interval, period.count))


def _unpaid_tier(tiers: Iterable[DraftTier]) -> DraftTier | None:
    """A trial is the last choice: it is where organisations begin, not where they fall to."""
    unpaid = [tier for tier in tiers if not tier.paid and _can_stand_in_a_file(tier.name)]
    return min(unpaid, key=lambda tier: ("trial" in tier.name.lower(), -tier.orgs, tier.name), default=None)


def _free_name(names: Collection[str]) -> str:
    name = _MADE_UP
    while name in names:
        name += "_"
    return name


def _currency(tiers: Iterable[DraftTier]) -> str:
    """The currency in which most tiers have a price, of these the one with most live subscriptions."""
    counts: Counter[str] = Counter()
    live: Counter[str] = Counter()
    for tier in tiers:
        counts.update(tier.prices.keys())
        for each in tier.sold:
            live[each.offer.item.currency] += each.live
    return max(counts, key=lambda currency: (counts[currency], live[currency], currency == "usd"), default="")


def _rank(tier: DraftTier, currency: str, unpaid: str) -> tuple[bool, bool, bool, int, str]:
    """Unpaid ones first, those without a price last: they are mostly the largest, sold by hand."""
    listed = tier.prices.get(currency) or next(iter(tier.prices.values()), {})
    month = listed.get(Interval.MONTH)
    if month is None:
        month = min((monthly(amount, Period(interval=interval)) for interval, amount in listed.items()), default=0)
    return (tier.name != unpaid, tier.paid, tier.paid and not listed, month, tier.name)

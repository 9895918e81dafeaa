"""Which tier an item of a subscription means, and what a tier costs by list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum

from reconciler.model.billing import Item, Subscription
from reconciler.model.catalog import Catalog, SourceKeys, Tier
from reconciler.model.money import MONTH, Interval, Period, monthly


class NoTier(Enum):
    """What an item is that means no tier."""

    OTHER_PRODUCT = "other product"  # named in [catalog] not_tiers
    UNMAPPED = "unmapped"


class Matcher:
    """Finds the tier of an item; the most specific key wins: price, lookup key, price metadata, product."""

    def __init__(self, catalog: Catalog) -> None:
        """Index every key of `catalog`; that no key is claimed twice is checked with the settings."""
        self._by_key: dict[tuple[str, str], Tier | NoTier] = {}
        for key in _keys(catalog.not_tiers):
            self._by_key[key] = NoTier.OTHER_PRODUCT
        for tier in catalog.tiers.values():
            for key in _keys(tier.keys):
                self._by_key[key] = tier

    def match(self, item: Item) -> Tier | NoTier:
        """The tier of `item`, or what it is instead."""
        for key in _keys_of(item):
            found = self._by_key.get(key)
            if found is not None:
                return found
        return NoTier.UNMAPPED

    def is_other_product(self, subscription: Subscription) -> bool:
        """Whether all of its items, and at least one, are of other products."""
        items = subscription.items
        return bool(items) and all(self.match(item) is NoTier.OTHER_PRODUCT for item in items)


def _keys_of(item: Item) -> Iterator[tuple[str, str]]:
    yield "plan", item.plan_code
    yield "price", item.price_id
    yield "lookup", item.lookup_key
    for name, value in sorted(item.price_metadata.items()):
        yield "metadata", f"{name}={value}"
    yield "product", item.product_id


def _keys(keys: SourceKeys) -> Iterable[tuple[str, str]]:
    yield from (("plan", code) for code in keys.lago_plans)
    yield from (("price", price) for price in keys.stripe_prices)
    yield from (("lookup", key) for key in keys.stripe_lookup_keys)
    yield from (("product", product) for product in keys.stripe_products)
    yield from (("metadata", f"{name}={value}") for name, value in keys.stripe_price_metadata)


_ONE_OF = {interval: Period(interval=interval) for interval in Interval}
_SAME_LENGTH = {
    (Interval.MONTH, 3): Interval.QUARTER,
    (Interval.MONTH, 6): Interval.HALF_YEAR,
    (Interval.MONTH, 12): Interval.YEAR,
}


def listed_amount(tier: Tier, item: Item) -> int | None:
    """The list price of one unit of `item` for its very interval; None where none is listed for it."""
    interval = _SAME_LENGTH.get((item.period.interval, item.period.count), item.period.interval)
    if interval is item.period.interval and item.period.count != 1:
        return None
    return tier.prices.get(item.currency, {}).get(interval)


def list_price(tier: Tier, *, currency: str, period: Period = MONTH, quantity: int = 1) -> int | None:
    """What `tier` costs a month by list, in minor units; None where it has no price in `currency`.

    Taken from the price of the same interval; where that is not listed, from the month's, then from any listed one.
    An unpaid tier costs 0.
    """
    if not tier.paid:
        return 0
    listed = tier.prices.get(currency)
    if not listed:
        return None
    wanted = _SAME_LENGTH.get((period.interval, period.count), period.interval)
    interval = wanted if wanted in listed else Interval.MONTH if Interval.MONTH in listed else min(listed)
    return monthly(listed[interval] * quantity, _ONE_OF[interval])

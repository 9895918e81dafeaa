"""Tiers, what they cost, and the keys of both sources that mean them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.money import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceKeys:
    """Keys of prices and plans: Lago plan codes; Stripe price ids, lookup keys, products and price metadata pairs."""

    lago_plans: frozenset[str] = frozenset()
    stripe_prices: frozenset[str] = frozenset()
    stripe_lookup_keys: frozenset[str] = frozenset()
    stripe_products: frozenset[str] = frozenset()
    stripe_price_metadata: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A plan name of the store. `rank` is unique; `prices` are list prices: currency, then interval, then minor units.

    `legacy_amounts` are older unit amounts that still count as this tier's own price, `legacy_keys` are those of `keys`
    that mean older plans and prices.
    """

    name: str
    rank: int
    paid: bool = True
    keys: SourceKeys = field(default_factory=SourceKeys)
    prices: Mapping[str, Mapping[Interval, int]] = field(default_factory=dict)
    legacy_amounts: Mapping[str, Mapping[Interval, frozenset[int]]] = field(default_factory=dict)
    trial_days: int | None = None
    legacy_keys: SourceKeys = field(default_factory=SourceKeys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Every tier by name, and the keys of other products sold from the same accounts."""

    tiers: Mapping[str, Tier]
    not_tiers: SourceKeys = field(default_factory=SourceKeys)

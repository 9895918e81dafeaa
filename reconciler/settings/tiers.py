"""The sections `[tiers.NAME]` and `[catalog]`, and the catalog that they make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from reconciler.model.catalog import Catalog, SourceKeys, Tier
from reconciler.model.money import Interval
from reconciler.settings.kinds import Count, Currency, Name, Names
from reconciler.settings.sections import Section

_Interval = Annotated[Interval, Field(strict=False)]
_Amounts = Annotated[tuple[Count, ...], Field(strict=False)]


def _each_currency_once(table: Any) -> Any:
    """Currencies are brought to lower case; of two spellings of one, the first would be lost without a word."""
    if isinstance(table, dict) and len({str(key).lower() for key in table}) < len(table):
        raise ValueError("names a currency twice")
    return table


_OncePerCurrency = BeforeValidator(_each_currency_once)

# A key as it is claimed: the name of the list it stands in, and the key.
Claim = tuple[str, str]


class KeysSection(Section):
    """Plan codes and prices of both sources."""

    lago_plans: Names = ()
    stripe_prices: Names = ()
    stripe_lookup_keys: Names = ()
    stripe_products: Names = ()
    stripe_price_metadata: dict[Name, str] = Field(default_factory=dict)

    def keys(self, *, older_plans: tuple[str, ...] = (), older_prices: tuple[str, ...] = ()) -> SourceKeys:
        """These keys, with the older ones among them."""
        return SourceKeys(
            lago_plans=frozenset(self.lago_plans + older_plans),
            stripe_prices=frozenset(self.stripe_prices + older_prices),
            stripe_lookup_keys=frozenset(self.stripe_lookup_keys),
            stripe_products=frozenset(self.stripe_products),
            stripe_price_metadata=frozenset(self.stripe_price_metadata.items()),
        )

    def claims(self) -> Iterator[Claim]:
        """Every key with the name of its list."""
        yield from (("lago_plans", code) for code in self.lago_plans)
        yield from (("stripe_prices", price) for price in self.stripe_prices)
        yield from (("stripe_lookup_keys", key) for key in self.stripe_lookup_keys)
        yield from (("stripe_products", product) for product in self.stripe_products)
        yield from (("stripe_price_metadata", f"{key} = {value}") for key, value in self.stripe_price_metadata.items())


class LegacySection(Section):
    """`legacy` of a tier: older plans and prices that still mean it."""

    lago_plans: Names = ()
    stripe_prices: Names = ()
    amounts: Annotated[dict[Currency, dict[_Interval, _Amounts]], _OncePerCurrency] = Field(default_factory=dict)


class TierSection(KeysSection):
    """`[tiers.NAME]`."""

    rank: int
    paid: bool = True
    trial_days: Count | None = None
    price: Annotated[dict[Currency, dict[_Interval, Count]], _OncePerCurrency] = Field(default_factory=dict)
    legacy: LegacySection = LegacySection()

    def claims(self) -> Iterator[Claim]:
        """Every key with the name of its list, older ones included."""
        yield from super().claims()
        yield from (("lago_plans", code) for code in self.legacy.lago_plans)
        yield from (("stripe_prices", price) for price in self.legacy.stripe_prices)

    def tier(self, name: str) -> Tier:
        """The tier of that name."""
        return Tier(
            name=name,
            rank=self.rank,
            paid=self.paid,
            keys=self.keys(older_plans=self.legacy.lago_plans, older_prices=self.legacy.stripe_prices),
            prices=self.price,
            legacy_amounts={
                currency: {interval: frozenset(amounts) for interval, amounts in by_interval.items()}
                for currency, by_interval in self.legacy.amounts.items()
            },
            trial_days=self.trial_days,
            legacy_keys=SourceKeys(
                lago_plans=frozenset(self.legacy.lago_plans), stripe_prices=frozenset(self.legacy.stripe_prices)
            ),
        )


class CatalogSection(Section):
    """`[catalog]`: what is sold from the same accounts and is no tier."""

    not_tiers: KeysSection = KeysSection()


def catalog_of(tiers: Mapping[str, TierSection], other: CatalogSection) -> Catalog:
    """The catalog that both sections make."""
    return Catalog(tiers={name: tier.tier(name) for name, tier in tiers.items()}, not_tiers=other.not_tiers.keys())

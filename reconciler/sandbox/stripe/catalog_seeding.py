"""Seeds a Stripe account's catalogue: products, prices and coupons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from reconciler.sandbox.stripe import objects
from reconciler.sandbox.stripe.objects import Json
from reconciler.sandbox.stripe.world import StripeWorld


class CatalogSeeding(StripeWorld):
    """Each method returns the new id, which is `fixed_id` where one is given; omitted times are now by the clock."""

    def add_product(
        self,
        name: str,
        *,
        active: bool = True,
        metadata: Mapping[str, str] | None = None,
        created: datetime | None = None,
        fixed_id: str | None = None,
    ) -> str:
        """Add a product."""
        return self._add(
            "product",
            objects.product(
                object_id=fixed_id or self._new_id("prod_", 14),
                livemode=self.livemode,
                created=self._seconds(created),
                name=name,
                active=active,
                metadata=metadata or {},
            ),
        )

    def add_price(
        self,
        product: str,
        *,
        unit_amount: int | None,
        currency: str = "usd",
        interval: str | None = "month",
        interval_count: int = 1,
        usage_type: str = "licensed",
        unit_amount_decimal: str | None = None,
        lookup_key: str | None = None,
        nickname: str | None = None,
        metadata: Mapping[str, str] | None = None,
        active: bool = True,
        inline: bool = False,
        tiers: Sequence[Json] | None = None,
        currency_options: Mapping[str, Json] | None = None,
        created: datetime | None = None,
        fixed_id: str | None = None,
    ) -> str:
        """Add a price in minor units; interval None: one-time. A `lookup_key` in use moves over, as by transfer.

        An `inline` price (made of `price_data`) is never listed. Tiered and fractional prices have unit_amount None.
        """
        prices = self.tables["price"].rows
        if lookup_key is not None:
            for other in prices.values():
                if other["lookup_key"] == lookup_key:
                    other["lookup_key"] = None
        recurring = None
        if interval is not None:
            recurring = objects.recurring(interval=interval, interval_count=interval_count, usage_type=usage_type)
        price = objects.price(
            object_id=fixed_id or self._new_id("price_", 24),
            livemode=self.livemode,
            created=self._seconds(created),
            product=self.get("product", product)["id"],
            currency=currency,
            unit_amount=unit_amount,
            unit_amount_decimal=unit_amount_decimal,
            recurring=recurring,
            active=active,
            lookup_key=lookup_key,
            nickname=nickname,
            metadata=metadata or {},
            tiers=tiers,
            currency_options=currency_options,
        )
        if inline:
            self.inline_prices.add(price["id"])
        return self._add("price", price)

    def add_coupon(
        self,
        *,
        percent_off: Decimal | None = None,
        amount_off: int | None = None,
        currency: str | None = None,
        duration: str = "forever",
        duration_in_months: int | None = None,
        fixed_id: str | None = None,
    ) -> str:
        """Add a coupon: `percent_off`, or `amount_off` minor units of `currency`."""
        return self._add(
            "coupon",
            objects.coupon(
                object_id=fixed_id or self._new_id("", 8),
                livemode=self.livemode,
                created=self._seconds(None),
                percent_off=percent_off,
                amount_off=amount_off,
                currency=currency,
                duration=duration,
                duration_in_months=duration_in_months,
            ),
        )

"""Plans and prices for tests of the first day."""

from __future__ import annotations

from typing import Any

from reconciler.model.account import Offer
from reconciler.model.billing import Item, Source
from reconciler.model.money import Interval, Period


def plan(code: str, amount: int | None = 9900, *, currency: str = "usd", yearly: bool = False, name: str = "") -> Offer:
    item = Item(
        id=code,
        plan_code=code,
        unit_amount=amount,
        currency=currency,
        period=Period(interval=Interval.YEAR if yearly else Interval.MONTH),
    )
    return Offer(source=Source.LAGO, item=item, names=(name,) if name else ())


def price(
    price_id: str,
    amount: int | None = 9900,
    *,
    currency: str = "usd",
    lookup_key: str = "",
    product: str = "prod_1",
    metadata: dict[str, str] | None = None,
    period: Period | None = None,
    **offer: Any,
) -> Offer:
    item = Item(
        id=price_id,
        price_id=price_id,
        lookup_key=lookup_key,
        product_id=product,
        price_metadata=metadata or {},
        unit_amount=amount,
        currency=currency,
        period=period or Period(),
    )
    return Offer(source=Source.STRIPE, item=item, **offer)

"""Which discounts of Stripe are kept, and where: of a subscription, of one item, of a customer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.billing_support import NOW, stripe_sandbox, stripe_source
from reconciler.model.billing import Discount, Subscription
from reconciler.sandbox.server import LoopbackServer
from reconciler.sandbox.stripe import Item, StripeSandbox

DAY = timedelta(days=1)


@pytest.fixture
def stripe() -> StripeSandbox:
    return stripe_sandbox()


@pytest.fixture
def server(stripe: StripeSandbox) -> Iterator[LoopbackServer]:
    with stripe.serve() as served:
        yield served


@pytest.fixture
def price(stripe: StripeSandbox) -> str:
    return stripe.add_price(stripe.add_product("Professional"), unit_amount=9900)


def read(server: LoopbackServer) -> Subscription:
    """The only subscription."""
    with stripe_source(server) as source:
        snapshot = source.read_all(NOW)
    assert snapshot.complete
    (row,) = snapshot.subscriptions
    return row


FOREVER = {"percent_off": Decimal("12.5"), "duration": "forever"}
THREE_MONTHS = {"amount_off": 500, "currency": "usd", "duration": "repeating", "duration_in_months": 3}
ONCE = {"percent_off": Decimal(50), "duration": "once"}
KEPT = [
    (FOREVER, (Discount(percent=Decimal("12.5")),)),
    (THREE_MONTHS, (Discount(amount_minor=500, currency="usd"),)),
    (ONCE, ()),
]


@pytest.mark.parametrize(("coupon", "kept"), KEPT)
def test_of_a_subscriptions_discounts_the_recurring_ones_are_kept(
    stripe: StripeSandbox, server: LoopbackServer, price: str, coupon: dict[str, Any], kept: tuple[Discount, ...]
) -> None:
    stripe.add_subscription(stripe.add_customer(), prices=[price], coupons=[stripe.add_coupon(**coupon)])
    row = read(server)
    assert (row.discounts, row.items[0].discounts) == (kept, ())


@pytest.mark.parametrize(("coupon", "kept"), KEPT)
def test_of_an_items_discounts_the_recurring_ones_are_kept_with_the_item(
    stripe: StripeSandbox, server: LoopbackServer, price: str, coupon: dict[str, Any], kept: tuple[Discount, ...]
) -> None:
    discounted = Item(price=price, coupons=[stripe.add_coupon(**coupon)])
    stripe.add_subscription(stripe.add_customer(), items=[discounted])
    row = read(server)
    assert (row.discounts, row.items[0].discounts) == ((), kept)


@pytest.mark.parametrize(("coupon", "kept"), KEPT)
def test_a_customers_recurring_discount_holds_for_its_subscriptions(
    stripe: StripeSandbox, server: LoopbackServer, price: str, coupon: dict[str, Any], kept: tuple[Discount, ...]
) -> None:
    stripe.add_subscription(stripe.add_customer(coupon=stripe.add_coupon(**coupon)), prices=[price])
    assert read(server).discounts == kept


def test_a_repeating_discount_ends(stripe: StripeSandbox, server: LoopbackServer, price: str) -> None:
    coupon = stripe.add_coupon(percent_off=Decimal(50), duration="repeating", duration_in_months=3)
    stripe.add_subscription(stripe.add_customer(), prices=[price], coupons=[coupon], created=NOW - 200 * DAY)
    assert read(server).discounts == ()


def test_a_discount_of_the_subscription_stands_in_for_that_of_the_customer(
    stripe: StripeSandbox, server: LoopbackServer, price: str
) -> None:
    weak = stripe.add_coupon(percent_off=Decimal(5), duration="forever")
    strong = stripe.add_coupon(percent_off=Decimal(40), duration="forever")
    stripe.add_subscription(stripe.add_customer(coupon=strong), prices=[price], coupons=[weak])
    assert read(server).discounts == (Discount(percent=Decimal(5)),)

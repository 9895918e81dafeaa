"""What each field of Stripe becomes in the model, read from a Stripe over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from billing.billing_support import NOW, stripe_sandbox, stripe_source
from reconciler.model.billing import Customer, EndReason, Subscription, SubscriptionStatus
from reconciler.model.money import Interval, Period
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
    return stripe.add_price(stripe.add_product("Professional"), unit_amount=9900, fixed_id="price_pro")


@pytest.fixture
def customer(stripe: StripeSandbox) -> str:
    return stripe.add_customer(fixed_id="cus_1")


@pytest.fixture
def subscribed(stripe: StripeSandbox, price: str, customer: str) -> str:
    return stripe.add_subscription(customer, prices=[price])


def read(server: LoopbackServer, **arguments: Any) -> Subscription:
    """The only subscription."""
    with stripe_source(server, **arguments) as source:
        snapshot = source.read_all(NOW)
    assert snapshot.complete
    (row,) = snapshot.subscriptions
    return row


def read_alone(server: LoopbackServer) -> Subscription:
    """The only subscription of the only customer, which ended ones are read with."""
    with stripe_source(server) as source:
        (customer,) = source.read_all(NOW).customers
        (row,) = source.read_customer(customer).subscriptions
    return row


def only_customer(server: LoopbackServer, **arguments: Any) -> Customer:
    with stripe_source(server, **arguments) as source:
        (row,) = source.read_all(NOW).customers
    return row


@pytest.mark.parametrize(
    ("status", "meant"),
    [
        ("incomplete", SubscriptionStatus.INCOMPLETE),
        ("incomplete_expired", SubscriptionStatus.ABANDONED),
        ("trialing", SubscriptionStatus.TRIALING),
        ("active", SubscriptionStatus.ACTIVE),
        ("past_due", SubscriptionStatus.PAST_DUE),
        ("unpaid", SubscriptionStatus.UNPAID),
        ("paused", SubscriptionStatus.PAUSED),
        ("hibernating", SubscriptionStatus.UNKNOWN),
    ],
)
def test_each_status_is_read_and_a_new_one_is_unknown_with_its_word_kept(
    stripe: StripeSandbox, server: LoopbackServer, subscribed: str, status: str, meant: SubscriptionStatus
) -> None:
    stripe.change(subscribed, status=status)
    row = read(server)
    assert (row.status, row.raw_status) == (meant, status)


def test_an_item_carries_every_key_by_which_a_catalog_may_know_it(
    stripe: StripeSandbox, server: LoopbackServer, customer: str
) -> None:
    product = stripe.add_product("Team")
    price = stripe.add_price(
        product, unit_amount=4200, currency="eur", interval="year", lookup_key="team", metadata={"tier": "team"}
    )
    stripe.add_subscription(customer, items=[Item(price=price, quantity=3, period_start=NOW, period_end=NOW + DAY)])
    (item,) = read(server).items
    assert (item.price_id, item.product_id, item.lookup_key, dict(item.price_metadata)) == (
        price,
        product,
        "team",
        {"tier": "team"},
    )
    assert (item.unit_amount, item.currency, item.quantity, item.metered) == (4200, "eur", 3, False)
    assert (item.period, item.period_start, item.period_end) == (Period(interval=Interval.YEAR), NOW, NOW + DAY)


def test_three_months_stay_three_times_a_month(stripe: StripeSandbox, server: LoopbackServer, customer: str) -> None:
    price = stripe.add_price(stripe.add_product("P"), unit_amount=900, interval="month", interval_count=3)
    stripe.add_subscription(customer, prices=[price])
    assert read(server).items[0].period == Period(interval=Interval.MONTH, count=3)


def test_a_metered_item_has_no_quantity_and_counts_as_one(
    stripe: StripeSandbox, server: LoopbackServer, customer: str
) -> None:
    price = stripe.add_price(stripe.add_product("Calls"), unit_amount=5, usage_type="metered")
    stripe.add_subscription(customer, items=[Item(price=price, quantity=None)])
    (item,) = read(server).items
    assert (item.quantity, item.metered) == (1, True)


@pytest.mark.parametrize(
    ("price", "amount"),
    [
        ({"unit_amount": None, "unit_amount_decimal": "1200"}, 1200),
        ({"unit_amount": None, "unit_amount_decimal": "0.5"}, None),
        ({"unit_amount": None, "tiers": "graduated"}, None),
        ({"unit_amount": 0}, 0),
    ],
)
def test_an_amount_is_a_whole_number_of_minor_units_or_unknown(
    stripe: StripeSandbox, server: LoopbackServer, customer: str, price: dict[str, Any], amount: int | None
) -> None:
    tiers = price.pop("tiers", None)
    made = stripe.add_price(stripe.add_product("P"), **price)
    if tiers:
        stripe.change(made, billing_scheme="tiered", tiers_mode=tiers)
    stripe.add_subscription(customer, prices=[made])
    assert read(server).items[0].unit_amount == amount


def test_an_amount_for_a_package_of_units_is_unknown(
    stripe: StripeSandbox, server: LoopbackServer, price: str, customer: str
) -> None:
    stripe.change(price, transform_quantity={"divide_by": 10, "round": "up"})
    stripe.add_subscription(customer, prices=[price])
    assert read(server).items[0].unit_amount is None


def test_items_that_the_list_cuts_off_are_read_too(
    stripe: StripeSandbox, server: LoopbackServer, customer: str
) -> None:
    product = stripe.add_product("Parts")
    prices = [stripe.add_price(product, unit_amount=number) for number in range(1, 14)]
    stripe.add_subscription(customer, prices=prices)
    assert sorted(item.price_id for item in read(server).items) == sorted(prices)


def test_a_cancellation_at_a_date_is_that_date(
    stripe: StripeSandbox, server: LoopbackServer, price: str, customer: str
) -> None:
    stripe.add_subscription(customer, prices=[price], cancel_at=NOW + 5 * DAY)
    assert read(server).cancel_at == NOW + 5 * DAY


def test_a_cancellation_at_period_end_is_the_latest_end_of_its_items(
    stripe: StripeSandbox, server: LoopbackServer, price: str, customer: str
) -> None:
    items = [Item(price=price, period_start=NOW, period_end=NOW + days * DAY) for days in (3, 30, 7)]
    made = stripe.add_subscription(customer, items=items)
    stripe.change(made, cancel_at_period_end=True, cancel_at=None)
    assert read(server).cancel_at == NOW + 30 * DAY


@pytest.mark.parametrize(
    ("reason", "meant"),
    [
        ("cancellation_requested", EndReason.REQUESTED),
        ("payment_failed", EndReason.PAYMENT_FAILED),
        ("payment_disputed", EndReason.PAYMENT_DISPUTED),
        ("canceled_by_retention_policy", EndReason.OTHER),
        (None, EndReason.OTHER),
    ],
)
def test_an_ended_subscription_says_why_and_whether_its_period_is_paid(
    stripe: StripeSandbox, server: LoopbackServer, subscribed: str, reason: str | None, meant: EndReason
) -> None:
    stripe.change(
        subscribed,
        status="canceled",
        ended_at=int((NOW - DAY).timestamp()),
        cancellation_details={"comment": None, "feedback": None, "reason": reason},
    )
    row = read_alone(server)
    assert (row.status, row.ended_at, row.end_reason) == (SubscriptionStatus.ENDED, NOW - DAY, meant)
    assert row.paid_for_period is (meant in (EndReason.REQUESTED, EndReason.OTHER))


def test_a_live_subscription_that_someone_asked_to_end_has_no_end_reason_yet(
    stripe: StripeSandbox, server: LoopbackServer, price: str, customer: str
) -> None:
    stripe.add_subscription(customer, prices=[price], cancel_at=NOW + DAY, cancellation_reason="cancellation_requested")
    assert read(server).end_reason is None


def test_collection_is_automatic_by_invoice_or_paused(
    stripe: StripeSandbox, server: LoopbackServer, price: str, customer: str
) -> None:
    stripe.add_subscription(customer, prices=[price], fixed_id="sub_card")
    stripe.add_subscription(
        customer, prices=[price], fixed_id="sub_sent", collection_method="send_invoice", days_until_due=30
    )
    stripe.add_subscription(customer, prices=[price], fixed_id="sub_held", pause_collection="void")
    with stripe_source(server) as source:
        rows = {each.id: each for each in source.read_all(NOW).subscriptions}
    assert {key: (row.collected_automatically, row.collection_pause is not None) for key, row in rows.items()} == {
        "sub_card": (True, False),
        "sub_sent": (False, False),
        "sub_held": (True, True),
    }


def test_the_organisation_is_named_by_the_configured_metadata(
    stripe: StripeSandbox, server: LoopbackServer, price: str
) -> None:
    customer = stripe.add_customer(metadata={"org_id": "wrong", "tenant": "org_7"})
    stripe.add_subscription(customer, prices=[price], metadata={"tenant": "org_8"})
    assert only_customer(server, metadata_org_key="tenant").org_key == "org_7"
    assert read(server, metadata_org_key="tenant").org_key == "org_8"


def test_rows_say_their_mode_and_that_no_test_clock_moves_them(
    stripe: StripeSandbox, server: LoopbackServer, price: str, customer: str
) -> None:
    stripe.add_subscription(customer, prices=[price])
    row, held = read(server), only_customer(server)
    assert (row.livemode, row.test_clock, held.livemode, held.test_clock) == (False, False, False, False)


def test_a_customer_on_a_test_clock_is_known_as_such_when_it_is_read(
    stripe: StripeSandbox, server: LoopbackServer, customer: str
) -> None:
    known = only_customer(server)
    stripe.change(customer, test_clock="clock_1")
    with stripe_source(server) as source:
        assert source.read_customer(known).customer.test_clock


def test_a_deleted_customer_is_a_stub_and_its_subscriptions_are_still_read(
    stripe: StripeSandbox, server: LoopbackServer, price: str, customer: str
) -> None:
    stripe.add_subscription(customer, prices=[price])
    known = only_customer(server)
    stripe.delete_customer(customer)
    with stripe_source(server) as source:
        reading = source.read_customer(known)
        snapshot = source.read_all(NOW)
    assert reading.customer.deleted
    assert [each.status for each in reading.subscriptions] == [SubscriptionStatus.ENDED]
    assert (snapshot.customers, snapshot.subscriptions) == ((), ())

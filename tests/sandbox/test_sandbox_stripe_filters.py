from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
import stripe

from reconciler.sandbox.stripe import Item, Phase, StripeSandbox
from sandbox.stripe_over_http import NOW, get, ids, library_client

STATUSES = (
    "incomplete",
    "incomplete_expired",
    "trialing",
    "active",
    "past_due",
    "unpaid",
    "paused",
    "canceled",
)


class World:
    """Two customers, two prices in two currencies."""

    def __init__(self) -> None:
        self.sandbox = StripeSandbox(clock=lambda: NOW)
        self.product = self.sandbox.add_product("Team")
        self.usd = self.sandbox.add_price(self.product, unit_amount=2000, currency="usd", lookup_key="team_usd")
        self.eur = self.sandbox.add_price(self.product, unit_amount=1900, currency="eur", interval="year")
        self.acme = self.sandbox.add_customer(email="a@acme.example")
        self.beta = self.sandbox.add_customer(email="b@beta.example")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def client(world: World) -> Iterator[stripe.StripeClient]:
    with world.sandbox.serve() as server, library_client(server.url) as client:
        yield client


def _one_of_each_status(world: World) -> dict[str, str]:
    return {
        status: world.sandbox.add_subscription(world.acme, prices=[world.usd], status=status) for status in STATUSES
    }


def test_without_a_status_all_but_canceled_subscriptions_are_listed(world: World, client: stripe.StripeClient) -> None:
    by_status = _one_of_each_status(world)
    assert set(ids(get(client, "/v1/subscriptions"))) == set(by_status.values()) - {by_status["canceled"]}


def test_status_all_lists_every_subscription(world: World, client: stripe.StripeClient) -> None:
    by_status = _one_of_each_status(world)
    assert set(ids(get(client, "/v1/subscriptions", status="all"))) == set(by_status.values())


def test_status_ended_lists_the_canceled_and_the_expired(world: World, client: stripe.StripeClient) -> None:
    by_status = _one_of_each_status(world)
    listed = ids(get(client, "/v1/subscriptions", status="ended"))
    assert set(listed) == {by_status["canceled"], by_status["incomplete_expired"]}


@pytest.mark.parametrize("status", STATUSES)
def test_a_single_status_lists_only_its_own(world: World, client: stripe.StripeClient, status: str) -> None:
    by_status = _one_of_each_status(world)
    assert ids(get(client, "/v1/subscriptions", status=status)) == [by_status[status]]


def test_an_unknown_status_is_refused(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Invalid status: must be one of") as refused:
        get(client, "/v1/subscriptions", status="overdue")
    assert refused.value.param == "status"


def test_subscriptions_are_listed_by_customer_and_by_the_price_of_any_item(
    world: World, client: stripe.StripeClient
) -> None:
    extra = world.sandbox.add_price(world.product, unit_amount=100, currency="usd")
    mine = world.sandbox.add_subscription(world.acme, prices=[world.usd, extra])
    theirs = world.sandbox.add_subscription(world.beta, prices=[world.eur])
    assert ids(get(client, "/v1/subscriptions", customer=world.acme)) == [mine]
    assert ids(get(client, "/v1/subscriptions", price=extra)) == [mine]
    assert ids(get(client, "/v1/subscriptions", price=world.eur, customer=world.beta)) == [theirs]
    assert not ids(get(client, "/v1/subscriptions", price=world.eur, customer=world.acme))


@pytest.mark.parametrize("param", ["customer", "price"])
def test_a_filter_by_an_unknown_id_is_refused(client: stripe.StripeClient, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        get(client, "/v1/subscriptions", **{param: "none"})
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, "resource_missing", param)


def test_period_filters_look_at_the_latest_start_and_the_earliest_end(
    world: World, client: stripe.StripeClient
) -> None:
    day = timedelta(days=1)
    items = [
        Item(price=world.usd, period_start=NOW - 9 * day, period_end=NOW + 20 * day),
        Item(price=world.usd, period_start=NOW - 2 * day, period_end=NOW + 5 * day),
    ]
    mixed = world.sandbox.add_subscription(world.acme, items=items)
    start, end = int((NOW - 2 * day).timestamp()), int((NOW + 5 * day).timestamp())
    assert ids(get(client, "/v1/subscriptions", current_period_start={"gte": start, "lte": start})) == [mixed]
    assert ids(get(client, "/v1/subscriptions", current_period_end={"gte": end, "lte": end})) == [mixed]
    assert not ids(get(client, "/v1/subscriptions", current_period_end={"gt": end}))


def test_rows_on_a_test_clock_are_left_out_unless_asked_for(world: World, client: stripe.StripeClient) -> None:
    clocked = world.sandbox.add_customer(test_clock="clock_1")
    hidden = world.sandbox.add_subscription(clocked, prices=[world.usd])
    seen = world.sandbox.add_subscription(world.acme, prices=[world.usd])
    assert ids(get(client, "/v1/subscriptions", status="all")) == [seen]
    assert ids(get(client, "/v1/subscriptions", test_clock="clock_1")) == [hidden]
    assert ids(get(client, "/v1/subscriptions", customer=clocked)) == [hidden]
    assert set(ids(get(client, "/v1/customers"))) == {world.acme, world.beta}
    assert ids(get(client, "/v1/customers", test_clock="clock_1")) == [clocked]


def test_a_deleted_customer_is_not_listed_and_answers_by_id_alone(world: World, client: stripe.StripeClient) -> None:
    gone = world.sandbox.add_customer(deleted=True)
    assert set(ids(get(client, "/v1/customers"))) == {world.acme, world.beta}
    assert get(client, f"/v1/customers/{gone}") == {"id": gone, "object": "customer", "deleted": True}


def test_canceled_subscriptions_of_a_deleted_customer_stay_listed(world: World, client: stripe.StripeClient) -> None:
    subscription = world.sandbox.add_subscription(world.acme, prices=[world.usd])
    world.sandbox.delete_customer(world.acme)
    assert ids(get(client, "/v1/subscriptions", status="canceled")) == [subscription]


def test_customers_are_found_by_exact_email(world: World, client: stripe.StripeClient) -> None:
    assert ids(get(client, "/v1/customers", email="a@acme.example")) == [world.acme]
    assert not ids(get(client, "/v1/customers", email="A@acme.example"))


def test_prices_are_active_unless_asked_and_never_inline(world: World, client: stripe.StripeClient) -> None:
    archived = world.sandbox.add_price(world.product, unit_amount=1, active=False)
    inline = world.sandbox.add_price(world.product, unit_amount=2, inline=True)
    assert set(ids(get(client, "/v1/prices"))) == {world.usd, world.eur}
    assert set(ids(get(client, "/v1/prices", active="true"))) == {world.usd, world.eur}
    assert ids(get(client, "/v1/prices", active="false")) == [archived]
    assert get(client, f"/v1/prices/{inline}")["id"] == inline


def test_prices_are_found_by_key_product_currency_and_interval(world: World, client: stripe.StripeClient) -> None:
    other = world.sandbox.add_price(world.sandbox.add_product("Seats"), unit_amount=5)
    assert ids(get(client, "/v1/prices", lookup_keys=["team_usd", "none"])) == [world.usd]
    assert set(ids(get(client, "/v1/prices", product=world.product))) == {world.usd, world.eur}
    assert ids(get(client, "/v1/prices", currency="eur")) == [world.eur]
    assert ids(get(client, "/v1/prices", recurring={"interval": "month"})) == [other, world.usd]


def test_a_flag_is_true_or_false(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Invalid boolean: yes"):
        get(client, "/v1/prices", active="yes")


def test_a_lookup_key_given_anew_leaves_the_old_price_without_one(world: World, client: stripe.StripeClient) -> None:
    heir = world.sandbox.add_price(world.product, unit_amount=2500, lookup_key="team_usd")
    assert get(client, f"/v1/prices/{world.usd}")["lookup_key"] is None
    assert get(client, f"/v1/prices/{heir}")["lookup_key"] == "team_usd"


def test_products_are_listed_active_and_archived_alike(world: World, client: stripe.StripeClient) -> None:
    archived = world.sandbox.add_product("Old", active=False)
    assert set(ids(get(client, "/v1/products"))) == {world.product, archived}
    assert ids(get(client, "/v1/products", active="false")) == [archived]
    assert ids(get(client, "/v1/products", ids=[world.product])) == [world.product]


def test_invoices_are_found_by_status_customer_and_subscription(world: World, client: stripe.StripeClient) -> None:
    first = world.sandbox.add_subscription(world.acme, prices=[world.usd])
    second = world.sandbox.add_subscription(world.acme, prices=[world.usd])
    paid = world.sandbox.add_invoice(subscription=first, amount=2000, status="paid")
    unpaid = world.sandbox.add_invoice(subscription=second, amount=2000)
    loose = world.sandbox.add_invoice(customer=world.beta, amount=300, currency="eur")
    assert set(ids(get(client, "/v1/invoices", status="open"))) == {unpaid, loose}
    assert set(ids(get(client, "/v1/invoices", customer=world.acme))) == {paid, unpaid}
    assert ids(get(client, "/v1/invoices", subscription=second)) == [unpaid]


def test_schedules_are_listed_and_the_planned_one_stands_on_its_subscription(
    world: World, client: stripe.StripeClient
) -> None:
    subscription = world.sandbox.add_subscription(world.acme, prices=[world.usd])
    month = timedelta(days=30)
    phases = [
        Phase(start=NOW - month, end=NOW + month, prices=[world.usd]),
        Phase(start=NOW + month, end=NOW + 2 * month, prices=[world.eur]),
    ]
    active = world.sandbox.add_schedule(subscription=subscription, phases=phases)
    coming = world.sandbox.add_schedule(customer=world.beta, phases=phases[1:], status="not_started")
    assert ids(get(client, "/v1/subscription_schedules")) == [coming, active]
    assert ids(get(client, "/v1/subscription_schedules", scheduled="true")) == [coming]
    assert ids(get(client, "/v1/subscription_schedules", customer=world.acme)) == [active]
    assert get(client, f"/v1/subscriptions/{subscription}")["schedule"] == active
    current = get(client, f"/v1/subscription_schedules/{active}")["current_phase"]
    assert current["end_date"] == int((NOW + month).timestamp())


def test_coupons_are_listed_and_retrieved(world: World, client: stripe.StripeClient) -> None:
    half = world.sandbox.add_coupon(percent_off=Decimal(50), duration="once")
    fixed = world.sandbox.add_coupon(amount_off=500, currency="eur")
    assert ids(get(client, "/v1/coupons")) == [fixed, half]
    assert client.v1.coupons.retrieve(half).percent_off == 50.0
    assert (client.v1.coupons.retrieve(fixed).amount_off, client.v1.coupons.retrieve(fixed).currency) == (500, "eur")


def test_a_subscription_shows_ten_items_and_lists_the_rest(world: World, client: stripe.StripeClient) -> None:
    subscription = world.sandbox.add_subscription(
        world.acme, items=[Item(price=world.usd, quantity=n) for n in range(13)]
    )
    shown = get(client, f"/v1/subscriptions/{subscription}")["items"]
    assert (len(shown["data"]), shown["has_more"]) == (10, True)
    assert shown["url"] == f"/v1/subscription_items?subscription={subscription}"
    page = client.v1.subscription_items.list({"subscription": subscription, "limit": 5})
    assert [item.quantity for item in page.auto_paging_iter()] == list(range(13))


def test_the_items_of_a_subscription_are_listed_only_by_its_id(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        get(client, "/v1/subscription_items")
    assert (refused.value.code, refused.value.param) == ("parameter_missing", "subscription")

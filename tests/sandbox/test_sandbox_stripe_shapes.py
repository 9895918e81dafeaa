from __future__ import annotations

import json
import typing
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import stripe

from reconciler.sandbox.stripe import Item, Phase, StripeSandbox
from sandbox.stripe_over_http import NOW, get, library_client

SAMPLES = Path(__file__).parents[3] / "shared" / "fixtures" / "stripe_objects.json"
LATER_FIELDS = {"status_details", "billed_until", "current_trial", "pause_schedules", "customer_account"}
TEXT_IN_PRACTICE = {"plan"}  # the sample of a schedule's phase shows the plan expanded


class World:
    """Every kind of object, each with all that can be set."""

    def __init__(self) -> None:
        sandbox = self.sandbox = StripeSandbox(clock=lambda: NOW)
        half = sandbox.add_coupon(percent_off=Decimal("12.5"), duration="repeating", duration_in_months=3)
        self.product = sandbox.add_product("Team", metadata={"tier": "team"})
        self.price = sandbox.add_price(self.product, unit_amount=2000, lookup_key="team")
        self.metered = sandbox.add_price(
            self.product, unit_amount=None, unit_amount_decimal="0.5", usage_type="metered"
        )
        self.customer = sandbox.add_customer(metadata={"org_id": "o_1"}, email="a@acme.example", coupon=half)
        self.gone = sandbox.add_customer(deleted=True)
        items = [Item(price=self.price, coupons=[half]), Item(price=self.metered, quantity=None)]
        self.subscription = sandbox.add_subscription(
            self.customer,
            items=items,
            coupons=[half],
            created=NOW - timedelta(days=40),
            cancel_at_period_end=True,
            pause_collection="void",
            trial_start=NOW - timedelta(days=40),
            trial_end=NOW - timedelta(days=35),
        )
        self.item = sandbox.get("subscription", self.subscription)["items"][0]
        self.invoice = sandbox.add_invoice(subscription=self.subscription, amount=2000, due_date=NOW)
        phase = Phase(start=NOW - timedelta(days=1), end=NOW + timedelta(days=1), prices=[self.price])
        self.schedule = sandbox.add_schedule(subscription=self.subscription, phases=[phase])

    def path(self, kind: str) -> str:
        return {
            "customer": f"/v1/customers/{self.customer}",
            "deleted_customer": f"/v1/customers/{self.gone}",
            "invoice": f"/v1/invoices/{self.invoice}",
            "price": f"/v1/prices/{self.price}",
            "product": f"/v1/products/{self.product}",
            "subscription": f"/v1/subscriptions/{self.subscription}",
            "subscription_item": f"/v1/subscription_items/{self.item}",
            "subscription_schedule": f"/v1/subscription_schedules/{self.schedule}",
        }[kind]


KINDS = (
    "customer",
    "deleted_customer",
    "invoice",
    "price",
    "product",
    "subscription",
    "subscription_item",
    "subscription_schedule",
)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def client(world: World) -> Iterator[stripe.StripeClient]:
    with world.sandbox.serve() as server, library_client(server.url) as client:
        yield client


def _differences(ours: Any, sample: Any, where: str) -> list[str]:
    """Fields that one lacks, and values of another JSON type; null matches anything, as both show optional fields."""
    if ours is None or sample is None or (where.rpartition(".")[2] in TEXT_IN_PRACTICE and isinstance(ours, str)):
        return []
    if isinstance(ours, dict) and isinstance(sample, dict):
        if where.endswith(("metadata", "flexible")):
            return []
        found = [f"{where}: {key} is missing" for key in sorted(sample.keys() - ours.keys())]
        found += [f"{where}: {key} is not in the sample" for key in sorted(ours.keys() - sample.keys() - LATER_FIELDS)]
        for key in ours.keys() & sample.keys():
            found += _differences(ours[key], sample[key], f"{where}.{key}")
        return found
    if isinstance(ours, list) and isinstance(sample, list):
        return _differences(ours[0], sample[0], f"{where}[]") if ours and sample else []
    return [] if type(ours) is type(sample) else [f"{where}: {type(ours).__name__}, not {type(sample).__name__}"]


@pytest.mark.skipif(not SAMPLES.exists(), reason="the official samples are not beside this checkout")
@pytest.mark.parametrize("kind", KINDS)
def test_an_object_has_the_fields_and_types_of_the_official_sample(
    world: World, client: stripe.StripeClient, kind: str
) -> None:
    sample = json.loads(SAMPLES.read_text())[kind]
    assert _differences(get(client, world.path(kind)), sample, kind) == []


@pytest.mark.parametrize(
    ("kind", "cls"),
    [
        ("customer", stripe.Customer),
        ("invoice", stripe.Invoice),
        ("price", stripe.Price),
        ("product", stripe.Product),
        ("subscription", stripe.Subscription),
        ("subscription_item", stripe.SubscriptionItem),
        ("subscription_schedule", stripe.SubscriptionSchedule),
    ],
)
def test_the_library_knows_every_field_of_an_object(
    world: World, client: stripe.StripeClient, kind: str, cls: type[stripe.StripeObject]
) -> None:
    removed = {"subscription"} if kind == "invoice" else set()  # since basil null, and no longer typed
    assert get(client, world.path(kind)).keys() - removed <= _typed_fields(cls)


def _typed_fields(cls: type[stripe.StripeObject]) -> set[str]:
    return {
        name for base in cls.__mro__ for name in typing.cast("dict[str, Any]", vars(base).get("__annotations__", {}))
    }


def test_a_subscription_parses_into_the_librarys_objects(world: World, client: stripe.StripeClient) -> None:
    subscription = client.v1.subscriptions.retrieve(world.subscription)
    first, metered = subscription.items.data
    assert isinstance(first, stripe.SubscriptionItem)
    assert isinstance(first.price, stripe.Price)
    assert (first.quantity, first.price.lookup_key, first.price.product) == (1, "team", world.product)
    assert (metered.price.unit_amount, metered.price.unit_amount_decimal) == (None, Decimal("0.5"))
    assert "quantity" not in metered
    assert subscription.pause_collection is not None
    assert subscription.pause_collection.behavior == "void"
    assert subscription.latest_invoice == world.invoice


def test_the_billing_period_stands_on_the_items_and_not_on_the_subscription(
    world: World, client: stripe.StripeClient
) -> None:
    subscription = get(client, world.path("subscription"))
    assert not [field for field in subscription if field.startswith("current_period")]
    assert subscription["items"]["data"][0]["current_period_start"] < NOW.timestamp()
    assert subscription["items"]["data"][0]["current_period_end"] > NOW.timestamp()


def test_the_legacy_plan_has_the_prices_id(world: World, client: stripe.StripeClient) -> None:
    item = get(client, world.path("subscription_item"))
    assert item["plan"]["id"] == item["price"]["id"] == world.price
    assert (item["plan"]["object"], item["plan"]["amount"], item["plan"]["interval"]) == ("plan", 2000, "month")


def test_an_invoice_names_its_subscription_in_its_parent(world: World, client: stripe.StripeClient) -> None:
    invoice = client.v1.invoices.retrieve(world.invoice)
    assert invoice.parent is not None
    assert invoice.parent.subscription_details is not None
    assert invoice.parent.subscription_details.subscription == world.subscription
    assert (invoice.status, invoice.amount_due, invoice.amount_remaining, invoice.amount_paid) == (
        "open",
        2000,
        2000,
        0,
    )


@pytest.mark.parametrize(("key", "livemode"), [("sk_live_sandbox", True), ("sk_test_sandbox", False)])
def test_every_object_says_the_mode_of_the_accounts_key(key: str, *, livemode: bool) -> None:
    sandbox = StripeSandbox(api_key=key, clock=lambda: NOW)
    price = sandbox.add_price(sandbox.add_product("Team"), unit_amount=1)
    subscription = sandbox.add_subscription(sandbox.add_customer(), prices=[price])
    with sandbox.serve() as server, library_client(server.url, key) as client:
        answer = get(client, f"/v1/subscriptions/{subscription}", expand=["customer"])
    assert {answer["livemode"], answer["customer"]["livemode"], answer["items"]["data"][0]["price"]["livemode"]} == {
        livemode
    }

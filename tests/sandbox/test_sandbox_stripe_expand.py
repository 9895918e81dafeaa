from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
import stripe

from reconciler.sandbox.stripe import Phase, StripeSandbox
from sandbox.stripe_over_http import NOW, get, library_client


class World:
    """A subscription of which every reference leads somewhere."""

    def __init__(self) -> None:
        sandbox = self.sandbox = StripeSandbox(
            clock=lambda: NOW,
            restricted_keys={"rk_test_subscriptions": {"rak_subscription_read", "rak_subscription_schedule_read"}},
        )
        self.coupon = sandbox.add_coupon(percent_off=Decimal(25))
        self.product = sandbox.add_product("Team", metadata={"tier": "team"})
        tiers = [{"flat_amount": None, "unit_amount": 100, "up_to": None}]
        self.price = sandbox.add_price(
            self.product,
            unit_amount=2000,
            currency_options={"eur": {"unit_amount": 1900, "unit_amount_decimal": "1900"}},
        )
        self.tiered = sandbox.add_price(self.product, unit_amount=None, tiers=tiers)
        self.customer = sandbox.add_customer(metadata={"org_id": "o_1"})
        self.subscription = sandbox.add_subscription(self.customer, prices=[self.price], coupons=[self.coupon])
        self.invoice = sandbox.add_invoice(subscription=self.subscription, amount=1500)
        month = timedelta(days=30)
        self.schedule = sandbox.add_schedule(
            subscription=self.subscription, phases=[Phase(start=NOW, end=NOW + month, prices=[self.price])]
        )


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def client(world: World) -> Iterator[stripe.StripeClient]:
    with world.sandbox.serve() as server, library_client(server.url) as client:
        yield client


def test_references_are_ids_until_expanded(world: World, client: stripe.StripeClient) -> None:
    path = f"/v1/subscriptions/{world.subscription}"
    plain = get(client, path)
    assert (plain["customer"], plain["latest_invoice"], plain["schedule"]) == (
        world.customer,
        world.invoice,
        world.schedule,
    )
    assert plain["discounts"][0].startswith("di_")
    full = get(client, path, expand=["customer", "latest_invoice", "schedule", "discounts", "default_payment_method"])
    assert full["customer"]["metadata"] == {"org_id": "o_1"}
    assert full["latest_invoice"]["amount_due"] == 1500
    assert full["schedule"]["phases"][0]["items"][0]["price"] == world.price
    assert full["discounts"][0]["source"] == {"coupon": world.coupon, "type": "coupon"}
    assert full["default_payment_method"] is None


def test_expansion_in_a_list_starts_with_data(world: World, client: stripe.StripeClient) -> None:
    page = get(client, "/v1/subscriptions", expand=["data.customer", "data.discounts.source.coupon"])
    assert page["data"][0]["customer"]["id"] == world.customer
    assert page["data"][0]["discounts"][0]["source"]["coupon"]["percent_off"] == 25.0
    with pytest.raises(
        stripe.InvalidRequestError, match=r"\(customer\)\. You may want to try expanding 'data.customer'"
    ):
        get(client, "/v1/subscriptions", expand=["customer"])


def test_five_levels_are_refused_in_a_list_and_the_same_four_answered_on_a_retrieve(
    world: World, client: stripe.StripeClient
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="cannot expand more than 4 levels") as refused:
        get(client, "/v1/subscriptions", expand=["data.items.data.price.product"])
    assert (refused.value.http_status, refused.value.code) == (400, "property_expansion_max_depth")
    answer = get(client, f"/v1/subscriptions/{world.subscription}", expand=["items.data.price.product"])
    assert answer["items"]["data"][0]["price"]["product"]["metadata"] == {"tier": "team"}


def test_four_levels_in_a_list_are_answered(world: World, client: stripe.StripeClient) -> None:
    page = get(client, "/v1/subscriptions", expand=["data.items.data.price"])
    assert page["data"][0]["items"]["data"][0]["price"]["product"] == world.product


def test_the_catalogue_is_read_with_its_products(world: World, client: stripe.StripeClient) -> None:
    page = client.v1.prices.list({"limit": 100, "expand": ["data.product"]})
    products = [price.product for price in page.auto_paging_iter()]
    assert [product.id for product in products if isinstance(product, stripe.Product)] == [world.product] * 2


def test_tiers_and_other_currencies_of_a_price_are_shown_only_on_request(
    world: World, client: stripe.StripeClient
) -> None:
    assert not {"tiers", "currency_options"} & get(client, f"/v1/prices/{world.tiered}").keys()
    tiered = get(client, f"/v1/prices/{world.tiered}", expand=["tiers"])
    assert (tiered["unit_amount"], tiered["tiers"][0]["unit_amount"]) == (None, 100)
    priced = get(client, f"/v1/prices/{world.price}", expand=["currency_options"])
    assert {code: each["unit_amount"] for code, each in priced["currency_options"].items()} == {
        "eur": 1900,
        "usd": 2000,
    }


def test_references_inside_parts_of_an_object_expand(world: World, client: stripe.StripeClient) -> None:
    invoice = get(
        client, f"/v1/invoices/{world.invoice}", expand=["parent.subscription_details.subscription", "customer"]
    )
    assert invoice["parent"]["subscription_details"]["subscription"]["id"] == world.subscription
    assert invoice["customer"]["id"] == world.customer
    schedule = get(client, f"/v1/subscription_schedules/{world.schedule}", expand=["phases.items.price"])
    assert schedule["phases"][0]["items"][0]["price"]["id"] == world.price


def test_expanding_leaves_the_stored_object_as_it_was(world: World, client: stripe.StripeClient) -> None:
    path = f"/v1/subscriptions/{world.subscription}"
    before = get(client, path)
    get(client, path, expand=["customer", "items.data.price.product", "discounts.source.coupon"])
    assert get(client, path) == before


def test_a_deleted_customer_expands_to_its_stub(world: World, client: stripe.StripeClient) -> None:
    world.sandbox.delete_customer(world.customer)
    page = get(client, "/v1/subscriptions", status="all", expand=["data.customer"])
    assert page["data"][0]["customer"] == {"id": world.customer, "object": "customer", "deleted": True}


@pytest.mark.parametrize("path", ["metadata", "items.price", "customer.email", "discounts.source", "everything"])
def test_a_field_that_leads_nowhere_cannot_be_expanded(world: World, client: stripe.StripeClient, path: str) -> None:
    with pytest.raises(
        stripe.InvalidRequestError, match=f"cannot be expanded .{path.rsplit('.', maxsplit=1)[-1]}."
    ) as refused:
        get(client, f"/v1/subscriptions/{world.subscription}", expand=[path])
    assert refused.value.http_status == 400


def test_a_restricted_key_expands_only_what_it_may_read(world: World) -> None:
    with world.sandbox.serve() as server, library_client(server.url, "rk_test_subscriptions") as client:
        assert get(client, "/v1/subscriptions", expand=["data.schedule"])["data"][0]["schedule"]["id"] == world.schedule
        with pytest.raises(stripe.PermissionError, match="rak_customer_read"):
            get(client, "/v1/subscriptions", expand=["data.customer"])

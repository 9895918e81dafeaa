from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.sandbox.stripe import Item, StripeSandbox
from reconciler.sandbox.stripe.periods import period_around
from sandbox.stripe_over_http import NOW, get, library_client


def _sandbox() -> StripeSandbox:
    sandbox = StripeSandbox(clock=lambda: NOW)
    product = sandbox.add_product("Team", fixed_id="prod_team")
    sandbox.add_price(product, unit_amount=2000, fixed_id="price_month")
    sandbox.add_price(product, unit_amount=19000, currency="eur", interval="year", fixed_id="price_year")
    sandbox.add_customer(metadata={"org_id": "o_1"}, fixed_id="cus_acme")
    sandbox.add_customer(fixed_id="cus_beta")
    return sandbox


def _period(sandbox: StripeSandbox, subscription: str) -> tuple[datetime, datetime]:
    item = sandbox.get("subscription_item", sandbox.get("subscription", subscription)["items"][0])
    start, end = item["current_period_start"], item["current_period_end"]
    return datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)


def test_two_builds_of_one_world_are_equal() -> None:
    def built() -> dict[str, Any]:
        sandbox = _sandbox()
        subscription = sandbox.add_subscription(sandbox.add_customer(), prices=["price_month"])
        sandbox.add_invoice(subscription=subscription, amount=2000)
        return {kind: table.rows for kind, table in sandbox.tables.items()}

    assert built() == built()


def test_an_id_can_be_given_only_once() -> None:
    with pytest.raises(ValueError, match="id taken: cus_acme"):
        _sandbox().add_customer(fixed_id="cus_acme")


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        _sandbox().add_customer(created=datetime(2026, 1, 1))  # noqa: DTZ001 - what must be refused


@pytest.mark.parametrize(("customer", "price"), [("cus_none", "price_month"), ("cus_acme", "price_none")])
def test_a_reference_to_nothing_is_refused(customer: str, price: str) -> None:
    with pytest.raises(KeyError):
        _sandbox().add_subscription(customer, prices=[price])


def test_a_subscription_is_in_the_period_that_now_falls_into() -> None:
    sandbox = _sandbox()
    created = datetime(2026, 1, 31, 8, tzinfo=UTC)
    monthly = sandbox.add_subscription("cus_acme", prices=["price_month"], created=created)
    yearly = sandbox.add_subscription("cus_beta", prices=["price_year"], created=created)
    assert _period(sandbox, monthly) == (datetime(2026, 10, 31, 8, tzinfo=UTC), datetime(2026, 11, 30, 8, tzinfo=UTC))
    assert _period(sandbox, yearly) == (created, created.replace(year=2027))


def test_a_canceled_subscription_keeps_the_period_it_ended_in() -> None:
    sandbox = _sandbox()
    created, ended = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 3, 15, tzinfo=UTC)
    subscription = sandbox.add_subscription(
        "cus_acme", prices=["price_month"], status="canceled", created=created, ended_at=ended
    )
    row = sandbox.get("subscription", subscription)
    assert row["ended_at"] == row["canceled_at"] == int(ended.timestamp())
    assert row["cancellation_details"]["reason"] == "cancellation_requested"
    assert _period(sandbox, subscription) == (created.replace(month=3), created.replace(month=4))


def test_a_trial_is_the_period_of_a_trialing_subscription() -> None:
    sandbox = _sandbox()
    subscription = sandbox.add_subscription("cus_acme", prices=["price_month"], status="trialing")
    row = sandbox.get("subscription", subscription)
    assert _period(sandbox, subscription) == (NOW, NOW + timedelta(days=14))
    assert row["billing_cycle_anchor"] == row["trial_end"] == int((NOW + timedelta(days=14)).timestamp())


def test_a_cancellation_at_period_end_is_dated() -> None:
    sandbox = _sandbox()
    subscription = sandbox.add_subscription("cus_acme", prices=["price_month"], cancel_at_period_end=True)
    row = sandbox.get("subscription", subscription)
    assert (row["status"], row["cancel_at_period_end"], row["ended_at"]) == ("active", True, None)
    assert row["cancel_at"] == int(_period(sandbox, subscription)[1].timestamp())
    assert row["canceled_at"] == int(NOW.timestamp())


def test_a_cancellation_on_a_date_leaves_the_period_end_flag_unset() -> None:
    sandbox = _sandbox()
    end = NOW + timedelta(days=3)
    row = sandbox.get("subscription", sandbox.add_subscription("cus_acme", prices=["price_month"], cancel_at=end))
    assert (row["cancel_at"], row["cancel_at_period_end"]) == (int(end.timestamp()), False)


def test_deleting_a_customer_ends_its_living_subscriptions_alone() -> None:
    sandbox = _sandbox()
    living = sandbox.add_subscription("cus_acme", prices=["price_month"], status="past_due")
    expired = sandbox.add_subscription("cus_acme", prices=["price_month"], status="incomplete_expired")
    others = sandbox.add_subscription("cus_beta", prices=["price_year"])
    sandbox.delete_customer("cus_acme")
    statuses = {each: sandbox.get("subscription", each)["status"] for each in (living, expired, others)}
    assert statuses == {living: "canceled", expired: "incomplete_expired", others: "active"}


def test_a_subscription_without_items_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one item"):
        _sandbox().add_subscription("cus_acme")


def test_only_a_customer_that_exists_can_be_deleted() -> None:
    with pytest.raises(KeyError):
        _sandbox().delete_customer("cus_none")


def test_an_invoice_takes_over_from_its_subscription_and_becomes_its_latest() -> None:
    sandbox = _sandbox()
    subscription = sandbox.add_subscription(
        "cus_beta", prices=["price_year"], collection_method="send_invoice", days_until_due=30
    )
    first = sandbox.add_invoice(subscription=subscription, amount=19000, status="paid")
    second = sandbox.add_invoice(subscription=subscription, amount=5, latest=False)
    invoice = sandbox.get("invoice", first)
    assert (invoice["customer"], invoice["currency"], invoice["collection_method"]) == (
        "cus_beta",
        "eur",
        "send_invoice",
    )
    assert (invoice["amount_paid"], invoice["amount_remaining"]) == (19000, 0)
    assert sandbox.get("invoice", second)["due_date"] == int((NOW + timedelta(days=30)).timestamp())
    assert sandbox.get("subscription", subscription)["latest_invoice"] == first


def test_a_change_is_seen_by_the_next_request() -> None:
    sandbox = _sandbox()
    subscription = sandbox.add_subscription("cus_acme", items=[Item(price="price_month")])
    item = sandbox.get("subscription", subscription)["items"][0]
    with sandbox.serve() as server, library_client(server.url) as client:
        sandbox.change(subscription, status="past_due", cancel_at=NOW)
        sandbox.change(item, price="price_year")
        answer = get(client, f"/v1/subscriptions/{subscription}")
    assert (answer["status"], answer["cancel_at"]) == ("past_due", int(NOW.timestamp()))
    shown = answer["items"]["data"][0]
    assert shown["price"]["id"] == shown["plan"]["id"] == "price_year"


@pytest.mark.parametrize("field", ["customer", "created", "stauts"])
def test_a_field_that_must_stay_or_is_unknown_cannot_be_changed(field: str) -> None:
    sandbox = _sandbox()
    subscription = sandbox.add_subscription("cus_acme", prices=["price_month"])
    with pytest.raises(ValueError, match=field):
        sandbox.change(subscription, **{field: "x"})


@pytest.mark.parametrize(
    ("interval", "interval_count", "start", "end"),
    [
        ("day", 10, datetime(2026, 3, 22, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)),
        ("week", 1, datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 4, 4, tzinfo=UTC)),
        ("month", 1, datetime(2026, 2, 28, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC)),
        ("month", 3, datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 4, 30, tzinfo=UTC)),
        ("year", 1, datetime(2026, 1, 31, tzinfo=UTC), datetime(2027, 1, 31, tzinfo=UTC)),
    ],
)
def test_a_period_is_counted_from_its_anchor(
    interval: str, interval_count: int, start: datetime, end: datetime
) -> None:
    anchor = datetime(2026, 1, 31, tzinfo=UTC)
    instant = datetime(2026, 3, 30, tzinfo=UTC)
    assert period_around(anchor, interval, interval_count, instant) == (start, end)
    assert period_around(anchor, interval, interval_count, start) == (start, end)


def test_before_its_anchor_the_first_period_holds() -> None:
    anchor = datetime(2026, 1, 31, tzinfo=UTC)
    assert period_around(anchor, "month", 1, anchor - timedelta(days=90)) == (anchor, datetime(2026, 2, 28, tzinfo=UTC))

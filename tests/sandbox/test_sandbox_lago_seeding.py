"""A world built in process: equal calls build equal worlds, every state can be made, and large worlds are quick."""

from __future__ import annotations

import time
from datetime import date, timedelta
from typing import Any

import pytest

from reconciler.sandbox.lago import LagoSandbox
from sandbox.lago_over_http import KEY, NOW, client


def build(*, seed: int = 7) -> LagoSandbox:
    lago = LagoSandbox(api_key=KEY, clock=lambda: NOW, seed=seed)
    lago.add_plan("starter", amount_cents=1900)
    lago.add_plan("pro", amount_cents=4900, currency="EUR")
    lago.add_customer("org_a", name="A", metadata={"org_id": "org_a"})
    lago.add_customer("org_b", payment_provider="stripe", provider_customer_id="cus_b", currency="EUR")
    lago.add_subscription("org_a", "starter", external_id="sub_a")
    lago.add_subscription("org_b", "pro", external_id="sub_b", amount_cents=3900)
    lago.add_invoice("org_b", amount_cents=3900, issuing_date=date(2026, 11, 1))
    lago.add_applied_coupon("org_b", "LAUNCH", percentage_rate="20.0")
    return lago


def read(lago: LagoSandbox, target: str) -> dict[str, Any]:
    with lago.serve() as server, client(f"{server.url}/api/v1", key=KEY) as http:
        answer = http.get(target)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_same_seed_clock_and_calls_build_the_same_world_ids_included() -> None:
    for target in ("organizations", "plans", "customers", "subscriptions", "invoices", "applied_coupons"):
        assert read(build(), target) == read(build(), target)
    assert read(build(seed=7), "customers") != read(build(seed=8), "customers")


def test_an_overridden_price_hides_in_a_child_plan_with_the_same_code() -> None:
    lago = build()
    row = read(lago, "subscriptions/sub_b")["subscription"]
    assert (row["plan_code"], row["plan_amount_cents"], row["plan"]["amount_cents"]) == ("pro", 3900, 3900)
    assert row["plan"]["parent_id"] == read(lago, "plans/pro")["plan"]["lago_id"]
    assert [plan["code"] for plan in read(lago, "plans")["plans"]].count("pro") == 1
    assert [row["external_id"] for row in read(lago, "subscriptions?overridden=true")["subscriptions"]] == ["sub_b"]
    assert [row["external_id"] for row in read(lago, "subscriptions?overridden=false")["subscriptions"]] == ["sub_a"]


def test_a_customer_without_a_currency_takes_that_of_its_first_plan() -> None:
    assert read(build(), "customers/org_a")["customer"]["currency"] == "USD"


def test_the_provider_id_is_a_key_of_tied_customers_only() -> None:
    lago = build()
    assert read(lago, "customers/org_b")["customer"]["billing_configuration"]["provider_customer_id"] == "cus_b"
    assert "provider_customer_id" not in read(lago, "customers/org_a")["customer"]["billing_configuration"]


@pytest.mark.parametrize("status", ["pending", "active", "terminated", "canceled", "incomplete"])
def test_a_subscription_can_be_added_in_every_status(status: str) -> None:
    lago = build()
    lago.add_subscription("org_a", "starter", external_id="sub_any", status=status)
    row = read(lago, f"subscriptions/sub_any?status={status}")["subscription"]
    assert row["status"] == status
    assert (row["started_at"] is not None) == (status in ("active", "terminated"))
    assert (row["terminated_at"] is not None) == (status == "terminated")
    assert (row["canceled_at"] is not None) == (status == "canceled")


def test_a_pending_row_added_behind_an_active_one_shows_as_its_next_plan() -> None:
    lago = build()
    live = lago.add_subscription("org_a", "starter", external_id="sub_down")
    lago.add_plan("free", amount_cents=0)
    lago.add_subscription("org_a", "free", external_id="sub_down", status="pending", previous=live)
    row = read(lago, "subscriptions/sub_down")["subscription"]
    assert (row["next_plan_code"], row["downgrade_plan_date"]) == ("free", "2026-12-01")


def test_what_names_an_unknown_customer_or_plan_adds_nothing() -> None:
    lago = build()
    with pytest.raises(ValueError, match="no customer"):
        lago.add_subscription("org_nobody", "starter", external_id="x")
    with pytest.raises(ValueError, match="no plan"):
        lago.add_subscription("org_a", "nope", external_id="x")
    with pytest.raises(ValueError, match="exists already"):
        lago.add_customer("org_a")
    with pytest.raises(ValueError, match="exists already"):
        lago.add_plan("starter", amount_cents=1)
    assert read(lago, "subscriptions")["meta"]["total_count"] == 2


def test_ten_thousand_customers_are_added_and_a_late_page_read_within_seconds() -> None:
    lago = LagoSandbox(api_key=KEY)
    lago.add_plan("starter", amount_cents=1900)
    began = time.perf_counter()
    for number in range(10_000):
        lago.add_customer(f"org_{number}")
        started = NOW - timedelta(minutes=number)
        lago.add_subscription(f"org_{number}", "starter", external_id=f"sub_{number}", started_at=started)
    page = read(lago, "subscriptions?per_page=100&page=100")
    assert [row["external_id"] for row in page["subscriptions"]] == [f"sub_{n}" for n in range(9_900, 10_000)]
    assert time.perf_counter() - began < 5

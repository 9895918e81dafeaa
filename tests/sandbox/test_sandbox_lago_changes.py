"""Changes in the sandbox Lago: subscriptions, customers and plans that are created, replaced and deleted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from sandbox.lago_over_http import EVERY_STATUS, NOW, LagoOverHttp


@pytest.fixture
def http() -> Iterator[LagoOverHttp]:
    with LagoOverHttp() as http:
        http.lago.add_customer("org_a")
        http.lago.add_customer("org_b", currency="EUR")
        yield http


def customer(http: LagoOverHttp, **fields: Any) -> dict[str, Any]:
    answer = http.client.post("/customers", json={"customer": fields})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["customer"])


def test_repeating_a_subscription_changes_nothing(http: LagoOverHttp) -> None:
    first = http.subscribe("org_a", "starter", "sub_a")
    assert http.subscribe("org_a", "starter", "sub_a", name="other") == first
    assert http.statuses("sub_a") == [("starter", "active")]


def test_an_upgrade_ends_the_old_row_and_answers_with_the_new(http: LagoOverHttp) -> None:
    old = http.subscribe("org_a", "starter", "sub_a")
    new = http.subscribe("org_a", "pro", "sub_a")
    assert (new["status"], new["previous_plan_code"], new["lago_id"] == old["lago_id"]) == ("active", "starter", False)
    ended = http.get("/subscriptions/sub_a?status=terminated")["subscription"]
    assert (ended["lago_id"], ended["next_plan_code"]) == (old["lago_id"], "pro")


def test_an_equal_price_counts_as_an_upgrade(http: LagoOverHttp) -> None:
    http.lago.add_plan("same", amount_cents=1900)
    http.subscribe("org_a", "starter", "sub_a")
    assert http.subscribe("org_a", "same", "sub_a")["plan_code"] == "same"


def test_the_price_of_a_year_decides_between_upgrade_and_downgrade(http: LagoOverHttp) -> None:
    http.lago.add_plan("pro_yearly", amount_cents=49000, interval="yearly")
    http.subscribe("org_a", "pro_yearly", "sub_a")
    assert http.subscribe("org_a", "pro", "sub_a")["plan_code"] == "pro"


def test_a_downgrade_answers_with_the_old_plan_and_waits(http: LagoOverHttp) -> None:
    http.subscribe("org_a", "pro", "sub_a")
    row = http.subscribe("org_a", "starter", "sub_a")
    assert (row["plan_code"], row["status"], row["next_plan_code"]) == ("pro", "active", "starter")
    assert row["downgrade_plan_date"] == "2026-12-01"
    assert sorted(http.statuses("sub_a")) == [("pro", "active"), ("starter", "pending")]


def test_repeating_a_downgrade_cancels_and_recreates_the_pending_row(http: LagoOverHttp) -> None:
    http.subscribe("org_a", "pro", "sub_a")
    http.subscribe("org_a", "starter", "sub_a")
    http.subscribe("org_a", "starter", "sub_a")
    assert sorted(http.statuses("sub_a")) == [("pro", "active"), ("starter", "canceled"), ("starter", "pending")]


def test_a_downgrade_is_undone_by_deleting_what_is_pending(http: LagoOverHttp) -> None:
    http.subscribe("org_a", "pro", "sub_a")
    http.subscribe("org_a", "starter", "sub_a")
    assert http.client.delete("/subscriptions/sub_a?status=pending").json()["subscription"]["status"] == "canceled"
    assert http.get("/subscriptions/sub_a")["subscription"]["next_plan_code"] is None


def test_ending_a_subscription_cancels_what_was_to_follow(http: LagoOverHttp) -> None:
    http.subscribe("org_a", "pro", "sub_a")
    http.subscribe("org_a", "starter", "sub_a")
    ended = http.client.delete("/subscriptions/sub_a").json()["subscription"]
    assert (ended["status"], ended["on_termination_credit_note"]) == ("terminated", "credit")
    assert sorted(http.statuses("sub_a")) == [("pro", "terminated"), ("starter", "canceled")]
    assert http.refusal("DELETE", "/subscriptions/sub_a") == (404, "subscription_not_found")


def test_of_several_ended_rows_the_one_that_ended_last_is_read(http: LagoOverHttp) -> None:
    for plan, started, ended in (("starter", 300, 10), ("pro", 200, 100)):
        http.lago.add_subscription(
            "org_a",
            plan,
            external_id="sub_a",
            status="terminated",
            started_at=NOW - timedelta(days=started),
            terminated_at=NOW - timedelta(days=ended),
        )
    assert http.get("/subscriptions/sub_a?status=terminated")["subscription"]["plan_code"] == "starter"


def test_posting_the_plan_of_an_overridden_subscription_loses_the_override(http: LagoOverHttp) -> None:
    http.lago.add_subscription("org_a", "pro", external_id="sub_a", amount_cents=3900)
    row = http.subscribe("org_a", "pro", "sub_a")
    assert (row["plan_code"], row["plan_amount_cents"], row["plan"]["parent_id"]) == ("pro", 4900, None)


def test_one_customer_may_have_several_live_subscriptions(http: LagoOverHttp) -> None:
    http.subscribe("org_a", "starter", "sub_1")
    http.subscribe("org_a", "starter", "sub_2")
    assert http.get("/subscriptions?external_customer_id=org_a")["meta"]["total_count"] == 2


def test_a_future_start_is_pending_and_its_plan_is_replaced_in_place(http: LagoOverHttp) -> None:
    first = http.subscribe("org_a", "starter", "sub_a", subscription_at="2027-02-01T00:00:00Z")
    second = http.subscribe("org_a", "pro", "sub_a", subscription_at="2027-02-01T00:00:00Z")
    assert (first["status"], first["started_at"], first["current_billing_period_ending_at"]) == ("pending", None, None)
    assert (second["lago_id"], second["plan_code"]) == (first["lago_id"], "pro")
    assert http.refusal("GET", "/subscriptions/sub_a") == (404, "subscription_not_found")


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"plan_code": "nope"}, (404, "plan_not_found")),
        ({"external_id": " "}, (422, {"external_id": ["value_is_mandatory"]})),
        ({"external_customer_id": None}, (422, {"external_customer_id": ["value_is_mandatory"]})),
        ({"external_id": "taken"}, (422, {"external_id": ["value_already_exist"]})),
        ({"ending_at": "2026-11-24"}, (422, {"ending_at": ["invalid_date"]})),
        ({"subscription_at": "yesterday"}, (422, {"subscription_at": ["invalid_date"]})),
        ({"billing_time": "now"}, (422, {"billing_time": ["value_is_invalid"]})),
        ({"external_customer_id": "org_b"}, (422, {"currency": ["currencies_does_not_match"]})),
        ({"plan_overrides": {}}, (403, "feature_unavailable")),
    ],
)
def test_a_subscription_that_is_refused_leaves_nothing_behind(
    http: LagoOverHttp, fields: dict[str, Any], refusal: tuple[int, Any]
) -> None:
    http.subscribe("org_a", "starter", "taken")
    wanted = {"external_customer_id": "org_new", "plan_code": "starter", "external_id": "sub_new", **fields}
    assert http.refusal("POST", "/subscriptions", {"subscription": wanted}) == refusal
    assert http.get(f"/subscriptions?{EVERY_STATUS}")["meta"]["total_count"] == 1
    assert http.get("/customers")["meta"]["total_count"] == 2


def test_an_unknown_customer_is_made_on_the_way(http: LagoOverHttp) -> None:
    http.subscribe("org_new", "starter", "sub_new")
    assert http.get("/customers/org_new")["customer"]["currency"] == "USD"


def test_a_put_never_changes_the_plan(http: LagoOverHttp) -> None:
    http.subscribe("org_a", "starter", "sub_a")
    body = {"subscription": {"plan_code": "pro", "name": "N", "ending_at": "2027-01-15T00:00:00Z"}}
    row = http.client.put("/subscriptions/sub_a", json=body).json()["subscription"]
    assert (row["plan_code"], row["name"], row["ending_at"]) == ("starter", "N", "2027-01-15T00:00:00Z")


def test_a_put_moves_a_start_that_is_still_to_come(http: LagoOverHttp) -> None:
    http.subscribe("org_a", "starter", "sub_a", subscription_at="2027-02-01T00:00:00Z")
    http.subscribe("org_a", "starter", "sub_b", subscription_at="2027-03-01T00:00:00Z")
    body = {"subscription": {"subscription_at": "2027-04-01T00:00:00Z"}}
    row = http.client.put("/subscriptions/sub_a", json=body).json()["subscription"]
    assert row["subscription_at"] == "2027-04-01T00:00:00Z"
    rows = http.get("/subscriptions?status[]=pending")["subscriptions"]
    assert [row["external_id"] for row in rows] == ["sub_a", "sub_b"]


def test_an_upgrade_that_waits_for_its_payment_keeps_the_old_row_from_being_ended(http: LagoOverHttp) -> None:
    live = http.lago.add_subscription("org_a", "starter", external_id="sub_a")
    http.lago.add_subscription("org_a", "pro", external_id="sub_a", status="incomplete", previous=live)
    assert http.refusal("DELETE", "/subscriptions/sub_a") == (422, {"base": ["next_subscription_incomplete"]})
    assert http.get("/subscriptions/sub_a")["subscription"]["next_plan_code"] == "pro"


def test_an_incomplete_subscription_can_be_neither_changed_nor_replaced_nor_ended(http: LagoOverHttp) -> None:
    http.lago.add_subscription("org_a", "starter", external_id="sub_a", status="incomplete")
    wanted = {"external_customer_id": "org_a", "plan_code": "pro", "external_id": "sub_a"}
    refusal = http.refusal("POST", "/subscriptions", {"subscription": wanted})
    assert refusal == (422, {"subscription": ["subscription_incomplete"]})
    assert http.refusal("PUT", "/subscriptions/sub_a", {"subscription": {"name": "x"}})[0] == 405
    assert http.refusal("DELETE", "/subscriptions/sub_a") == (404, "subscription_not_found")


def test_text_is_sent_as_utf_8_with_html_escaped(http: LagoOverHttp) -> None:
    answer = http.client.post("/customers", json={"customer": {"external_id": "org_a", "name": "Łódź <b> & co"}})
    assert r"Łódź \u003cb\u003e \u0026 co".encode() in answer.content
    assert answer.json()["customer"]["name"] == "Łódź <b> & co"


def test_absent_keys_of_a_customer_stay_and_null_clears(http: LagoOverHttp) -> None:
    customer(http, external_id="org_a", name="A", email="a@example.test")
    kept = customer(http, external_id="org_a", email=None)
    assert (kept["name"], kept["email"]) == ("A", None)


def test_metadata_is_replaced_as_a_set_and_a_known_key_needs_its_id(http: LagoOverHttp) -> None:
    first = customer(http, external_id="org_a", metadata=[{"key": "org_id", "value": "1"}])["metadata"][0]
    again = {"customer": {"external_id": "org_a", "metadata": [{"key": "org_id", "value": "2"}]}}
    assert http.refusal("POST", "/customers", again) == (422, {"key": ["value_already_exist"]})
    changed = customer(http, external_id="org_a", metadata=[{"id": first["lago_id"], "key": "org_id", "value": "2"}])
    assert [(entry["lago_id"], entry["value"]) for entry in changed["metadata"]] == [(first["lago_id"], "2")]
    assert customer(http, external_id="org_a", metadata=[])["metadata"] == []


@pytest.mark.parametrize(
    ("metadata", "refusal"),
    [
        ([{"key": f"k{number}", "value": "v"} for number in range(6)], {"metadata": ["invalid_count"]}),
        ([{"key": "k" * 21, "value": "v"}], {"key": ["value_is_too_long"]}),
        ([{"key": "k", "value": "v" * 101}], {"value": ["value_is_too_long"]}),
        ([{"key": "k", "value": ""}], {"value": ["value_is_mandatory"]}),
    ],
)
def test_metadata_beyond_its_limits_is_refused(http: LagoOverHttp, metadata: list[Any], refusal: Any) -> None:
    wanted = {"customer": {"external_id": "org_a", "metadata": metadata}}
    assert http.refusal("POST", "/customers", wanted) == (422, refusal)
    assert http.get("/customers/org_a")["customer"]["metadata"] == []


def test_addresses_of_a_customer_are_stored(http: LagoOverHttp) -> None:
    row = customer(http, external_id="org_a", country="fr", shipping_address={"city": "Lyon", "nonsense": 1})
    assert (row["country"], row["shipping_address"]["city"]) == ("FR", "Lyon")


def test_a_deleted_customer_is_gone_at_once_and_its_subscription_some_seconds_later(http: LagoOverHttp) -> None:
    http.subscribe("org_a", "pro", "sub_a")
    http.subscribe("org_a", "starter", "sub_a")
    assert http.client.delete("/customers/org_a").status_code == 200
    assert http.refusal("GET", "/customers/org_a") == (404, "customer_not_found")
    assert ("pro", "active") in http.statuses("sub_a")
    http.lago.set_clock(NOW + timedelta(seconds=4))
    assert sorted(http.statuses("sub_a")) == [("pro", "terminated"), ("starter", "canceled")]
    assert http.get(f"/subscriptions?external_customer_id=org_a&{EVERY_STATUS}")["subscriptions"] == []


def test_an_external_id_has_a_second_life_after_deletion(http: LagoOverHttp) -> None:
    first = http.get("/customers/org_a")["customer"]
    http.lago.delete_customer("org_a")
    second = customer(http, external_id="org_a")
    assert second["lago_id"] != first["lago_id"]
    assert second["sequential_id"] == 3


def test_deleting_a_plan_in_use_ends_its_subscriptions_some_seconds_later(http: LagoOverHttp) -> None:
    http.subscribe("org_a", "starter", "sub_a")
    assert http.client.delete("/plans/starter").json()["plan"]["pending_deletion"] is True
    assert http.statuses("sub_a") == [("starter", "active")]
    http.lago.set_clock(NOW + timedelta(seconds=4))
    assert http.statuses("sub_a") == [("starter", "terminated")]
    assert http.refusal("GET", "/plans/starter") == (404, "plan_not_found")


def test_a_change_to_a_tied_customer_is_kept_though_it_answers_500_without_stripe(http: LagoOverHttp) -> None:
    http.lago.add_customer("org_tied", payment_provider="stripe", provider_customer_id="cus_1")
    http.lago.set_stripe_reachable(reachable=False)
    changed = {"customer": {"external_id": "org_tied", "name": "Changed"}}
    assert http.refusal("POST", "/customers", changed) == (500, None)
    assert http.get("/customers/org_tied")["customer"]["name"] == "Changed"


def test_a_customer_is_tied_over_http_to_a_known_provider_only(http: LagoOverHttp) -> None:
    tie = {"payment_provider": "stripe", "provider_customer_id": "cus_1"}
    wanted = {"customer": {"external_id": "org_a", "billing_configuration": tie}}
    assert http.refusal("POST", "/customers", wanted) == (422, {"base": ["payment_provider_not_found"]})
    http.lago.add_payment_provider("stripe_main")
    tied = customer(http, external_id="org_a", billing_configuration=tie)["billing_configuration"]
    assert (tied["payment_provider"], tied["provider_customer_id"]) == ("stripe", "cus_1")


def test_naming_no_provider_unties_the_customer(http: LagoOverHttp) -> None:
    http.lago.add_customer("org_tied", payment_provider="stripe", provider_customer_id="cus_1")
    untied = customer(http, external_id="org_tied", billing_configuration={"payment_provider": None})
    assert "provider_customer_id" not in untied["billing_configuration"]

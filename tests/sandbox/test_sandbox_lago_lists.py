"""Lists of the sandbox Lago: pages, orders and the filters that surprise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from sandbox.lago_over_http import EVERY_STATUS, KEY, NOW, LagoOverHttp, client


@pytest.fixture(scope="module")
def http() -> Iterator[LagoOverHttp]:
    with LagoOverHttp() as http:
        for number in range(7):
            http.lago.add_customer(f"org_{number}", created_at=NOW + timedelta(seconds=number), name=f"Name {number}")
            started = NOW - timedelta(days=number)
            status = ("active", "active", "pending", "terminated", "canceled", "active", "active")[number]
            http.lago.add_subscription(
                f"org_{number}", "starter", external_id=f"sub_{number}", status=status, subscription_at=started
            )
            http.lago.add_invoice(
                f"org_{number}",
                amount_cents=1900,
                issuing_date=date(2026, 11, 10 + number),
                payment_status=("failed", "pending")[number % 2],
                payment_overdue=True,
            )
        http.lago.add_customer("acme.com", metadata={"org_id": "org_x"}, currency="EUR", created_at=NOW)
        yield http


def ids(http: LagoOverHttp, target: str) -> list[str]:
    name = target.partition("?")[0].rpartition("/")[2]
    return [row["external_id"] for row in http.get(target)[name]]


def test_customers_come_newest_first_page_after_page(http: LagoOverHttp) -> None:
    first, second = http.get("/customers?per_page=3"), http.get("/customers?per_page=3&page=2")
    assert [row["external_id"] for row in first["customers"]] == ["org_6", "org_5", "org_4"]
    assert [row["external_id"] for row in second["customers"]] == ["org_3", "org_2", "org_1"]
    assert first["meta"] == {"current_page": 1, "next_page": 2, "prev_page": None, "total_pages": 3, "total_count": 8}
    assert second["meta"] == {"current_page": 2, "next_page": 3, "prev_page": 1, "total_pages": 3, "total_count": 8}


def test_past_the_end_is_an_empty_page_with_true_totals(http: LagoOverHttp) -> None:
    page = http.get("/customers?per_page=3&page=9")
    assert page["customers"] == []
    assert page["meta"] == {"current_page": 9, "next_page": None, "prev_page": 8, "total_pages": 3, "total_count": 8}


@pytest.mark.parametrize("query", ["", "&page=3", "&per_page=0"])
def test_an_empty_list_counts_zero_pages(http: LagoOverHttp, query: str) -> None:
    meta = http.get(f"/customers?external_id=nobody{query}")["meta"]
    assert meta == {"current_page": 0, "next_page": None, "prev_page": None, "total_pages": 0, "total_count": 0}


@pytest.mark.parametrize("per_page", ["", "-1", "ten"])
def test_a_per_page_that_is_no_number_falls_back_to_25(per_page: str) -> None:
    with LagoOverHttp() as http:
        for number in range(30):
            http.lago.add_customer(f"org_{number}")
        assert len(http.get(f"/customers?per_page={per_page}")["customers"]) == 25
        assert len(http.get("/customers")["customers"]) == 30


@pytest.mark.parametrize("query", ["per_page=0", "per_page=1&page=100000000000000000000"])
def test_a_page_that_cannot_be_counted_is_a_500(http: LagoOverHttp, query: str) -> None:
    assert http.refusal("GET", f"/customers?{query}") == (500, None)


def test_subscriptions_come_by_their_anchor_newest_first(http: LagoOverHttp) -> None:
    assert ids(http, f"/subscriptions?{EVERY_STATUS}") == [f"sub_{number}" for number in range(7)]


def test_only_active_subscriptions_are_listed_unless_asked(http: LagoOverHttp) -> None:
    assert ids(http, "/subscriptions") == ["sub_0", "sub_1", "sub_5", "sub_6"]
    assert ids(http, "/subscriptions?status[]=pending&status[]=canceled") == ["sub_2", "sub_4"]


def test_a_scalar_status_is_dropped_without_a_word(http: LagoOverHttp) -> None:
    assert ids(http, "/subscriptions?status=terminated") == ids(http, "/subscriptions")


@pytest.mark.parametrize("query", ["status[]=active&status[]=paused", "status[]="])
def test_one_unknown_status_switches_the_filter_off(http: LagoOverHttp, query: str) -> None:
    assert len(ids(http, f"/subscriptions?{query}")) == 7


def test_an_unknown_filter_is_ignored(http: LagoOverHttp) -> None:
    assert len(ids(http, "/customers?lago_id=anything")) == 8


def test_an_empty_external_id_matches_every_customer_and_no_subscription(http: LagoOverHttp) -> None:
    assert len(ids(http, "/customers?external_id=")) == 8
    assert ids(http, "/subscriptions?external_id=") == []
    assert ids(http, "/subscriptions?external_customer_id=") == []


def test_customers_are_found_by_metadata_and_text_and_currency(http: LagoOverHttp) -> None:
    assert ids(http, "/customers?metadata[org_id]=org_x") == ["acme.com"]
    assert ids(http, "/customers?search_term=NAME 3") == ["org_3"]
    assert ids(http, "/customers?currencies[]=EUR") == ["acme.com"]


def test_an_id_in_a_path_stops_at_a_dot_unless_it_is_encoded(http: LagoOverHttp) -> None:
    assert http.refusal("GET", "/customers/acme.com") == (404, "customer_not_found")
    assert http.get("/customers/acme%2Ecom")["customer"]["external_id"] == "acme.com"
    assert http.get("/customers/org_0.anything")["customer"]["external_id"] == "org_0"


def test_the_list_of_one_customer_refuses_an_unknown_one(http: LagoOverHttp) -> None:
    assert ids(http, "/customers/org_5/subscriptions") == ["sub_5"]
    assert http.refusal("GET", "/customers/nobody/subscriptions") == (404, "customer_not_found")
    assert ids(http, "/subscriptions?external_customer_id=nobody") == []


def test_overdue_invoices_are_found_alone_and_carry_their_customer(http: LagoOverHttp) -> None:
    rows = http.get("/invoices?payment_overdue=true&payment_status[]=failed")["invoices"]
    assert [row["customer"]["external_id"] for row in rows] == ["org_6", "org_4", "org_2", "org_0"]
    assert len(http.get("/invoices?payment_status=pending")["invoices"]) == 3
    assert http.refusal("GET", "/invoices?payment_overdue=maybe") == (422, {"payment_overdue": ["must be boolean"]})


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("issuing_date_from=2026-11-15", ["org_6", "org_5"]),
        ("issuing_date_to=2026-11-11", ["org_1", "org_0"]),
        ("external_customer_id=org_3", ["org_3"]),
        ("status=voided", []),
        ("self_billed=true", []),
        ("payment_dispute_lost=false", []),
        ("currency=EUR", []),
    ],
)
def test_invoices_are_filtered_by_their_own_fields(http: LagoOverHttp, query: str, found: list[str]) -> None:
    assert [row["customer"]["external_id"] for row in http.get(f"/invoices?{query}")["invoices"]] == found


def test_the_count_of_invoices_lags_behind_until_its_last_page_is_read_or_half_an_hour_is_over() -> None:
    with LagoOverHttp() as http:
        http.lago.add_customer("org_a")
        rows = [http.lago.add_invoice("org_a", amount_cents=1, issuing_date=NOW.date()) for _ in range(3)]
        target = "/invoices?payment_status=pending&per_page=1"
        assert http.get(target)["meta"]["total_count"] == 3
        rows[0].payment_status = "succeeded"
        assert http.get(target)["meta"]["total_count"] == 3
        assert http.get(f"{target}&page=3") == {
            "invoices": [],
            "meta": {"current_page": 3, "next_page": None, "prev_page": 2, "total_pages": 2, "total_count": 2},
        }
        rows[1].payment_status = "succeeded"
        assert http.get(target)["meta"]["total_count"] == 2
        http.lago.set_clock(NOW + timedelta(minutes=31))
        assert http.get(target)["meta"]["total_count"] == 1


@pytest.mark.parametrize("path", ["customers", "subscriptions", "invoices"])
def test_a_billing_entity_that_does_not_exist_is_a_404(http: LagoOverHttp, path: str) -> None:
    assert http.refusal("GET", f"/{path}?billing_entity_codes[]=other") == (404, "billing_entity_not_found")
    assert http.get(f"/{path}?billing_entity_codes[]=sandbox")["meta"]["total_count"] > 0


def test_applied_coupons_are_filtered_by_customer_status_and_code() -> None:
    with LagoOverHttp() as http:
        for org in ("org_a", "org_b", "org_gone"):
            http.lago.add_customer(org)
            http.lago.add_applied_coupon(org, "LAUNCH", percentage_rate="20.0")
        http.lago.add_applied_coupon("org_a", "OLD", percentage_rate="5.0", status="terminated", terminated_at=NOW)
        http.lago.delete_customer("org_gone")
        counts = {
            query: http.get(f"/applied_coupons?{query}")["meta"]["total_count"]
            for query in ("", "status=active", "status=odd", "coupon_code[]=OLD", "external_customer_id=org_b")
        }
        assert counts == {
            "": 3,
            "status=active": 2,
            "status=odd": 3,
            "coupon_code[]=OLD": 1,
            "external_customer_id=org_b": 1,
        }


@pytest.mark.parametrize(
    ("authorization", "status"),
    [("", 401), (KEY, 401), ("Bearer x", 401), (f"Any {KEY}", 200)],
)
def test_only_the_second_word_of_the_authorization_counts(http: LagoOverHttp, authorization: str, status: int) -> None:
    answer = http.client.get("/organizations", headers={"Authorization": authorization})
    assert answer.status_code == status


def test_health_and_ready_need_no_key_and_stand_at_the_root(http: LagoOverHttp) -> None:
    with client(http.server.url, key="none") as keyless:
        assert keyless.get("/health").json()["version"] == "v1.51.0"
        assert keyless.get("/ready").json() == {"status": "ok"}
        assert keyless.get("/customers").json()["code"] == "resource_not_found"


def test_an_unchanged_read_is_a_304_to_who_names_its_etag(http: LagoOverHttp) -> None:
    tag = http.client.get("/plans").headers["ETag"]
    again = http.client.get("/plans", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")

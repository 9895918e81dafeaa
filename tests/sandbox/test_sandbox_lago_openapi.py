"""Answers of the sandbox Lago against Lago's own OpenAPI file, with the points where real servers differ from it."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import httpx
import pytest

from reconciler.sandbox.lago import LagoSandbox
from sandbox.lago_openapi import FILE, OpenApi
from sandbox.lago_over_http import KEY, NOW, client
from sandbox.lago_recordings import RECORDINGS, steps_of

# Fields that the file says are never null and that real servers answer as null.
NULL_ON_REAL_SERVERS = {
    "cancellation_reason",
    "country",
    "description",
    "document_locale",
    "invoice_display_name",
    "invoice_grace_period",
    "on_termination_credit_note",
    "payment_dispute_lost_at",
    "payment_method_id",
    "payment_provider",
    "payment_provider_code",
    "pricing_unit_details",
    "provider_customer_id",
    "sync_with_provider",
    "total_aggregated_units",
    "trial_period",
}
# A number in the file, a decimal number in a string on real servers: the balance that is overdue.
STRING_ON_REAL_SERVERS = {"amount_cents"}
# Answers that real servers give and the file does not know.
NOT_IN_THE_FILE = {
    ("GET", "/api/v1/organizations", 200),
    ("GET", "/api/v1/customers?per_page=0", 500),
    ("GET", "/api/v1/customers?account_type[]=robot", 422),
    ("GET", "/api/v1/invoices?payment_overdue=maybe", 422),
    ("POST", "/api/v1/subscriptions", 403),
}

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="Lago's OpenAPI file is not on this machine")


@pytest.fixture(scope="module")
def openapi() -> OpenApi:
    return OpenApi()


def subscribe(**fields: Any) -> tuple[str, str, dict[str, Any]]:
    return "POST", "/api/v1/subscriptions", {"subscription": fields}


REQUESTS: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "/api/v1/organizations", None),
    ("GET", "/api/v1/billing_entities", None),
    ("GET", "/api/v1/webhooks/json_public_key", None),
    ("GET", "/api/v1/plans", None),
    ("GET", "/api/v1/plans/pro", None),
    ("GET", "/api/v1/plans/nope", None),
    ("POST", "/api/v1/plans", {"plan": {"code": "bad"}}),
    ("PUT", "/api/v1/plans/pro", {"plan": {"name": "Pro"}}),
    ("GET", "/api/v1/customers", None),
    ("GET", "/api/v1/customers?per_page=0", None),
    ("GET", "/api/v1/customers?account_type[]=robot", None),
    ("GET", "/api/v1/customers/org_a", None),
    ("GET", "/api/v1/customers/nobody", None),
    ("POST", "/api/v1/customers", {"customer": {"external_id": "org_new", "name": "New", "country": "FR"}}),
    ("POST", "/api/v1/customers", {"customer": {"external_id": "org_new", "currency": "XXQ"}}),
    ("POST", "/api/v1/customers", {"customer": {}}),
    ("GET", "/api/v1/customers/org_a/subscriptions", None),
    ("GET", "/api/v1/customers/org_a/invoices", None),
    ("GET", "/api/v1/customers/org_a/applied_coupons", None),
    ("GET", "/api/v1/subscriptions?status[]=every", None),
    ("GET", "/api/v1/subscriptions/sub_a", None),
    ("GET", "/api/v1/subscriptions/sub_a?status=terminated", None),
    ("GET", "/api/v1/subscriptions/nope", None),
    subscribe(external_customer_id="org_a", plan_code="free", external_id="sub_a"),
    subscribe(external_customer_id="org_a", plan_code="nope", external_id="sub_a"),
    subscribe(external_customer_id="org_a", plan_code="pro"),
    subscribe(external_customer_id="org_a", plan_code="pro", external_id="sub_x", plan_overrides={}),
    ("PUT", "/api/v1/subscriptions/sub_a", {"subscription": {"name": "Named"}}),
    ("DELETE", "/api/v1/subscriptions/sub_a?status=pending", None),
    ("DELETE", "/api/v1/subscriptions/sub_a", None),
    ("DELETE", "/api/v1/subscriptions/sub_a", None),
    ("GET", "/api/v1/invoices", None),
    ("GET", "/api/v1/invoices?payment_overdue=maybe", None),
    ("GET", "/api/v1/invoices/INVOICE", None),
    ("PUT", "/api/v1/invoices/INVOICE", {"invoice": {"payment_status": "failed"}}),
    ("GET", "/api/v1/analytics/overdue_balance", None),
    ("GET", "/api/v1/applied_coupons", None),
    ("DELETE", "/api/v1/customers/org_b", None),
    ("DELETE", "/api/v1/plans/free", None),
]


@pytest.fixture(scope="module")
def answers() -> list[tuple[str, str, httpx.Response]]:
    lago = LagoSandbox(api_key=KEY, clock=lambda: NOW)
    lago.add_plan("free", amount_cents=0)
    lago.add_plan("pro", amount_cents=4900, trial_days=14)
    lago.add_plan("year", amount_cents=49000, interval="yearly", currency="EUR")
    lago.add_customer("org_a", metadata={"org_id": "org_a"}, payment_provider="stripe", provider_customer_id="cus_a")
    lago.add_customer("org_b", name="B", email="b@example.test", timezone="Europe/Paris")
    old = lago.add_subscription("org_a", "free", external_id="sub_a", status="terminated")
    live = lago.add_subscription("org_a", "pro", external_id="sub_a", previous=old)
    lago.add_subscription("org_b", "year", external_id="sub_b", amount_cents=39000, ending_at=NOW)
    lago.add_subscription("org_b", "year", external_id="sub_c", status="pending", subscription_at=NOW)
    lago.add_subscription("org_b", "year", external_id="sub_d", status="canceled")
    invoice = lago.add_invoice("org_a", amount_cents=4900, issuing_date=date(2026, 11, 1), subscription=live)
    lago.add_applied_coupon("org_a", "LAUNCH", percentage_rate="20.0")
    lago.add_applied_coupon(
        "org_a",
        "FLAT",
        amount_cents=500,
        amount_currency="USD",
        frequency="once",
        status="terminated",
        terminated_at=NOW,
    )
    lago.run_hourly_jobs()
    found = []
    with lago.serve() as server, client(server.url, key=KEY) as http:
        for method, target, body in REQUESTS:
            answer = http.request(method, target.replace("INVOICE", invoice.lago_id), json=body)
            found.append((method, target, answer))
    return found


def test_every_answer_keeps_to_the_schema_but_for_the_known_points(
    openapi: OpenApi, answers: list[tuple[str, str, httpx.Response]]
) -> None:
    broken = [
        (method, target, name, value)
        for method, target, answer in answers
        for name, value in openapi.violations(method, target, answer.status_code, answer.json()) or []
        if not known(name, value)
    ]
    assert broken == []


def test_only_the_known_answers_have_no_schema(
    openapi: OpenApi, answers: list[tuple[str, str, httpx.Response]]
) -> None:
    without = {
        (method, target, answer.status_code)
        for method, target, answer in answers
        if openapi.violations(method, target, answer.status_code, answer.json()) is None
    }
    assert without == NOT_IN_THE_FILE


def test_an_answer_that_breaks_its_schema_is_noticed(openapi: OpenApi) -> None:
    assert openapi.violations("GET", "/api/v1/customers/org_a", 200, {"customer": {"external_id": 7}}) != []
    assert openapi.violations("GET", "/api/v1/customers/org_a", 404, {"status": 404}) != []
    assert openapi.violations("GET", "/api/v1/applied_coupons", 200, {"applied_coupons": [{}]}) != []


def test_every_kind_of_answer_was_asked_for(answers: list[tuple[str, str, httpx.Response]]) -> None:
    assert {answer.status_code for _, _, answer in answers} == {200, 400, 403, 404, 422, 500}


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings of a real Lago are not on this machine")
def test_the_known_points_are_those_at_which_a_real_server_differs_from_the_file(openapi: OpenApi) -> None:
    differing = {
        (name, value is None)
        for file in sorted(RECORDINGS.glob("0*.jsonl"))
        for step in steps_of(file.stem)
        if step.did is None and step.answer.startswith("{")
        for name, value in openapi.violations(step.method, step.target, step.status, json.loads(step.answer)) or []
    }
    known_points = {(name, True) for name in NULL_ON_REAL_SERVERS} | {(name, False) for name in STRING_ON_REAL_SERVERS}
    assert differing == known_points


def known(name: str, value: Any) -> bool:
    return (name in NULL_ON_REAL_SERVERS and value is None) or (
        name in STRING_ON_REAL_SERVERS and isinstance(value, str)
    )

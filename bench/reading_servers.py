# ruff: noqa: INP001 # part of a program, not a package
"""A loopback Lago and Stripe for the benchmark of reading: many rows of real size, made as they are asked for."""

from __future__ import annotations

import json
import math
import multiprocessing
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE = 100
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FRESH = multiprocessing.get_context("spawn")
YEARS = 3
AT = 1_111_111_111  # stands for the moment of creation in the templates below, and #N# for the row's number

PRICE = {"id": "price_1Pabcdefghijklmnop", "object": "price", "active": True, "billing_scheme": "per_unit"}
PRICE |= {"created": AT, "currency": "usd", "livemode": False, "lookup_key": "professional", "metadata": {}}
PRICE |= {"product": "prod_Qabcdefghijkl", "type": "recurring", "unit_amount": 9900, "unit_amount_decimal": "9900"}
PRICE |= dict.fromkeys(("custom_unit_amount", "nickname", "tax_behavior", "tiers_mode", "transform_quantity"))
PRICE |= {"recurring": {"interval": "month", "interval_count": 1, "meter": None, "usage_type": "licensed"}}
ITEM = {"id": "si_#N#", "object": "subscription_item", "created": AT, "discounts": [], "metadata": {}, "quantity": 1}
ITEM |= {"current_period_start": AT, "current_period_end": AT, "price": PRICE, "plan": {**PRICE, "object": "plan"}}
ITEM |= {"subscription": "sub_#N#", "tax_rates": [], "billing_thresholds": None}
STRIPE_SUBSCRIPTION: dict[str, Any] = {
    "id": "sub_#N#", "object": "subscription", "customer": "cus_#N#", "status": "active", "created": AT,
    "items": {"object": "list", "data": [ITEM], "has_more": False, "total_count": 1, "url": "/v1/subscription_items"},
    "billing_cycle_anchor": AT, "billing_mode": {"type": "flexible"}, "cancel_at_period_end": False, "currency": "usd",
    "cancellation_details": {"comment": None, "feedback": None, "reason": None}, "start_date": AT, "livemode": False,
    "collection_method": "charge_automatically", "default_payment_method": "pm_1Pabcdefghijkl", "discounts": [],
    "latest_invoice": "in_#N#", "metadata": {"org_id": "org_#N#"}, "default_tax_rates": [],
    **dict.fromkeys((
        "application", "application_fee_percent", "billing_thresholds", "cancel_at", "canceled_at", "default_source",
        "days_until_due", "description", "ended_at", "next_pending_invoice_item_invoice", "on_behalf_of", "schedule",
        "pause_collection", "pending_invoice_item_interval", "pending_setup_intent", "pending_update", "test_clock",
        "transfer_data", "trial_end", "trial_start", "customer_account", "status_details",
    )),
}  # fmt: skip
STRIPE_CUSTOMER: dict[str, Any] = {
    "id": "cus_#N#", "object": "customer", "balance": 0, "currency": "usd", "created": AT, "delinquent": False,
    "email": "billing#N#@example.com", "invoice_prefix": "ABCDEF12", "livemode": False, "name": "Company #N#",
    "metadata": {"org_id": "org_#N#"}, "next_invoice_sequence": 3, "preferred_locales": ["en"], "tax_exempt": "none",
    **dict.fromkeys(("address", "default_source", "description", "discount", "phone", "shipping", "test_clock")),
}  # fmt: skip
LAGO_SUBSCRIPTION: dict[str, Any] = {
    "lago_id": "5c1f6e0a-0000-4000-8000-#N#", "external_id": "sub_org_#N#", "name": "", "plan_code": "professional",
    "lago_customer_id": "0b5f0c1e-0000-4000-8000-#N#", "external_customer_id": "org_#N#", "status": "active",
    "plan_amount_cents": 9900, "plan_amount_currency": "USD", "billing_time": "calendar", "subscription_at": "#AT#",
    "started_at": "#AT#", "created_at": "#AT#", "activated_at": "#AT#", "current_billing_period_started_at": "#AT#",
    "current_billing_period_ending_at": "#AT#", "on_termination_invoice": "generate", "consolidate_invoice": True,
    "progressive_billing_disabled": False, "activation_rules": [],
    "payment_method": {"payment_method_id": None, "payment_method_type": "provider"},
    **dict.fromkeys((
        "trial_ended_at", "ending_at", "terminated_at", "canceled_at", "previous_plan_code", "next_plan_code",
        "downgrade_plan_date", "on_termination_credit_note", "cancellation_reason",
    )),
}  # fmt: skip
ADDRESS = dict.fromkeys(("address_line1", "address_line2", "city", "zipcode", "state", "country"))
LAGO_CUSTOMER: dict[str, Any] = {
    "lago_id": "0b5f0c1e-0000-4000-8000-#N#", "billing_entity_code": "default", "external_id": "org_#N#",
    "account_type": "customer", "name": "Company #N#", "sequential_id": 7, "slug": "LAG-1234-#N#",
    "created_at": "#AT#", "updated_at": "#AT#", "email": "billing#N#@example.com", "currency": "USD",
    "applicable_timezone": "UTC", "finalize_zero_amount_invoice": "inherit", "skip_invoice_custom_sections": False,
    "billing_configuration": {"invoice_grace_period": None, "payment_provider": None, "document_locale": None},
    "shipping_address": ADDRESS, "metadata": [], "taxes": [], "integration_customers": [], **ADDRESS,
    **dict.fromkeys((
        "firstname", "lastname", "customer_type", "timezone", "net_payment_term", "tax_identification_number",
        "external_salesforce_id", "legal_name", "legal_number", "logo_url", "phone", "url",
    )),
}  # fmt: skip
STRIPE_INVOICE: dict[str, Any] = {
    "id": "in_#N#", "object": "invoice", "customer": "cus_#N#", "status": "open", "created": AT, "currency": "usd",
    "amount_due": 9900, "amount_paid": 0, "amount_remaining": 9900, "attempt_count": 1, "attempted": True,
    "collection_method": "charge_automatically", "due_date": None, "livemode": False, "metadata": {},
    "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_#N#", "metadata": {}}},
    "status_transitions": {"finalized_at": AT, "paid_at": None, "voided_at": None, "marked_uncollectible_at": None},
    "customer_email": "billing#N#@example.com", "customer_name": "Company #N#", "number": "ABCDEF12-0001",
}  # fmt: skip
LAGO_INVOICE: dict[str, Any] = {
    "lago_id": "7a1f6e0a-0000-4000-8000-#N#", "sequential_id": 2, "number": "LAG-1234-001-002", "currency": "USD",
    "issuing_date": "2026-10-01", "payment_due_date": "2026-10-15", "invoice_type": "subscription",
    "payment_dispute_lost_at": None, "payment_overdue": True, "payment_status": "failed", "status": "finalized",
    "total_amount_cents": 9900, "total_due_amount_cents": 9900, "self_billed": False, "created_at": "#AT#",
    "customer": LAGO_CUSTOMER, "metadata": [], "applied_taxes": [], "net_payment_term": 0, "version_number": 4,
    "fees_amount_cents": 9900, "sub_total_excluding_taxes_amount_cents": 9900,
    "sub_total_including_taxes_amount_cents": 9900,
    **dict.fromkeys((
        "coupons_amount_cents", "taxes_amount_cents", "credit_notes_amount_cents",
        "progressive_billing_credit_amount_cents", "prepaid_credit_amount_cents",
    ), 0),
}  # fmt: skip
LAGO_COUPON: dict[str, Any] = {
    "lago_id": "9a1f6e0a-0000-4000-8000-#N#", "lago_coupon_id": "11111111-0000-4000-8000-000000000001",
    "coupon_code": "welcome", "lago_customer_id": "0b5f0c1e-0000-4000-8000-#N#", "external_customer_id": "org_#N#",
    "status": "active", "amount_cents": None, "amount_currency": None, "percentage_rate": "10.0",
    "frequency": "forever", "frequency_duration_remaining": None, "expiration_at": None, "created_at": "#AT#",
    "terminated_at": None, "credits": [],
}  # fmt: skip
# One row of these lists for so many subscriptions.
SHARES = {"/v1/invoices": 50, "/api/v1/invoices": 50, "/api/v1/applied_coupons": 20}
LAGO_PLAN: dict[str, Any] = {
    "lago_id": "11111111-0000-4000-8000-000000000000", "name": "Professional", "code": "professional",
    "interval": "monthly", "amount_cents": 9900, "amount_currency": "USD", "trial_period": None, "charges": [],
    "pay_in_advance": True, "created_at": "2024-01-01T00:00:00Z", "taxes": [], "invoice_display_name": None,
}  # fmt: skip


@dataclass(frozen=True)
class Server:
    """How a loopback server behaves; it stands for Lago and for Stripe."""

    rows: int
    latency_s: float = 0.0
    workers: int = 64
    row_s: float = 0.0  # of a worker's time


def template(row: dict[str, Any], size: int) -> str:
    """The row as JSON of about `size` bytes."""
    text = json.dumps(row | {"padding": ""})
    return json.dumps(row | {"padding": "x" * max(0, size - len(text))})


def moments(rows: int) -> list[int]:
    """When each row was made, the oldest first: twice as many each year."""
    whole_s = YEARS * 365 * 86_400
    grown = 2**YEARS - 1
    return [
        int(NOW.timestamp() - whole_s + whole_s * math.log2(1 + grown * (number + 1) / rows) / YEARS)
        for number in range(rows)
    ]


class World:
    """The rows of every list and how they are shown."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.moments = moments(server.rows)
        self.templates = {
            "/v1/subscriptions": template(STRIPE_SUBSCRIPTION, 3_800),
            "/v1/customers": template(STRIPE_CUSTOMER, 1_200),
            "/api/v1/subscriptions": template(LAGO_SUBSCRIPTION, 980),
            "/api/v1/customers": template(LAGO_CUSTOMER, 1_140),
            "/v1/invoices": template(STRIPE_INVOICE, 3_000),
            "/api/v1/invoices": template(LAGO_INVOICE, 2_600),
            "/api/v1/applied_coupons": template(LAGO_COUPON, 600),
        }
        self.requests = 0
        self.turns = threading.Semaphore(server.workers)

    def numbers(self, path: str, query: dict[str, str]) -> range:
        """The numbers of the subscriptions that have a row in a list, the oldest first."""
        none = "payment_dispute_lost" in query
        return range(0, 0 if none else self.server.rows, SHARES.get(path, 1))

    def row(self, path: str, number: int) -> str:
        """The row of a list, as JSON, that belongs to a subscription."""
        at = self.moments[number]
        text = self.templates[path].replace("#N#", f"{number:012d}").replace(str(AT), str(at))
        return text.replace("#AT#", datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))

    def answer(self, target: str) -> bytes:
        """The body for path and query `target`."""
        parts = urlsplit(target)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        if parts.path == "/health":
            return b'{"version":"v1.51.0","message":"Success"}'
        if parts.path == "/api/v1/organizations":
            return b'{"organization":{"lago_id":"1","name":"Bench"}}'
        if parts.path == "/api/v1/plans":
            meta = {"current_page": 1, "next_page": None, "prev_page": None, "total_pages": 1, "total_count": 1}
            return json.dumps({"plans": [LAGO_PLAN], "meta": meta}).encode()
        self.requests += 1
        return self.lago(parts.path, query) if parts.path.startswith("/api") else self.stripe(parts.path, query)

    def stripe(self, path: str, query: dict[str, str]) -> bytes:
        """A page of a list of Stripe."""
        held = self.numbers(path, query)
        top = bisect_left(self.moments, int(query.get("created[lt]", 2**40)))
        floor = bisect_left(self.moments, int(query.get("created[gte]", 0)))
        if "starting_after" in query:
            top = min(top, int(query["starting_after"].rpartition("_")[2]))
        wanted = held[bisect_left(held, floor) : bisect_left(held, top)]
        more = "true" if len(wanted) > PAGE else "false"
        body = ",".join(self.row(path, number) for number in reversed(wanted[-PAGE:]))
        return f'{{"object":"list","url":"{path}","has_more":{more},"data":[{body}]}}'.encode()

    def lago(self, path: str, query: dict[str, str]) -> bytes:
        """A page of a list of Lago."""
        held = self.numbers(path, query)[::-1]
        page, pages = int(query.get("page", 1)), -(-len(held) // PAGE)
        numbers = held[(page - 1) * PAGE : page * PAGE]
        meta = {"current_page": page, "next_page": page + 1 if page < pages else None, "prev_page": None}
        body = ",".join(self.row(path, number) for number in numbers)
        with self.turns:
            time.sleep(self.server.row_s * len(numbers))
        meta |= {"total_pages": pages, "total_count": len(held)}
        return f'{{"{path.rpartition("/")[2]}":[{body}],"meta":{json.dumps(meta)}}}'.encode()


def serve(server: Server, pipe: Connection) -> None:
    """Serve until told to stop; tell the port, and each time it is asked the requests since."""
    world = World(server)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            body = world.answer(self.path)
            time.sleep(server.latency_s)
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            self.wfile.write(head.encode() + body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Threads(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

    with Threads(("127.0.0.1", 0), Handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        pipe.send(served.server_port)
        while pipe.recv() == "requests":
            pipe.send(world.requests)
            world.requests = 0


@contextmanager
def served(server: Server) -> Iterator[tuple[str, Connection]]:
    """Serve in a process of its own; give the address and the pipe that tells the requests."""
    here, there = FRESH.Pipe()
    process = FRESH.Process(target=serve, args=(server, there), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}", here
    finally:
        here.send("stop")
        process.join(timeout=5)

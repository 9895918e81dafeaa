"""Every route of the sandbox Lago and how a path is read, with the places where Rails surprises."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from werkzeug.wrappers import Request

from reconciler.sandbox.lago.answers import not_found, unauthorized
from reconciler.sandbox.lago.constants import VERSION
from reconciler.sandbox.lago.handlers import Body, Call, Handlers
from reconciler.sandbox.lago.lists import Query

# The identifier in a path stops at a raw dot: what follows is taken for a format, `%2E` is not. Plan codes are whole.
_ID_AT_END = r"([^/.]+)(?:\.[^/.]+)?"
_ID_INSIDE = r"([^/.]+)"
_WHOLE = r"(.+)"

_KEYLESS: dict[str, dict[str, Any]] = {
    "/health": {
        "version": VERSION,
        "github_url": f"https://github.com/getlago/lago-api/tree/{VERSION}",
        "message": "Success",
    },
    "/ready": {"status": "ok"},
}


class BadJsonError(Exception):
    """The body is sent as JSON and does not parse; nothing was done."""


class Router:
    """Finds the handler of a request, checks the key and runs it."""

    def __init__(self, handlers: Handlers, *, api_key: str) -> None:
        """Serve `handlers` to who holds `api_key`."""
        self._api_key = api_key
        self._routes = [
            (method, re.compile(f"/api/v1/{path}/?"), handler) for method, path, handler in _table(handlers)
        ]

    def answer(self, request: Request) -> Body:
        """The body of a 200; raises `RefusedError` or `BadJsonError` for everything else."""
        path, _, query = str(request.environ["REQUEST_URI"]).partition("?")
        if request.method == "GET" and path in _KEYLESS:
            return _KEYLESS[path]
        for method, pattern, handler in self._routes:
            found = pattern.fullmatch(path) if method == request.method else None
            if found:
                call = Call(id=unquote("".join(found.groups())), query=Query.parse(query), body=_json(request))
                self._check_key(request)
                return handler(call)
        raise not_found("resource")

    def _check_key(self, request: Request) -> None:
        words = request.headers.get("Authorization", "").split()  # only the second word is read, whatever the first
        if words[1:2] != [self._api_key]:
            raise unauthorized()


def _table(of: Handlers) -> list[tuple[str, str, Callable[[Call], Body]]]:
    return [
        ("GET", "organizations", of.organizations),
        ("GET", "billing_entities", of.billing_entities),
        ("GET", "webhooks/json_public_key", of.json_public_key),
        ("GET", "webhooks/public_key", of.public_key),
        ("GET", "customers", of.customers),
        ("POST", "customers", of.upsert_customer),
        ("GET", f"customers/{_ID_AT_END}", of.customer),
        ("DELETE", f"customers/{_ID_AT_END}", of.delete_customer),
        ("GET", f"customers/{_ID_INSIDE}/subscriptions", of.subscriptions_of_customer),
        ("GET", f"customers/{_ID_INSIDE}/invoices", of.invoices_of_customer),
        ("GET", f"customers/{_ID_INSIDE}/applied_coupons", of.applied_coupons_of_customer),
        ("GET", "plans", of.plans),
        ("POST", "plans", of.create_plan),
        ("GET", f"plans/{_WHOLE}", of.plan),
        ("PUT", f"plans/{_WHOLE}", of.update_plan),
        ("DELETE", f"plans/{_WHOLE}", of.delete_plan),
        ("GET", "subscriptions", of.subscriptions),
        ("POST", "subscriptions", of.create_subscription),
        ("GET", f"subscriptions/{_ID_AT_END}", of.subscription),
        ("PUT", f"subscriptions/{_ID_AT_END}", of.update_subscription),
        ("DELETE", f"subscriptions/{_ID_AT_END}", of.delete_subscription),
        ("GET", "invoices", of.invoices),
        ("GET", f"invoices/{_ID_AT_END}", of.invoice),
        ("PUT", f"invoices/{_ID_AT_END}", of.update_invoice),
        ("GET", "analytics/overdue_balance", of.overdue_balance),
        ("GET", "applied_coupons", of.applied_coupons),
    ]


def _json(request: Request) -> dict[str, Any]:
    text = request.get_data()
    if not text or request.mimetype != "application/json":
        return {}
    try:
        body = json.loads(text)
    except ValueError:
        raise BadJsonError from None
    return body if isinstance(body, dict) else {}

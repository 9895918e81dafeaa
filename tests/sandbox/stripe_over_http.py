"""Reaches a served Stripe with the stripe library, as any application would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import requests
import stripe

stripe.enable_telemetry = False  # it writes an id file into the home directory

KEY = "sk_test_sandbox"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@contextmanager
def library_client(url: str, key: str = KEY) -> Iterator[stripe.StripeClient]:
    with requests.Session() as session:
        yield stripe.StripeClient(
            key, base_addresses={"api": url}, http_client=stripe.RequestsClient(session=session, timeout=5)
        )


def get(client: stripe.StripeClient, path: str, **query: Any) -> Any:
    """The answer as plain JSON values, errors raised as the library's."""
    return client.raw_request("get", path, **query).data


def ids(listed: Any) -> list[str]:
    return [row["id"] for row in listed["data"]]

"""A sandbox Lago and a client for it, for tests of its behaviour over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Self

import httpx

from reconciler.sandbox.lago import LagoSandbox
from reconciler.sandbox.server import LoopbackServer

KEY = "3e9f5a6e-0000-4000-8000-000000000004"
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
EVERY_STATUS = "status[]=active&status[]=pending&status[]=terminated&status[]=canceled"


def client(url: str, *, key: str) -> httpx.Client:
    """A client that starts quickly: it reads no certificates."""
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.Client(base_url=url, headers=headers, verify=False)  # noqa: S501 - plain HTTP on loopback


class LagoOverHttp:
    """One organisation with three plans and a clock that stands at `NOW`; a context manager."""

    def __init__(self) -> None:
        self.lago = LagoSandbox(api_key=KEY)
        self.lago.set_clock(NOW)
        for code, cents in (("free", 0), ("starter", 1900), ("pro", 4900)):
            self.lago.add_plan(code, amount_cents=cents)

    def __enter__(self) -> Self:
        self.server: LoopbackServer = self.lago.serve()
        self.client = client(f"{self.server.url}/api/v1", key=KEY)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.server.close()

    def get(self, target: str) -> dict[str, Any]:
        """The body of a read that must succeed."""
        return _body(self.client.get(target))

    def refusal(self, method: str, target: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """Status and, of the body, the details or else the code."""
        answer = self.client.request(method, target, json=body)
        found = answer.json()
        return answer.status_code, found.get("error_details", found.get("code"))

    def subscribe(self, customer: str, plan: str, external_id: str, **fields: Any) -> dict[str, Any]:
        """POST a subscription and return the row it answers with."""
        wanted = {"external_customer_id": customer, "plan_code": plan, "external_id": external_id, **fields}
        return dict(_body(self.client.post("/subscriptions", json={"subscription": wanted}))["subscription"])

    def statuses(self, external_id: str) -> list[tuple[str, str]]:
        """Plan and status of every row with this external id, in the list's order."""
        rows = self.get(f"/subscriptions?external_id={external_id}&{EVERY_STATUS}")["subscriptions"]
        return [(row["plan_code"], row["status"]) for row in rows]


def _body(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return dict(answer.json())

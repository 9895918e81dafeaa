"""A whole read of a Lago that gives the recorded answers of real servers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from pydantic import ValidationError
from werkzeug.wrappers import Request, Response

from billing.billing_support import NOW, SHARED, lago_source
from reconciler.billing.lago_wire import One, Page, WireCustomer, WireInvoice, WirePlan, WireSubscription
from reconciler.billing.wire import parse
from reconciler.model.billing import SubscriptionStatus
from reconciler.sandbox.server import LoopbackServer

RECORDINGS = SHARED / "recordings" / "lago"
VERSIONS = ("v1.51.0", "v1.27.0")
STATUSES = ("active&status%5B%5D=pending", "terminated", "canceled")  # as they were asked for, list by list

pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings of real Lago servers are not here")


def exchanges(version: str) -> Iterator[tuple[str, int, str]]:
    """Target, status and body of every recorded GET."""
    for file in sorted((RECORDINGS / version).glob("[0-9]*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if "request" in row and row["request"]["method"] == "GET":
                yield row["request"]["target"], row["response"]["status"], row["response"]["body"] or ""


def body(version: str, wanted: str, *, last: bool = False) -> Any:
    """The first, or last, success that was recorded for a target."""
    found = [text for target, status, text in exchanges(version) if (target, status) == (wanted, 200)]
    return json.loads(found[-1 if last else 0])


def listed(name: str, rows: Sequence[Any]) -> Response:
    meta = {"current_page": 1, "next_page": None, "prev_page": None, "total_pages": 1, "total_count": len(rows)}
    return Response(json.dumps({name: rows, "meta": meta}), content_type="application/json")


class Replay:
    """Answers a whole read with the recorded rows of one server, each list on one page."""

    def __init__(self, version: str) -> None:
        plain = "/api/v1/subscriptions?status%5B%5D="
        self.organization = body(version, "/api/v1/organizations")
        self.health = body(version, "/health")
        self.rows = {
            "plans": body(version, "/api/v1/plans", last=True)["plans"],
            "customers": body(version, "/api/v1/customers?per_page=1000")["customers"],
            "invoices": body(version, "/api/v1/invoices?payment_overdue=true&per_page=100")["invoices"],
            "applied_coupons": [],
            "subscriptions": [row for status in STATUSES for row in body(version, plain + status)["subscriptions"]],
        }

    def __call__(self, request: Request) -> Response:
        name = request.path.rpartition("/")[2]
        if name in self.rows:
            return listed(name, self.rows[name])
        return Response(json.dumps(self.health if name == "health" else self.organization))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_whole_read_holds_every_recorded_row(version: str) -> None:
    replay = Replay(version)
    with LoopbackServer(replay) as server, lago_source(server) as source:
        snapshot = source.read_all(NOW)
    assert snapshot.complete
    assert sorted(each.id for each in snapshot.customers) == sorted(row["lago_id"] for row in replay.rows["customers"])
    assert sorted(each.id for each in snapshot.subscriptions) == sorted(
        row["lago_id"] for row in replay.rows["subscriptions"]
    )
    counted = Counter(each.raw_status for each in snapshot.subscriptions)
    assert counted == Counter(row["status"] for row in replay.rows["subscriptions"])
    assert {SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING, SubscriptionStatus.PENDING} <= {
        each.status for each in snapshot.subscriptions
    }
    told = version == "v1.51.0"  # an older one may have overridden any of them
    assert all((each.items[0].unit_amount is not None) is told for each in snapshot.subscriptions)
    assert snapshot.about.startswith(f"Lago {version}, organisation ")
    assert any("amounts" in note for note in snapshot.notes) is not told
    assert {each.problem for each in snapshot.side_reads} == {""}
    assert sorted((each.due_minor, each.currency, each.overdue) for each in snapshot.invoices) == sorted(
        (row["total_due_amount_cents"], row["currency"].lower(), True) for row in replay.rows["invoices"]
    )


def test_two_servers_that_were_told_the_same_are_read_alike() -> None:
    read = []
    for version in VERSIONS:
        with LoopbackServer(Replay(version)) as server, lago_source(server) as source:
            rows = source.read_all(NOW).subscriptions
        read.append(sorted((r.external_id, r.status, r.items[0].plan_code, r.items[0].currency) for r in rows))
    assert read[0] == read[1]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_recorded_list_and_single_object_is_understood(version: str) -> None:
    models = {"plan": WirePlan, "customer": WireCustomer, "subscription": WireSubscription, "invoice": WireInvoice}
    understood = 0
    for target, status, text in exchanges(version):
        if status != 200 or not text.startswith("{"):
            continue
        kind = next(iter(json.loads(text)))
        model = models.get(kind.removesuffix("s"))
        if model is None:
            continue
        shape: Any = Page[model] if kind.endswith("s") else One[model]  # type: ignore[valid-type]  # chosen at run time
        try:
            parse(shape, text.encode())
        except ValidationError as error:
            pytest.fail(f"{target}: {error}")
        understood += 1
    assert understood > 50

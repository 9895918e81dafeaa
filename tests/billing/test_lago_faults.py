"""Faults while Lago is read: the snapshot is whole and right, or says that it is not, and requests stay bounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from billing.billing_support import LAGO_KEY, NOW, PASSING_FAULTS, READ_TIMEOUT_S, lago_sandbox, lago_source
from reconciler.errors import NotThatSourceError, SourceRefusedError, SourceUnavailableError
from reconciler.model.observation import Snapshot
from reconciler.sandbox.server import Fault, LoopbackServer

ORGS = 5
PAGES = 1 + 3 + 3  # two plans, five subscriptions and five customers, two a page
SIDE_LISTS = 3  # overdue and disputed invoices, and coupons, of one page each
PLACES = {
    "organisation": r"/organizations",
    "health": r"/health",
    "plans": r"/plans\?",
    "first subscriptions": r"/subscriptions\?per_page=2&status",
    "second subscriptions": r"/subscriptions\?per_page=2&page=2&",
    "last subscriptions": r"/subscriptions\?per_page=2&page=3&",
    "first customers": r"/customers\?per_page=2$",
    "last customers": r"/customers\?per_page=2&page=3",
}
PASSING = [  # of the lists in test_fault_matrix; a health check that says nothing is believed: the oldest there is
    (place, fault)
    for place in ("organisation", "health", "plans")
    for fault in PASSING_FAULTS
    if (place, fault) != ("health", "other JSON")
]


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    lago = lago_sandbox()
    for number in range(ORGS):
        lago.add_customer(f"org_{number}")
        lago.add_subscription(f"org_{number}", "professional", external_id=f"sub_{number}")
    with lago.serve() as served:
        yield served


def read_all(server: LoopbackServer) -> Snapshot:
    with lago_source(server, page_size=2, read_timeout_s=READ_TIMEOUT_S) as source:
        return source.read_all(NOW)


@pytest.mark.parametrize(("place", "fault"), PASSING)
def test_a_fault_that_passes_is_overcome_and_counted(server: LoopbackServer, place: str, fault: str) -> None:
    server.add_fault(Fault(target=PLACES[place], **PASSING_FAULTS[fault]))
    snapshot = read_all(server)
    assert (snapshot.complete, snapshot.problem) == (True, None)
    assert sorted(each.org_key for each in snapshot.customers) == [f"org_{number}" for number in range(ORGS)]
    assert sorted(each.external_id for each in snapshot.subscriptions) == [f"sub_{number}" for number in range(ORGS)]
    # The first customers are asked for again where pages were in flight side by side.
    looks_again = snapshot.proof.pages - PAGES - SIDE_LISTS
    assert looks_again in (0, 1)
    assert (snapshot.proof.requests, snapshot.proof.retries) == (PAGES + SIDE_LISTS + looks_again + 3, 1)


@pytest.mark.parametrize("place", ["plans", "last customers"])
@pytest.mark.parametrize("fault", ["429", "500", "reset", "cut", "other JSON"])
def test_a_fault_that_stays_leaves_an_incomplete_snapshot_after_few_requests(
    server: LoopbackServer, place: str, fault: str
) -> None:
    server.add_fault(Fault(target=PLACES[place], **PASSING_FAULTS[fault] | {"times": None}))
    snapshot = read_all(server)
    assert not snapshot.complete
    assert snapshot.problem
    assert snapshot.proof.requests <= PAGES + 2 + 3
    assert snapshot.proof.retries == 2


def test_what_was_read_before_the_outage_is_kept(server: LoopbackServer) -> None:
    server.add_fault(Fault(target=PLACES["last subscriptions"], status=503, times=None))
    snapshot = read_all(server)
    assert not snapshot.complete
    assert len(snapshot.subscriptions) == 4
    assert snapshot.proof.rows == 4 + len(snapshot.customers)


def test_a_source_that_is_not_there_is_an_incomplete_snapshot_not_an_error() -> None:
    with LoopbackServer(lambda _: pytest.fail("never asked")) as gone:
        pass
    snapshot = read_all(gone)
    assert (snapshot.complete, snapshot.customers, snapshot.subscriptions) == (False, (), ())
    assert snapshot.problem is not None
    assert snapshot.problem.endswith("cannot be read: it refuses the connection")


def test_a_pause_that_no_one_can_wait_for_ends_the_read_at_once(server: LoopbackServer) -> None:
    server.add_fault(Fault(target="/customers", status=429, headers={"Retry-After": "7200"}, times=None))
    snapshot = read_all(server)
    assert (snapshot.complete, snapshot.proof.retries) == (False, 0)


@pytest.mark.parametrize("answer", ["other JSON", "HTML", "nothing"])
def test_a_server_that_never_talks_like_a_lago_is_not_one(server: LoopbackServer, answer: str) -> None:
    server.add_fault(Fault(**PASSING_FAULTS[answer] | {"times": None}))
    with pytest.raises(NotThatSourceError, match="not as a Lago"):
        read_all(server)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 503}, SourceUnavailableError),
        ({"status": 200, "body": "{}"}, SourceUnavailableError),
        ({"status": 418, "body": "{}"}, SourceRefusedError),
    ],
)
def test_a_single_customer_that_cannot_be_read_whole_raises(
    server: LoopbackServer, fault: dict[str, Any], error: type[Exception]
) -> None:
    with lago_source(server) as source:
        customer = source.read_all(NOW).customers[0]
        server.add_fault(Fault(target=r"/subscriptions\?", times=None, **fault))
        with pytest.raises(error):
            source.read_customer(customer)


def test_a_customer_whose_list_does_not_add_up_raises(server: LoopbackServer) -> None:
    lie = '{"subscriptions":[],"meta":{"current_page":1,"next_page":null,"total_pages":1,"total_count":3}}'
    with lago_source(server) as source:
        customer = source.read_all(NOW).customers[0]
        server.add_fault(Fault(target="external_customer_id", status=200, body=lie, times=None))
        with pytest.raises(SourceUnavailableError, match="counts 3 subscriptions and showed 0"):
            source.read_customer(customer)


@pytest.mark.parametrize("target", ["/customers/", r"/subscriptions/sub_"])
def test_a_single_answer_that_is_no_such_path_is_not_taken_for_gone(server: LoopbackServer, target: str) -> None:
    with lago_source(server) as source:
        customer = source.read_all(NOW).customers[0]
        empty = '{"subscriptions":[],"meta":{"current_page":0,"next_page":null,"total_pages":0,"total_count":0}}'
        server.add_fault(Fault(target="external_customer_id", status=200, body=empty, times=None))
        server.add_fault(Fault(target=target, status=404, body='{"status":404,"code":"resource_not_found"}'))
        with pytest.raises(SourceRefusedError):
            source.read_customer(customer)


def test_neither_key_nor_content_is_in_what_is_told(server: LoopbackServer) -> None:
    content = '{"customers":[{"email":"ap@acme.test"}]}'
    server.add_fault(Fault(target="/customers", status=200, body=content, times=None))
    problem = read_all(server).problem or ""
    assert LAGO_KEY not in problem
    assert "acme" not in problem

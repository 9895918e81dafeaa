"""Walks over Stripe's lists, and faults while they are read: whole and right, or it is said that they are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
import stripe

from billing.billing_support import (
    NOW,
    PASSING_FAULTS,
    QUICK,
    STRIPE_KEY,
    stripe_sandbox,
    stripe_source,
)
from reconciler.billing.network import Network
from reconciler.billing.pacing import RateBudget
from reconciler.billing.stripe_client import StripeClient
from reconciler.billing.stripe_walk import walk
from reconciler.billing.stripe_wire import WireCustomer, WireList, WireSubscription
from reconciler.billing.tally import Tally
from reconciler.errors import NotThatSourceError, SourceRefusedError, SourceUnavailableError
from reconciler.model.billing import Customer, Source
from reconciler.model.observation import Snapshot
from reconciler.sandbox.server import Fault, LoopbackServer
from reconciler.sandbox.stripe import StripeSandbox, lock_timeout, rate_limited
from sandbox.localstripe_peer import localstripe_peer
from sandbox.stripe_over_http import library_client

ROWS = 150  # two pages of each list
PAGES = 5  # one of open invoices
PLACES = {
    "first subscriptions": r"/subscriptions\?limit=100&expand[^&]*$",
    "last subscriptions": r"/subscriptions\?.*starting_after",
    "first customers": r"/customers\?limit=100&expand[^&]*$",
    "last customers": r"/customers\?.*starting_after",
}


@pytest.fixture(scope="module")
def sandbox() -> StripeSandbox:
    made = stripe_sandbox()
    price = made.add_price(made.add_product("P"), unit_amount=9900)
    for number in range(ROWS):
        made.add_subscription(made.add_customer(metadata={"org_id": f"org_{number}"}), prices=[price])
    return made


@pytest.fixture
def server(sandbox: StripeSandbox) -> Iterator[LoopbackServer]:
    with sandbox.serve() as served:
        yield served


def read_all(server: LoopbackServer) -> Snapshot:
    with stripe_source(server) as source:
        return source.read_all(NOW)


@pytest.mark.parametrize("place", PLACES)
def test_a_fault_that_passes_is_overcome_and_counted(server: LoopbackServer, place: str) -> None:
    server.add_fault(Fault(target=PLACES[place], **PASSING_FAULTS["cut"]))
    snapshot = read_all(server)
    assert (snapshot.complete, snapshot.problem) == (True, None)
    assert len({each.id for each in snapshot.customers}) == ROWS
    assert len({each.id for each in snapshot.subscriptions}) == ROWS
    assert (snapshot.proof.pages, snapshot.proof.requests, snapshot.proof.retries) == (PAGES, PAGES + 1, 1)


@pytest.mark.parametrize("fault", [rate_limited(), rate_limited(reason="endpoint-concurrency"), lock_timeout()])
def test_each_kind_of_rate_limit_is_overcome(server: LoopbackServer, fault: Fault) -> None:
    server.add_fault(fault)
    snapshot = read_all(server)
    assert (snapshot.complete, snapshot.proof.retries) == (True, 1)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("fault", ["429", "cut"])
def test_a_fault_that_stays_leaves_an_incomplete_snapshot_after_few_requests(
    server: LoopbackServer, place: str, fault: str
) -> None:
    server.add_fault(Fault(target=PLACES[place], **PASSING_FAULTS[fault] | {"times": None}))
    snapshot = read_all(server)
    assert not snapshot.complete
    assert snapshot.problem
    assert snapshot.proof.requests <= PAGES + 2
    assert snapshot.proof.retries == 2


def test_what_was_read_before_the_outage_is_kept(server: LoopbackServer) -> None:
    server.add_fault(Fault(target=PLACES["last subscriptions"], status=503, times=None))
    snapshot = read_all(server)
    assert not snapshot.complete
    assert len(snapshot.subscriptions) == 100


def test_an_answer_that_says_not_to_retry_is_not_retried(server: LoopbackServer) -> None:
    server.add_fault(Fault(status=500, body="{}", headers={"Stripe-Should-Retry": "false"}))
    snapshot = read_all(server)
    assert (snapshot.complete, snapshot.proof.requests, snapshot.proof.retries) == (False, 1, 0)


def test_a_source_that_is_not_there_is_an_incomplete_snapshot_not_an_error() -> None:
    with LoopbackServer(lambda _: pytest.fail("never asked")) as gone:
        pass
    snapshot = read_all(gone)
    assert (snapshot.complete, snapshot.customers, snapshot.subscriptions) == (False, (), ())
    assert snapshot.problem is not None
    assert snapshot.problem.endswith("cannot be read: it refuses the connection")


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 404, "body": '{"status":404,"error":"Not Found","code":"resource_not_found"}'},
        {"status": 404, "body": "<html>Not here</html>", "content_type": "text/html"},
        {"status": 200, "body": "<html>Hello</html>", "content_type": "text/html"},
        {"status": 200, "body": '{"hello":"world"}'},
    ],
)
def test_a_server_that_never_talks_like_stripe_is_not_one(server: LoopbackServer, answer: dict[str, str]) -> None:
    server.add_fault(Fault(times=None, **answer))  # type: ignore[arg-type]  # the values fit their fields
    with pytest.raises(NotThatSourceError, match="not as Stripe does"):
        read_all(server)


def test_a_customer_that_the_account_never_had_is_refused_not_called_deleted(server: LoopbackServer) -> None:
    with stripe_source(server) as source, pytest.raises(SourceRefusedError) as caught:
        source.read_customer(Customer(source=Source.STRIPE, id="cus_nobody"))
    assert caught.value.status == 404


def test_a_single_customer_that_cannot_be_read_whole_raises(server: LoopbackServer) -> None:
    customer = read_all(server).customers[0]
    server.add_fault(Fault(target="/subscriptions", status=503, times=None))
    with stripe_source(server) as source, pytest.raises(SourceUnavailableError):
        source.read_customer(customer)


def test_items_that_cannot_be_read_make_the_snapshot_incomplete() -> None:
    made = stripe_sandbox()
    prices = [made.add_price(made.add_product("P"), unit_amount=1) for _ in range(12)]
    made.add_subscription(made.add_customer(), prices=prices)
    with made.serve() as server:
        server.add_fault(Fault(target="/subscription_items", status=503, times=None))
        snapshot = read_all(server)
    assert not snapshot.complete
    assert len(snapshot.subscriptions[0].items) == 10


def test_neither_key_nor_content_is_in_what_is_told(server: LoopbackServer) -> None:
    content = '{"data":[{"email":"ap@acme.test"}]}'
    server.add_fault(Fault(target="/customers", status=200, body=content, times=None))
    problem = read_all(server).problem or ""
    assert STRIPE_KEY not in problem
    assert "acme" not in problem


def page(ids: Sequence[str], *, has_more: bool) -> WireList[WireCustomer]:
    return WireList(data=tuple(WireCustomer(id=each) for each in ids), has_more=has_more)


def walked(fetch: Callable[[str | None], WireList[WireCustomer]]) -> tuple[list[str], list[str]]:
    rows: dict[str, WireCustomer] = {}
    problems = walk(fetch, rows, what="customers")
    return list(rows), problems


def test_each_page_begins_after_the_last_row_of_the_one_before() -> None:
    pages = {None: page(["c", "b"], has_more=True), "b": page(["a"], has_more=False)}
    assert walked(lambda cursor: pages[cursor]) == (["c", "b", "a"], [])


def test_an_empty_page_that_promises_more_is_no_end() -> None:
    rows, problems = walked(lambda cursor: page([] if cursor else ["b", "a"], has_more=True))
    assert rows == ["b", "a"]
    assert problems == ["Stripe said that more customers follow and showed no new one after 2"]


def test_a_cursor_that_begins_again_is_noticed() -> None:
    assert walked(lambda _: page(["b", "a"], has_more=True))[1]


def test_the_plain_page_walk_goes_through_a_stripe_that_no_one_here_wrote() -> None:
    network = Network(Source.STRIPE, RateBudget(1e6), policy=QUICK)
    tally = Tally(read_from=NOW)
    rows: dict[str, WireSubscription] = {}
    with localstripe_peer() as peer, library_client(peer.url, peer.api_key) as theirs:
        made = [subscribe(theirs) for _ in range(7)]
        client = StripeClient(
            url=peer.url,
            api_key=peer.api_key,
            livemode=False,
            account="",
            asking=network,
            connect_timeout_s=5,
            read_timeout_s=5,
        )

        def fetch(cursor: str | None) -> WireList[WireSubscription]:
            query = {} if cursor is None else {"starting_after": cursor}
            path = "/v1/subscriptions"
            return client.read(path, WireList[WireSubscription], tally, status="all", limit=3, **query)

        assert walk(fetch, rows, what="subscriptions") == []
        client.close()
    assert list(rows) == made
    assert {row.status for row in rows.values()} == {"active"}
    assert tally.requests == 3


def subscribe(client: stripe.StripeClient) -> str:
    """The id of a new subscription to a free plan, for a customer of its own."""
    product = client.v1.products.create({"name": "Team"}).id
    plan = client.raw_request("post", "/v1/plans", amount=0, currency="usd", interval="month", product=product)
    made = client.raw_request(
        "post",
        "/v1/subscriptions",
        customer=client.v1.customers.create({"name": "Acme"}).id,
        items=[{"plan": plan.data["id"]}],
    )
    return str(made.data["id"])

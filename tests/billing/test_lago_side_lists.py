"""What Lago tells beside customers and subscriptions: unpaid invoices, lost disputes, coupons; a run can do without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.billing_support import NOW, lago_sandbox, lago_source
from billing.spoiling import Json, lying
from reconciler.model.billing import Discount, Invoice, Source
from reconciler.model.observation import SideList, Snapshot
from reconciler.sandbox.lago import LagoSandbox
from reconciler.sandbox.server import Fault, LoopbackServer

DAY = timedelta(days=1)
DUE = date(2026, 11, 3)
DUE_AT = datetime(2026, 11, 3, tzinfo=UTC)
PATHS = {
    SideList.OPEN_INVOICES: "payment_overdue",
    SideList.LOST_DISPUTES: "payment_dispute_lost",
    SideList.COUPONS: "applied_coupons",
}


@pytest.fixture
def lago() -> LagoSandbox:
    sandbox = lago_sandbox()
    sandbox.add_customer("org_1", payment_provider="stripe", provider_customer_id="cus_1")
    return sandbox


@pytest.fixture
def server(lago: LagoSandbox) -> Iterator[LoopbackServer]:
    with lago.serve() as served:
        yield served


def read(server: LoopbackServer, **arguments: Any) -> Snapshot:
    with lago_source(server, **arguments) as source:
        snapshot = source.read_all(NOW)
    assert snapshot.complete
    return snapshot


def unread(snapshot: Snapshot) -> set[SideList]:
    return {each.name for each in snapshot.side_reads if each.problem}


def invoice(lago: LagoSandbox, customer: str = "org_1", **given: Any) -> str:
    """An overdue one, but for what is given."""
    arguments: dict[str, Any] = {"amount_cents": 9900, "issuing_date": DUE, "payment_overdue": True} | given
    return lago.add_invoice(customer, **arguments).lago_id


def test_an_overdue_invoice_says_whose_how_much_and_since_when(lago: LagoSandbox, server: LoopbackServer) -> None:
    made = invoice(lago, total_paid_amount_cents=900, currency="EUR")
    snapshot = read(server)
    (customer,) = snapshot.customers
    assert snapshot.invoices == (
        Invoice(
            source=Source.LAGO,
            id=made,
            customer_id=customer.id,
            due_minor=9000,
            currency="eur",
            due_since=DUE_AT,
            overdue=True,
            collected_automatically=True,
        ),
    )
    assert unread(snapshot) == set()


@pytest.mark.parametrize(
    "given",
    [
        {"payment_overdue": False},
        {"payment_status": "succeeded"},
        {"total_paid_amount_cents": 9900},
        {"self_billed": True},
        {"status": "draft"},
        {"status": "voided"},
        {"invoice_type": "one_off"},
        {"invoice_type": "credit"},
        {"invoice_type": "add_on"},
    ],
)
def test_what_is_paid_or_of_no_subscription_is_no_dunning(
    lago: LagoSandbox, server: LoopbackServer, given: dict[str, Any]
) -> None:
    invoice(lago, **given)
    assert read(server).invoices == ()


def test_a_progressive_bill_counts(lago: LagoSandbox, server: LoopbackServer) -> None:
    invoice(lago, invoice_type="progressive_billing")
    assert len(read(server).invoices) == 1


def test_a_lost_dispute_counts_although_it_is_not_overdue(lago: LagoSandbox, server: LoopbackServer) -> None:
    invoice(lago, payment_overdue=False, total_paid_amount_cents=9900, payment_dispute_lost_at=NOW - DAY)
    (found,) = read(server).invoices
    assert (found.dispute_lost_at, found.overdue, found.due_minor) == (NOW - DAY, False, 0)


def test_a_count_that_lags_hides_no_invoice_and_makes_none(lago: LagoSandbox, server: LoopbackServer) -> None:
    with lago_source(server, page_size=2) as source:
        assert source.read_all(NOW).invoices == ()
        for _ in range(5):
            invoice(lago)
        assert len(source.read_all(NOW).invoices) == 5
        for row in lago._store.invoices:
            row.payment_overdue = False
        assert source.read_all(NOW).invoices == ()


def test_a_server_that_shows_the_same_page_for_ever_is_left_and_said(lago: LagoSandbox) -> None:
    for _ in range(4):
        invoice(lago)
    first: list[Any] = []

    def repeat(body: Json) -> None:
        first.append(body["invoices"])
        body["invoices"], body["meta"]["next_page"] = first[0], 2

    with lying(lago.application, target="payment_overdue", lie=repeat, times=None) as server:
        snapshot = read(server, page_size=2)
    assert unread(snapshot) == {SideList.OPEN_INVOICES}
    assert len(snapshot.invoices) == 2
    assert snapshot.proof.requests < 15


def test_rows_are_filtered_again_by_what_they_say_themselves(lago: LagoSandbox) -> None:
    invoice(lago, payment_overdue=False)
    lago.add_applied_coupon("org_1", "old", percentage_rate="10.0", status="terminated")
    lago.add_subscription("org_1", "professional", external_id="sub_1")

    with LoopbackServer(lambda request: lago.application(_without_filters(request))) as server:
        snapshot = read(server)
    assert snapshot.invoices == ()
    assert snapshot.subscriptions[0].discounts == ()


def _without_filters(request: Any) -> Any:
    """As a server asks itself that knows no filter of these lists."""
    for name in ("QUERY_STRING", "REQUEST_URI"):
        request.environ[name] = re.sub(r"[?&]?(payment_\w+|status)=\w+", "", request.environ[name])
    return request


@pytest.mark.parametrize(
    ("coupon", "kept"),
    [
        ({"percentage_rate": "12.5"}, (Discount(percent=Decimal("12.5")),)),
        ({"amount_cents": 500, "amount_currency": "EUR"}, (Discount(amount_minor=500, currency="eur"),)),
        (
            {"percentage_rate": "5.0", "frequency": "recurring", "frequency_duration_remaining": 2},
            (Discount(percent=Decimal("5.0")),),
        ),
        ({"percentage_rate": "5.0", "frequency": "recurring", "frequency_duration_remaining": 0}, ()),
        ({"percentage_rate": "5.0", "frequency": "once"}, ()),
        ({"percentage_rate": "5.0", "status": "terminated"}, ()),
    ],
)
def test_the_recurring_coupons_of_a_customer_are_discounts_of_its_subscriptions(
    lago: LagoSandbox, server: LoopbackServer, coupon: dict[str, Any], kept: tuple[Discount, ...]
) -> None:
    lago.add_customer("org_2")
    for each in ("org_1", "org_2"):
        lago.add_subscription(each, "professional", external_id=f"sub of {each}")
    lago.add_applied_coupon("org_1", "deal", **coupon)
    snapshot = read(server)
    assert {each.external_customer_id: each.discounts for each in snapshot.subscriptions} == {
        "org_1": kept,
        "org_2": (),
    }
    with lago_source(server) as source:
        mine = next(each for each in snapshot.customers if each.org_key == "org_1")
        assert source.read_customer(mine).subscriptions[0].discounts == kept


def test_one_customer_is_read_with_its_own_unpaid_invoices_and_what_they_bill(
    lago: LagoSandbox, server: LoopbackServer
) -> None:
    lago.add_customer("org_2")
    held = {
        each: lago.add_subscription(each, "professional", external_id=f"sub of {each}") for each in ("org_1", "org_2")
    }
    made = {each: invoice(lago, each, subscription=row) for each, row in held.items()}
    lost = invoice(lago, payment_overdue=False, payment_dispute_lost_at=NOW)
    with lago_source(server) as source:
        mine = next(each for each in source.read_all(NOW).customers if each.org_key == "org_1")
        reading = source.read_customer(mine)
    assert reading.invoices is not None
    assert {each.id: each.subscription_ids for each in reading.invoices} == {
        made["org_1"]: (held["org_1"].lago_id,),
        lost: (),
    }


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_side_list_that_is_refused_or_away_is_said_and_the_rest_is_whole(
    lago: LagoSandbox, server: LoopbackServer, name: SideList, status: int
) -> None:
    invoice(lago)
    lago.add_subscription("org_1", "professional", external_id="sub_1")
    lago.add_applied_coupon("org_1", "deal", percentage_rate="10.0")
    server.add_fault(Fault(target=PATHS[name], status=status, body="{}", times=None))
    snapshot = read(server)
    assert unread(snapshot) == {name}
    assert len(snapshot.invoices) == (0 if name is SideList.OPEN_INVOICES else 1)
    assert len(snapshot.subscriptions[0].discounts) == (0 if name is SideList.COUPONS else 1)
    assert snapshot.proof.requests <= 10


@pytest.mark.parametrize("status", [403, 404])
def test_where_invoices_may_not_be_read_a_customer_comes_without_them(
    lago: LagoSandbox, server: LoopbackServer, status: int
) -> None:
    invoice(lago)
    with lago_source(server) as source:
        (customer,) = source.read_all(NOW).customers
        server.add_fault(Fault(target="/invoices", status=status, body="{}", times=None))
        server.add_fault(Fault(target="/applied_coupons", status=status, body="{}", times=None))
        assert source.read_customer(customer).invoices is None


def test_an_outage_among_the_invoices_of_a_customer_raises(server: LoopbackServer) -> None:
    with lago_source(server) as source:
        (customer,) = source.read_all(NOW).customers
        server.add_fault(Fault(target="/invoices", status=503, times=None))
        with pytest.raises(Exception, match="503"):
            source.read_customer(customer)


def test_of_an_incomplete_read_no_side_list_is_asked_for(server: LoopbackServer) -> None:
    server.add_fault(Fault(target=r"/customers\?", status=503, times=None))
    with lago_source(server) as source:
        snapshot = source.read_all(NOW)
    assert (snapshot.complete, snapshot.side_reads) == (False, ())
    assert not any("/invoices" in each.target for each in server.requests)


def test_words_that_nobody_knows_pass_and_are_told(lago: LagoSandbox) -> None:
    lago.add_subscription("org_1", "professional", external_id="sub_1")
    invoice(lago, invoice_type="loan")

    def freeze(body: Json) -> None:
        body["subscriptions"][0]["status"] = "frozen"

    with lying(lago.application, target="/subscriptions", lie=freeze, times=None) as server:
        snapshot = read(server)
    assert [each.raw_status for each in snapshot.subscriptions] == ["frozen"]
    assert snapshot.notes == (
        "Lago says invoice type 'loan', which this version does not know, 1 time",
        "Lago says subscription status 'frozen', which this version does not know, 1 time",
    )

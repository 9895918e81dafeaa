"""What is asked of Stripe once its lists are read: deleted customers, and subscriptions that ended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from billing.billing_support import NOW, StandingClock, stripe_sandbox, stripe_source
from reconciler.model.billing import Subscription, SubscriptionStatus
from reconciler.model.observation import Snapshot, Wanted
from reconciler.sandbox.server import Fault, LoopbackServer
from reconciler.sandbox.stripe import StripeSandbox

DAY = timedelta(days=1)


@pytest.fixture
def stripe() -> StripeSandbox:
    return stripe_sandbox()


@pytest.fixture
def server(stripe: StripeSandbox) -> Iterator[LoopbackServer]:
    with stripe.serve() as served:
        yield served


@pytest.fixture
def price(stripe: StripeSandbox) -> str:
    return stripe.add_price(stripe.add_product("P"), unit_amount=9900, fixed_id="price_pro")


def targets(server: LoopbackServer, pattern: str) -> list[str]:
    return [each.target for each in server.requests if re.search(pattern, each.target)]


def more(server: LoopbackServer, wanted: Wanted, **changes: object) -> Snapshot:
    with stripe_source(server, **changes) as source:
        snapshot = source.read_all(NOW)
        assert snapshot.complete
        server.requests.clear()
        return source.read_more(snapshot, wanted, NOW)


def ended(stripe: StripeSandbox, price: str, number: int = 1) -> list[str]:
    """Customers, each with one subscription that ended."""
    customers = [stripe.add_customer(fixed_id=f"cus_{each}") for each in range(number)]
    for each in customers:
        stripe.add_subscription(each, prices=[price], status="canceled", ended_at=NOW - DAY)
    return customers


def test_the_listing_names_no_status_and_leaves_out_what_was_canceled(
    stripe: StripeSandbox, server: LoopbackServer, price: str
) -> None:
    ended(stripe, price)
    stripe.add_subscription(stripe.add_customer(), prices=[price], status="incomplete_expired")
    with stripe_source(server) as source:
        snapshot = source.read_all(NOW)
    assert [each.status for each in snapshot.subscriptions] == [SubscriptionStatus.ABANDONED]
    assert (snapshot.complete, snapshot.ended_of, snapshot.proof.rows) == (True, frozenset(), 2)
    assert targets(server, "status=") == targets(server, "status=open")


def test_ended_subscriptions_are_read_of_those_customers_only(
    stripe: StripeSandbox, server: LoopbackServer, price: str
) -> None:
    one, _ = ended(stripe, price, 2)
    said = more(server, Wanted(ended_of=frozenset({one})))
    assert [(each.customer_id, each.status) for each in said.subscriptions] == [(one, SubscriptionStatus.ENDED)]
    assert said.ended_of == frozenset({one})
    assert len(targets(server, "subscriptions.*status=canceled&customer=cus_0")) == len(server.requests) == 1


def test_beyond_fifty_customers_all_that_ended_is_read_in_one_listing(
    stripe: StripeSandbox, server: LoopbackServer, price: str
) -> None:
    customers = ended(stripe, price, 60)
    said = more(server, Wanted(ended_of=frozenset(customers[:51])))
    assert len(said.subscriptions) == 60
    assert said.ended_of is None
    assert len(server.requests) == 1


def test_a_subscription_that_ended_since_it_was_listed_is_kept_once_and_as_ended(
    stripe: StripeSandbox, server: LoopbackServer, price: str
) -> None:
    customer = stripe.add_customer()
    held = stripe.add_subscription(customer, prices=[price])
    with stripe_source(server) as source:
        snapshot = source.read_all(NOW)
        stripe.cancel_subscription(held)
        said = source.read_more(snapshot, Wanted(ended_of=frozenset({customer})), NOW)
    assert [(each.id, each.status) for each in said.subscriptions] == [(held, SubscriptionStatus.ENDED)]


@pytest.mark.parametrize(
    ("status", "left", "paid"),
    [
        ("paid", 0, True),
        ("open", 9900, False),
        ("uncollectible", 9900, False),
        ("draft", 9900, False),
        ("void", 9900, True),
        ("open", 0, True),
    ],
)
def test_whether_the_last_period_of_an_ended_subscription_is_paid_is_told_by_its_latest_invoice(
    stripe: StripeSandbox, server: LoopbackServer, price: str, status: str, left: int, *, paid: bool
) -> None:
    (customer,) = ended(stripe, price)
    (row,) = stripe.tables["subscription"].those_with("customer", customer)
    invoice = stripe.add_invoice(amount=9900, subscription=row["id"], status=status)
    stripe.change(invoice, amount_remaining=left)
    (subscription,) = more(server, Wanted(ended_of=frozenset({customer}))).subscriptions
    assert subscription.paid_for_period is paid
    assert reread(server).paid_for_period is paid


def reread(server: LoopbackServer) -> Subscription:
    with stripe_source(server) as source:
        (customer,) = source.read_all(NOW).customers
        (row,) = source.read_customer(customer).subscriptions
    return row


def test_a_key_that_may_not_read_invoices_still_reads_what_ended(price: str) -> None:
    permissions = ["rak_subscription_read", "rak_customer_read", "rak_coupon_read"]
    sandbox = StripeSandbox(restricted_keys={"rk_test_reads": permissions}, clock=StandingClock().now)
    sandbox.add_price(sandbox.add_product("P"), unit_amount=9900, fixed_id=price)
    (customer,) = ended(sandbox, price)
    (row,) = sandbox.tables["subscription"].those_with("customer", customer)
    sandbox.add_invoice(amount=9900, subscription=row["id"])
    with sandbox.serve() as server:
        said = more(server, Wanted(ended_of=frozenset({customer})), api_key="rk_test_reads")
        with stripe_source(server, api_key="rk_test_reads") as source:
            reading = source.read_customer(said.customers[0])
    assert said.complete
    assert [each.paid_for_period for each in said.subscriptions] == [True]
    assert [each.paid_for_period for each in reading.subscriptions] == [True]
    assert reading.invoices is None


def test_items_of_an_ended_subscription_that_the_list_cuts_off_are_read_too(
    stripe: StripeSandbox, server: LoopbackServer
) -> None:
    product = stripe.add_product("Parts")
    prices = [stripe.add_price(product, unit_amount=number) for number in range(1, 14)]
    customer = stripe.add_customer()
    stripe.add_subscription(customer, prices=prices, status="canceled")
    (row,) = more(server, Wanted(ended_of=frozenset({customer}))).subscriptions
    assert len(row.items) == 13


def test_beyond_fifty_recorded_ids_the_rest_is_told_and_the_snapshot_stays_whole(
    stripe: StripeSandbox, server: LoopbackServer
) -> None:
    stripe.add_customer()
    said = more(server, Wanted(recorded_ids=frozenset(f"cus_gone{each:02}" for each in range(53))))
    assert (said.complete, len(server.requests)) == (True, 50)
    (note,) = said.notes
    assert note.startswith("3 recorded stripe ids")


@pytest.mark.parametrize("number", [1, 51])
def test_an_outage_among_what_ended_makes_the_snapshot_incomplete(
    stripe: StripeSandbox, server: LoopbackServer, price: str, number: int
) -> None:
    customers = ended(stripe, price, number)
    server.add_fault(Fault(target="status=canceled", status=503, times=None))
    said = more(server, Wanted(ended_of=frozenset(customers)))
    assert not said.complete
    assert said.problem
    assert len(server.requests) == 3


def test_a_deleted_customer_is_read_with_what_ended_and_one_that_never_was_has_nothing(
    stripe: StripeSandbox, server: LoopbackServer, price: str
) -> None:
    gone, _ = ended(stripe, price, 2)
    stripe.delete_customer(gone)
    ids = frozenset({gone, "cus_never"})
    said = more(server, Wanted(recorded_ids=ids, ended_of=ids))
    assert (said.complete, said.problem, said.ended_of) == (True, None, ids)
    assert [each.customer_id for each in said.subscriptions] == [gone]

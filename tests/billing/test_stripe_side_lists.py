"""What Stripe tells beside customers and subscriptions: open invoices and schedules; a run is complete without them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.billing_support import NOW, StandingClock, stripe_sandbox, stripe_source
from reconciler.model.billing import Invoice, Source
from reconciler.model.observation import SideList, Snapshot
from reconciler.sandbox.server import Fault, LoopbackServer
from reconciler.sandbox.stripe import Item, Phase, StripeSandbox

DAY = timedelta(days=1)
READS = ("rak_subscription_read", "rak_customer_read", "rak_coupon_read", "rak_plan_read")


@pytest.fixture
def stripe() -> StripeSandbox:
    return stripe_sandbox()


@pytest.fixture
def server(stripe: StripeSandbox) -> Iterator[LoopbackServer]:
    with stripe.serve() as served:
        yield served


def price_of(stripe: StripeSandbox, amount: int = 9900, **given: Any) -> str:
    return stripe.add_price(stripe.add_product("P"), unit_amount=amount, **given)


@pytest.fixture
def price(stripe: StripeSandbox) -> str:
    return price_of(stripe)


def read(server: LoopbackServer, **arguments: Any) -> Snapshot:
    with stripe_source(server, **arguments) as source:
        snapshot = source.read_all(NOW)
    assert snapshot.complete
    return snapshot


def problems(snapshot: Snapshot) -> dict[SideList, str]:
    return {each.name: each.problem for each in snapshot.side_reads}


def test_a_failed_charge_of_a_subscription_is_an_invoice_due_since_it_was_final(
    stripe: StripeSandbox, server: LoopbackServer, price: str
) -> None:
    customer = stripe.add_customer()
    held = stripe.add_subscription(customer, prices=[price], status="past_due")
    made = stripe.add_invoice(amount=9900, subscription=held, created=NOW - 3 * DAY, attempt_count=2)
    assert read(server).invoices == (
        Invoice(
            source=Source.STRIPE,
            id=made,
            customer_id=customer,
            due_minor=9900,
            currency="usd",
            subscription_ids=(held,),
            due_since=NOW - 3 * DAY,
            overdue=True,
            collected_automatically=True,
            livemode=False,
        ),
    )


@pytest.mark.parametrize(("due", "kept"), [(NOW - DAY, [NOW - DAY]), (NOW, [NOW]), (NOW + DAY, [])])
def test_a_sent_invoice_counts_from_its_due_date(
    stripe: StripeSandbox, server: LoopbackServer, price: str, due: datetime, kept: list[datetime]
) -> None:
    held = stripe.add_subscription(
        stripe.add_customer(), prices=[price], collection_method="send_invoice", days_until_due=30
    )
    stripe.add_invoice(amount=9900, subscription=held, created=NOW - 40 * DAY, due_date=due)
    found = read(server).invoices
    assert [each.due_since for each in found] == kept
    assert not any(each.collected_automatically for each in found)


def test_what_is_paid_not_tried_yet_or_of_no_subscription_is_no_dunning(
    stripe: StripeSandbox, server: LoopbackServer, price: str
) -> None:
    customer = stripe.add_customer()
    held = stripe.add_subscription(customer, prices=[price])
    stripe.add_invoice(amount=9900, subscription=held, status="paid")
    stripe.add_invoice(amount=9900, subscription=held, attempt_count=0)
    stripe.add_invoice(amount=9900, customer=customer)
    stripe.change(stripe.add_invoice(amount=9900, subscription=held), amount_remaining=0)
    snapshot = read(server)
    assert snapshot.invoices == ()
    assert snapshot.has_read(SideList.OPEN_INVOICES)


def test_one_customer_is_read_with_its_own_unpaid_invoices(
    stripe: StripeSandbox, server: LoopbackServer, price: str
) -> None:
    customers = [stripe.add_customer(), stripe.add_customer()]
    held = [stripe.add_subscription(each, prices=[price]) for each in customers]
    made = [stripe.add_invoice(amount=100, subscription=each) for each in held]
    with stripe_source(server) as source:
        known = {each.id: each for each in source.read_all(NOW).customers}
        reading = source.read_customer(known[customers[0]])
    assert reading.invoices is not None
    assert [(each.id, each.subscription_ids) for each in reading.invoices] == [(made[0], (held[0],))]


def scheduled(stripe: StripeSandbox, price: str, *later: str, **given: Any) -> str:
    held = stripe.add_subscription(stripe.add_customer(), prices=[price], created=NOW - 10 * DAY)
    stripe.add_schedule(
        phases=[
            Phase(start=NOW - 10 * DAY, end=NOW + 20 * DAY, prices=[price]),
            Phase(start=NOW + 20 * DAY, end=NOW + 50 * DAY, prices=later or (price,), quantity=2),
        ],
        subscription=held,
        **given,
    )
    return held


def test_the_next_phase_of_a_schedule_says_what_comes_and_when(
    stripe: StripeSandbox, server: LoopbackServer, price: str
) -> None:
    cheaper = price_of(stripe, 4900, currency="eur", interval="year", lookup_key="starter")
    scheduled(stripe, price, cheaper)
    (row,) = read(server).subscriptions
    assert row.next_at == NOW + 20 * DAY
    assert row.next_item is not None
    said = row.next_item
    assert (said.price_id, said.lookup_key, said.unit_amount, said.currency) == (cheaper, "starter", 4900, "eur")
    assert (said.period.interval, said.quantity) == ("year", 2)
    assert row.cancel_at is None


def test_of_several_coming_items_the_one_that_is_new_is_meant(
    stripe: StripeSandbox, server: LoopbackServer, price: str
) -> None:
    cheaper, other = price_of(stripe, 4900), price_of(stripe, 100)
    scheduled(stripe, price, price, cheaper)
    scheduled(stripe, price, cheaper, other)
    said = {each.next_item.price_id if each.next_item else None for each in read(server).subscriptions}
    assert said == {cheaper, None}


def test_a_schedule_that_ends_with_a_cancellation_says_when(
    stripe: StripeSandbox, server: LoopbackServer, price: str
) -> None:
    scheduled(stripe, price, end_behavior="cancel")
    (row,) = read(server).subscriptions
    assert row.cancel_at == NOW + 50 * DAY


def test_a_schedule_of_the_past_says_nothing(stripe: StripeSandbox, server: LoopbackServer, price: str) -> None:
    held = scheduled(stripe, price, price_of(stripe, 4900))
    (schedule,) = stripe.tables["subscription_schedule"].rows
    stripe.change(schedule, status="released")
    stripe.change(held, schedule=schedule)
    (row,) = read(server).subscriptions
    assert (row.next_item, row.next_at) == (None, None)


def test_without_a_schedule_none_is_asked_for(stripe: StripeSandbox, server: LoopbackServer, price: str) -> None:
    stripe.add_subscription(stripe.add_customer(), prices=[price])
    assert read(server).has_read(SideList.SCHEDULES)
    assert not any("schedule" in each.target for each in server.requests)


@pytest.mark.parametrize(("number", "requests"), [(3, 3), (50, 50), (51, 1)])
def test_few_schedules_are_read_singly_and_many_in_one_list(
    stripe: StripeSandbox, server: LoopbackServer, price: str, number: int, requests: int
) -> None:
    cheaper = price_of(stripe, 4900)
    for _ in range(number):
        scheduled(stripe, price, cheaper)
    rows = read(server).subscriptions
    assert sum(each.next_item is not None and each.next_item.price_id == cheaper for each in rows) == number
    assert sum("schedule" in each.target for each in server.requests) == requests


def test_one_customer_is_read_with_its_schedule(stripe: StripeSandbox, server: LoopbackServer, price: str) -> None:
    scheduled(stripe, price, price_of(stripe, 4900))
    with stripe_source(server) as source:
        snapshot = source.read_all(NOW)
        reading = source.read_customer(snapshot.customers[0])
    assert reading.subscriptions == snapshot.subscriptions


@pytest.mark.parametrize(
    ("lacking", "unread"),
    [
        ("rak_invoice_read", {SideList.OPEN_INVOICES}),
        ("rak_subscription_schedule_read", {SideList.SCHEDULES}),
        ("rak_plan_read", {SideList.SCHEDULES}),
    ],
)
def test_a_side_list_that_the_key_may_not_read_is_said_and_the_rest_is_whole(
    lacking: str, unread: set[SideList]
) -> None:
    allowed = {*READS, "rak_invoice_read", "rak_subscription_schedule_read"} - {lacking}
    sandbox = StripeSandbox(restricted_keys={"rk_test_reads": allowed}, clock=StandingClock().now)
    scheduled(sandbox, price_of(sandbox), price_of(sandbox, 4900))
    with sandbox.serve() as server:
        snapshot = read(server, api_key="rk_test_reads")
        with stripe_source(server, api_key="rk_test_reads") as source:
            reading = source.read_customer(snapshot.customers[0])
    assert {name for name, problem in problems(snapshot).items() if problem} == unread
    assert len(snapshot.subscriptions) == 1
    assert (reading.invoices is None) is (lacking == "rak_invoice_read")
    assert (reading.subscriptions[0].next_item is None) is (SideList.SCHEDULES in unread)


@pytest.mark.parametrize(
    ("target", "name"), [("/invoices", SideList.OPEN_INVOICES), ("/subscription_schedules", SideList.SCHEDULES)]
)
@pytest.mark.parametrize("status", [404, 500])
def test_a_side_list_that_is_away_is_said_after_few_requests_and_hides_no_other(
    stripe: StripeSandbox, server: LoopbackServer, target: str, name: SideList, status: int
) -> None:
    scheduled(stripe, price_of(stripe), price_of(stripe, 4900))
    server.add_fault(Fault(target=target, status=status, body='{"error":{}}', times=None))
    snapshot = read(server)
    missing = {each for each, problem in problems(snapshot).items() if problem}
    assert missing == ({name} if status == 500 or name is SideList.OPEN_INVOICES else set())
    assert snapshot.proof.requests <= 7


@pytest.mark.parametrize("place", ["subscription", "item", "customer"])
def test_a_key_that_may_not_read_coupons_reads_the_rest_and_knows_no_discounted_amount(place: str) -> None:
    allowed = {*READS, "rak_invoice_read"} - {"rak_coupon_read"}
    sandbox = StripeSandbox(restricted_keys={"rk_test_reads": allowed}, clock=StandingClock().now)
    price = price_of(sandbox)
    coupon = sandbox.add_coupon(percent_off=Decimal(10), duration="forever")
    discounted = sandbox.add_subscription(
        sandbox.add_customer(coupon=coupon if place == "customer" else None),
        items=[Item(price=price, coupons=[coupon] if place == "item" else [])],
        coupons=[coupon] if place == "subscription" else [],
    )
    plain = sandbox.add_subscription(sandbox.add_customer(), prices=[price])
    with sandbox.serve() as server, stripe_source(server, api_key="rk_test_reads") as source:
        snapshot = source.read_all(NOW)
        holder = next(each.customer_id for each in snapshot.subscriptions if each.id == discounted)
        known = {each.id: each for each in snapshot.customers}
        reading = source.read_customer(known[holder])
    assert snapshot.complete
    assert {name for name, problem in problems(snapshot).items() if problem} == {SideList.COUPONS}
    amounts = {each.id: each.items[0].unit_amount for each in snapshot.subscriptions}
    assert amounts == {discounted: None, plain: 9900}
    assert [each.items[0].unit_amount for each in reading.subscriptions] == [None]


def test_of_an_incomplete_read_no_side_list_is_asked_for(server: LoopbackServer) -> None:
    server.add_fault(Fault(target="/customers", status=503, times=None))
    with stripe_source(server) as source:
        snapshot = source.read_all(NOW)
    assert (snapshot.complete, snapshot.side_reads) == (False, ())
    assert not any("/invoices" in each.target for each in server.requests)


def test_words_that_nobody_knows_pass_and_are_told(stripe: StripeSandbox, server: LoopbackServer, price: str) -> None:
    for _ in range(3):
        held = stripe.add_subscription(stripe.add_customer(), prices=[price])
        stripe.change(held, status="frozen", collection_method="by_pigeon\x1b")
    snapshot = read(server)
    assert [each.raw_status for each in snapshot.subscriptions] == ["frozen"] * 3
    assert snapshot.notes == (
        "Stripe says collection method 'by_pigeon?', which this version does not know, 3 times",
        "Stripe says subscription status 'frozen', which this version does not know, 3 times",
    )


def test_more_unknown_words_than_ten_are_counted(stripe: StripeSandbox, server: LoopbackServer, price: str) -> None:
    for number in range(13):
        held = stripe.add_subscription(stripe.add_customer(), prices=[price])
        stripe.change(held, status=f"new_{number:02}")
    notes = read(server).notes
    assert (len(notes), notes[-1]) == (11, "Stripe says 3 further unknown words")


def test_who_answered_is_told(server: LoopbackServer) -> None:
    assert read(server).about == "Stripe, test mode, API version 2026-10-28.endive"

"""What every BillingSource must do, run on Lago and Stripe over HTTP and on the fake."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from billing.billing_support import NOW
from contracts.billing_worlds import LONG_AGO, BillingWorld, world_of
from reconciler.errors import SourceUnavailableError
from reconciler.model.billing import Customer, Source, SubscriptionStatus
from reconciler.model.observation import SideList, Wanted


@pytest.fixture(params=["lago", "stripe", "fake"])
def world(request: pytest.FixtureRequest) -> Iterator[BillingWorld]:
    with world_of(request.param) as made:
        yield made


def customer(world: BillingWorld, customer_id: str) -> Customer:
    """The customer as a whole read gives it."""
    return next(each for each in world.reader.read_all(LONG_AGO).customers if each.id == customer_id)


def test_an_empty_source_is_read_as_complete_and_empty(world: BillingWorld) -> None:
    snapshot = world.reader.read_all(LONG_AGO)
    assert (snapshot.customers, snapshot.subscriptions, snapshot.complete, snapshot.problem) == ((), (), True, None)


def test_everything_says_which_source_it_is_from(world: BillingWorld) -> None:
    world.add_subscription(world.add_customer("org_1"))
    snapshot = world.reader.read_all(LONG_AGO)
    said = {snapshot.source, *(c.source for c in snapshot.customers), *(s.source for s in snapshot.subscriptions)}
    assert said == {world.reader.source}


def test_a_whole_read_holds_every_customer_with_the_organisation_it_names(world: BillingWorld) -> None:
    made = {world.add_customer(key): key for key in ("org_1", "org.2", "org/3")}
    assert {each.id: each.org_key for each in world.reader.read_all(LONG_AGO).customers} == made


def test_a_whole_read_holds_every_subscription_and_the_ended_ones_of_whom_they_are_wanted(world: BillingWorld) -> None:
    one, two = world.add_customer("org_1"), world.add_customer("org_2")
    live, ended = world.add_subscription(one), world.add_subscription(one, ended=True)
    other = world.add_subscription(two, euro=True)
    snapshot = world.reader.read_all(LONG_AGO)
    assert {live, other} <= {each.id for each in snapshot.subscriptions}
    more = world.reader.read_more(snapshot, Wanted(ended_of=frozenset({one})), LONG_AGO)
    assert more.complete
    assert more.ended_of is None or one in more.ended_of
    rows = {each.id: each for each in more.subscriptions}
    assert {row.id: (row.customer_id, row.status) for row in rows.values()} == {
        live: (one, SubscriptionStatus.ACTIVE),
        ended: (one, SubscriptionStatus.ENDED),
        other: (two, SubscriptionStatus.ACTIVE),
    }
    assert [(item.unit_amount, item.currency) for item in rows[live].items] == [(9900, "usd")]
    assert [(item.unit_amount, item.currency) for item in rows[other].items] == [(8900, "eur")]


def test_more_rows_than_a_page_holds_are_read_once_each(world: BillingWorld) -> None:
    customers = [world.add_customer(f"org_{number}") for number in range(230)]
    subscriptions = [world.add_subscription(each) for each in customers]
    snapshot = world.reader.read_all(LONG_AGO)
    assert snapshot.complete
    assert sorted(each.id for each in snapshot.customers) == sorted(customers)
    assert sorted(each.id for each in snapshot.subscriptions) == sorted(subscriptions)


def test_the_proof_counts_the_rows_and_says_when_they_were_read(world: BillingWorld) -> None:
    world.add_subscription(world.add_customer("org_1"))
    proof = world.reader.read_all(LONG_AGO).proof
    assert proof.rows == 2
    assert proof.read_from <= proof.read_until


def test_an_outage_makes_the_snapshot_incomplete_and_says_why(world: BillingWorld) -> None:
    world.add_subscription(world.add_customer("org_1"))
    world.go_down()
    snapshot = world.reader.read_all(LONG_AGO)
    assert not snapshot.complete
    assert snapshot.problem


def test_a_customer_is_read_with_its_own_subscriptions_only_ended_ones_included(world: BillingWorld) -> None:
    one, two = world.add_customer("org.1/a b"), world.add_customer("org_2")
    expected = {world.add_subscription(one), world.add_subscription(one, ended=True)}
    world.add_subscription(two)
    reading = world.reader.read_customer(customer(world, one))
    assert (reading.customer.id, reading.customer.org_key, reading.customer.deleted) == (one, "org.1/a b", False)
    assert {each.id for each in reading.subscriptions} == expected


def test_a_customer_is_read_as_it_is_now(world: BillingWorld) -> None:
    one = world.add_customer("org_1")
    old = world.add_subscription(one)
    known = customer(world, one)
    world.end_subscription(old)
    new = world.add_subscription(one)
    rows = {each.id: each.status for each in world.reader.read_customer(known).subscriptions}
    assert rows == {old: SubscriptionStatus.ENDED, new: SubscriptionStatus.ACTIVE}


def test_a_customer_that_is_gone_comes_back_deleted_with_the_subscriptions_it_had(world: BillingWorld) -> None:
    one = world.add_customer("org_1")
    held = world.add_subscription(one)
    known = customer(world, one)
    world.delete_customer(one)
    reading = world.reader.read_customer(known)
    assert (reading.customer.id, reading.customer.deleted) == (one, True)
    assert [each.id for each in reading.subscriptions] == [held]


def test_reading_a_customer_during_an_outage_raises(world: BillingWorld) -> None:
    one = world.add_customer("org_1")
    known = customer(world, one)
    world.go_down()
    with pytest.raises(SourceUnavailableError):
        world.reader.read_customer(known)


def test_a_customer_is_found_by_its_organisation_where_the_source_can_say(world: BillingWorld) -> None:
    one, _ = world.add_customer("org.1/a b"), world.add_customer("org_2")
    found = world.reader.find_customer("org.1/a b")
    assert (found.id if found else None) == (one if world.reader.source is Source.LAGO else None)
    assert world.reader.find_customer("org_3") is None


def test_a_recorded_customer_that_was_deleted_is_added_as_such(world: BillingWorld) -> None:
    gone, other = world.add_customer("org_1"), world.add_customer("org_2")
    world.add_subscription(gone)
    world.delete_customer(gone)
    snapshot = world.reader.read_all(LONG_AGO)
    more = world.reader.read_more(snapshot, Wanted(recorded_ids=frozenset({gone})), LONG_AGO)
    assert {each.id: each.deleted for each in more.customers} == {gone: True, other: False}
    assert (more.complete, more.proof.rows) == (True, snapshot.proof.rows)


def test_a_recorded_id_that_leads_nowhere_adds_nothing(world: BillingWorld) -> None:
    world.add_customer("org_1")
    snapshot = world.reader.read_all(LONG_AGO)
    nowhere = frozenset({"cus_nobody", "..", "a/b?c#d", " "})
    more = world.reader.read_more(snapshot, Wanted(recorded_ids=nowhere), LONG_AGO)
    assert (more.customers, more.complete) == (snapshot.customers, True)


def test_an_outage_in_the_second_step_makes_the_snapshot_incomplete_and_keeps_its_rows(world: BillingWorld) -> None:
    world.add_subscription(world.add_customer("org_1"))
    snapshot = world.reader.read_all(LONG_AGO)
    world.go_down()
    more = world.reader.read_more(snapshot, Wanted(recorded_ids=frozenset({"cus_gone"})), LONG_AGO)
    assert not more.complete
    assert more.problem
    assert (more.customers, more.subscriptions) == (snapshot.customers, snapshot.subscriptions)


def test_unpaid_invoices_are_read_with_whose_they_are_and_since_when(world: BillingWorld) -> None:
    one = world.add_customer("org_1")
    made = world.add_unpaid_invoice(one, world.add_subscription(one))
    snapshot = world.reader.read_all(NOW)
    assert snapshot.has_read(SideList.OPEN_INVOICES)
    assert [(each.id, each.customer_id, each.due_minor, each.currency) for each in snapshot.invoices] == [
        (made, one, 9900, "usd")
    ]
    assert [(each.due_since and each.due_since.date(), each.overdue) for each in snapshot.invoices] == [
        (LONG_AGO.date(), True)
    ]


def test_a_customer_is_read_with_its_own_unpaid_invoices_and_what_they_bill(world: BillingWorld) -> None:
    one, two = world.add_customer("org_1"), world.add_customer("org_2")
    held = world.add_subscription(one)
    made = world.add_unpaid_invoice(one, held)
    world.add_unpaid_invoice(two, world.add_subscription(two))
    invoices = world.reader.read_customer(customer(world, one)).invoices
    assert invoices is not None
    assert [(each.id, each.subscription_ids) for each in invoices] == [(made, (held,))]


def test_where_invoices_may_not_be_read_that_is_said_and_the_rest_is_complete(world: BillingWorld) -> None:
    one = world.add_customer("org_1")
    held = world.add_subscription(one)
    world.add_unpaid_invoice(one, held)
    world.forbid_invoices()
    snapshot = world.reader.read_all(NOW)
    assert (snapshot.complete, snapshot.problem, snapshot.invoices) == (True, None, ())
    assert not snapshot.has_read(SideList.OPEN_INVOICES)
    assert any(each.name is SideList.OPEN_INVOICES and each.problem for each in snapshot.side_reads)
    reading = world.reader.read_customer(snapshot.customers[0])
    assert (reading.invoices, [each.id for each in reading.subscriptions]) == (None, [held])


def test_who_answered_is_told(world: BillingWorld) -> None:
    assert world.reader.read_all(NOW).about


def test_a_key_that_is_refused_in_the_second_step_makes_the_snapshot_incomplete(world: BillingWorld) -> None:
    one = world.add_customer("org_1")
    snapshot = replace(world.reader.read_all(NOW), ended_of=frozenset())
    world.refuse_key()
    more = world.reader.read_more(
        snapshot, Wanted(recorded_ids=frozenset({"cus_gone"}), ended_of=frozenset({one})), NOW
    )
    assert (more.complete, bool(more.problem)) == (False, True)

"""What each field of Lago becomes in the model, read from a Lago over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing.billing_support import NOW, lago_sandbox, lago_source
from reconciler.model.billing import Customer, EndReason, Subscription, SubscriptionStatus
from reconciler.model.money import Interval, Period
from reconciler.sandbox.lago import LagoSandbox
from reconciler.sandbox.server import Fault, LoopbackServer

DAY = timedelta(days=1)


@pytest.fixture
def lago() -> LagoSandbox:
    sandbox = lago_sandbox()
    sandbox.add_customer("org_1")
    return sandbox


@pytest.fixture
def server(lago: LagoSandbox) -> Iterator[LoopbackServer]:
    with lago.serve() as served:
        yield served


def subscriptions(server: LoopbackServer) -> dict[str, Subscription]:
    """By external id; of several under one, the newest."""
    with lago_source(server) as source:
        snapshot = source.read_all(NOW)
    assert snapshot.complete
    return {each.external_id: each for each in sorted(snapshot.subscriptions, key=lambda row: row.created_at)}


def customers(server: LoopbackServer) -> dict[str, Customer]:
    with lago_source(server) as source:
        return {each.org_key: each for each in source.read_all(NOW).customers}


def add(lago: LagoSandbox, plan: str = "professional", **fields: Any) -> None:
    lago.add_subscription("org_1", plan, external_id="s", **fields)


@pytest.mark.parametrize(
    ("status", "meant"),
    [
        ("active", SubscriptionStatus.ACTIVE),
        ("pending", SubscriptionStatus.PENDING),
        ("terminated", SubscriptionStatus.ENDED),
        ("canceled", SubscriptionStatus.ABANDONED),
        ("incomplete", SubscriptionStatus.INCOMPLETE),
    ],
)
def test_each_status_is_read_in_the_one_walk(
    lago: LagoSandbox, server: LoopbackServer, status: str, meant: SubscriptionStatus
) -> None:
    add(lago, status=status)
    row = subscriptions(server)["s"]
    assert (row.status, row.raw_status) == (meant, status)


def test_a_status_of_a_later_version_is_unknown_and_its_word_kept(lago: LagoSandbox, server: LoopbackServer) -> None:
    add(lago)
    body = (
        '{"subscriptions":[{"lago_id":"1","external_id":"s","lago_customer_id":"2","external_customer_id":"org_1",'
        '"plan_code":"professional","status":"hibernating","created_at":"2026-01-01T00:00:00Z"}],'
        '"meta":{"current_page":1,"next_page":null,"prev_page":null,"total_pages":1,"total_count":1}}'
    )
    server.add_fault(Fault(target="/subscriptions", status=200, body=body))
    row = subscriptions(server)["s"]
    assert (row.status, row.raw_status) == (SubscriptionStatus.UNKNOWN, "hibernating")


@pytest.mark.parametrize(("version", "asked"), [("v1.51.0", 1), ("v1.45.2", 1), ("v1.45.1", 0), ("staging", 0)])
def test_incomplete_is_asked_only_of_a_server_that_knows_the_word(
    server: LoopbackServer, version: str, asked: int
) -> None:
    server.add_fault(Fault(target="/health", status=200, body=f'{{"version":"{version}","message":"Success"}}'))
    subscriptions(server)
    target = next(request.target for request in server.requests if "/subscriptions" in request.target)
    assert target.count("incomplete") == asked
    assert target.count("status%5B%5D=") == 4 + asked


@pytest.mark.parametrize(
    ("interval", "period"),
    [
        ("weekly", Interval.WEEK),
        ("monthly", Interval.MONTH),
        ("quarterly", Interval.QUARTER),
        ("semiannual", Interval.HALF_YEAR),
        ("yearly", Interval.YEAR),
    ],
)
def test_the_price_is_the_plans_and_for_its_interval(
    lago: LagoSandbox, server: LoopbackServer, interval: str, period: Interval
) -> None:
    lago.add_plan("p", amount_cents=700, currency="EUR", interval=interval)
    add(lago, "p")
    (item,) = subscriptions(server)["s"].items
    assert (item.plan_code, item.unit_amount, item.currency, item.period, item.quantity) == (
        "p",
        700,
        "eur",
        Period(interval=period),
        1,
    )


def test_an_override_keeps_the_plan_code_and_has_its_own_amount(lago: LagoSandbox, server: LoopbackServer) -> None:
    add(lago, amount_cents=5000)
    (item,) = subscriptions(server)["s"].items
    assert (item.plan_code, item.unit_amount) == ("professional", 5000)


def test_an_amount_whose_plan_is_gone_is_unknown(lago: LagoSandbox, server: LoopbackServer) -> None:
    add(lago)
    plans = '{"plans":[],"meta":{"current_page":0,"next_page":null,"prev_page":null,"total_pages":0,"total_count":0}}'
    server.add_fault(Fault(target="/plans", status=200, body=plans))
    (item,) = subscriptions(server)["s"].items
    assert (item.plan_code, item.unit_amount) == ("professional", None)


def test_dates_and_the_way_of_counting_periods_are_kept(lago: LagoSandbox, server: LoopbackServer) -> None:
    start, end = NOW - 40 * DAY, NOW + 40 * DAY
    add(lago, billing_time="anniversary", subscription_at=start, started_at=start, ending_at=end)
    row = subscriptions(server)["s"]
    assert (row.anchor_at, row.started_at, row.cancel_at, row.calendar_periods) == (start, start, end, False)


def test_a_waiting_downgrade_shows_on_the_row_that_is_still_live(lago: LagoSandbox, server: LoopbackServer) -> None:
    lago.add_plan("starter", amount_cents=1900)
    live = lago.add_subscription("org_1", "professional", external_id="s", created_at=NOW - DAY)
    lago.add_subscription("org_1", "starter", external_id="s", status="pending", previous=live)
    with lago_source(server) as source:
        row = next(each for each in source.read_all(NOW).subscriptions if each.id == live.lago_id)
    assert row.next_item is not None
    assert (row.next_item.plan_code, row.next_at) == ("starter", datetime(2026, 12, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("trial_days", "began_days_ago", "status"),
    [
        (14, 3, SubscriptionStatus.TRIALING),
        (14, 20, SubscriptionStatus.ACTIVE),
        (None, 3, SubscriptionStatus.ACTIVE),
    ],
)
def test_a_subscription_is_on_trial_for_as_long_as_its_plan_says(
    lago: LagoSandbox, server: LoopbackServer, trial_days: int | None, began_days_ago: int, status: SubscriptionStatus
) -> None:
    lago.add_plan("p", amount_cents=700, trial_days=trial_days)
    began = NOW - began_days_ago * DAY
    add(lago, "p", started_at=began)
    row = subscriptions(server)["s"]
    assert row.status is status
    assert row.trial_end == (None if trial_days is None else began + trial_days * DAY)


def test_a_trial_that_lago_ended_is_over(lago: LagoSandbox, server: LoopbackServer) -> None:
    lago.add_plan("p", amount_cents=700, trial_days=14)
    add(lago, "p", started_at=NOW - 3 * DAY, trial_ended_at=NOW - DAY)
    row = subscriptions(server)["s"]
    assert (row.status, row.trial_end) == (SubscriptionStatus.ACTIVE, NOW - DAY)


def test_an_upgrade_does_not_start_the_trial_again(lago: LagoSandbox, server: LoopbackServer) -> None:
    lago.add_plan("p", amount_cents=99_900, trial_days=14)
    old = lago.add_subscription(
        "org_1", "professional", external_id="s", status="terminated", started_at=NOW - 30 * DAY, created_at=NOW - DAY
    )
    lago.add_subscription("org_1", "p", external_id="s", previous=old, started_at=NOW, created_at=NOW)
    assert subscriptions(server)["s"].status is SubscriptionStatus.ACTIVE


@pytest.mark.parametrize(
    ("credit_note", "paid_in", "kept"),
    [("skip", "advance", "kept"), ("credit", "advance", ""), ("refund", "advance", ""), ("skip", "arrears", "")],
)
def test_the_paid_period_is_kept_only_without_credit_note_and_paid_in_advance(
    lago: LagoSandbox, server: LoopbackServer, credit_note: str, paid_in: str, kept: str
) -> None:
    lago.add_plan("p", amount_cents=700, pay_in_advance=paid_in == "advance")
    row = (
        '{"lago_id":"1","external_id":"s","lago_customer_id":"2","external_customer_id":"org_1","plan_code":"p",'
        '"status":"terminated","created_at":"2026-01-01T00:00:00Z","terminated_at":"2026-11-20T08:00:00.123Z",'
        f'"on_termination_credit_note":"{credit_note}"}}'
    )
    meta = '{"current_page":1,"next_page":null,"prev_page":null,"total_pages":1,"total_count":1}'
    server.add_fault(Fault(target="/subscriptions", status=200, body=f'{{"subscriptions":[{row}],"meta":{meta}}}'))
    assert subscriptions(server)["s"].keeps_paid_period is bool(kept)


def test_an_ended_subscription_says_when_and_that_it_was_asked_for(lago: LagoSandbox, server: LoopbackServer) -> None:
    add(lago, status="terminated", terminated_at=NOW - DAY)
    row = subscriptions(server)["s"]
    assert (row.ended_at, row.end_reason) == (NOW - DAY, EndReason.REQUESTED)


def test_a_customer_without_payment_provider_is_not_collected_automatically(
    lago: LagoSandbox, server: LoopbackServer
) -> None:
    add(lago)
    assert not customers(server)["org_1"].collected_automatically
    assert not subscriptions(server)["s"].collected_automatically


def test_a_customer_that_stripe_charges_is_collected_automatically_unless_paid_by_hand(
    lago: LagoSandbox, server: LoopbackServer
) -> None:
    lago.add_customer("org_2", currency="EUR", payment_provider="stripe", provider_customer_id="cus_9")
    lago.add_subscription("org_2", "professional_eur", external_id="by card")
    lago.add_subscription("org_2", "professional_eur", external_id="by hand", payment_method_type="manual")
    customer = customers(server)["org_2"]
    assert (customer.collected_automatically, customer.provider_customer_id, customer.currency) == (
        True,
        "cus_9",
        "eur",
    )
    rows = subscriptions(server)
    assert (rows["by card"].collected_automatically, rows["by hand"].collected_automatically) == (True, False)


def test_a_provider_that_has_made_no_customer_yet_collects_nothing(lago: LagoSandbox, server: LoopbackServer) -> None:
    lago.add_customer("org_2", payment_provider="stripe")
    customer = customers(server)["org_2"]
    assert (customer.collected_automatically, customer.provider_customer_id) == (False, "")


@pytest.mark.parametrize("external_id", ["acme.com", "a/b", "org 5", "..", "org%2F", "org+1", "Łódź?#", "a&b=c"])
def test_any_external_id_is_found_again_by_itself(lago: LagoSandbox, server: LoopbackServer, external_id: str) -> None:
    lago.add_customer(external_id)
    lago.add_subscription(external_id, "professional", external_id=f"sub of {external_id}")
    with lago_source(server) as source:
        customer = next(each for each in source.read_all(NOW).customers if each.org_key == external_id)
        reading = source.read_customer(customer)
    assert reading.customer == customer
    assert [each.external_id for each in reading.subscriptions] == [f"sub of {external_id}"]


def test_a_customer_is_read_without_a_whole_read_before_it(lago: LagoSandbox, server: LoopbackServer) -> None:
    add(lago)
    customer = customers(server)["org_1"]
    with lago_source(server) as source:
        (row,) = source.read_customer(customer).subscriptions
    assert row.items[0].unit_amount == 9900


def test_a_plan_younger_than_the_whole_read_is_found(lago: LagoSandbox, server: LoopbackServer) -> None:
    with lago_source(server) as source:
        (customer,) = source.read_all(NOW).customers
        lago.add_plan("new", amount_cents=4200, interval="yearly")
        add(lago, "new")
        (row,) = source.read_customer(customer).subscriptions
    assert (row.items[0].unit_amount, row.items[0].period.interval) == (4200, Interval.YEAR)


def test_a_customer_replaced_under_its_external_id_is_not_taken_for_the_old_one(
    lago: LagoSandbox, server: LoopbackServer
) -> None:
    with lago_source(server) as source:
        (customer,) = source.read_all(NOW).customers
        lago.delete_customer("org_1")
        lago.add_customer("org_1")
        with pytest.raises(Exception, match="replaced"):
            source.read_customer(customer)

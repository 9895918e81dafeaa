"""Late payments: grace from the first date, who collects, whose invoice it is, and when a status is taken for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from builders import (
    DAY,
    EVERYTHING,
    FIX_ALL,
    NOW,
    added,
    brief,
    codes_of,
    customers,
    decided,
    drifts_of,
    invoice,
    lago_customer,
    lago_sub,
    linked,
    observe_world,
    stripe_customer,
    stripe_sub,
    terms,
)
from reconciler.model.billing import Customer, Invoice, Source, Subscription, SubscriptionStatus
from reconciler.model.drift import Call, Code, Decided, Direction, Drift, Fix
from reconciler.model.history import History, Sighting
from reconciler.model.money import Money
from reconciler.model.observation import CustomerReading, Observation
from reconciler.model.terms import Authority, StatusTerms
from reconciler.rules.compare import Judgement, make_world
from reconciler.rules.decide import decide
from reconciler.rules.judge import judge_org

PAST_DUE = SubscriptionStatus.PAST_DUE
BY_STRIPE, BY_LAGO = terms(Authority.STRIPE), terms(Authority.LAGO)
LATE = stripe_sub(status=PAST_DUE)
BEYOND = invoice(Source.STRIPE, due_since=NOW - 14 * DAY, subscription_ids=(LATE.id,))
LAGO_AUTO = lago_sub(collected_automatically=True)


def world(*held: Customer | Subscription | Invoice, **changes: Any) -> Observation:
    return observe_world([linked()], *customers(), *held, **changes)


@pytest.mark.parametrize(
    ("age", "code"),
    [
        (14 * DAY - timedelta(seconds=1), "past_due_in_grace"),
        (14 * DAY, "past_due_beyond_grace"),
    ],
)
def test_the_grace_runs_to_the_second_from_the_first_date(age: timedelta, code: str) -> None:
    dated = replace(BEYOND, due_since=NOW - age)
    retried = replace(BEYOND, id="in_2", due_since=NOW - DAY)
    assert codes_of(world(LATE, dated, retried), BY_STRIPE) == [code]


def test_a_due_day_of_lago_is_over_only_when_it_is_over_everywhere() -> None:
    for hours, code in ((35, "past_due_in_grace"), (36, "past_due_beyond_grace")):
        due = invoice(Source.LAGO, due_since=NOW - 14 * DAY - timedelta(hours=hours))
        assert codes_of(world(LAGO_AUTO, due), BY_LAGO) == [code]


def test_a_late_payment_in_its_grace_is_told_with_what_is_at_risk_and_overdue() -> None:
    (drift,) = drifts_of(world(LATE, replace(BEYOND, due_since=NOW - DAY, due_minor=1234)), BY_STRIPE)
    assert drift.id == "past_due_in_grace:org_1:sub_1_professional"
    assert drift.effective_at == NOW - DAY
    assert drift.money is not None
    assert (drift.money.at_risk, drift.money.overdue, drift.money.leak) == (9900, 1234, 0)
    assert drift.text.endswith("sub_1_professional on stripe, since 2026-11-23 12:00 UTC.")


def test_who_is_beyond_the_grace_loses_the_status_and_leaks_what_it_has() -> None:
    (decision,) = decided(world(LATE, BEYOND), BY_STRIPE)
    assert decision.decided is Decided.FIX
    assert decision.drift.fix == Fix(
        org_id="org_1",
        drift_id="past_due_beyond_grace:org_1:sub_1_professional",
        call=Call.STATUS,
        arguments={"status": "suspended"},
        expects={"plan_tier": "professional", "status": "active"},
        direction=Direction.LOWER,
    )
    assert decision.drift.fix.worth == Money(minor=9900, currency="usd")
    money = decision.drift.money
    assert money is not None
    assert (money.leak, money.overdue, money.owed) == (9900, 9900, 0)
    totals = added(world(LATE, BEYOND), BY_STRIPE).money["usd"]
    assert (totals.billed, totals.leak, totals.had, totals.residual) == (0, 9900, 9900, 0)


def test_a_status_that_lapsing_does_not_change_is_flagged() -> None:
    by = terms(Authority.STRIPE, statuses=StatusTerms(unpaid_tier="founders_friend", lapsed="active"))
    assert brief(decided(world(LATE, BEYOND), by)) == [("past_due_beyond_grace", "flag", None)]


def test_without_an_unpaid_invoice_nobody_loses_anything() -> None:
    seen = {"past_due_in_grace:org_1:sub_1_professional": Sighting(first_seen=NOW - 14 * DAY, runs_seen=9)}
    observed = world(LATE, history=History(open_drifts=seen))
    (decision,) = decided(observed, BY_STRIPE)
    assert (decision.drift.code, decision.blocked_by) == (Code.PAST_DUE_BEYOND_GRACE, "proof")
    assert decision.reason == "no unpaid invoice of sub_1_professional was read"


@pytest.mark.parametrize(
    ("code", "age", "expected"),
    [
        ("past_due_in_grace", 13, "past_due_in_grace"),
        ("past_due_in_grace", 14, "past_due_beyond_grace"),
        ("past_due_beyond_grace", 1, "past_due_beyond_grace"),
    ],
)
def test_where_no_date_can_be_read_the_grace_runs_from_first_seen_and_stays_over(
    code: str, age: int, expected: str
) -> None:
    seen = {f"{code}:org_1:sub_1_professional": Sighting(first_seen=NOW - age * DAY, runs_seen=1)}
    assert codes_of(world(LATE, history=History(open_drifts=seen)), BY_STRIPE) == [expected]


def test_nobody_loses_the_status_for_an_invoice_that_nobody_collects() -> None:
    sent = stripe_sub(status=PAST_DUE, collected_automatically=False)
    wired = lago_sub()
    for row, by in ((sent, BY_STRIPE), (wired, BY_LAGO)):
        due = invoice(row.source, due_since=NOW - 99 * DAY)
        (decision,) = decided(world(row, due), by)
        assert (decision.drift.code, decision.decided) == (Code.OVERDUE_BY_INVOICE, Decided.FLAG)
        assert decision.drift.fix is None
        assert decision.drift.money is not None
        assert (decision.drift.money.overdue, decision.drift.money.leak) == (9900, 0)
        assert added(world(row, due), by).money["usd"].residual == 0


def test_what_nobody_collects_stops_no_raise_and_what_is_collected_does() -> None:
    for automatic, blocked in ((False, None), (True, "past_due_in_grace")):
        row = stripe_sub(status=PAST_DUE, collected_automatically=automatic)
        observed = observe_world([linked(1, "starter")], *customers(), row)
        assert brief(decided(observed, BY_STRIPE))[1] == ("tier_under", "flag" if blocked else "fix", blocked)


def test_invoices_overdue_for_good_on_a_side_that_does_not_collect_suspend_nobody() -> None:
    old = invoice(Source.LAGO, due_since=NOW - 400 * DAY)
    for authority in (Authority.STRIPE, Authority.BOTH):
        assert codes_of(world(lago_sub(), stripe_sub(), old), terms(authority)) == []


def test_an_open_invoice_that_is_not_overdue_is_not_late() -> None:
    for row, by in ((lago_sub(), BY_LAGO), (stripe_sub(collected_automatically=False), BY_STRIPE)):
        assert codes_of(world(row, invoice(row.source, overdue=False, due_since=NOW - 99 * DAY)), by) == []


def test_an_old_invoice_of_a_subscription_that_stripe_calls_active_is_not_late() -> None:
    assert codes_of(world(stripe_sub(), invoice(Source.STRIPE, due_since=NOW - 99 * DAY)), BY_STRIPE) == []


def test_an_invoice_of_another_subscription_says_nothing_of_this_one() -> None:
    other = invoice(Source.LAGO, subscription_ids=("another",), due_since=NOW - 99 * DAY)
    assert codes_of(world(LAGO_AUTO, other), BY_LAGO) == []


def test_what_was_paid_meanwhile_is_not_late() -> None:
    assert codes_of(world(LAGO_AUTO, invoice(Source.LAGO, 1, 0, due_since=NOW - 99 * DAY)), BY_LAGO) == []


def test_an_invoice_of_another_currency_is_in_no_sum() -> None:
    other = replace(BEYOND, id="in_2", currency="eur", due_minor=5000)
    (drift,) = drifts_of(world(LATE, BEYOND, other), BY_STRIPE)
    assert drift.money is not None
    assert drift.money.overdue == 9900


@pytest.mark.parametrize("days", [1, 99])
def test_a_healthy_subscription_beside_a_late_one_keeps_the_status(days: int) -> None:
    rows = stripe_sub(sub_id="good"), LATE, replace(BEYOND, due_since=NOW - days * DAY)
    decisions = decided(world(*rows), BY_STRIPE)
    assert [each for each in decisions if each.decided is Decided.FIX] == []


def test_a_live_subscription_on_the_other_side_keeps_the_status() -> None:
    (decision,) = decided(world(LATE, BEYOND, lago_sub()), BY_STRIPE)
    assert decision.blocked_by == "proof"
    assert decision.reason == "lago still entitles it to professional by lagosub-1-professional"


def test_under_both_the_mirror_that_agrees_keeps_nobody_s_status() -> None:
    assert brief(decided(world(LATE, BEYOND, lago_sub()))) == [("past_due_beyond_grace", "fix", None)]


def test_under_both_a_side_that_is_missing_keeps_the_status() -> None:
    decisions = decided(world(LATE, BEYOND))
    assert {code: (said, by) for code, said, by in brief(decisions)} == {
        "past_due_beyond_grace": ("flag", "proof"),
        "side_missing": ("flag", None),
    }
    assert "both sides must be live and agree" in {each.reason for each in decisions}


def test_an_incomplete_run_takes_no_status() -> None:
    (decision,) = decided(world(LATE, BEYOND, incomplete=[Source.LAGO]), BY_STRIPE)
    assert (decision.blocked_by, decision.reason) == ("proof", "the run is not complete")


def read_again(observed: Observation, invoices: tuple[Invoice, ...] | None, by: Any = BY_LAGO) -> tuple[Drift, ...]:
    """What is judged once the Lago customer was read by itself."""
    world = make_world(observed, by)
    reading = CustomerReading(customer=lago_customer(), subscriptions=(LAGO_AUTO,), invoices=invoices)
    return judge_org(linked(), replace(world, index=world.index.with_reading(reading))).drifts


HINT = invoice(Source.LAGO, due_since=NOW - 99 * DAY)


@pytest.mark.parametrize(
    ("invoices", "codes"),
    [
        ((replace(HINT, subscription_ids=(LAGO_AUTO.id,)),), ["past_due_beyond_grace"]),
        ((replace(HINT, subscription_ids=("another",)),), []),
        ((HINT,), []),
        ((), []),
        (None, []),
    ],
    ids=["its own", "another's", "nobody's", "paid", "not allowed to read"],
)
def test_a_listed_invoice_is_a_hint_and_one_read_by_itself_says_whose_it_is(
    invoices: tuple[Invoice, ...] | None, codes: list[str]
) -> None:
    observed = world(LAGO_AUTO, HINT)
    assert codes_of(observed, BY_LAGO) == ["past_due_beyond_grace"]
    assert [drift.code.value for drift in read_again(observed, invoices)] == codes


# what gave up


def test_unpaid_takes_the_status_where_it_is_collected_automatically() -> None:
    row = stripe_sub(status=SubscriptionStatus.UNPAID)
    (decision,) = decided(world(row, replace(BEYOND, subscription_ids=(row.id,))), BY_STRIPE)
    assert decision.decided is Decided.FIX
    assert decision.drift.fix is not None
    assert decision.drift.fix.arguments == {"status": "suspended"}
    assert decision.drift.id == decision.drift.fix.drift_id == "unpaid:org_1"
    assert decision.drift.money is not None
    assert (decision.drift.money.leak, decision.drift.money.overdue) == (9900, 9900)
    assert brief(decided(world(replace(row, collected_automatically=False)), BY_STRIPE)) == [("unpaid", "flag", None)]


def test_unpaid_on_a_side_that_does_not_collect_explains_nothing() -> None:
    row = stripe_sub(status=SubscriptionStatus.UNPAID)
    assert codes_of(world(row), terms(Authority.BOTH, collects=Source.LAGO)) == ["paid_tier_no_billing"]


def test_unpaid_takes_nothing_while_the_other_side_lives() -> None:
    row = stripe_sub(status=SubscriptionStatus.UNPAID)
    told = brief(decided(world(row, lago_sub()), BY_STRIPE))
    assert ("unpaid", "flag", "proof") in told


# suspended by us, and paying again


def suspended(*rows: Customer | Subscription | Invoice, ours: bool = True, **changes: Any) -> Observation:
    history = History(own_status={"org_1": "suspended"} if ours else {})
    return observe_world([linked(1, status="suspended")], *customers(), *rows, history=history, **changes)


def test_what_we_suspended_is_taken_back_once_it_pays() -> None:
    (decision,) = decided(suspended(stripe_sub()), BY_STRIPE)
    assert (decision.drift.code, decision.decided) == (Code.SUSPENDED_BUT_PAYING, Decided.FIX)
    assert decision.drift.fix is not None
    assert (decision.drift.fix.arguments, decision.drift.fix.direction) == ({"status": "active"}, Direction.RAISE)
    assert decision.drift.money is not None
    assert decision.drift.money.owed == 9900


def test_what_somebody_else_suspended_is_never_taken_back() -> None:
    assert brief(decided(suspended(stripe_sub(), ours=False), BY_STRIPE)) == [("suspended_but_paying", "flag", None)]


@pytest.mark.parametrize("days", [1, 99])
def test_who_is_suspended_and_still_late_does_not_pay(days: int) -> None:
    observed = suspended(LATE, replace(BEYOND, due_since=NOW - days * DAY))
    assert codes_of(observed, BY_STRIPE) == []
    assert added(observed, BY_STRIPE).money["usd"].residual == 0


def test_a_lago_payer_is_taken_back_only_where_its_unpaid_invoices_were_read() -> None:
    assert brief(decided(suspended(LAGO_AUTO), BY_LAGO)) == [("suspended_but_paying", "fix", None)]
    (decision,) = decided(suspended(LAGO_AUTO, reads=()), BY_LAGO)
    assert (decision.blocked_by, decision.reason) == (
        "proof",
        "the unpaid invoices of lago customer lago-1 were not read",
    )


# disputes


def test_a_dispute_lost_in_the_present_period_leaks_and_a_person_decides() -> None:
    lost = invoice(Source.STRIPE, 1, 0, overdue=False, dispute_lost_at=NOW - 5 * DAY)
    (decision,) = decided(world(stripe_sub(), lost), BY_STRIPE)
    assert (decision.drift.code, decision.decided) == (Code.PAYMENT_DISPUTED, Decided.FLAG)
    assert decision.drift.effective_at == NOW - 5 * DAY
    assert decision.drift.money is not None
    assert decision.drift.money.leak == 9900
    assert "in_1 of sub_1_professional was lost at 2026-11-19 12:00 UTC" in decision.drift.text


@pytest.mark.parametrize(("days", "codes"), [(30, ["payment_disputed"]), (31, [])])
def test_a_dispute_lost_in_an_earlier_period_is_history(days: int, codes: list[str]) -> None:
    lost = invoice(Source.STRIPE, 1, 0, overdue=False, dispute_lost_at=NOW - days * DAY)
    assert codes_of(world(stripe_sub(), lost), BY_STRIPE) == codes


def test_the_first_of_two_lapsed_subscriptions_takes_the_status_and_both_are_told() -> None:
    rows = stripe_sub(sub_id="a", status=PAST_DUE), stripe_sub(sub_id="b", status=PAST_DUE)
    late = [
        invoice(Source.STRIPE, invoice_id=row.id, subscription_ids=(row.id,), due_since=NOW - 20 * DAY) for row in rows
    ]
    drifts = [each for each in drifts_of(world(*rows, *late), BY_STRIPE) if each.code is Code.PAST_DUE_BEYOND_GRACE]
    assert [bool(each.fix) for each in drifts] == [True, False]


def test_a_fix_of_the_status_is_decided_like_any_other() -> None:
    observed = world(LATE, BEYOND)
    judged = make_world(observed, BY_STRIPE)
    verdict = judge_org(linked(), judged)
    (decision,) = decide(Judgement(verdicts=(verdict,), unclaimed=(), unreadable=()), observed, FIX_ALL, EVERYTHING)
    assert decision.confirms != ""


def test_the_unpaid_invoices_of_a_deleted_customer_s_side_are_no_concern() -> None:
    gone = stripe_customer(2, org_key="")
    assert codes_of(world(gone, stripe_sub(), invoice(Source.STRIPE, 2, due_since=NOW - 99 * DAY)), BY_STRIPE) == []


def test_what_is_overdue_is_unknown_where_no_invoice_in_its_currency_was_read() -> None:
    for held in ((LATE,), (LATE, replace(BEYOND, currency="eur", due_since=NOW))):
        (drift,) = drifts_of(world(*held), BY_STRIPE)
        assert drift.money is not None
        assert drift.money.overdue is None


def test_a_lost_dispute_is_found_behind_an_invoice_that_is_merely_open() -> None:
    lost = invoice(Source.STRIPE, 1, 0, invoice_id="in_9", overdue=False, dispute_lost_at=NOW - DAY)
    assert codes_of(world(stripe_sub(), invoice(Source.STRIPE), lost), BY_STRIPE) == ["payment_disputed"]

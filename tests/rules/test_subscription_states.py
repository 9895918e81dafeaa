"""What single states of subscriptions mean for an organisation, and which of them nothing is concluded from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from builders import (
    DAY,
    NOW,
    brief,
    codes_of,
    decided,
    drifts_of,
    judged,
    lago_sub,
    stripe_sub,
    terms,
    world,
)
from reconciler.model.billing import EndReason, Item, Subscription, SubscriptionStatus
from reconciler.model.drift import Code, Decided
from reconciler.model.terms import Authority

BY_STRIPE = terms(Authority.STRIPE)
BY_LAGO = terms(Authority.LAGO)
ENDED = SubscriptionStatus.ENDED
OPEN_STATES = [
    SubscriptionStatus.PAST_DUE,
    SubscriptionStatus.UNPAID,
    SubscriptionStatus.PAUSED,
    SubscriptionStatus.INCOMPLETE,
    SubscriptionStatus.UNKNOWN,
]


def billed(*rows: Subscription) -> int | None:
    (verdict,) = judged(world("professional", *rows), BY_STRIPE).verdicts
    assert verdict.books is not None
    return verdict.books.billed


# states that entitle to nothing, or for a while only


@pytest.mark.parametrize(
    ("status", "paid", "unpaid"),
    [
        (SubscriptionStatus.PAST_DUE, ["past_due_in_grace"], ["past_due_in_grace", "paid_not_reflected"]),
        (SubscriptionStatus.UNPAID, ["unpaid"], []),
        (SubscriptionStatus.PAUSED, ["paused"], []),
        (SubscriptionStatus.INCOMPLETE, ["paid_tier_no_billing"], []),
        (SubscriptionStatus.UNKNOWN, ["status_unknown"], ["status_unknown"]),
    ],
)
def test_each_state_has_its_own_code_when_nothing_else_is_live(
    status: SubscriptionStatus, paid: list[str], unpaid: list[str]
) -> None:
    assert codes_of(world("professional", stripe_sub(status=status)), BY_STRIPE) == paid
    assert codes_of(world("founders_friend", stripe_sub(status=status)), BY_STRIPE) == unpaid


def test_a_late_payment_lets_nobody_have_more_while_its_grace_runs() -> None:
    late = stripe_sub(status=SubscriptionStatus.PAST_DUE)
    assert brief(decided(world("founders_friend", late), BY_STRIPE)) == [
        ("past_due_in_grace", "wait", None),
        ("paid_not_reflected", "flag", "past_due_in_grace"),
    ]


@pytest.mark.parametrize("status", OPEN_STATES)
def test_what_does_not_run_but_would_give_more_forbids_lowering(status: SubscriptionStatus) -> None:
    rows = stripe_sub(sub_id="live"), stripe_sub(1, "enterprise", sub_id="open", status=status)
    decisions = decided(world("enterprise", *rows), BY_STRIPE)
    assert [each for each in decisions if each.decided is Decided.FIX] == []
    assert decisions != ()


@pytest.mark.parametrize("status", OPEN_STATES)
def test_what_does_not_run_on_the_other_side_forbids_lowering(status: SubscriptionStatus) -> None:
    rows = stripe_sub(), lago_sub(1, "enterprise", status=status)
    assert brief(decided(world("enterprise", *rows), BY_STRIPE)) == [("tier_over", "flag", "proof")]


@pytest.mark.parametrize("status", [SubscriptionStatus.PAUSED, SubscriptionStatus.UNPAID])
def test_what_failed_is_told_beside_a_lower_live_subscription_and_suspends_nobody(status: SubscriptionStatus) -> None:
    rows = stripe_sub(sub_id="live"), stripe_sub(1, "enterprise", sub_id="open", status=status)
    assert brief(decided(world("enterprise", *rows), BY_STRIPE)) == [
        ("tier_over", "flag", "proof"),
        (status.value, "flag", None),
    ]


@pytest.mark.parametrize(
    "status", [SubscriptionStatus.UNPAID, SubscriptionStatus.PAUSED, SubscriptionStatus.INCOMPLETE]
)
def test_what_entitles_to_nothing_is_ignored_beside_a_live_subscription_to_the_tier(status: SubscriptionStatus) -> None:
    rows = stripe_sub(sub_id="live"), stripe_sub(1, "enterprise", sub_id="open", status=status)
    assert codes_of(world("professional", *rows), BY_STRIPE) == []


@pytest.mark.parametrize("has", ["founders_friend", "starter", "professional", "enterprise"])
def test_a_late_payment_is_never_silent_and_stops_every_fix_beside_a_live_subscription(has: str) -> None:
    rows = stripe_sub(sub_id="live"), stripe_sub(1, "starter", sub_id="due", status=SubscriptionStatus.PAST_DUE)
    decisions = decided(world(has, *rows), BY_STRIPE)
    assert [each for each in decisions if each.decided is Decided.FIX] == []
    assert {"duplicate_subscription", "past_due_in_grace"} <= {each.drift.code.value for each in decisions}


def test_an_unmapped_item_of_a_subscription_past_due_stops_lowering() -> None:
    strange = Item(id="si_2", price_id="price_of_nothing_known", unit_amount=100, currency="usd")
    due = stripe_sub(1, "founders_friend", sub_id="due", status=SubscriptionStatus.PAST_DUE, extra_items=[strange])
    decisions = decided(world("professional", stripe_sub(1, "starter"), due), BY_STRIPE)
    assert ("tier_over", "flag", "proof") in brief(decisions)


def test_what_costs_nobody_knows_how_much_is_never_lowered_to() -> None:
    (decision,) = decided(world("professional", stripe_sub(1, "starter", amount=None)), BY_STRIPE)
    assert (decision.drift.code, decision.blocked_by) == (Code.TIER_OVER, "proof")


def test_a_subscription_of_two_tiers_lowers_nobody() -> None:
    second = Item(id="si_2", price_id="price_professional", unit_amount=100, currency="usd")
    row = stripe_sub(1, "starter", extra_items=[second])
    assert brief(decided(world("enterprise", row), BY_STRIPE)) == [
        ("base_ambiguous", "flag", None),
        ("tier_over", "flag", "proof"),
    ]


def test_an_end_scheduled_for_the_last_day_of_time_is_an_end_ahead() -> None:
    row = stripe_sub(cancel_at=datetime.max.replace(tzinfo=UTC))
    assert codes_of(world("professional", row), BY_STRIPE) == ["cancel_scheduled"]


def test_an_unknown_status_is_held_even_for_a_lower_tier() -> None:
    rows = stripe_sub(sub_id="live"), stripe_sub(1, "starter", sub_id="odd", status=SubscriptionStatus.UNKNOWN)
    assert codes_of(world("founders_friend", *rows), BY_STRIPE) == ["status_unknown"]


def test_an_unknown_status_of_an_unpaid_tier_is_ignored() -> None:
    odd = lago_sub(1, "founders_friend", status=SubscriptionStatus.UNKNOWN, sub_id="odd")
    assert codes_of(world("professional", lago_sub(), odd), BY_LAGO) == []


def test_a_state_without_a_rule_of_another_product_is_ignored() -> None:
    odd = stripe_sub(1, "seats", sub_id="odd", status=SubscriptionStatus.UNPAID)
    assert codes_of(world("professional", stripe_sub(), odd), BY_STRIPE) == []


def test_a_lower_tier_at_no_price_is_left_over_beside_a_paid_one() -> None:
    rows = stripe_sub(), stripe_sub(1, "starter", sub_id="comp", amount=0)
    assert brief(decided(world("professional", *rows), BY_STRIPE)) == [("leftover_free_subscription", "ok", None)]


def test_a_subscription_to_an_unpaid_tier_is_left_over_beside_a_paid_one() -> None:
    rows = lago_sub(), lago_sub(1, "founders_friend")
    (decision,) = decided(world("professional", *rows), BY_LAGO)
    assert decision.drift.code is Code.LEFTOVER_FREE_SUBSCRIPTION
    assert decision.decided is Decided.OK
    assert decision.drift.money is not None
    assert decision.drift.money.overbilled == 0


def test_two_unpaid_tiers_are_in_sync() -> None:
    assert codes_of(world("trial", lago_sub(1, "founders_friend")), BY_LAGO) == []


# schedules


@pytest.mark.parametrize("hours", [-24, 25])
def test_a_scheduled_end_keeps_the_tier_until_the_source_has_had_its_time(hours: int) -> None:
    ending = stripe_sub(cancel_at=NOW - timedelta(hours=hours))
    assert brief(decided(world("professional", ending), BY_STRIPE)) == [("cancel_scheduled", "wait", None)]


def test_a_downgrade_that_waits_leaves_the_running_row_to_decide() -> None:
    rows = (
        lago_sub(1, "enterprise", external_id="chain"),
        lago_sub(1, "starter", external_id="chain", status=SubscriptionStatus.PENDING),
    )
    assert codes_of(world("enterprise", *rows), BY_LAGO) == []
    assert codes_of(world("starter", *rows), BY_LAGO) == ["tier_under"]


def test_a_subscription_that_starts_later_means_nothing_for_an_unpaid_tier() -> None:
    assert codes_of(world("founders_friend", lago_sub(status=SubscriptionStatus.PENDING)), BY_LAGO) == []


def test_what_never_began_means_nothing() -> None:
    assert codes_of(world("founders_friend", stripe_sub(status=SubscriptionStatus.ABANDONED)), BY_STRIPE) == []


# ends and what was paid


def test_the_latest_period_of_the_base_items_is_paid_through() -> None:
    longer = Item(id="si_2", price_id="price_starter", unit_amount=1, currency="usd", period_end=NOW + DAY)
    row = stripe_sub(status=ENDED, period_end=NOW - DAY, extra_items=[longer])
    (drift,) = drifts_of(world("professional", row), BY_STRIPE)
    assert (drift.code, drift.effective_at) == (Code.CANCELED_PAID_THROUGH, NOW + DAY)


def test_the_period_of_another_product_pays_for_nothing() -> None:
    seats = Item(id="si_2", price_id="price_seats", unit_amount=1, currency="usd", period_end=NOW + DAY)
    row = stripe_sub(status=ENDED, period_end=NOW - DAY, extra_items=[seats])
    assert codes_of(world("professional", row), BY_STRIPE) == ["ended_still_entitled"]


@pytest.mark.parametrize("end", [NOW, NOW - timedelta(seconds=1)])
def test_a_period_that_is_over_pays_no_longer(end: datetime) -> None:
    assert codes_of(world("professional", stripe_sub(status=ENDED, period_end=end)), BY_STRIPE) == [
        "ended_still_entitled"
    ]


@pytest.mark.parametrize(
    "change", [{"end_reason": EndReason.PAYMENT_FAILED}, {"paid_for_period": False}], ids=["failed", "unpaid"]
)
def test_a_renewal_that_was_not_paid_counts_to_its_beginning(change: dict[str, Any]) -> None:
    row = stripe_sub(status=ENDED, period_start=NOW - 2 * DAY, period_end=NOW + 28 * DAY, **change)
    (drift,) = drifts_of(world("professional", row), BY_STRIPE)
    assert (drift.code, drift.effective_at) == (Code.ENDED_STILL_ENTITLED, NOW - 2 * DAY)


def test_an_end_in_a_dispute_is_left_to_a_person() -> None:
    row = stripe_sub(status=ENDED, end_reason=EndReason.PAYMENT_DISPUTED, period_start=NOW - 2 * DAY)
    assert brief(decided(world("professional", row), BY_STRIPE)) == [("payment_disputed", "flag", None)]


def test_an_old_dispute_about_a_lower_tier_forbids_nothing() -> None:
    old = stripe_sub(1, "starter", status=ENDED, end_reason=EndReason.PAYMENT_DISPUTED, period_start=NOW - 99 * DAY)
    assert brief(decided(world("enterprise", stripe_sub(), old), BY_STRIPE)) == [("tier_over", "fix", None)]


def test_an_old_end_of_the_tier_that_is_due_forbids_nothing() -> None:
    disputed = stripe_sub(sub_id="a", status=ENDED, end_reason=EndReason.PAYMENT_DISPUTED, period_start=NOW - 99 * DAY)
    undated = lago_sub(status=ENDED, ended_at=None)
    assert brief(decided(world("enterprise", stripe_sub(), disputed, undated), BY_STRIPE)) == [
        ("tier_over", "fix", None)
    ]


def test_an_end_whose_paid_date_is_not_known_lowers_nothing() -> None:
    row = lago_sub(status=ENDED, ended_at=None)
    assert brief(decided(world("professional", row), BY_LAGO)) == [("ended_still_entitled", "flag", "proof")]


def test_lago_ends_at_once_unless_the_paid_period_was_kept() -> None:
    ended: dict[str, Any] = {"status": ENDED, "ended_at": NOW - DAY, "anchor_at": NOW - 10 * DAY}
    assert codes_of(world("professional", lago_sub(**ended)), BY_LAGO) == ["ended_still_entitled"]
    kept = lago_sub(keeps_paid_period=True, **ended)
    assert codes_of(world("professional", kept), BY_LAGO) == ["canceled_paid_through"]


def test_an_end_of_another_tier_explains_nothing() -> None:
    row = stripe_sub(1, "starter", status=ENDED, period_end=NOW - DAY)
    assert codes_of(world("professional", row), BY_STRIPE) == ["paid_tier_no_billing"]


@pytest.mark.parametrize("tier", ["founders_friend", "starter"])
def test_what_was_canceled_but_is_paid_for_never_raises(tier: str) -> None:
    row = stripe_sub(status=ENDED, period_end=NOW + DAY)
    assert [each.decided.value for each in decided(world(tier, row), BY_STRIPE)] == ["wait"]


def test_a_higher_tier_canceled_but_paid_for_is_kept_beside_a_live_lower_one() -> None:
    rows = stripe_sub(1, "starter"), stripe_sub(1, "enterprise", status=ENDED, period_end=NOW + DAY)
    observed = world("enterprise", *rows)
    (decision,) = decided(observed, BY_STRIPE)
    assert decision.drift.code is Code.CANCELED_PAID_THROUGH
    assert decision.decided is Decided.WAIT
    assert decision.drift.money is not None
    assert (decision.drift.money.leak, decision.drift.money.at_risk) == (0, 49900)
    (verdict,) = judged(observed, BY_STRIPE).verdicts
    assert verdict.books is not None
    assert (verdict.books.billed, verdict.books.due, verdict.books.variance) == (4900, 49900, 45000)


def test_a_tier_above_the_canceled_one_is_lowered_only_once_that_is_over() -> None:
    rows = stripe_sub(1, "starter"), stripe_sub(status=ENDED, period_end=NOW + DAY)
    assert brief(decided(world("enterprise", *rows), BY_STRIPE)) == [("tier_over", "flag", "proof")]


def test_of_several_canceled_ones_the_longest_paid_counts() -> None:
    rows = (
        stripe_sub(sub_id="a", status=ENDED, period_end=NOW + DAY),
        stripe_sub(sub_id="b", status=ENDED, period_end=NOW + 2 * DAY),
    )
    (drift,) = drifts_of(world("professional", *rows), BY_STRIPE)
    assert drift.effective_at == NOW + 2 * DAY

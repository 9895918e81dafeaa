"""What is set to end, to begin or to change, and what a source did not carry out by its own schedule."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from builders import (
    DAY,
    NOW,
    added,
    brief,
    codes_of,
    decided,
    drifts_of,
    lago_sub,
    stripe_sub,
    terms,
    world,
)
from reconciler.model.billing import EndReason, Item, Source, Subscription, SubscriptionStatus
from reconciler.model.drift import Code, Decided
from reconciler.model.history import History, SubscriptionState
from reconciler.model.terms import Authority
from reconciler.rules.changes import subscription_digest

BY_STRIPE, BY_LAGO, EITHER = terms(Authority.STRIPE), terms(Authority.LAGO), terms(Authority.EITHER)
LAG = timedelta(hours=26)
STARTER = Item(id="next", plan_code="starter_monthly", unit_amount=4900, currency="usd")


def test_an_end_ahead_is_waited_for_and_puts_the_month_at_risk() -> None:
    drift = drifts_of(world("professional", stripe_sub(cancel_at=NOW + DAY, amount=9000)), BY_STRIPE)[0]
    assert (drift.code, drift.effective_at) == (Code.CANCEL_SCHEDULED, NOW + DAY)
    assert drift.text == "The subscription is set to end at 2026-11-25 12:00 UTC."
    assert drift.money is not None
    assert (drift.money.at_risk, drift.money.leak) == (9000, 0)


def test_an_end_ahead_stops_a_lowering_and_no_raise() -> None:
    ending = stripe_sub(cancel_at=NOW + DAY)
    assert brief(decided(world("enterprise", ending), BY_STRIPE))[1] == ("tier_over", "flag", "cancel_scheduled")
    assert brief(decided(world("starter", ending), BY_STRIPE))[1] == ("tier_under", "fix", None)


def test_an_end_ahead_is_nothing_where_another_subscription_stays() -> None:
    assert codes_of(world("professional", lago_sub(cancel_at=NOW + DAY), stripe_sub()), EITHER) == []
    rows = stripe_sub(cancel_at=NOW + DAY), stripe_sub(1, "starter")
    assert "cancel_scheduled" in codes_of(world("professional", *rows), BY_STRIPE)


def test_one_side_that_ends_where_both_must_agree_differs() -> None:
    rows = lago_sub(cancel_at=NOW + DAY, amount=9000), stripe_sub(amount=8000)
    for collects, at_risk in ((Source.LAGO, 9000), (Source.STRIPE, 8000)):
        drift = drifts_of(world("professional", *rows), terms(collects=collects))[0]
        assert (drift.code, drift.effective_at) == (Code.CANCEL_STATE_DIFFERS, NOW + DAY)
        assert drift.money is not None
        assert drift.money.at_risk == at_risk
    assert "lagosub-1-professional on lago ends at 2026-11-25 12:00 UTC, sub_1_professional on stripe goes on" in (
        drifts_of(world("professional", *rows))[0].text
    )


def test_both_sides_that_end_agree() -> None:
    rows = lago_sub(cancel_at=NOW + DAY), stripe_sub(cancel_at=NOW + 2 * DAY)
    assert codes_of(world("professional", *rows)) == ["cancel_scheduled"]


@pytest.mark.parametrize("tier", ["professional", "enterprise", "starter"])
def test_an_end_missed_for_26_hours_is_overbilled_and_lowers_nobody(tier: str) -> None:
    late = lago_sub(cancel_at=NOW - LAG)
    observed = world(tier, late)
    decisions = decided(observed, BY_LAGO)
    assert decisions[0].drift.code is Code.SCHEDULE_MISSED
    assert decisions[0].decided is Decided.FLAG
    assert decisions[0].drift.money is not None
    assert decisions[0].drift.money.overbilled == 9900
    assert [each.drift.code for each in decisions if each.decided is Decided.FIX] == (
        [Code.TIER_UNDER] if tier == "starter" else []
    )
    assert added(observed, BY_LAGO).money["usd"].residual == 0


def test_an_end_missed_by_less_than_26_hours_is_still_waited_for() -> None:
    late = lago_sub(cancel_at=NOW - LAG + timedelta(seconds=1))
    assert codes_of(world("professional", late), BY_LAGO) == ["cancel_scheduled"]


def recorded(row: Subscription, **changes: object) -> History:
    state = SubscriptionState(digest=subscription_digest(row), since=None)
    return History(subscriptions={row.id: replace(state, **changes)})  # type: ignore[arg-type]  # fields of a state


def test_a_downgrade_that_moves_on_every_day_is_missed_by_the_earliest_date_recorded() -> None:
    row = lago_sub(1, "enterprise", next_item=STARTER, next_at=NOW + 20 * DAY)
    history = recorded(row, next_at=NOW - LAG)
    drift = drifts_of(world("enterprise", row, history=history), BY_LAGO)[0]
    assert drift.code is Code.SCHEDULE_MISSED
    assert "should have become cheaper at 2026-11-23 10:00 UTC and has not" in drift.text
    assert drift.money is not None
    assert drift.money.overbilled == 49900 - 4900
    assert codes_of(world("enterprise", row, history=recorded(row, next_at=NOW)), BY_LAGO) == ["downgrade_scheduled"]


def test_a_missed_downgrade_to_an_unknown_amount_is_unpriced() -> None:
    row = lago_sub(1, "enterprise", next_item=replace(STARTER, unit_amount=None), next_at=NOW - LAG)
    drift = drifts_of(world("enterprise", row), BY_LAGO)[0]
    assert drift.code is Code.SCHEDULE_MISSED
    assert drift.money is not None
    assert drift.money.overbilled is None


def test_of_a_duplicate_that_should_have_ended_nothing_is_counted_twice() -> None:
    rows = stripe_sub(sub_id="a"), stripe_sub(sub_id="b", amount=5000, cancel_at=NOW - 3 * DAY)
    observed = world("professional", *rows)
    told = {each.code.value: each.money.overbilled for each in drifts_of(observed, BY_STRIPE) if each.money}
    assert told == {"duplicate_subscription": 5000, "schedule_missed": 0}
    assert added(observed, BY_STRIPE).money["usd"].residual == 0


def test_a_downgrade_ahead_is_as_it_should_be() -> None:
    row = lago_sub(1, "enterprise", next_item=STARTER, next_at=NOW + DAY)
    (decision,) = decided(world("enterprise", row), BY_LAGO)
    assert (decision.drift.code, decision.decided) == (Code.DOWNGRADE_SCHEDULED, Decided.OK)
    assert "starter from 2026-11-25 12:00 UTC" in decision.drift.text
    assert decision.drift.effective_at == NOW + DAY


def test_an_upgrade_ahead_is_no_downgrade() -> None:
    row = lago_sub(1, "starter", next_item=replace(STARTER, plan_code="enterprise_monthly"), next_at=NOW + DAY)
    assert codes_of(world("starter", row), BY_LAGO) == []


@pytest.mark.parametrize("authority", [BY_LAGO, EITHER])
def test_who_was_lowered_before_the_downgrade_gets_the_tier_back(authority: object) -> None:
    row = lago_sub(1, "enterprise", next_item=STARTER, next_at=NOW + DAY)
    (decision,) = decided(world("starter", row), authority)  # type: ignore[arg-type]  # terms
    assert (decision.drift.code, decision.decided) == (Code.DOWNGRADE_EARLY, Decided.FIX)
    assert decision.drift.fix is not None
    assert decision.drift.fix.arguments == {"plan_tier": "enterprise"}
    assert "enterprise is paid until 2026-11-25 12:00 UTC" in decision.drift.text
    assert decision.drift.money is not None
    assert decision.drift.money.owed == 45000


def test_a_downgrade_to_another_tier_than_it_has_is_a_tier_too_low() -> None:
    row = lago_sub(1, "enterprise", next_item=STARTER, next_at=NOW + DAY)
    assert codes_of(world("professional", row), BY_LAGO) == ["tier_under"]


def test_who_did_not_follow_a_downgrade_is_lowered() -> None:
    over = {"status": SubscriptionStatus.ENDED, "ended_at": NOW - DAY, "external_id": "chain"}
    rows = lago_sub(1, "enterprise", **over), lago_sub(1, "starter", external_id="chain")  # type: ignore[arg-type]  # fields
    (decision,) = decided(world("enterprise", *rows), BY_LAGO)
    assert (decision.drift.code, decision.decided) == (Code.DOWNGRADE_LATE, Decided.FIX)
    assert decision.drift.fix is not None
    assert decision.drift.fix.arguments == {"plan_tier": "starter"}
    apart = replace(rows[1], external_id="other")
    assert codes_of(world("enterprise", rows[0], apart), BY_LAGO) == ["tier_over"]
    assert codes_of(world("professional", *rows), BY_LAGO) == ["tier_over"]


def test_a_tier_had_before_its_subscription_begins_leaks() -> None:
    later = lago_sub(status=SubscriptionStatus.PENDING, started_at=NOW + 3 * DAY)
    (decision,) = decided(world("professional", later), BY_LAGO)
    assert (decision.drift.code, decision.decided) == (Code.FUTURE_START, Decided.FLAG)
    assert "lagosub-1-professional begins at 2026-11-27 12:00 UTC" in decision.drift.text
    assert decision.drift.money is not None
    assert decision.drift.money.leak == 9900
    assert codes_of(world("founders_friend", later), BY_LAGO) == []


def test_what_begins_later_forbids_lowering_after_what_ended() -> None:
    rows = (
        lago_sub(sub_id="old", status=SubscriptionStatus.ENDED, ended_at=NOW - 3 * DAY),
        lago_sub(sub_id="new", external_id="another", status=SubscriptionStatus.PENDING),
    )
    assert brief(decided(world("professional", *rows), BY_LAGO)) == [("future_start", "flag", None)]


@pytest.mark.parametrize(
    ("age", "codes"),
    [
        (timedelta(hours=23) - timedelta(seconds=1), ["incomplete_in_window"]),
        (timedelta(hours=23), ["paid_tier_no_billing"]),
    ],
)
def test_a_first_payment_is_waited_for_23_hours(age: timedelta, codes: list[str]) -> None:
    row = stripe_sub(status=SubscriptionStatus.INCOMPLETE, created_at=NOW - age)
    observed = world("professional", row)
    told = codes_of(observed, BY_STRIPE)
    assert told == codes
    assert added(observed, BY_STRIPE).money["usd"].residual == 0


def test_a_first_payment_is_waited_for_where_the_organisation_has_nothing_yet() -> None:
    row = stripe_sub(status=SubscriptionStatus.INCOMPLETE, created_at=NOW)
    assert brief(decided(world("founders_friend", row), BY_STRIPE)) == [("incomplete_in_window", "wait", None)]


def test_a_subscription_given_up_before_it_was_paid_entitles_to_nothing() -> None:
    failed = stripe_sub(status=SubscriptionStatus.ABANDONED, end_reason=EndReason.PAYMENT_FAILED)
    (decision,) = decided(world("professional", failed), BY_STRIPE)
    assert (decision.drift.code, decision.decided) == (Code.NEVER_PAID_ENTITLED, Decided.FIX)
    assert decision.drift.fix is not None
    assert decision.drift.fix.arguments == {"plan_tier": "founders_friend"}
    assert "sub_1_professional is abandoned" in decision.drift.text
    by_hand = replace(failed, end_reason=EndReason.REQUESTED)
    assert codes_of(world("professional", by_hand), BY_STRIPE) == ["paid_tier_no_billing"]
    assert codes_of(world("enterprise", failed), BY_STRIPE) == ["paid_tier_no_billing"]
    older = stripe_sub(sub_id="old", status=SubscriptionStatus.ENDED, period_end=NOW - 9 * DAY)
    assert codes_of(world("professional", failed, older), BY_STRIPE) == ["ended_still_entitled"]
    assert brief(decided(world("professional", failed))) == [("never_paid_entitled", "flag", "proof")]


def test_a_later_beginning_says_when_as_far_as_that_is_known() -> None:
    pending = lago_sub(status=SubscriptionStatus.PENDING, started_at=None)
    for row, effective_at, words in (
        (replace(pending, started_at=NOW + DAY), NOW + DAY, "lagosub-1-professional begins at 2026-11-25 12:00 UTC."),
        (replace(pending, anchor_at=NOW + 2 * DAY), NOW + 2 * DAY, "begins at 2026-11-26 12:00 UTC."),
        (pending, None, "lagosub-1-professional begins."),
    ):
        (drift,) = drifts_of(world("professional", row), BY_LAGO)
        assert drift.effective_at == effective_at
        assert drift.text.endswith(words)


def test_what_is_paid_through_is_told_whole() -> None:
    over = stripe_sub(status=SubscriptionStatus.ENDED, period_end=NOW + DAY, amount=9000)
    (drift,) = drifts_of(world("professional", over), BY_STRIPE)
    assert (drift.code, drift.effective_at) == (Code.CANCELED_PAID_THROUGH, NOW + DAY)
    assert "is paid until 2026-11-25 12:00 UTC" in drift.text
    assert drift.due is not None
    assert (drift.due.tier, drift.due.status) == ("professional", "active")
    assert drift.money is not None
    assert drift.money.at_risk == 9000


def test_what_begins_later_for_no_more_than_what_lives_explains_nothing() -> None:
    rows = stripe_sub(), stripe_sub(sub_id="later", status=SubscriptionStatus.PENDING)
    assert codes_of(world("enterprise", *rows), BY_STRIPE) == ["tier_over"]

"""Which side grants a tier under each authority, and what is concluded where the sides differ or one is silent."""

from __future__ import annotations

from typing import Any

import pytest

from builders import (
    DAY,
    NOW,
    brief,
    codes_of,
    customers,
    decided,
    drifts_of,
    lago_customer,
    lago_sub,
    linked,
    observe_world,
    stripe_sub,
    terms,
    world,
)
from reconciler.model.billing import Source, Subscription, SubscriptionStatus
from reconciler.model.drift import Call, Code, Decided, State
from reconciler.model.terms import Authority, StatusTerms

ENDED = SubscriptionStatus.ENDED
OVER: dict[str, Any] = {"status": ENDED, "ended_at": NOW - 9 * DAY}


def ended(side: Source, tier: str = "professional") -> Subscription:
    if side is Source.LAGO:
        return lago_sub(1, tier, **OVER)
    return stripe_sub(1, tier, period_end=NOW - DAY, **OVER)


def paid_until(days: int, side: Source, tier: str = "professional") -> Subscription:
    if side is Source.LAGO:
        return lago_sub(1, tier, keeps_paid_period=True, anchor_at=NOW - (30 - days) * DAY, **OVER)
    return stripe_sub(1, tier, period_end=NOW + days * DAY, **OVER)


# one side grants


@pytest.mark.parametrize(("authority", "tier"), [(Authority.LAGO, "professional"), (Authority.STRIPE, "enterprise")])
def test_only_the_authority_grants(authority: Authority, tier: str) -> None:
    observed = world("starter", lago_sub(), stripe_sub(1, "enterprise", collected_automatically=False))
    (raised, *beside) = decided(observed, terms(authority))
    assert raised.drift.due is not None
    assert (raised.drift.code, raised.drift.due.tier, raised.decided) == (Code.TIER_UNDER, tier, Decided.FIX)
    assert {each.drift.code for each in beside} == ({Code.UNEXPECTED_SIDE} if authority is Authority.LAGO else set())


def test_an_organisation_may_have_an_authority_of_its_own() -> None:
    observed = observe_world(
        [linked(1, "starter"), linked(2, "starter")],
        *customers(1),
        *customers(2),
        *(stripe_sub(each, "enterprise") for each in (1, 2)),
        *(lago_sub(each, "professional") for each in (1, 2)),
    )
    by = terms(Authority.LAGO, authority_of={"org_2": Authority.STRIPE})
    due = {drift.org_id: drift.due.tier for drift in drifts_of(observed, by) if drift.due}
    assert due == {"org_1": "professional", "org_2": "enterprise"}


@pytest.mark.parametrize("tier", ["professional", "founders_friend"])
def test_a_subscription_on_the_other_side_alone_is_unexpected(tier: str) -> None:
    (decision,) = decided(world(tier, stripe_sub(amount=9000)), terms(Authority.LAGO))
    assert (decision.drift.code, decision.decided) == (Code.UNEXPECTED_SIDE, Decided.FLAG)
    assert decision.drift.money is not None
    assert decision.drift.money.at_risk == 9000


def test_an_unexpected_side_blocks_the_lowering_after_an_end() -> None:
    observed = world("professional", ended(Source.LAGO), stripe_sub(1, "starter"))
    assert codes_of(observed, terms(Authority.LAGO)) == ["unexpected_side"]


def test_a_side_that_does_not_grant_may_be_left_out() -> None:
    observed = observe_world([linked(1, "starter")], lago_customer(), lago_sub(), sides=[Source.LAGO])
    assert brief(decided(observed, terms(Authority.LAGO))) == [("tier_under", "fix", None)]
    over = observe_world([linked(1)], lago_customer(), ended(Source.LAGO), sides=[Source.LAGO])
    assert brief(decided(over, terms(Authority.LAGO))) == [("ended_still_entitled", "fix", None)]


@pytest.mark.parametrize("source", list(Source))
def test_an_end_on_the_granting_side_lowers_to_the_unpaid_tier(source: Source) -> None:
    (decision,) = decided(world("professional", ended(source)), terms(Authority(source.value)))
    assert (decision.drift.code, decision.decided) == (Code.ENDED_STILL_ENTITLED, Decided.FIX)
    assert decision.drift.fix is not None
    assert decision.drift.fix.arguments == {"plan_tier": "founders_friend"}
    assert decision.drift.fix.expects == {"plan_tier": "professional", "status": "active"}
    assert decision.drift.money is not None
    assert decision.drift.money.leak == 9900


def test_an_end_says_when_it_took_effect() -> None:
    (drift,) = drifts_of(world("professional", ended(Source.STRIPE)), terms(Authority.STRIPE))
    assert drift.effective_at == NOW - DAY


def test_of_several_ends_the_last_took_effect() -> None:
    older = stripe_sub(sub_id="older", period_end=NOW - 90 * DAY, **OVER)
    (drift,) = drifts_of(world("professional", older, ended(Source.STRIPE)), terms(Authority.STRIPE))
    assert drift.effective_at == NOW - DAY


# both sides grant


def test_both_sides_that_agree_raise_and_lower() -> None:
    rows = lago_sub(), stripe_sub()
    assert brief(decided(world("starter", *rows))) == [("tier_under", "fix", None)]
    assert brief(decided(world("enterprise", *rows))) == [("tier_over", "fix", None)]


@pytest.mark.parametrize("collects", list(Source))
@pytest.mark.parametrize("live", list(Source))
@pytest.mark.parametrize("tier", ["starter", "professional", "enterprise", "founders_friend"])
def test_one_side_alone_fixes_nothing_under_both(collects: Source, live: Source, tier: str) -> None:
    row = lago_sub(amount=9000) if live is Source.LAGO else stripe_sub(amount=9000)
    (decision,) = decided(world(tier, row), terms(collects=collects))
    assert (decision.drift.code, decision.decided) == (Code.SIDE_MISSING, Decided.FLAG)
    assert decision.drift.fix is None
    money = decision.drift.money
    assert money is not None
    had = {"starter": 4900, "professional": 9900, "enterprise": 49900, "founders_friend": 0}[tier]
    if live is collects:
        assert money.at_risk == 9000
        assert (money.leak, money.owed) == (max(0, had - 9900), max(0, 9900 - had))
    else:
        assert (money.at_risk, money.leak, money.owed) == (0, had, 0)


def test_a_missing_side_names_what_is_there_and_what_is_not() -> None:
    (drift,) = drifts_of(world("starter", lago_sub()))
    assert "professional on lago, nothing on stripe" in drift.text


@pytest.mark.parametrize(
    ("tier", "collects", "leak", "owed"),
    [
        ("starter", Source.STRIPE, 0, 45000),
        ("starter", Source.LAGO, 0, 5000),
        ("enterprise", Source.STRIPE, 0, 0),
        ("enterprise", Source.LAGO, 40000, 0),
    ],
)
def test_sides_that_disagree_are_priced_against_the_collecting_one(
    tier: str, collects: Source, leak: int, owed: int
) -> None:
    (decision,) = decided(world(tier, lago_sub(), stripe_sub(1, "enterprise")), terms(collects=collects))
    assert (decision.drift.code, decision.decided) == (Code.BILLING_DISAGREES, Decided.FLAG)
    assert decision.drift.fix is None
    assert decision.drift.money is not None
    assert (decision.drift.money.leak, decision.drift.money.owed) == (leak, owed)


def test_both_sides_must_have_ended_before_anything_is_taken() -> None:
    both = world("professional", ended(Source.LAGO), ended(Source.STRIPE))
    one = world("professional", ended(Source.STRIPE))
    assert brief(decided(both)) == [("ended_still_entitled", "fix", None)]
    assert brief(decided(one)) == [("ended_still_entitled", "flag", "proof")]


@pytest.mark.parametrize("source", list(Source))
def test_what_one_side_alone_is_still_paid_for_keeps_the_tier_under_both(source: Source) -> None:
    other = next(each for each in Source if each is not source)
    observed = world("professional", paid_until(2, source), ended(other))
    assert brief(decided(observed)) == [("canceled_paid_through", "wait", None)]


@pytest.mark.parametrize("source", list(Source))
@pytest.mark.parametrize(
    ("tier", "code"), [("founders_friend", "canceled_paid_through"), ("enterprise", "paid_tier_no_billing")]
)
def test_what_one_side_alone_is_still_paid_for_changes_no_tier_under_both(source: Source, tier: str, code: str) -> None:
    other = next(each for each in Source if each is not source)
    observed = world(tier, paid_until(2, source), ended(other))
    assert codes_of(observed) == [code]
    assert Decided.FIX not in {each.decided for each in decided(observed)}


def test_where_an_end_suspends_the_one_fix_is_the_status_by_the_same_proof() -> None:
    statuses = StatusTerms(unpaid_tier="founders_friend", ended="suspended")
    observed = observe_world(
        [linked(1, "professional")], *customers(), lago_sub(status=SubscriptionStatus.ENDED, ended_at=NOW - 9 * DAY)
    )
    (sure,) = decided(observed, terms(Authority.LAGO, statuses=statuses))
    assert sure.drift.fix is not None
    assert (sure.decided, sure.drift.fix.call, sure.drift.fix.arguments) == (
        Decided.FIX,
        Call.STATUS,
        {"status": "suspended"},
    )
    assert sure.drift.due == State(tier="founders_friend", status="suspended")
    (half,) = decided(observed, terms(Authority.BOTH, statuses=statuses))
    assert (half.decided, half.blocked_by) == (Decided.FLAG, "proof")


def test_what_ended_but_is_paid_for_on_both_sides_raises_nobody() -> None:
    for higher in ("professional", "enterprise"):
        observed = world("founders_friend", paid_until(2, Source.LAGO), paid_until(9, Source.STRIPE, higher))
        for authority in (Authority.BOTH, Authority.EITHER):
            assert brief(decided(observed, terms(authority))) == [("canceled_paid_through", "wait", None)]


def test_a_side_that_is_only_paid_for_lets_the_other_raise_nobody_under_both() -> None:
    observed = world("founders_friend", lago_sub(), paid_until(9, Source.STRIPE))
    assert codes_of(observed) == ["side_missing"]


def test_a_side_that_lives_decides_before_one_that_is_only_paid_for() -> None:
    for live, paid in ((lago_sub(), Source.STRIPE), (stripe_sub(), Source.LAGO)):
        for collects in Source:
            assert codes_of(world("professional", live, paid_until(9, paid)), terms(collects=collects)) == []


def test_of_two_sides_that_agree_the_collecting_one_says_since_when() -> None:
    rows = lago_sub(started_at=NOW - 5 * DAY), stripe_sub(started_at=NOW - 3 * DAY)
    since = [drifts_of(world("starter", *rows), terms(collects=source))[0].effective_at for source in Source]
    assert since == [NOW - 5 * DAY, NOW - 3 * DAY]


def test_a_side_whose_status_is_not_known_is_not_called_missing() -> None:
    unknown = stripe_sub(status=SubscriptionStatus.UNKNOWN)
    assert codes_of(world("professional", lago_sub(), unknown)) == ["status_unknown"]


def test_a_side_past_due_in_its_grace_is_not_called_missing() -> None:
    late = stripe_sub(status=SubscriptionStatus.PAST_DUE)
    assert codes_of(world("professional", lago_sub(), late)) == ["past_due_in_grace"]


def test_a_late_payment_on_the_side_that_does_not_collect_means_nothing() -> None:
    late = stripe_sub(status=SubscriptionStatus.PAST_DUE)
    assert codes_of(world("professional", lago_sub(), late), terms(collects=Source.LAGO)) == []


def test_a_side_that_entitles_to_nothing_is_missing() -> None:
    observed = world("professional", lago_sub(), stripe_sub(status=SubscriptionStatus.UNPAID))
    assert codes_of(observed) == ["side_missing"]


def test_a_late_payment_on_a_side_that_does_not_grant_leaves_the_finding() -> None:
    observed = world("founders_friend", stripe_sub(), stripe_sub(sub_id="b", status=SubscriptionStatus.PAST_DUE))
    assert codes_of(observed, terms(Authority.LAGO)) == ["duplicate_subscription", "unexpected_side"]


# either side grants


@pytest.mark.parametrize("row", [lago_sub(), stripe_sub()], ids=["lago", "stripe"])
def test_either_side_grants_alone(row: Subscription) -> None:
    by = terms(Authority.EITHER)
    assert brief(decided(world("starter", row), by)) == [("tier_under", "fix", None)]
    assert brief(decided(world("enterprise", row), by)) == [("tier_over", "fix", None)]
    assert codes_of(world("professional", row), by) == []


def test_either_side_that_differs_from_the_other_decides_nothing() -> None:
    observed = world("starter", lago_sub(), stripe_sub(1, "enterprise"))
    assert codes_of(observed, terms(Authority.EITHER)) == ["billing_disagrees"]


@pytest.mark.parametrize("source", list(Source))
def test_either_side_that_ended_lowers_where_the_other_never_was(source: Source) -> None:
    observed = world("professional", ended(source))
    assert brief(decided(observed, terms(Authority.EITHER))) == [("ended_still_entitled", "fix", None)]


def test_under_either_the_side_that_lives_decides_before_one_that_is_only_paid_for() -> None:
    observed = world("starter", lago_sub(1, "starter"), paid_until(9, Source.STRIPE, "enterprise"))
    assert codes_of(observed, terms(Authority.EITHER)) == []
    kept = world("enterprise", lago_sub(1, "starter"), paid_until(9, Source.STRIPE, "enterprise"))
    assert codes_of(kept, terms(Authority.EITHER)) == ["canceled_paid_through"]


# both sides take money


def test_two_sides_that_collect_by_themselves_bill_twice() -> None:
    rows = lago_sub(collected_automatically=True, amount=9000), stripe_sub()
    for authority in (Authority.LAGO, Authority.STRIPE, Authority.EITHER):
        decision = decided(world("professional", *rows), terms(authority))[0]
        assert (decision.drift.code, decision.decided) == (Code.DOUBLE_BILLED, Decided.FLAG)
        assert decision.drift.money is not None
        assert decision.drift.money.overbilled == 9000


def test_under_both_the_second_side_is_a_mirror() -> None:
    rows = lago_sub(collected_automatically=True), stripe_sub()
    assert codes_of(world("professional", *rows), terms()) == []


def test_sides_of_which_one_collects_nothing_bill_once() -> None:
    assert codes_of(world("professional", lago_sub(), stripe_sub()), terms(Authority.EITHER)) == []


def test_billing_twice_forbids_lowering_and_no_raising() -> None:
    rows = lago_sub(collected_automatically=True), stripe_sub()
    by = terms(Authority.EITHER)
    assert brief(decided(world("enterprise", *rows), by)) == [
        ("double_billed", "flag", None),
        ("tier_over", "flag", "double_billed"),
    ]
    assert brief(decided(world("starter", *rows), by)) == [("double_billed", "flag", None), ("tier_under", "fix", None)]


@pytest.mark.parametrize("amount", [None, 5000])
def test_what_is_billed_twice_is_unknown_where_an_amount_is(amount: int | None) -> None:
    currency = "usd" if amount is None else "eur"
    rows = lago_sub(collected_automatically=True, amount=amount, currency=currency), stripe_sub()
    (drift,) = drifts_of(world("professional", *rows), terms(Authority.STRIPE))
    assert drift.money is not None
    assert (drift.money.currency, drift.money.overbilled) == ("usd", None)


def test_a_higher_tier_paid_for_on_a_side_that_does_not_grant_is_told_beside_what_grants() -> None:
    sent = stripe_sub(1, "enterprise", collected_automatically=False)
    by_lago = terms(Authority.LAGO)
    assert brief(decided(world("professional", lago_sub(), sent), by_lago)) == [("unexpected_side", "flag", None)]
    assert brief(decided(world("enterprise", lago_sub(), sent), by_lago)) == [("tier_over", "flag", "proof")]
    for mirror in (stripe_sub(collected_automatically=False), stripe_sub(1, "enterprise", amount=0)):
        assert "unexpected_side" not in codes_of(world("professional", lago_sub(), mirror), by_lago)

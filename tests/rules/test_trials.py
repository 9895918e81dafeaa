"""What a trial grants, with and without a tier of its own, and what it is billed."""

from __future__ import annotations

from typing import Any

from builders import (
    brief,
    codes_of,
    customers,
    decided,
    drifts_of,
    judged,
    lago_sub,
    linked,
    observe_world,
    stripe_sub,
    terms,
    world,
)
from reconciler.model.billing import Subscription, SubscriptionStatus
from reconciler.model.drift import Code, Decided
from reconciler.model.terms import Authority, StatusTerms

BY_STRIPE = terms(Authority.STRIPE)


def trialing(tier: str, **changes: Any) -> Subscription:
    return stripe_sub(1, tier, status=SubscriptionStatus.TRIALING, **changes)


ON_TRIAL = terms(Authority.STRIPE, statuses=StatusTerms(unpaid_tier="founders_friend", trialing="trial"))


def test_a_trial_grants_the_tier_of_its_price_where_no_trial_tier_is_named() -> None:
    (drift,) = drifts_of(world("founders_friend", trialing("professional")), BY_STRIPE)
    assert drift.code is Code.PAID_NOT_REFLECTED
    assert drift.due is not None
    assert drift.due.tier == "professional"


def test_a_trial_grants_the_trial_tier_where_one_is_named() -> None:
    assert codes_of(world("trial", trialing("professional")), ON_TRIAL) == []
    assert brief(decided(world("founders_friend", trialing("professional")), ON_TRIAL)) == [("tier_under", "fix", None)]


def test_a_trial_lowers_to_the_trial_tier() -> None:
    (decision,) = decided(world("professional", trialing("professional")), ON_TRIAL)
    assert decision.drift.code is Code.TIER_OVER
    assert decision.decided is Decided.FIX
    assert decision.drift.fix is not None
    assert decision.drift.fix.arguments == {"plan_tier": "trial"}
    assert decision.drift.money is not None
    assert decision.drift.money.leak == 9900


def test_a_paid_subscription_counts_more_than_a_trial_of_a_higher_tier() -> None:
    rows = trialing("enterprise"), stripe_sub()
    assert codes_of(world("professional", *rows), ON_TRIAL) == ["duplicate_subscription"]
    assert codes_of(world("trial", *rows), ON_TRIAL) == ["duplicate_subscription", "paid_not_reflected"]


def test_a_trial_is_billed_nothing() -> None:
    (verdict,) = judged(world("professional", trialing("professional")), BY_STRIPE).verdicts
    assert verdict.books is not None
    assert (verdict.books.billed, verdict.books.due, verdict.books.variance) == (0, 9900, 9900)


def test_sides_that_differ_because_one_is_on_trial_disagree() -> None:
    by = terms(statuses=StatusTerms(unpaid_tier="founders_friend", trialing="trial"))
    assert codes_of(world("professional", trialing("professional"), lago_sub()), by) == ["billing_disagrees"]


def test_the_trial_of_a_suspended_organisation_is_no_payment() -> None:
    observed = observe_world([linked(1, status="suspended")], *customers(), trialing("professional"))
    assert codes_of(observed, ON_TRIAL) == []

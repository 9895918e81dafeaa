"""What is concluded where a subscription never began, ended or outlived its trial, at the edges."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from builders import (
    CATALOG,
    DAY,
    NOW,
    codes_of,
    customers,
    drifts_of,
    lago_customer,
    lago_sub,
    linked,
    observe_world,
    stripe_sub,
    terms,
    world,
)
from reconciler.model.billing import EndReason, SubscriptionStatus
from reconciler.model.drift import Drift
from reconciler.model.observation import Observation
from reconciler.model.terms import Authority, StatusTerms, Terms

BY_STRIPE = terms(Authority.STRIPE)
TRIALING, ABANDONED = SubscriptionStatus.TRIALING, SubscriptionStatus.ABANDONED
LAG = timedelta(hours=26)
FAILED: dict[str, Any] = {"status": ABANDONED, "end_reason": EndReason.PAYMENT_FAILED}


def told(observation: Observation, code: str, by: Terms = BY_STRIPE) -> list[Drift]:
    return [each for each in drifts_of(observation, by) if each.code == code]


def test_a_trial_that_gives_the_lowest_tier_keeps_the_status_all_the_same() -> None:
    by = terms(Authority.STRIPE, statuses=StatusTerms(unpaid_tier="founders_friend", trialing="founders_friend"))
    late = stripe_sub(sub_id="sub_a", status=SubscriptionStatus.UNPAID)
    on_trial = stripe_sub(1, "starter", sub_id="sub_b", status=TRIALING, trial_end=NOW + 5 * DAY)
    (alone,) = told(world("professional", late), "unpaid", by)
    (beside,) = told(world("professional", late, on_trial), "unpaid", by)
    assert alone.fix is not None
    assert beside.fix is None


def test_what_never_began_is_told_as_such_only_where_there_was_nothing_else() -> None:
    never = stripe_sub(**FAILED)
    assert codes_of(world("professional", never), BY_STRIPE) == ["never_paid_entitled"]
    free = stripe_sub(1, "founders_friend", sub_id="sub_free")
    ended = stripe_sub(1, "starter", sub_id="sub_old", status=SubscriptionStatus.ENDED, period_end=NOW - DAY)
    for other in (free, ended):
        assert "never_paid_entitled" not in codes_of(world("professional", never, other), BY_STRIPE)


@pytest.mark.parametrize("first_until", [NOW - DAY, NOW - 9 * DAY])
def test_of_two_that_ended_the_later_end_counts(first_until: datetime) -> None:
    ended: dict[str, Any] = {"status": SubscriptionStatus.ENDED}
    rows = (
        stripe_sub(sub_id="sub_a", period_end=first_until, **ended),
        stripe_sub(sub_id="sub_b", period_end=NOW - 5 * DAY, **ended),
    )
    (drift,) = told(world("professional", *rows), "ended_still_entitled")
    assert drift.effective_at == max(first_until, NOW - 5 * DAY)


@pytest.mark.parametrize(("end", "over"), [(NOW - LAG, True), (NOW - LAG + timedelta(seconds=1), False)])
def test_a_trial_is_overrun_once_its_end_is_as_old_as_a_source_may_lag(end: datetime, *, over: bool) -> None:
    row = stripe_sub(status=TRIALING, trial_end=end)
    assert ("trial_overrun" in codes_of(world("professional", row), BY_STRIPE)) is over


def test_a_trial_beside_what_is_past_its_trial_is_not_overrun() -> None:
    over = stripe_sub(1, "enterprise", sub_id="sub_a", status=TRIALING, trial_end=NOW - 9 * DAY)
    assert "trial_overrun" in codes_of(world("enterprise", over), BY_STRIPE)
    assert "trial_overrun" not in codes_of(world("enterprise", over, stripe_sub(1, "starter")), BY_STRIPE)


@pytest.mark.parametrize(("age", "over"), [(30 * DAY, True), (30 * DAY - timedelta(seconds=1), False)])
def test_the_trial_of_a_tier_is_over_on_its_last_day(age: timedelta, *, over: bool) -> None:
    tiers = {**CATALOG.tiers, "trial": replace(CATALOG.tiers["trial"], trial_days=30)}
    by = terms(Authority.STRIPE, catalog=replace(CATALOG, tiers=tiers))
    observed = observe_world([linked(1, "trial", created_at=NOW - age)], *customers())
    assert ("trial_overrun" in codes_of(observed, by)) is over


def test_a_tier_above_the_unpaid_one_is_never_lowered_to_one_that_costs_by_itself() -> None:
    tiers = {**CATALOG.tiers, "founders_friend": replace(CATALOG.tiers["founders_friend"], rank=9)}
    by = terms(Authority.STRIPE, catalog=replace(CATALOG, tiers=tiers))
    (drift,) = told(world("founders_friend", stripe_sub()), "tier_over", by)
    assert drift.stopped_by == "what it pays for ranks below the unpaid tier that it has"


def test_three_that_live_with_two_customers_tell_what_is_billed_twice_once() -> None:
    other = lago_customer(1, id="lago-other")
    rows = (
        lago_sub(sub_id="one"),
        lago_sub(sub_id="two"),
        lago_sub(sub_id="three", customer_id="lago-other"),
    )
    observed = observe_world([linked(1)], *customers(1), other, *rows)
    money = {each.code.value: each.money for each in drifts_of(observed, terms(Authority.LAGO))}
    duplicate, twice = money["duplicate_subscription"], money["duplicate_customer"]
    assert (duplicate and duplicate.overbilled, twice and twice.overbilled) == (0, 2 * 9900)


def test_what_is_foreign_on_both_sides_is_told_of_both() -> None:
    observed = world("founders_friend", lago_sub(livemode=False), stripe_sub(livemode=False))
    details = sorted(each.text for each in told(observed, "livemode_differs"))
    assert len(details) == 2
    assert "lagosub-1-professional on lago" in details[0] + details[1]
    assert "sub_1_professional on stripe" in details[0] + details[1]


def test_several_foreign_objects_of_one_side_are_told_in_order() -> None:
    rows = (stripe_sub(sub_id="sub_b", livemode=False), stripe_sub(sub_id="sub_a", livemode=False))
    (drift,) = told(world("founders_friend", *rows), "livemode_differs")
    assert "sub_a, sub_b on stripe" in drift.text


def test_an_organisation_of_its_own_customer_keeps_what_names_nobody() -> None:
    named = stripe_sub(sub_id="sub_a", org_key="org_1")
    ended = stripe_sub(sub_id="sub_b", status=SubscriptionStatus.ENDED, period_end=NOW - DAY)
    drift = drifts_of(world("starter", named, ended), BY_STRIPE)[0]
    assert [each["subscription"] for each in drift.evidence["stripe"]["ended"]] == ["sub_b"]

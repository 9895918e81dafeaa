"""One organisation, its tier and what is live for it."""

from __future__ import annotations

from builders import (
    DAY,
    NOW,
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
)
from reconciler.model.billing import EndReason, Source, SubscriptionStatus
from reconciler.model.drift import Code, Decided
from reconciler.model.terms import Authority

BOTH_CUSTOMERS = customers()


def test_agreement_gives_nothing() -> None:
    world = observe_world([linked()], *BOTH_CUSTOMERS, lago_sub(), stripe_sub())
    assert codes_of(world) == []


def test_a_payer_on_the_unpaid_tier_is_raised() -> None:
    world = observe_world([linked(1, "founders_friend")], *BOTH_CUSTOMERS, lago_sub(), stripe_sub())
    (decision,) = decided(world)
    assert decision.drift.code is Code.PAID_NOT_REFLECTED
    assert decision.decided is Decided.FIX
    assert decision.drift.fix is not None
    assert decision.drift.fix.arguments == {"plan_tier": "professional"}
    assert decision.drift.money is not None
    assert decision.drift.money.owed == 9900


def test_a_payer_on_a_lower_tier_is_raised() -> None:
    world = observe_world([linked(1, "starter")], *BOTH_CUSTOMERS, lago_sub(), stripe_sub())
    (drift,) = drifts_of(world)
    assert drift.code is Code.TIER_UNDER
    assert drift.money is not None
    assert drift.money.owed == 5000


def test_whoever_pays_for_less_is_lowered() -> None:
    world = observe_world([linked(1, "enterprise")], *BOTH_CUSTOMERS, lago_sub(), stripe_sub())
    (decision,) = decided(world)
    assert decision.drift.code is Code.TIER_OVER
    assert decision.decided is Decided.FIX
    assert decision.drift.money is not None
    assert decision.drift.money.leak == 40000


def test_two_sides_that_differ_are_never_decided() -> None:
    world = observe_world([linked(1, "starter")], *BOTH_CUSTOMERS, lago_sub(), stripe_sub(1, "enterprise"))
    (decision,) = decided(world)
    assert decision.drift.code is Code.BILLING_DISAGREES
    assert decision.decided is Decided.FLAG
    assert decision.drift.fix is None


def test_one_side_alone_is_flagged_under_both() -> None:
    world = observe_world([linked(1, "founders_friend")], *BOTH_CUSTOMERS, lago_sub())
    assert codes_of(world) == ["side_missing"]


def test_an_ended_subscription_lowers_when_it_is_paid_no_longer() -> None:
    ended = SubscriptionStatus.ENDED
    world = observe_world(
        [linked()],
        *BOTH_CUSTOMERS,
        lago_sub(status=ended, ended_at=NOW - 3 * DAY),
        stripe_sub(status=ended, ended_at=NOW - 3 * DAY, period_end=NOW - DAY),
    )
    (decision,) = decided(world)
    assert decision.drift.code is Code.ENDED_STILL_ENTITLED
    assert decision.decided is Decided.FIX
    assert decision.drift.fix is not None
    assert decision.drift.fix.arguments == {"plan_tier": "founders_friend"}


def test_a_canceled_subscription_keeps_its_tier_until_it_is_paid() -> None:
    ended = SubscriptionStatus.ENDED
    world = observe_world(
        [linked()],
        *BOTH_CUSTOMERS,
        lago_sub(status=ended, ended_at=NOW - 3 * DAY),
        stripe_sub(status=ended, ended_at=NOW - 3 * DAY, period_end=NOW + DAY),
    )
    (decision,) = decided(world)
    assert decision.drift.code is Code.CANCELED_PAID_THROUGH
    assert decision.decided is Decided.WAIT


def test_a_renewal_that_failed_is_not_paid_through() -> None:
    world = observe_world(
        [linked()],
        *BOTH_CUSTOMERS,
        stripe_sub(
            status=SubscriptionStatus.ENDED,
            yearly=True,
            end_reason=EndReason.PAYMENT_FAILED,
            period_start=NOW - 30 * DAY,
            period_end=NOW + 335 * DAY,
        ),
    )
    assert codes_of(world, terms(Authority.STRIPE)) == ["ended_still_entitled"]


def test_a_paid_tier_without_any_billing_is_flagged_not_lowered() -> None:
    world = observe_world([linked()], *BOTH_CUSTOMERS)
    (decision,) = decided(world)
    assert decision.drift.code is Code.PAID_TIER_NO_BILLING
    assert decision.decided is Decided.FLAG


def test_an_unmapped_plan_keeps_what_the_organisation_has() -> None:
    world = observe_world([linked(1, "founders_friend")], *BOTH_CUSTOMERS, stripe_sub(price="price_secret_deal"))
    (decision,) = decided(world, terms(Authority.STRIPE))
    assert decision.drift.code is Code.TIER_UNRESOLVABLE
    assert decision.decided is Decided.HOLD


def test_nothing_is_concluded_from_a_side_that_was_not_read_whole() -> None:
    world = observe_world([linked()], *BOTH_CUSTOMERS, lago_sub(), incomplete=[Source.STRIPE])
    (decision,) = decided(world)
    assert decision.drift.code is Code.SNAPSHOT_INCOMPLETE
    assert decision.decided is Decided.HOLD
    assert decision.drift.money is None


def test_a_raise_goes_on_from_rows_seen_in_an_incomplete_read() -> None:
    world = observe_world([linked(1, "starter")], *BOTH_CUSTOMERS, lago_sub(), stripe_sub(), incomplete=[Source.STRIPE])
    (decision,) = decided(world)
    assert decision.drift.code is Code.TIER_UNDER
    assert decision.decided is Decided.FIX


def test_a_payer_with_a_dead_and_a_live_subscription_is_never_lowered() -> None:
    world = observe_world(
        [linked()],
        *BOTH_CUSTOMERS,
        stripe_sub(sub_id="sub_old", status=SubscriptionStatus.ENDED, period_end=NOW - 90 * DAY),
        stripe_sub(sub_id="sub_new"),
    )
    assert codes_of(world, terms(Authority.STRIPE)) == []


def test_duplicates_forbid_lowering_but_not_raising() -> None:
    rows = (lago_sub(sub_id="a"), lago_sub(sub_id="b", tier="starter"))
    lowered = decided(observe_world([linked(1, "enterprise")], *BOTH_CUSTOMERS, *rows), terms(Authority.LAGO))
    raised = decided(observe_world([linked(1, "founders_friend")], *BOTH_CUSTOMERS, *rows), terms(Authority.LAGO))
    assert [(each.drift.code.value, each.decided.value, each.blocked_by) for each in lowered] == [
        ("duplicate_subscription", "flag", None),
        ("tier_over", "flag", "duplicate_subscription"),
    ]
    assert [(each.drift.code.value, each.decided.value) for each in raised] == [
        ("duplicate_subscription", "flag"),
        ("paid_not_reflected", "fix"),
    ]
    assert [each.drift.money.overbilled for each in lowered if each.drift.money] == [4900, 0]


def test_a_lowering_is_stopped_by_a_side_that_still_grants_more() -> None:
    world = observe_world([linked(1, "enterprise")], *BOTH_CUSTOMERS, lago_sub(), stripe_sub(1, "enterprise"))
    decisions = decided(world, terms(Authority.LAGO))
    assert [(each.drift.code.value, each.blocked_by) for each in decisions] == [("tier_over", "proof")]


def test_the_tie_out_row_of_a_judged_organisation_balances() -> None:
    world = observe_world([linked(1, "enterprise")], *BOTH_CUSTOMERS, lago_sub(), stripe_sub(amount=9000))
    (verdict,) = judged(world).verdicts
    books = verdict.books
    assert books is not None
    assert (books.billed, books.due, books.had, books.variance, books.leak) == (9000, 9900, 49900, 900, 40000)

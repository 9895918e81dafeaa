"""Who pays in an unusual way keeps what it has, and no two runs over the same facts undo each other's writes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from builders import (
    CATALOG,
    DAY,
    NOW,
    added,
    brief,
    codes_of,
    customers,
    decided,
    invoice,
    judged,
    lago_sub,
    linked,
    observe_world,
    org,
    planned,
    stripe_sub,
    terms,
    world,
)
from reconciler.model.acts import Contract
from reconciler.model.billing import CollectionPause, Source, Subscription, SubscriptionStatus
from reconciler.model.catalog import Tier
from reconciler.model.drift import Decided, Direction
from reconciler.model.history import History
from reconciler.model.observation import Observation
from reconciler.model.terms import Authority, StatusTerms, Terms
from reconciler.rules.wanted import wanted_of

BY_STRIPE = terms(Authority.STRIPE)
ENDED, LATE = SubscriptionStatus.ENDED, SubscriptionStatus.PAST_DUE
OURS = History(own_status={"org_1": "suspended"})
OWED = invoice(Source.STRIPE, due_since=NOW - 30 * DAY, subscription_ids=("sub_1_professional",))

AGREED = Contract(
    id="c_1",
    org_id="org_1",
    tier="professional",
    amount_minor=8000,
    currency="usd",
    start=date(2026, 1, 1),
    approver="Ann",
    reference="2026-17",
)


# a status that was taken


def test_a_status_taken_under_both_is_not_given_back_while_the_mirror_alone_is_healthy() -> None:
    held = lago_sub(), stripe_sub(status=LATE), OWED
    assert brief(decided(world("professional", *held))) == [("past_due_beyond_grace", "fix", None)]
    assert codes_of(world("professional", *held, status="suspended", history=OURS)) == []
    paid = world("professional", lago_sub(), stripe_sub(), status="suspended", history=OURS)
    assert brief(decided(paid)) == [("suspended_but_paying", "fix", None)]


@pytest.mark.parametrize(
    ("authority", "rows", "reason"),
    [
        (Authority.BOTH, (stripe_sub(),), "both sides must be live and agree"),
        (Authority.BOTH, (stripe_sub(), lago_sub(1, "starter")), "the live sides differ"),
        (Authority.EITHER, (stripe_sub(), lago_sub(1, "starter")), "the live sides differ"),
    ],
    ids=["both, one side", "both differ", "either differs"],
)
def test_a_status_is_given_back_by_a_person_where_the_sides_do_not_agree(
    authority: Authority, rows: tuple[Subscription, ...], reason: str
) -> None:
    (decision,) = decided(world("professional", *rows, status="suspended", history=OURS), terms(authority))
    assert (decision.decided.value, decision.blocked_by, decision.reason) == ("flag", "proof", reason)


# what is late beyond its grace


@pytest.mark.parametrize("tier", ["founders_friend", "starter"])
def test_what_is_late_beyond_its_grace_gives_nothing_more(tier: str) -> None:
    codes = codes_of(world(tier, stripe_sub(status=LATE), OWED), BY_STRIPE)
    assert codes == ["past_due_beyond_grace"]


def test_a_healthy_subscription_beside_a_late_one_still_gives_more() -> None:
    held = stripe_sub(status=LATE), stripe_sub(sub_id="healthy"), OWED
    assert "tier_under" in codes_of(world("starter", *held), BY_STRIPE)


HIGHER_LATE = (
    stripe_sub(1, "enterprise", status=LATE),
    replace(OWED, subscription_ids=("sub_1_enterprise",)),
    stripe_sub(),
)


def raises(observed: Observation, by: Terms) -> list[str]:
    """The tiers that organisations are raised to."""
    fixes = [each.fix for each in planned(observed, by).fixes if each.fix.direction is Direction.RAISE]
    return [fix.arguments["plan_tier"] for fix in fixes]


@pytest.mark.parametrize(("tier", "given"), [("founders_friend", 1), ("starter", 1), ("professional", 0)])
def test_beside_what_is_late_beyond_its_grace_the_lower_one_that_is_paid_gives_its_own_tier(
    tier: str, given: int
) -> None:
    assert raises(world(tier, *HIGHER_LATE), BY_STRIPE) == ["professional"] * given


def test_under_both_the_tier_that_the_sides_agree_on_is_not_given_where_it_is_late_beyond_its_grace() -> None:
    by = terms(Authority.BOTH, collects=Source.STRIPE)
    observed = world("starter", *HIGHER_LATE, lago_sub(1, "enterprise"))
    assert raises(observed, by) == []
    assert "past_due_beyond_grace" in codes_of(observed, by)
    paid_twice = stripe_sub(1, "enterprise", sub_id="paid")
    assert raises(world("starter", *HIGHER_LATE, paid_twice, lago_sub(1, "enterprise")), by) == ["enterprise"]


def test_of_two_sides_the_one_that_is_paid_for_decides() -> None:
    held = lago_sub(1, "enterprise", amount=0), lago_sub(), stripe_sub(1, "enterprise")
    assert raises(world("starter", *held), terms(Authority.EITHER)) == ["enterprise"]


def test_who_has_an_unpaid_tier_loses_no_status_for_a_late_payment() -> None:
    observed = world("founders_friend", stripe_sub(status=LATE), OWED)
    assert brief(decided(observed, BY_STRIPE)) == [("past_due_beyond_grace", "flag", None)]


def test_who_is_just_paying_anew_loses_no_status() -> None:
    anew = stripe_sub(sub_id="anew", status=SubscriptionStatus.INCOMPLETE, created_at=NOW - DAY / 24)
    (decision,) = decided(world("professional", stripe_sub(status=LATE), anew, OWED), BY_STRIPE)
    assert (decision.blocked_by, decision.reason) == ("proof", "the first payment of anew is open")


def test_of_two_subscriptions_the_lapsed_one_is_billed_in_no_column() -> None:
    held = stripe_sub(status=LATE), stripe_sub(sub_id="healthy"), OWED
    money = added(world("professional", *held), BY_STRIPE).money["usd"]
    assert (money.billed, money.overbilled, money.residual) == (9900, 0, 0)


# what ended and is paid for


def unmapped(**changes: Any) -> Subscription:
    base = stripe_sub(sub_id="new", price="price_of_next_year", status=ENDED, ended_at=NOW - DAY)
    return replace(base, **changes)


OLD = stripe_sub(sub_id="old", status=ENDED, ended_at=NOW - 100 * DAY, period_end=NOW - 90 * DAY)


@pytest.mark.parametrize(("beside", "code"), [(OLD, "ended_still_entitled"), (stripe_sub(1, "starter"), "tier_over")])
def test_who_has_paid_ahead_for_what_is_not_in_the_catalog_is_not_lowered(beside: Subscription, code: str) -> None:
    (decision,) = decided(world("professional", unmapped(), beside), BY_STRIPE)
    assert (decision.drift.code.value, decision.blocked_by) == (code, "proof")
    assert "price_of_next_year" in decision.reason


@pytest.mark.parametrize("items", [unmapped().items, ()], ids=["used up", "no items"])
def test_what_ended_and_is_used_up_keeps_nothing(items: Any) -> None:
    used_up = tuple(replace(item, period_end=NOW - DAY / 2) for item in items)
    observed = world("professional", unmapped(items=used_up), OLD)
    assert brief(decided(observed, BY_STRIPE)) == [("ended_still_entitled", "fix", None)]


def without_ended(observed: Observation) -> Observation:
    sides = {source: replace(side, ended_of=frozenset()) for source, side in observed.snapshots.items()}
    return replace(observed, snapshots=sides)


def test_nobody_is_lowered_to_what_lives_before_what_ended_was_read() -> None:
    observed = without_ended(world("enterprise", stripe_sub()))
    assert codes_of(observed, BY_STRIPE) == ["snapshot_incomplete"]
    assert codes_of(without_ended(world("starter", stripe_sub())), BY_STRIPE) == ["tier_under"]


def test_what_ended_is_asked_for_where_only_something_at_no_price_grants_the_tier() -> None:
    observed = without_ended(world("enterprise", stripe_sub(1, "enterprise", quantity=0), stripe_sub()))
    wanted = wanted_of(observed.store.orgs, observed.snapshots, BY_STRIPE)
    assert wanted[Source.STRIPE].ended_of == {"cus_1"}
    trial = stripe_sub(1, "enterprise", status=SubscriptionStatus.TRIALING)
    on_trial = without_ended(world("enterprise", trial))
    assert not wanted_of(on_trial.store.orgs, on_trial.snapshots, BY_STRIPE)[Source.STRIPE]


def test_who_moved_to_the_other_side_and_is_paid_through_on_the_first_leaks_nothing() -> None:
    held = stripe_sub(1, "enterprise", status=ENDED, ended_at=NOW - DAY), lago_sub(1, "starter")
    observed = world("enterprise", *held)
    assert codes_of(observed, terms(Authority.EITHER)) == ["canceled_paid_through"]
    money = added(observed, terms(Authority.EITHER)).money["usd"]
    assert (money.leak, money.billed, money.variance, money.residual) == (0, 4900, 45000, 0)


# who is not lowered, flagged or ended by mistake


def test_a_flag_sets_no_status_where_something_unknown_may_be_what_it_pays_for() -> None:
    statuses = StatusTerms(
        unpaid_tier="founders_friend", flagged="suspended", flagged_codes=frozenset({"paid_tier_no_billing"})
    )
    by = terms(Authority.LAGO, statuses=statuses)
    for row in (stripe_sub(price="price_of_next_year"), stripe_sub(status=SubscriptionStatus.UNKNOWN)):
        assert brief(decided(world("professional", row), by)) == [("paid_tier_no_billing", "flag", "proof")]


def test_a_deleted_organisation_is_not_billed_by_what_its_successor_pays() -> None:
    former = org(2, status="deleted", stripe_id="cus_1")
    observed = observe_world([linked(1), former], *customers(), stripe_sub())
    assert codes_of(observed, BY_STRIPE) == []


def test_who_pays_for_less_than_an_unpaid_tier_of_higher_rank_gives_is_not_lowered() -> None:
    partner = Tier(name="partner", rank=9, paid=False)
    by = terms(Authority.STRIPE, catalog=replace(CATALOG, tiers={**CATALOG.tiers, "partner": partner}))
    assert brief(decided(world("partner", stripe_sub(1, "starter")), by)) == [("tier_over", "flag", "proof")]


def test_what_is_billed_for_a_quantity_of_none_leaks_the_tier() -> None:
    observed = world("professional", stripe_sub(quantity=0))
    assert codes_of(observed, BY_STRIPE) == ["zero_amount_live"]
    assert added(observed, BY_STRIPE).money["usd"].leak == 9900


def test_what_a_suspended_organisation_is_billed_past_its_end_is_told_and_ties_out() -> None:
    missed = world("professional", stripe_sub(cancel_at=NOW - 3 * DAY), status="suspended")
    assert codes_of(missed, BY_STRIPE) == ["schedule_missed", "suspended_but_paying"]
    money = added(missed, BY_STRIPE).money["usd"]
    assert (money.billed, money.overbilled, money.owed, money.residual) == (9900, 9900, 9900, 0)


def test_who_has_a_contract_is_not_left_suspended_in_silence() -> None:
    held = stripe_sub(status=LATE), OWED
    for history, decision in ((History(), "flag"), (OURS, "fix")):
        agreed = replace(history, contracts=(AGREED,))
        observed = world("professional", *held, status="suspended", history=agreed)
        assert brief(decided(observed, BY_STRIPE)) == [("suspended_but_paying", decision, None)]
        assert "contract c_1" in decided(observed, BY_STRIPE)[0].drift.text
        money = added(observed, BY_STRIPE).money["usd"]
        assert (money.billed, money.owed, money.residual) == (8000, 9900, 0)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (stripe_sub(1, "enterprise", amount=0), "zero_amount_live"),
        (stripe_sub(1, "enterprise", collection_pause=CollectionPause()), "collection_paused"),
        (HIGHER_LATE[0], "past_due_beyond_grace"),
    ],
)
def test_a_contract_is_not_taken_for_more_than_it_says_because_of_what_is_not_paid_for(
    row: Subscription, code: str
) -> None:
    history = History(contracts=(AGREED,))
    held = row, HIGHER_LATE[1]
    assert raises(world("starter", *held, history=history), BY_STRIPE) == ["professional"]
    assert raises(world("professional", *held, history=history), BY_STRIPE) == []
    observed = world("enterprise", *held, history=history)
    (decision,) = decided(observed, BY_STRIPE)
    assert (decision.decided, decision.drift.code.value) == (Decided.FLAG, code)
    assert added(observed, BY_STRIPE).money["usd"].residual == 0


def test_a_contract_for_an_unknown_tier_does_not_say_why_a_subscription_bills_nothing() -> None:
    history = History(contracts=(replace(AGREED, tier="platinum"),))
    assert raises(world("starter", stripe_sub(amount=0), history=history), BY_STRIPE) == []
    observed = world("professional", stripe_sub(amount=0), history=history)
    assert codes_of(observed, BY_STRIPE) == ["zero_amount_live"]
    assert added(observed, BY_STRIPE).money["usd"].residual == 0


def test_what_is_paid_ahead_is_told_of_an_organisation_on_an_unpaid_tier() -> None:
    paid_ahead = stripe_sub(status=ENDED, period_end=NOW + 200 * DAY)
    observed = world("founders_friend", paid_ahead)
    assert brief(decided(observed, BY_STRIPE)) == [("canceled_paid_through", "wait", None)]
    assert added(observed, BY_STRIPE).money["usd"].residual == 0
    assert codes_of(world("founders_friend", stripe_sub(status=ENDED, period_end=NOW - DAY)), BY_STRIPE) == []
    # A new subscription in its place settles what it had.
    assert codes_of(world("starter", paid_ahead, stripe_sub(1, "starter")), BY_STRIPE) == []


# whose payments nobody would notice


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (stripe_sub(price="price_of_next_year"), [("tier_unresolvable", "hold", None)]),
        (stripe_sub(price="price_seats"), []),
    ],
    ids=["unmapped", "another product"],
)
def test_who_is_suspended_and_pays_for_something_unmapped_is_told(
    row: Subscription, told: list[tuple[str, str, str | None]]
) -> None:
    observed = world("professional", row, status="suspended", history=OURS)
    assert brief(decided(observed, BY_STRIPE)) == told
    assert [each for each in added(observed, BY_STRIPE).money.values() if each.residual] == []


def test_a_suspended_payer_is_told_as_one_whatever_unmapped_stands_beside() -> None:
    held = stripe_sub(), lago_sub(1, "of_next_year")
    observed = world("professional", *held, status="suspended")
    assert codes_of(observed, terms(Authority.EITHER)) == ["suspended_but_paying"]


def test_a_deleted_organisation_that_is_billed_for_something_unmapped_is_told() -> None:
    strange = stripe_sub(price="price_of_next_year", sub_id="strange")
    (alone,) = judged(world("professional", strange, status="deleted"), BY_STRIPE).drifts
    assert (alone.code.value, alone.money and alone.money.overbilled) == ("deleted_still_billed", None)
    (both,) = judged(world("professional", strange, stripe_sub(), status="deleted"), BY_STRIPE).drifts
    assert "sub_1_professional, strange" in both.text
    assert both.money is not None
    assert (both.money.currency, both.money.overbilled) == ("usd", None)
    former = org(2, status="deleted", stripe_id="cus_1")
    successor = observe_world([linked(1), former], *customers(), stripe_sub(), strange)
    assert "deleted_still_billed" not in codes_of(successor, BY_STRIPE)


AHEAD = stripe_sub(sub_id="ahead", status=ENDED, ended_at=NOW - DAY)


@pytest.mark.parametrize("authority", [Authority.STRIPE, Authority.BOTH, Authority.EITHER])
def test_what_ended_at_no_price_is_owed_to_no_suspended_organisation(authority: Authority) -> None:
    at_no_price = replace(AHEAD, items=tuple(replace(item, unit_amount=0) for item in AHEAD.items))
    for row, owed in ((at_no_price, 0), (AHEAD, 9900)):
        money = added(world("professional", row, status="suspended"), terms(authority)).money["usd"]
        assert (money.owed, money.residual) == (owed, 0)


@pytest.mark.parametrize("beside", [stripe_sub(amount=0), stripe_sub(status=LATE)], ids=["at no price", "late"])
def test_under_both_who_paid_ahead_is_told_while_suspended_whatever_is_not_paid_beside(beside: Subscription) -> None:
    observed = world("professional", AHEAD, beside, lago_sub(), status="suspended")
    by = terms(Authority.BOTH, collects=Source.STRIPE)
    assert codes_of(observed, by) == ["suspended_but_paying"]
    money = added(observed, by).money["usd"]
    assert (money.owed, money.residual) == (9900, 0)

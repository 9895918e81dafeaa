"""Tiers agreed outside billing, what is in flight, whose word a tier is, and the one status that a flag may set."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from builders import (
    DAY,
    FIX_ALL,
    NOW,
    added,
    brief,
    codes_of,
    customers,
    decided,
    drifts_of,
    lago_sub,
    linked,
    observe_world,
    stripe_sub,
    terms,
    world,
)
from reconciler.model.acts import Contract
from reconciler.model.billing import Source, Subscription, SubscriptionStatus
from reconciler.model.drift import Call, Code, Decided, Direction
from reconciler.model.history import DoneFix, History, OrgState, Sighting, SubscriptionState, TierChange
from reconciler.model.money import Interval, Period
from reconciler.model.observation import Observation
from reconciler.model.orgs import Org
from reconciler.model.terms import Authority, StatusTerms
from reconciler.rules.changes import subscription_digest

BY_STRIPE, BY_LAGO = terms(Authority.STRIPE), terms(Authority.LAGO)


def contract(tier: str = "professional", **changes: Any) -> Contract:
    base = Contract(
        id="c_1",
        org_id="org_1",
        tier=tier,
        amount_minor=8000,
        currency="usd",
        start=date(2026, 1, 1),
        approver="Ann",
        reference="2026-17",
    )
    return replace(base, **changes)


def agreed(tier: str, *rows: Subscription, by: Contract | None = None, **changes: Any) -> Observation:
    return world(tier, *rows, history=History(contracts=(by or contract(),)), **changes)


# contracts


@pytest.mark.parametrize("authority", list(Authority))
def test_a_contract_grants_by_itself(authority: Authority) -> None:
    assert brief(decided(agreed("professional"), terms(authority))) == [("contract_ok", "ok", None)]
    (decision,) = decided(agreed("founders_friend"), terms(authority))
    assert (decision.drift.code, decision.decided) == (Code.PAID_NOT_REFLECTED, Decided.FIX)
    assert decision.drift.effective_at == datetime(2025, 12, 31, 10, 0, tzinfo=UTC)


def test_what_a_contract_bills_is_its_own_amount_in_the_books() -> None:
    quarterly = contract(amount_minor=24000, period=Period(interval=Interval.QUARTER))
    money = added(agreed("professional", by=quarterly), BY_STRIPE).money["usd"]
    assert (money.billed, money.variance, money.had, money.residual) == (8000, 1900, 9900, 0)
    (drift,) = drifts_of(agreed("professional"), BY_STRIPE)
    assert drift.money is not None
    assert drift.money.variance == 1900
    assert "c_1 for professional, until it is ended" in drift.text


@pytest.mark.parametrize(
    ("live", "has", "codes"),
    [
        ("starter", "professional", ["contract_ok"]),
        ("starter", "starter", ["tier_under"]),
        ("enterprise", "professional", ["tier_under"]),
        ("enterprise", "enterprise", []),
        ("professional", "professional", ["contract_ok"]),
    ],
)
def test_beside_a_live_subscription_the_higher_of_the_two_is_due(live: str, has: str, codes: list[str]) -> None:
    assert codes_of(agreed(has, stripe_sub(1, live)), BY_STRIPE) == codes
    assert added(agreed(has, stripe_sub(1, live)), BY_STRIPE).money["usd"].residual == 0


@pytest.mark.parametrize("rows", [(), (stripe_sub(1, "starter"),)], ids=["alone", "beside a lower subscription"])
def test_nobody_under_a_contract_is_lowered_without_a_person(rows: tuple[Subscription, ...]) -> None:
    (decision,) = decided(agreed("enterprise", *rows), BY_STRIPE)
    assert (decision.drift.code, decision.decided, decision.blocked_by) == (Code.TIER_OVER, Decided.FLAG, "proof")
    assert decision.reason == "its contract c_1 is in force, and a person decides what it is worth"
    assert decision.drift.due is not None
    assert decision.drift.due.tier == "professional"


def test_a_contract_for_an_unknown_tier_lowers_nobody() -> None:
    (decision,) = decided(agreed("enterprise", stripe_sub(), by=contract("platinum")), BY_STRIPE)
    assert (decision.blocked_by, decision.reason) == (
        "proof",
        "its contract c_1 is for platinum, which is not in the catalog",
    )


def test_a_contract_needs_no_side_to_be_read_whole_and_a_lowering_to_it_does() -> None:
    assert codes_of(agreed("professional", incomplete=tuple(Source))) == ["contract_ok"]
    assert codes_of(agreed("enterprise", incomplete=tuple(Source))) == ["snapshot_incomplete"]


def test_a_contract_settles_sides_that_differ_or_are_missing_below_it() -> None:
    by = contract("enterprise")
    assert codes_of(agreed("enterprise", lago_sub(), stripe_sub(1, "starter"), by=by)) == ["contract_ok"]
    assert codes_of(agreed("enterprise", lago_sub(), by=by)) == ["contract_ok"]
    assert codes_of(agreed("starter", lago_sub(), stripe_sub(1, "enterprise"))) == ["billing_disagrees"]


@pytest.mark.parametrize(
    ("now", "codes"),
    [
        (datetime(2025, 12, 31, 9, 59, tzinfo=UTC), ["paid_tier_no_billing"]),
        (datetime(2025, 12, 31, 10, 0, tzinfo=UTC), ["contract_ok"]),
        (datetime(2026, 7, 1, 11, 59, tzinfo=UTC), ["contract_ok"]),
        (datetime(2026, 7, 1, 12, 0, tzinfo=UTC), ["contract_expired"]),
    ],
)
def test_a_contract_begins_where_its_day_begins_first_and_ends_where_it_ends_last(
    now: datetime, codes: list[str]
) -> None:
    observed = agreed("professional", by=contract(end=date(2026, 6, 30)), as_of=now)
    assert codes_of(observed, BY_STRIPE) == codes


def test_a_contract_until_the_last_day_of_time_is_in_force() -> None:
    assert codes_of(agreed("professional", by=contract(end=date.max)), BY_STRIPE) == ["contract_ok"]


def test_what_an_expired_contract_granted_leaks_and_a_person_decides() -> None:
    over = contract(end=date(2026, 6, 30))
    (decision,) = decided(agreed("professional", by=over), BY_STRIPE)
    assert (decision.drift.id, decision.decided) == ("contract_expired:org_1:c_1", Decided.FLAG)
    assert decision.drift.money is not None
    assert decision.drift.money.leak == 9900
    assert decision.drift.effective_at == datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    assert "c_1 for professional, until 2026-06-30" in decision.drift.text


def test_an_expired_contract_takes_nothing_from_who_pays_for_as_much() -> None:
    over = contract(end=date(2026, 6, 30))
    assert codes_of(agreed("professional", stripe_sub(), by=over), BY_STRIPE) == []
    assert codes_of(agreed("professional", stripe_sub(1, "starter"), by=over), BY_STRIPE) == ["contract_expired"]
    assert codes_of(agreed("enterprise", stripe_sub(), by=over), BY_STRIPE) == ["tier_over"]


def test_a_contract_says_why_nothing_is_billed_and_keeps_the_status() -> None:
    assert codes_of(agreed("professional", stripe_sub(amount=0)), BY_STRIPE) == ["contract_ok"]


# in flight


def seen(*rows: Subscription, org: Org | None = None, at: datetime | None = None, **changes: Any) -> History:
    """What the last complete run recorded; `at`: since when."""
    known = org or linked(1, "enterprise")
    state = OrgState(tier=known.tier, status=known.status, lago_id=known.lago_id, stripe_id=known.stripe_id, since=None)
    return History(
        orgs={"org_1": replace(state, **changes)},
        subscriptions={row.id: SubscriptionState(digest=subscription_digest(row), since=at) for row in rows},
    )


SETTLING = terms(Authority.STRIPE, settle_lower=DAY)
ROW = stripe_sub()


def test_what_changed_within_the_settle_time_is_waited_for() -> None:
    young = world("enterprise", ROW, history=seen(ROW, at=NOW - DAY + timedelta(seconds=1)))
    old = world("enterprise", ROW, history=seen(ROW, at=NOW - DAY))
    assert brief(decided(young, SETTLING)) == [("in_flight", "wait", None), ("tier_over", "wait", "in_flight")]
    assert brief(decided(old, SETTLING)) == [("tier_over", "fix", None)]
    assert added(young, SETTLING).waiting == 1
    assert added(young, SETTLING).money["usd"].residual == 0


def test_what_is_waited_for_confirms_its_fix_meanwhile() -> None:
    _, over = decided(world("enterprise", ROW, history=seen(ROW, at=NOW)), SETTLING)
    assert over.confirms != ""
    assert over.drift.fix is not None


@pytest.mark.parametrize(
    "history",
    [
        seen(stripe_sub(amount=1)),
        seen(stripe_sub(sub_id="another")),
        seen(ROW, org=linked(1, "starter")),
        seen(ROW, status="suspended"),
        seen(ROW, lago_id="other"),
        seen(ROW, stripe_id=None),
        replace(seen(ROW), orgs={"org_2": seen(ROW).orgs["org_1"]}),
    ],
    ids=["digest", "new subscription", "tier", "status", "lago id", "stripe id", "new organisation"],
)
def test_everything_that_differs_from_the_last_complete_run_has_changed(history: History) -> None:
    assert codes_of(world("enterprise", ROW, history=history), SETTLING) == ["in_flight", "tier_over"]


def test_nothing_has_changed_in_the_first_complete_run_or_where_nothing_differs() -> None:
    for history in (None, seen(ROW), History(population=1)):
        assert codes_of(world("enterprise", ROW, history=history), SETTLING) == ["tier_over"]


def test_an_end_is_a_change_where_it_was_live_or_ended_a_short_while_ago() -> None:
    over = stripe_sub(status=SubscriptionStatus.ENDED, period_end=NOW - DAY / 2, ended_at=NOW - DAY / 2)
    old = replace(over, ended_at=NOW - 3 * DAY)
    professional = linked(1, "professional")
    for row, history, codes in (
        (over, seen(org=professional), ["in_flight", "ended_still_entitled"]),
        (over, seen(stripe_sub(sub_id="other"), org=professional), ["in_flight", "ended_still_entitled"]),
        (old, seen(stripe_sub(sub_id="other"), org=professional), ["ended_still_entitled"]),
        (old, seen(old, org=professional), ["in_flight", "ended_still_entitled"]),
    ):
        assert codes_of(world("professional", row, history=history), SETTLING) == codes


def test_a_raise_waits_for_its_own_settle_time_only() -> None:
    history = seen(ROW, org=linked(1, "starter"), at=NOW - timedelta(minutes=5))
    observed = world("starter", ROW, history=history)
    assert brief(decided(observed, SETTLING)) == [("tier_under", "fix", None)]
    slow = replace(SETTLING, settle_raise=timedelta(minutes=6))
    assert brief(decided(observed, slow)) == [("in_flight", "wait", None), ("tier_under", "wait", "in_flight")]


def test_flags_of_the_tier_wait_too_and_those_of_identity_do_not() -> None:
    rows = stripe_sub(sub_id="a"), stripe_sub(sub_id="b", tier="starter"), lago_sub(1, "starter")
    history = seen(*rows, org=linked(1, "professional"), at=NOW)
    observed = world("professional", *rows, history=history)
    assert brief(decided(observed, terms(settle_lower=DAY))) == [
        ("duplicate_subscription", "flag", None),
        ("in_flight", "wait", None),
        ("billing_disagrees", "wait", None),
    ]


def test_an_upgrade_caught_in_the_middle_is_never_fixed_and_settles_by_itself() -> None:
    before, after = stripe_sub(1, "starter"), lago_sub(1, "professional")
    history = seen(before, lago_sub(1, "starter"), org=linked(1, "starter"))
    middle = world("starter", before, after, history=history)
    assert {each.decided for each in decided(middle, terms(settle_lower=DAY))} == {Decided.WAIT}
    done = world("starter", stripe_sub(1, "professional"), after, history=history)
    assert brief(decided(done, terms(settle_lower=DAY))) == [("tier_under", "fix", None)]


# whose word it is


def change(**said: Any) -> History:
    base = TierChange(
        before="professional", after="founders_friend", seen_at=NOW - DAY, our_own=False, before_our_own=False
    )
    return History(tier_changes={"org_1": replace(base, **said)})


def test_a_paid_tier_that_a_person_took_away_is_flagged_and_raised_by_nobody() -> None:
    (decision,) = decided(world("founders_friend", ROW, history=change()), BY_STRIPE)
    assert (decision.drift.code, decision.decided) == (Code.FREE_TIER_PAYING, Decided.FLAG)
    assert "it had professional before 2026-11-23 12:00 UTC" in decision.drift.text
    assert decision.drift.money is not None
    assert decision.drift.money.owed == 9900


@pytest.mark.parametrize(
    "said",
    [{"our_own": True}, {"before_our_own": True}, {"before": "trial"}, {"after": "trial"}, {"before": "unheard of"}],
    ids=["we lowered it", "we had raised it", "it was unpaid", "it has another since", "no tier"],
)
def test_everything_else_is_raised_again(said: dict[str, Any]) -> None:
    assert codes_of(world("founders_friend", ROW, history=change(**said)), BY_STRIPE) == ["paid_not_reflected"]


def test_a_paid_tier_taken_away_since_the_last_run_is_flagged_at_once() -> None:
    history = seen(ROW, org=linked(1, "professional"))
    assert codes_of(world("founders_friend", ROW, history=history), BY_STRIPE) == ["free_tier_paying"]


def test_a_tier_that_we_wrote_since_the_last_run_is_no_person_s_word() -> None:
    ended = stripe_sub(status=SubscriptionStatus.ENDED, period_end=NOW - DAY)
    (lowering,) = decided(world("professional", ended), BY_STRIPE)
    assert lowering.drift.fix is not None
    done = (DoneFix(key=lowering.drift.fix.key, direction=Direction.LOWER, at=NOW - DAY / 24),)
    history = replace(seen(ROW, org=linked(1, "professional")), done=done)
    assert codes_of(world("founders_friend", ROW, history=history), BY_STRIPE) == ["paid_not_reflected"]


# the status of a flag

FLAGGING = terms(
    Authority.STRIPE,
    statuses=StatusTerms(
        unpaid_tier="founders_friend", flagged="suspended", flagged_codes=frozenset({"paid_tier_no_billing"})
    ),
)


def test_a_flag_sets_the_status_where_it_may() -> None:
    (decision,) = decided(world("professional"), FLAGGING)
    assert (decision.drift.code, decision.decided) == (Code.PAID_TIER_NO_BILLING, Decided.FIX)
    fix = decision.drift.fix
    assert fix is not None
    assert (fix.call, fix.arguments, fix.direction) == (Call.STATUS, {"status": "suspended"}, Direction.LOWER)
    assert fix.expects == {"plan_tier": "professional", "status": "active"}
    assert decision.drift.due is not None
    assert decision.drift.due.status == "suspended"


@pytest.mark.parametrize(
    ("tier", "rows"),
    [
        ("professional", (lago_sub(),)),
        ("enterprise", (stripe_sub(),)),
        ("professional", (stripe_sub(status=SubscriptionStatus.PAUSED),)),
    ],
    ids=["pays elsewhere", "pays for less", "another code"],
)
def test_a_flag_sets_no_status_of_a_payer_or_for_another_code(tier: str, rows: tuple[Subscription, ...]) -> None:
    for decision in decided(world(tier, *rows), FLAGGING):
        assert decision.drift.fix is None or decision.drift.fix.call is not Call.STATUS


def test_a_flag_sets_no_status_from_an_incomplete_run() -> None:
    (decision,) = decided(world("professional", incomplete=[Source.LAGO]), FLAGGING)
    assert (decision.blocked_by, decision.reason) == ("proof", "the run is not complete")


def test_a_flag_sets_no_status_that_a_person_took_back() -> None:
    (first,) = decided(world("professional"), FLAGGING)
    assert first.drift.fix is not None
    history = History(fixed_at={first.drift.fix.key: (NOW - 2 * DAY,)})
    assert brief(decided(world("professional", history=history), FLAGGING)) == [("paid_tier_no_billing", "flag", None)]


@pytest.mark.parametrize(("ours", "decided_as"), [("suspended", "flag"), ("active", "fix")])
def test_a_status_that_a_person_took_back_long_ago_is_not_set_again_but_one_that_we_took_back_is(
    ours: str, decided_as: str
) -> None:
    (decision,) = decided(world("professional", history=History(status_set={"org_1": ours})), FLAGGING)
    assert decision.decided == decided_as


OURS = History(
    own_status={"org_1": "suspended"},
    open_drifts={"paid_tier_no_billing:org_1": Sighting(first_seen=NOW - 9 * DAY, runs_seen=9)},
)


def flagged(tier: str, *rows: Subscription, history: History = OURS) -> Observation:
    return observe_world([linked(1, tier, status="suspended")], *customers(), *rows, history=history)


def test_a_flag_whose_status_was_set_stays_until_it_is_gone() -> None:
    (decision,) = decided(flagged("professional"), FLAGGING)
    assert (decision.drift.id, decision.decided) == ("paid_tier_no_billing:org_1", Decided.FLAG)
    assert decision.drift.fix is None


def test_the_status_of_a_flag_is_taken_back_when_the_drift_is_gone() -> None:
    (decision,) = decided(flagged("founders_friend"), FLAGGING)
    assert (decision.drift.id, decision.decided) == ("paid_tier_no_billing:org_1", Decided.FIX)
    fix = decision.drift.fix
    assert fix is not None
    assert (fix.arguments, fix.direction, fix.drift_id) == (
        {"status": "active"},
        Direction.RAISE,
        "paid_tier_no_billing:org_1",
    )
    assert decision.drift.text == (
        "What paid_tier_no_billing was flagged for is gone: the status suspended, which was set for it, is taken back."
    )


def test_the_status_of_a_flag_is_taken_back_once_it_pays() -> None:
    assert brief(decided(flagged("professional", stripe_sub()), FLAGGING)) == [("suspended_but_paying", "fix", None)]


def test_a_status_that_somebody_else_set_is_left_alone() -> None:
    theirs = replace(OURS, own_status={})
    assert codes_of(flagged("founders_friend", history=theirs), FLAGGING) == []
    assert codes_of(flagged("founders_friend", history=replace(OURS, open_drifts={})), FLAGGING) == []


def test_nothing_is_set_where_no_status_is_named() -> None:
    assert brief(decided(world("professional"), BY_STRIPE, FIX_ALL)) == [("paid_tier_no_billing", "flag", None)]


def test_a_status_that_was_set_for_a_flag_is_told_as_that_while_something_unmapped_lives() -> None:
    assert codes_of(flagged("professional", stripe_sub(price="price_of_next_year")), FLAGGING) == [
        "paid_tier_no_billing"
    ]

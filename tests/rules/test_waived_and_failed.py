"""What a person's waiver and earlier failures change about a decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from builders import (
    DAY,
    EVERYTHING,
    FIX_ALL,
    NOW,
    brief,
    customers,
    decided,
    drifts_of,
    judged,
    lago_sub,
    linked,
    observe_world,
    stripe_sub,
)
from reconciler.model.acts import Waiver
from reconciler.model.drift import Code, Decided, Decision
from reconciler.model.history import Failures, History
from reconciler.model.observation import Observation
from reconciler.model.terms import CodePolicy, Do
from reconciler.rules.decide import explain_decisions
from reconciler.rules.stops import next_try
from reconciler.rules.totals import add_up


def over(history: History | None = None) -> Observation:
    """One organisation above what it pays for on both sides."""
    return observe_world([linked(1, "enterprise")], *customers(), lago_sub(), stripe_sub(), history=history)


def under(history: History | None = None) -> Observation:
    return observe_world([linked(1, "starter")], *customers(), lago_sub(), stripe_sub(), history=history)


def doubled(history: History | None = None, tier: str = "enterprise") -> Observation:
    rows = lago_sub(), stripe_sub(), stripe_sub(sub_id="b")
    return observe_world([linked(1, tier)], *customers(), *rows, history=history)


def waiver(observation: Observation, drift_id: str, until: datetime = NOW + DAY) -> Waiver:
    (drift,) = (each for each in drifts_of(observation) if each.id == drift_id)
    return Waiver(drift_id=drift_id, pinned=drift.values, until=until, by="Ann", reason="agreed", at=NOW - DAY)


def waived(said: Waiver) -> History:
    return History(waivers={said.drift_id: said})


def one(observation: Observation, drift_id: str) -> Decision:
    (decision,) = (each for each in decided(observation) if each.drift.id == drift_id)
    return decision


# waivers


def test_a_waived_drift_is_never_fixed_and_says_by_whom_until_when_and_why() -> None:
    decision = one(over(waived(waiver(over(), "tier_over:org_1"))), "tier_over:org_1")
    assert (decision.decided, decision.blocked_by, decision.waived_until) == (Decided.WAIT, "waiver", NOW + DAY)
    assert (decision.needs_approval, decision.confirms) == (False, "")
    assert decision.reason == "waived by Ann until 2026-11-25 12:00 UTC: agreed"


def test_a_waived_raise_is_not_written_either() -> None:
    assert one(under(waived(waiver(under(), "tier_under:org_1"))), "tier_under:org_1").decided is Decided.WAIT


def test_an_organisation_whose_every_drift_is_waived_is_counted_as_waived() -> None:
    observed = over(waived(waiver(over(), "tier_over:org_1")))
    totals = add_up(judged(observed), decided(observed))
    assert (totals.waived, totals.drift, totals.waiting, totals.in_sync) == (1, 0, 0, 0)


def test_drift_beside_a_waived_one_outweighs_it() -> None:
    said = waiver(doubled(), "duplicate_subscription:org_1:stripe")
    observed = doubled(waived(said))
    totals = add_up(judged(observed), decided(observed))
    assert (totals.waived, totals.drift) == (0, 1)


def test_a_waived_drift_keeps_its_veto() -> None:
    said = waiver(doubled(), "duplicate_subscription:org_1:stripe")
    assert brief(decided(doubled(waived(said)))) == [
        ("duplicate_subscription", "wait", None),
        ("tier_over", "flag", "duplicate_subscription"),
    ]


def test_a_waiver_of_another_drift_stops_lowering_and_not_raising() -> None:
    link = "link_missing:org_1:stripe"
    rows = lago_sub(), stripe_sub()

    def world(tier: str, history: History | None = None) -> Observation:
        return observe_world([linked(1, tier, stripe_id=None)], *customers(), *rows, history=history)

    lowering = decided(world("enterprise", waived(waiver(world("enterprise"), link))))
    raising = decided(world("starter", waived(waiver(world("starter"), link))))
    assert brief(lowering) == [("tier_over", "flag", "waiver"), ("link_missing", "wait", "waiver")]
    assert brief(raising) == [("tier_under", "fix", None), ("link_missing", "wait", "waiver")]


def test_another_value_than_the_pinned_reopens_the_drift_and_is_said() -> None:
    plain = waiver(over(), "tier_over:org_1")
    said = replace(plain, pinned={**plain.pinned, "money.leak": "1", "has.tier": "professional"})
    decision = one(over(waived(said)), "tier_over:org_1")
    assert (decision.decided, decision.waived_until) == (Decided.FIX, None)
    assert decision.reason.endswith(
        "the waiver by Ann until 2026-11-25 12:00 UTC was for other values: has.tier professional, now enterprise, "
        "money.leak 1, now 40000"
    )


def test_a_value_that_is_new_reopens_the_drift_too() -> None:
    said = waiver(over(), "tier_over:org_1")
    fewer = replace(said, pinned={name: value for name, value in said.pinned.items() if name != "money.leak"})
    assert "money.leak none, now 40000" in one(over(waived(fewer)), "tier_over:org_1").reason


@pytest.mark.parametrize(("until", "is_waived"), [(NOW, False), (NOW + timedelta(seconds=1), True)])
def test_a_waiver_ends_at_its_very_moment(until: datetime, *, is_waived: bool) -> None:
    decision = one(over(waived(waiver(over(), "tier_over:org_1", until))), "tier_over:org_1")
    assert (decision.waived_until is not None) is is_waived
    assert ("is over" in decision.reason) is not is_waived


def test_what_is_held_cannot_be_waived() -> None:
    def unknown(history: History | None = None) -> Observation:
        return observe_world([linked(1, "platinum")], *customers(), lago_sub(), stripe_sub(), history=history)

    decision = one(unknown(waived(waiver(unknown(), "tier_unresolvable:org_1"))), "tier_unresolvable:org_1")
    assert (decision.decided, decision.waived_until) == (Decided.HOLD, None)
    assert "nothing was concluded that could be accepted" in decision.reason


def test_policy_that_hides_a_row_comes_before_a_waiver() -> None:
    observed = over(waived(waiver(over(), "tier_over:org_1")))
    quiet = replace(FIX_ALL, codes={"tier_over": CodePolicy(do=Do.IGNORE, reason="known")})
    (decision,) = decided(observed, policy=quiet)
    assert (decision.decided, decision.waived_until) == (Decided.IGNORE, None)


# backoff


def failed(count: int, ago: timedelta) -> History:
    (decision,) = decided(under())
    assert decision.drift.fix is not None
    failures = Failures(count=count, last_at=NOW - ago, error="the disk is full")
    return History(failures={decision.drift.fix.key: failures})


@pytest.mark.parametrize(
    ("count", "minutes"), [(1, 5), (2, 15), (3, 45), (4, 135), (5, 405), (6, 1215), (7, 1440), (99, 1440)]
)
def test_each_failure_makes_the_wait_three_times_longer_up_to_a_day(count: int, minutes: int) -> None:
    wait = timedelta(minutes=minutes)
    assert next_try(Failures(count=count, last_at=NOW, error="")) == NOW + wait
    early = one(under(failed(count, wait - timedelta(seconds=1))), "tier_under:org_1")
    due = one(under(failed(count, wait)), "tier_under:org_1")
    assert [(each.decided, each.blocked_by) for each in (early, due)] == [
        (Decided.FLAG, "backoff"),
        (Decided.FIX, None),
    ]


def test_a_fix_that_waits_after_failures_says_how_it_failed_and_needs_no_approval() -> None:
    decision = one(under(failed(2, timedelta(minutes=1))), "tier_under:org_1")
    assert decision.reason == (
        "failed 2 times in a row, the last at 2026-11-24 11:59 UTC (the disk is full); it is tried again from "
        "2026-11-24 12:14 UTC on"
    )
    assert (decision.needs_approval, decision.confirms != "") == (False, True)


def test_a_first_failure_is_said_as_one() -> None:
    assert one(under(failed(1, timedelta(minutes=1))), "tier_under:org_1").reason.startswith(
        "failed at 2026-11-24 11:59 UTC (the disk is full)"
    )


def test_policy_that_flags_does_not_make_a_failed_fix_approvable() -> None:
    policy = replace(FIX_ALL, raising=Do.FLAG)
    (decision,) = decided(under(failed(1, timedelta(minutes=1))), policy=policy)
    assert (decision.blocked_by, decision.needs_approval) == ("backoff", False)


@pytest.mark.parametrize(("count", "told"), [(4, False), (5, True)])
def test_a_fix_that_failed_five_times_is_told_and_lowers_no_more(count: int, *, told: bool) -> None:
    (lowering,) = decided(over())
    assert lowering.drift.fix is not None
    failures = Failures(count=count, last_at=NOW - 2 * DAY, error="the disk is full")
    after = decided(over(History(failures={lowering.drift.fix.key: failures})))
    assert brief(after) == (
        [("fix_failed", "flag", None), ("tier_over", "flag", "fix_failed")] if told else [("tier_over", "fix", None)]
    )
    if told:
        assert "tier_over:org_1, 5 times in a row, the last at 2026-11-22 12:00 UTC (the disk is full)" in (
            after[0].drift.text
        )


def test_a_raise_that_failed_five_times_is_told_and_still_tried_once_a_day() -> None:
    assert brief(decided(under(failed(5, DAY)))) == [("fix_failed", "flag", None), ("tier_under", "fix", None)]


# what somebody else undoes


@pytest.mark.parametrize(("times", "told"), [(2, False), (3, True)])
def test_a_fix_that_was_undone_three_times_is_written_no_more(times: int, *, told: bool) -> None:
    (raising,) = decided(under())
    assert raising.drift.fix is not None
    written = tuple(NOW - (3 - day) * DAY for day in range(times))
    after = decided(under(History(fixed_at={raising.drift.fix.key: written})))
    assert brief(after) == (
        [("fix_not_sticking", "flag", None), ("tier_under", "flag", "fix_not_sticking")]
        if told
        else [("tier_under", "fix", None)]
    )
    if told:
        assert (
            "plan_tier professional was written at 2026-11-21 12:00 UTC, 2026-11-22 12:00 UTC, 2026-11-23 12:00 UTC"
            in (after[0].drift.text)
        )


def test_two_links_that_do_not_last_are_two_drifts() -> None:
    unlinked = linked(1, lago_id=None, stripe_id=None)
    rows = *customers(), lago_sub(), stripe_sub()
    keys = [drift.fix.key for drift in drifts_of(observe_world([unlinked], *rows)) if drift.fix is not None]
    history = History(fixed_at=dict.fromkeys(keys, (NOW - DAY,) * 3))
    drifts = drifts_of(observe_world([unlinked], *rows, history=history))
    assert [drift.id for drift in drifts if drift.code is Code.FIX_NOT_STICKING] == [
        "fix_not_sticking:org_1:link_missing:org_1:lago",
        "fix_not_sticking:org_1:link_missing:org_1:stripe",
    ]


# every rule that was tried


def test_each_rule_is_told_in_its_order_with_what_it_said() -> None:
    observed = over()
    ((decision, tried),) = explain_decisions(judged(observed), observed, replace(FIX_ALL, confirm_runs=2), EVERYTHING)
    assert decision.blocked_by == "confirm_runs"
    assert [(each.rule, each.stops) for each in tried] == [
        ("proof", False),
        ("beside", False),
        ("waiver", False),
        ("partial", False),
        ("confirm_runs", True),
        ("settle_lower", False),
        ("backoff", False),
        ("policy.codes.tier_over", False),
        ("policy.lower", False),
        ("policy.mode", False),
    ]
    assert tried[4].words == "seen in 1 of the 2 complete runs in a row that it needs"


def test_a_raise_is_tried_by_fewer_rules_and_a_drift_without_a_fix_by_none() -> None:
    observed = under()
    ((_, tried),) = explain_decisions(judged(observed), observed, FIX_ALL, EVERYTHING)
    assert [each.rule for each in tried] == [
        "proof",
        "beside",
        "settle_raise",
        "backoff",
        "policy.codes.tier_under",
        "policy.raise",
        "policy.mode",
    ]
    nothing = observe_world([linked(1)], *customers())
    ((_, none),) = explain_decisions(judged(nothing), nothing, FIX_ALL, EVERYTHING)
    assert none == ()

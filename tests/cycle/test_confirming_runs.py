"""Lowering needs its very fix seen again and again: the code alone confirms nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from builders import FIX_ALL, WIDE, lago_sub, stripe_sub
from cycle.cycle_support import Works, billed, linked, works
from reconciler.model.drift import Decision
from reconciler.model.run import RunMode
from reconciler.model.terms import Do, Policy
from reconciler.rules.decide import Scope

HOUR = timedelta(hours=1)
TWICE = replace(FIX_ALL, confirm_runs=2)
A_DAY = replace(FIX_ALL, settle_lower=24 * HOUR)
DUPLICATE = stripe_sub(1, sub_id="sub_again")


def over(policy: Policy = TWICE) -> Works:
    """One organisation with a tier above what both sides say."""
    limits = replace(WIDE, max_population_drop_ratio=Decimal(1))
    return works([linked(1, "enterprise")], *billed(1), policy=policy, limits=limits)


def hour_later(made: Works, mode: RunMode = RunMode.FIX) -> Decision:
    made.clock.at += HOUR
    return next(each for each in made.run(mode).decisions if each.drift.fix is not None)


def under_a_veto(policy: Policy) -> Works:
    """Two days of hourly runs that a duplicate subscription vetoed, and then the duplicate is gone."""
    made = over(policy)
    made.stripe.snapshot = replace(made.stripe.snapshot, subscriptions=(*made.stripe.snapshot.subscriptions, DUPLICATE))
    for _ in range(48):
        assert hour_later(made).blocked_by == "duplicate_subscription"
    made.stripe.snapshot = replace(made.stripe.snapshot, subscriptions=made.stripe.snapshot.subscriptions[:-1])
    return made


def test_runs_under_a_veto_confirm_nothing() -> None:
    made = under_a_veto(TWICE)
    assert hour_later(made).blocked_by == "confirm_runs"
    assert hour_later(made).blocked_by is None


def test_the_time_under_a_veto_settles_nothing() -> None:
    made = under_a_veto(A_DAY)
    decision = hour_later(made)
    assert (decision.blocked_by, decision.runs_seen) == ("settle_lower", 49)


def test_runs_that_would_have_lowered_to_another_tier_confirm_nothing() -> None:
    made = over(A_DAY)
    for _ in range(25):
        made.line = replace(made.line, policy=replace(A_DAY, lowering=Do.FLAG))
        hour_later(made)
    made.lago.snapshot = replace(made.lago.snapshot, subscriptions=(lago_sub(1, "starter"),))
    made.stripe.snapshot = replace(made.stripe.snapshot, subscriptions=(stripe_sub(1, "starter"),))
    made.line = replace(made.line, policy=A_DAY)
    assert hour_later(made).blocked_by == "settle_lower"
    made.line = replace(made.line, policy=TWICE)
    assert hour_later(made).blocked_by is None


def test_runs_under_another_configuration_confirm_nothing() -> None:
    made = over()
    assert hour_later(made).blocked_by == "confirm_runs"
    made.line = replace(made.line, config_sha256="1" * 64)
    assert hour_later(made).blocked_by == "confirm_runs"
    assert hour_later(made).blocked_by is None


def test_a_configuration_that_came_back_begins_anew() -> None:
    made = over()
    first = made.line
    hour_later(made)
    made.line = replace(made.line, config_sha256="1" * 64)
    hour_later(made)
    made.line = first
    assert hour_later(made).blocked_by == "confirm_runs"


@pytest.mark.parametrize("mode", [RunMode.DRY_RUN, RunMode.FLAG])
def test_runs_that_only_policy_keeps_from_writing_confirm(mode: RunMode) -> None:
    made = over()
    if mode is RunMode.FLAG:
        made.line = replace(made.line, policy=replace(TWICE, lowering=Do.FLAG, confirm_runs=1))
    hour_later(made, mode)
    made.line = replace(made.line, policy=TWICE)
    assert hour_later(made).blocked_by is None


def test_a_partial_run_neither_confirms_nor_breaks_the_row() -> None:
    made = over()
    hour_later(made)
    made.run(scope=Scope(org_ids=frozenset({"org_2"})))
    assert hour_later(made).blocked_by is None


def test_a_raise_settles_from_when_its_very_fix_was_first_seen() -> None:
    made = works([linked(1, "founders_friend")], *billed(1), policy=replace(FIX_ALL, settle_raise=2 * HOUR))
    assert [hour_later(made).blocked_by for _ in range(2)] == ["settle_raise"] * 2
    made.lago.snapshot = replace(made.lago.snapshot, subscriptions=(lago_sub(1, "starter"),))
    made.stripe.snapshot = replace(made.stripe.snapshot, subscriptions=(stripe_sub(1, "starter"),))
    assert [hour_later(made).blocked_by for _ in range(3)] == ["settle_raise", "settle_raise", None]

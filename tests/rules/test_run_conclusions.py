"""The word and the exit code that a run ends with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builders import (
    EVERYTHING,
    FIX_ALL,
    NOW,
    customers,
    decided,
    lago_customer,
    linked,
    observe_world,
    org,
    planned,
    stripe_sub,
    terms,
)
from reconciler.model.billing import Source, SubscriptionStatus
from reconciler.model.observation import Observation
from reconciler.model.run import Outcome, OutcomeResult, Plan, RunResult
from reconciler.model.terms import Authority, CodePolicy, Do, Limits, Mode
from reconciler.rules.conclude import conclude
from reconciler.rules.totals import remains

BY_STRIPE = terms(Authority.STRIPE)


def outcome_of(plan: Plan, result: OutcomeResult) -> Outcome:
    return Outcome(fix=plan.fixes[0].fix, result=result, at=NOW)


UNDER = observe_world([linked(1, "starter")], *customers(), stripe_sub())
IN_SYNC = observe_world([linked(1)], *customers(), stripe_sub())


def ends(observation: Observation, *results: OutcomeResult, **changes: Any) -> tuple[RunResult, int]:
    plan = changes.pop("plan", planned(observation, BY_STRIPE))
    outcomes = [outcome_of(planned(observation, BY_STRIPE), result) for result in results]
    said = {"refused": False, "complete": True, "decisions": decided(observation, BY_STRIPE), **changes}
    return conclude(plan=plan, outcomes=outcomes, **said)


def test_nothing_left_to_do_is_clean() -> None:
    assert ends(IN_SYNC) == (RunResult.CLEAN, 0)
    assert ends(UNDER, OutcomeResult.FIXED) == (RunResult.CLEAN, 0)


def test_what_was_not_mended_is_drift() -> None:
    assert ends(UNDER) == (RunResult.DRIFT, 2)
    assert ends(UNDER, OutcomeResult.STALE) == (RunResult.DRIFT, 2)


@pytest.mark.parametrize(("result", "code"), [(OutcomeResult.FAILED, 5), (OutcomeResult.SKIPPED, 4)])
def test_a_fix_that_failed_or_whose_source_went_away_outweighs_drift(result: OutcomeResult, code: int) -> None:
    assert ends(UNDER, result)[1] == code


def test_a_source_that_was_not_read_whole_outweighs_a_failed_fix() -> None:
    assert ends(UNDER, OutcomeResult.FAILED, complete=False) == (RunResult.INCOMPLETE, 4)


def test_a_refusal_outweighs_everything_that_was_judged() -> None:
    refused = planned(UNDER, BY_STRIPE, limits=replace(Limits(), max_raise_count=0))
    assert ends(UNDER, complete=False, plan=refused) == (RunResult.REFUSED, 3)
    assert ends(IN_SYNC, complete=False, refused=True) == (RunResult.REFUSED, 3)


def test_waiting_and_hidden_rows_leave_nothing_to_do() -> None:
    waiting = observe_world([linked(1)], *customers(), stripe_sub(status=SubscriptionStatus.ENDED))
    hidden = replace(FIX_ALL, codes={"tier_under": CodePolicy(do=Do.IGNORE, reason="known")})
    assert not remains(decided(waiting, BY_STRIPE), frozenset())
    assert not remains(decided(UNDER, BY_STRIPE, hidden), frozenset())


def test_held_and_flagged_rows_and_fixes_that_wait_for_approval_are_left_to_do() -> None:
    held = observe_world([linked(1, "platinum")], *customers())
    flagged = observe_world([linked(1)], *customers())
    waiting = decided(UNDER, BY_STRIPE, replace(FIX_ALL, mode=Mode.FLAG))
    assert remains(decided(held, BY_STRIPE), frozenset())
    assert remains(decided(flagged, BY_STRIPE), frozenset())
    assert remains(waiting, frozenset())


def test_a_complete_run_needs_every_configured_source() -> None:
    whole = observe_world([org(1)], lago_customer())
    assert whole.complete
    assert not observe_world([org(1)], incomplete=[Source.LAGO]).complete
    assert observe_world([org(1)], sides=[Source.STRIPE]).complete
    assert EVERYTHING.partial is False

"""Two judgements of what should be the same facts, compared drift by drift."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model.drift import Code, Decided, Decision
from reconciler.rules.compare_runs import differences
from run_builders import decision, drift, fix, run_record


def compared(then: Sequence[Decision], now: Sequence[Decision], *, partial: bool = False) -> tuple[str, ...]:
    return differences(run_record(decisions=then, partial=partial), run_record(decisions=now))


def written(**arguments: str) -> Decision:
    return decision(drift(fix=fix(arguments=arguments)), Decided.FIX)


def test_the_same_decisions_do_not_differ() -> None:
    both = [decision(), decision(drift("org_2"), Decided.HOLD, blocked_by="proof"), written(plan_tier="starter")]
    assert compared(both, both) == ()


def test_a_drift_that_only_one_has_is_told_with_what_was_decided_in_the_order_of_the_ids() -> None:
    told = compared([decision(drift("org_2"))], [decision(drift("org_1"), Decided.WAIT, blocked_by="waiver")])
    assert told == ("tier_over:org_1: wait by waiver, only now", "tier_over:org_2: flag, only then")


def test_what_was_decided_otherwise_is_told_with_both() -> None:
    then = [decision(drift("org_1")), decision(drift("org_2"), blocked_by="proof")]
    now = [decision(drift("org_1"), Decided.HOLD), decision(drift("org_2"))]
    assert compared(then, now) == (
        "tier_over:org_1: then flag, now hold",
        "tier_over:org_2: then flag by proof, now flag",
    )


def test_a_fix_to_another_value_differs() -> None:
    then, now = written(status="active", plan_tier="starter"), written(status="active", plan_tier="trial")
    assert compared([then], [now]) == (
        "tier_over:org_1: then fix (plan_tier=starter status=active), now fix (plan_tier=trial status=active)",
    )


def test_rows_that_are_as_they_are_meant_to_be_count_only_where_they_were_recorded() -> None:
    fine = decision(drift(code=Code.DISCOUNTED), Decided.OK)
    assert compared([], [fine]) == ()
    assert compared([fine], [fine]) == ("discounted:org_1: ok, only then",)


def test_of_a_run_that_looked_at_a_part_only_that_part_is_compared() -> None:
    now = [decision(drift("org_1"), Decided.HOLD), decision(drift("org_2"))]
    assert compared([decision(drift("org_1"))], now, partial=True) == ("tier_over:org_1: then flag, now hold",)

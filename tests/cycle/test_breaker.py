"""A direction that a limit refused stays refused until a person acknowledges it, and what that releases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from builders import WIDE, lago_sub, stripe_sub
from cycle.cycle_support import Works, billed, linked, results, works
from reconciler.model.drift import Direction
from reconciler.model.run import RunMode, RunRecord, RunResult
from reconciler.model.terms import Limits
from reconciler.rules.decide import Scope

TWO = replace(WIDE, max_lower_count=2)
HOUR = timedelta(hours=1)


def three_to_lower(limits: Limits = TWO) -> Works:
    """Three organisations above what they pay for, one below it."""
    orgs = [linked(1, "enterprise"), linked(2, "enterprise"), linked(3, "enterprise"), linked(4, "starter")]
    return works(orgs, *(each for number in (1, 2, 3, 4) for each in billed(number)), limits=limits)


def later(made: Works, mode: RunMode = RunMode.FIX, by: timedelta = HOUR) -> RunRecord:
    made.clock.at += by
    return made.run(mode)


def lowered(made: Works) -> set[str]:
    return {org_id for org_id, record in made.store.records.items() if record.plan_tier != "enterprise"} - {"org_4"}


def acknowledge(made: Works, digest: str | None) -> None:
    assert digest is not None
    made.ledger.release(digest, by="Ann", reason="sold", at=made.clock.at)


def ends(made: Works, org_id: str, tier: str) -> None:
    """The store comes to hold another tier, behind our back."""
    made.store.change(org_id, plan_tier=tier)


def test_a_refused_direction_stays_refused_even_where_the_next_plan_is_small() -> None:
    made = three_to_lower()
    first = made.run()
    assert first.plan.refused_by == {Direction.LOWER: "max_lower_count"}
    assert made.store.records["org_4"].plan_tier == "professional"
    ends(made, "org_1", "professional")
    ends(made, "org_2", "professional")
    second = later(made)
    assert (second.plan.refused_by, second.exit_code) == ({Direction.LOWER: "latched"}, 3)
    assert second.refusal_digest == second.plan.digest != first.refusal_digest
    assert any("latched" in note and str(first.refusal_digest) in note for note in second.notes)
    assert lowered(made) == {"org_1", "org_2"}
    third = later(made, by=48 * HOUR)
    assert third.plan.refused_by == {Direction.LOWER: "latched"}


def test_raising_goes_on_while_lowering_is_latched() -> None:
    made = three_to_lower()
    made.run()
    ends(made, "org_4", "founders_friend")
    assert results(later(made).outcomes) == [("org_4", "fixed")]


def test_a_latch_without_anything_to_refuse_is_told_and_refuses_nothing() -> None:
    made = three_to_lower()
    first = made.run()
    for number in (1, 2, 3):
        ends(made, f"org_{number}", "professional")
    second = later(made)
    assert (second.plan.refused_by, second.refusal_digest, second.result) == ({}, None, RunResult.CLEAN)
    assert any("To lower is latched" in note and first.plan.digest in note for note in second.notes)


def test_a_dry_run_is_refused_all_the_same_and_latches_nothing() -> None:
    made = three_to_lower()
    assert made.run(RunMode.DRY_RUN).plan.refused_by == {Direction.LOWER: "max_lower_count"}
    ends(made, "org_1", "professional")
    assert later(made).plan.refused_by == {}
    assert lowered(made) == {"org_1", "org_2", "org_3"}


def test_what_a_dry_run_was_refused_may_be_acknowledged() -> None:
    made = three_to_lower()
    acknowledge(made, made.run(RunMode.DRY_RUN).refusal_digest)
    run = later(made)
    assert run.plan.refused_by == {}
    assert lowered(made) == {"org_1", "org_2", "org_3"}


def test_acknowledged_fixes_are_written_although_others_changed_meanwhile() -> None:
    made = three_to_lower()
    acknowledge(made, made.run().refusal_digest)
    ends(made, "org_4", "founders_friend")
    ends(made, "org_3", "professional")
    run = later(made)
    assert results(run.outcomes) == [("org_4", "fixed"), ("org_1", "fixed"), ("org_2", "fixed")]
    assert run.exit_code == 0
    assert any("Ann released 2 of these fixes" in note for note in run.notes)


def test_only_other_fixes_count_against_the_limits_after_a_release() -> None:
    made = three_to_lower()
    acknowledge(made, made.run().refusal_digest)
    later(made)
    ends(made, "org_4", "enterprise")
    assert results(later(made).outcomes) == [("org_4", "fixed")]


def test_fixes_beyond_the_released_ones_are_refused_by_themselves_and_latch_anew() -> None:
    made = three_to_lower(replace(WIDE, max_lower_count=0))
    first = made.run()
    acknowledge(made, first.refusal_digest)
    ends(made, "org_4", "enterprise")
    run = later(made)
    assert run.plan.refused_by == {Direction.LOWER: "max_lower_count"}
    assert results(run.outcomes) == [("org_1", "fixed"), ("org_2", "fixed"), ("org_3", "fixed")]
    assert made.store.records["org_4"].plan_tier == "enterprise"
    assert later(made).plan.refused_by == {Direction.LOWER: "latched"}


def test_a_release_does_not_hold_for_other_values() -> None:
    made = three_to_lower()
    acknowledge(made, made.run().refusal_digest)
    made.lago.snapshot = replace(
        made.lago.snapshot, subscriptions=tuple(lago_sub(number, "starter") for number in (1, 2, 3, 4))
    )
    made.stripe.snapshot = replace(
        made.stripe.snapshot, subscriptions=tuple(stripe_sub(number, "starter") for number in (1, 2, 3, 4))
    )
    run = later(made)
    assert run.plan.refused_by == {Direction.LOWER: "max_lower_count"}
    assert lowered(made) == set()


def test_a_release_is_over_after_a_day() -> None:
    made = three_to_lower()
    acknowledge(made, made.run().refusal_digest)
    run = later(made, by=24 * HOUR)
    assert run.plan.refused_by == {Direction.LOWER: "max_lower_count"}


def test_acknowledging_what_a_latched_run_planned_releases_that() -> None:
    made = three_to_lower()
    made.run()
    ends(made, "org_1", "professional")
    acknowledge(made, later(made).refusal_digest)
    assert results(later(made).outcomes) == [("org_2", "fixed"), ("org_3", "fixed")]


def test_a_shrunken_store_is_judged_again_once_a_person_said_so() -> None:
    numbers = range(1, 11)
    made = works([linked(n, "professional") for n in numbers], *(each for n in numbers for each in billed(n)))
    made.run()
    del made.store.records["org_9"], made.store.records["org_10"]
    refused = later(made)
    assert (refused.exit_code, refused.refusal_digest is not None) == (3, True)
    assert refused.plan.refused_by == {}
    acknowledge(made, refused.refusal_digest)
    assert later(made).complete
    assert later(made, by=48 * HOUR).complete


def test_a_partial_run_counts_against_the_whole_store_and_says_that_it_is_partial() -> None:
    made = three_to_lower(replace(WIDE, max_raise_count=0))
    run = made.run(scope=Scope(org_ids=frozenset({"org_4"})))
    assert run.plan.refused_by == {Direction.RAISE: "max_raise_count"}
    assert any("partial run" in note for note in run.notes)

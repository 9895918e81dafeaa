"""A run that was killed while it wrote is explained by the next one, and what still holds is finished."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from builders import WIDE
from cycle.cycle_support import Works, billed, linked, results, works
from reconciler.model.run import RunMode, Shows
from reconciler.rules.stops import Scope


def killed_after(made: Works, writes: int, *, fixes: int = 3, run_id: str = "killed") -> None:
    """A run over that many raises that is killed once it has done so many of them."""
    planned = made.run(RunMode.DRY_RUN).plan.to_write
    assert len(planned) == fixes
    made.clock.at += timedelta(minutes=1)
    made.ledger.intend(run_id, planned, made.clock.at)
    for fix in planned[:writes]:
        made.store.change(fix.org_id, plan_tier=fix.arguments["plan_tier"])
    made.clock.at += timedelta(minutes=1)


def three(limit: int = 3) -> Works:
    numbers = (1, 2, 3)
    held = [each for number in numbers for each in billed(number)]
    orgs = [linked(number, "founders_friend") for number in numbers]
    return works(orgs, *held, limits=replace(WIDE, max_raise_count=limit))


def may_lose_organisations(made: Works) -> None:
    made.line = replace(made.line, limits=replace(made.line.limits, max_population_drop_ratio=Decimal(1)))


def test_the_next_run_finishes_what_still_holds_and_says_what_the_killed_one_had_written() -> None:
    made = three()
    killed_after(made, 1)
    run = made.run()
    assert results(run.outcomes) == [("org_2", "fixed"), ("org_3", "fixed")]
    (told,) = run.explained
    assert (told.run_id, [shows for _, shows in told.fixes]) == (
        "killed",
        [Shows.WRITTEN, Shows.NOT_WRITTEN, Shows.NOT_WRITTEN],
    )
    (note,) = (each for each in run.notes if "left no record" in each)
    assert "The run killed began to write at 2026-11-24 12:01:00 UTC" in note
    assert "1 written, 2 not written, 0 neither: org_1 plan_tier=professional (written)" in note


def test_what_it_meant_and_did_not_write_does_not_count_twice_against_the_limits() -> None:
    made = three(limit=3)
    killed_after(made, 1)
    assert made.run().plan.refused_by == {}
    made.clock.at += timedelta(hours=1)
    assert len(made.ledger.history(made.clock.at).done) == 3


def test_what_it_did_write_counts() -> None:
    made = three(limit=2)
    made.line = replace(made.line, limits=replace(WIDE, max_raise_count=3))
    killed_after(made, 1)
    made.line = replace(made.line, limits=replace(WIDE, max_raise_count=2))
    assert made.run().plan.refused_by == {"raise": "max_raise_count"}


def test_a_fix_that_several_killed_runs_meant_counts_once_however_many_they_were() -> None:
    made = three(limit=3)
    killed_after(made, 0, run_id="first")
    killed_after(made, 1, run_id="second")
    killed_after(made, 1, run_id="third", fixes=2)
    run = made.run()
    assert (run.plan.refused_by, results(run.outcomes)) == ({}, [("org_3", "fixed")])
    assert {told.run_id: [(fix.org_id, shows) for fix, shows in told.fixes] for told in run.explained} == {
        "first": [("org_1", Shows.NOT_WRITTEN), ("org_2", Shows.NOT_WRITTEN), ("org_3", Shows.NOT_WRITTEN)],
        "second": [("org_1", Shows.WRITTEN), ("org_2", Shows.NOT_WRITTEN), ("org_3", Shows.NOT_WRITTEN)],
        "third": [("org_2", Shows.WRITTEN), ("org_3", Shows.NOT_WRITTEN)],
    }
    assert len(made.ledger.history(made.clock.at).done) == 3


def test_a_fix_that_several_killed_runs_meant_counts_once_where_the_store_shows_neither() -> None:
    made = three()
    killed_after(made, 0, run_id="first")
    killed_after(made, 1, run_id="second")
    made.store.change("org_1", plan_tier="starter")
    first, second = made.run().explained
    assert (first.fixes[0][1], second.fixes[0][1]) == (Shows.NOT_WRITTEN, Shows.NEITHER)


def test_what_several_killed_runs_wrote_to_different_organisations_counts_each() -> None:
    made = three(limit=3)
    killed_after(made, 1, run_id="first")
    killed_after(made, 1, run_id="second", fixes=2)
    made.line = replace(made.line, limits=replace(WIDE, max_raise_count=2))
    assert made.run().plan.refused_by == {"raise": "max_raise_count"}


def test_different_fixes_of_one_organisation_by_killed_runs_count_each() -> None:
    made = three(limit=9)
    killed_after(made, 3, run_id="first")
    made.store.change("org_1", plan_tier="starter")
    killed_after(made, 1, run_id="second", fixes=1)
    assert [len(told.fixes) for told in made.run().explained] == [3, 1]
    assert len(made.ledger.history(made.clock.at).done) == 4


def test_a_killed_run_is_told_once() -> None:
    made = three()
    killed_after(made, 0)
    assert len(made.run().explained) == 1
    assert made.run().explained == ()
    assert made.ledger.history(made.clock.at).unfinished == ()


def test_a_change_by_somebody_else_is_told_as_neither() -> None:
    made = three()
    may_lose_organisations(made)
    killed_after(made, 0)
    made.store.change("org_1", plan_tier="starter")
    del made.store.records["org_2"]
    (told,) = made.run().explained
    assert [shows for _, shows in told.fixes] == [Shows.NEITHER, Shows.NEITHER, Shows.NOT_WRITTEN]


def test_a_dry_run_tells_of_it_and_leaves_the_explaining_to_a_run_that_holds_the_lock() -> None:
    made = three()
    killed_after(made, 1)
    run = made.run(RunMode.DRY_RUN)
    assert run.explained == ()
    assert any("left no record" in note and "It may still be at work" in note for note in run.notes)
    assert len(made.ledger.history(made.clock.at).unfinished) == 1


def test_a_partial_run_explains_too() -> None:
    made = three()
    killed_after(made, 1)
    assert len(made.run(scope=Scope(org_ids=frozenset({"org_3"}))).explained) == 1


def test_a_store_that_refuses_the_run_does_not_empty_the_limits_of_what_was_written() -> None:
    made = three()
    killed_after(made, 2)
    held = dict(made.store.records)
    made.store.records.clear()
    run = made.run()
    assert (run.exit_code, run.explained) == (3, ())
    assert any("The next run that is not refused explains it" in note for note in run.notes)
    made.store.records |= held
    made.line = replace(made.line, limits=replace(WIDE, max_raise_count=2))
    assert made.run().plan.refused_by == {"raise": "max_raise_count"}


def test_what_it_may_have_written_to_an_organisation_that_is_gone_or_changed_since_counts_for_the_day() -> None:
    made = three()
    may_lose_organisations(made)
    killed_after(made, 2)
    made.store.change("org_1", plan_tier="starter")
    del made.store.records["org_2"]
    assert len(made.run(scope=Scope(org_ids=frozenset({"org_9"}))).explained) == 1
    assert len(made.ledger.history(made.clock.at).done) == 2

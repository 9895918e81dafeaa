from __future__ import annotations

import pytest

from reconciler.model.drift import Decided, Decision, Direction
from reconciler.model.run import OutcomeResult, RunMode, RunRecord, RunResult, SourceRead
from reconciler.reports.document import document
from reconciler.reports.remedies import remedy_of
from reconciler.reports.render import ReportFormat, render
from reconciler.reports.terminal import Verbosity
from reports.reading_reports import text_of
from run_builders import LEAK, decision, drift, fix, outcome, plan_of, run_record, totals_of

PEOPLE_READ = [ReportFormat.TEXT, ReportFormat.MARKDOWN]
COUNTS_ON_FIX = "Nothing to do where lowering is on; else set the tier to starter."


def words(run: RunRecord, form: ReportFormat, verbosity: Verbosity = Verbosity.NORMAL) -> str:
    return " ".join(text_of(render(run, form, verbosity=verbosity), form).split())


def blocked(by: str | None, reason: str = "", *, needs_approval: bool = False) -> Decision:
    return decision(drift(remedy=COUNTS_ON_FIX), blocked_by=by, reason=reason, needs_approval=needs_approval)


@pytest.mark.parametrize("form", PEOPLE_READ)
def test_after_fixes_the_counts_say_that_they_are_from_before_and_what_is_left(form: ReportFormat) -> None:
    flags = [decision(drift(f"org_{each}"), Decided.FIX) for each in range(1, 4)]
    beside = decision(drift("org_2", id="other"), Decided.FLAG)
    fixes = [fix(each.drift.org_id or "", drift_id=each.drift.id) for each in flags]
    decisions = [*flags, beside]
    run = run_record(
        mode=RunMode.FIX,
        decisions=decisions,
        plan=plan_of(fixes),
        outcomes=[outcome(fixes[0]), outcome(fixes[1]), outcome(fixes[2], OutcomeResult.STALE)],
        totals=totals_of(decisions, orgs=10),
    )
    text = words(run, form)
    assert "Before these fixes, 10 organisations: " in text
    assert "3 with drift" in text
    assert "Mended by them: 1. Still with drift or held: 2." in text
    assert "Before these fixes" not in words(run_record(decisions=decisions, totals=totals_of(decisions)), form)


@pytest.mark.parametrize("form", PEOPLE_READ)
def test_a_run_refused_whole_counts_nobody_and_says_its_own_case(form: ReportFormat) -> None:
    run = run_record(result=RunResult.REFUSED, complete=False, refusal="The store has no organisation.", exit_code=3)
    text = words(run, form)
    assert "refused the whole run; nothing was judged or written" in text
    assert "in sync" not in text


@pytest.mark.parametrize("form", PEOPLE_READ)
def test_a_refused_direction_says_its_own_case_and_counts(form: ReportFormat) -> None:
    plan = plan_of([fix()], refused_by={Direction.LOWER: "max_lower_count"})
    text = words(run_record(result=RunResult.REFUSED, plan=plan, exit_code=3), form)
    assert "refused a part of the plan" in text
    assert "in sync" in text


@pytest.mark.parametrize("form", PEOPLE_READ)
def test_what_was_not_read_whole_comes_near_the_top_with_what_to_do(form: ReportFormat) -> None:
    decisions = [decision(drift(), runs_seen=0)]
    store = SourceRead(complete=False, rows=0, problem="a record is damaged.")
    text = words(run_record(complete=False, store=store, decisions=decisions, totals=totals_of(decisions)), form)
    top, rest = text.split("| read |" if form is ReportFormat.MARKDOWN else "What was read", 1)
    assert "organisations not read whole: a record is damaged. To do: mend that and run again" in top
    assert "Money a month, of what could be read" in rest
    assert "new" in rest
    assert "0 runs" not in text


def test_quiet_leaves_out_notes_but_never_that_the_run_was_not_kept() -> None:
    run = run_record(notes=["Refunds are not read", "This run is not in the ledger: the disk is full"])
    text = words(run, ReportFormat.TEXT, Verbosity.QUIET)
    assert "not in the ledger: the disk is full" in text
    assert "Refunds" not in text


@pytest.mark.parametrize(
    ("of", "remedy"),
    [
        (blocked(None), COUNTS_ON_FIX),
        (blocked("policy.lower", "policy flags it", needs_approval=True), COUNTS_ON_FIX),
        (blocked("partial"), "run it over everything"),
        (blocked("confirm_runs"), "Nothing to do yet"),
        (blocked("settle_lower"), "Nothing to do yet"),
        (blocked("proof", "both sides must have ended"), "First settle what stops the fix"),
        (blocked("id_shared", "id_shared forbids it: two claim it."), "id_shared forbids it: two claim it."),
    ],
)
def test_a_remedy_never_counts_on_a_fix_that_a_rule_stops(of: Decision, remedy: str) -> None:
    assert remedy in remedy_of(of)
    for form in ReportFormat:
        assert remedy in words(run_record(decisions=[of]), form).replace("\n", " ")
    assert document(run_record(decisions=[of]))["drifts"][0]["remedy"] == remedy_of(of)


def test_a_remedy_of_its_own_stands_whatever_stops_a_fix() -> None:
    assert remedy_of(decision(drift(remedy="Ask them", money=LEAK), blocked_by="proof")) == "Ask them"


def test_a_partial_run_says_that_its_counts_pass_over_what_it_did_not_look_at() -> None:
    for form in PEOPLE_READ:
        assert "not looked at counts as in sync" in words(run_record(partial=True), form)
        assert "not looked at counts as in sync" not in words(run_record(), form)

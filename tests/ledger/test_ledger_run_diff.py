"""What changed from one run to another is explained, drift by drift, and by whom."""

from __future__ import annotations

from datetime import timedelta

from reconciler.ledger.run_diff import Difference, Differs, differences
from reconciler.ledger.states import RecordedOutcome
from reconciler.model.acts import ActKind, RecordedAct
from reconciler.model.drift import Code, Decided, Decision, DriftMoney
from reconciler.model.run import OutcomeResult, RunRecord
from run_builders import T0, decision, drift, fix, outcome, run_record

HOUR = timedelta(hours=1)


def told(before: RunRecord, after: RunRecord, *happened: RecordedOutcome | RecordedAct) -> dict[str, Differs]:
    rows = differences(
        before,
        after,
        [each for each in happened if isinstance(each, RecordedOutcome)],
        [each for each in happened if isinstance(each, RecordedAct)],
    )
    return {row.drift_id: row for row in rows}


def runs(
    before: list[Decision], after: list[Decision], *, partial: bool = False, complete: bool = True
) -> tuple[RunRecord, RunRecord]:
    later = run_record("later", decisions=after, started_at=T0 + HOUR, partial=partial, complete=complete)
    return run_record("earlier", decisions=before), later


def done(result: OutcomeResult, *, approved_by: str | None = None) -> RecordedOutcome:
    return RecordedOutcome(run_id="between", approved_by=approved_by, outcome=outcome(fix(), result))


def test_what_is_the_same_in_both_is_not_told() -> None:
    assert told(*runs([decision(runs_seen=1)], [decision(runs_seen=2)])) == {}


def test_a_fix_explains_what_is_gone_with_the_person_whose_word_it_was() -> None:
    (row,) = told(*runs([decision()], []), done(OutcomeResult.FIXED, approved_by="Ada")).values()
    assert (row.how, row.why) == (Difference.GONE, ("fixed by run between, approved by Ada",))


def test_what_a_run_fixed_itself_is_gone_after_it_and_new_where_it_came_back() -> None:
    fixed = run_record("fixing", decisions=[decision()], outcomes=[outcome(fix(), OutcomeResult.FIXED)])
    word = RecordedOutcome(run_id="fixing", approved_by=None, outcome=fixed.outcomes[0])
    (gone,) = told(run_record("before", decisions=[decision()], started_at=T0 - HOUR), fixed, word).values()
    assert (gone.how, gone.why) == (Difference.GONE, ("fixed by run fixing",))
    (back,) = told(fixed, run_record("after", decisions=[decision()], started_at=T0 + HOUR), word).values()
    assert back.how is Difference.NEW
    assert back.why[0] == "fixed by run fixing"


def test_what_is_gone_without_a_fix_or_a_word_is_resolved_elsewhere() -> None:
    (row,) = told(*runs([decision()], [])).values()
    assert row.why == ("resolved elsewhere: no fix of ours, no word of a person",)


def test_a_run_that_did_not_look_at_everything_is_no_proof_that_a_drift_is_gone() -> None:
    (partial,) = told(*runs([decision()], [], partial=True)).values()
    assert partial.why == ("the later run looked at some organisations or codes only",)
    (half,) = told(*runs([decision()], [], complete=False)).values()
    assert half.why == ("the later run did not read everything",)


def test_another_decision_and_another_amount_are_told_as_before_and_after() -> None:
    dearer = decision(drift(money=DriftMoney(currency="usd", leak=95000)), Decided.HOLD, blocked_by="proof")
    (row,) = told(*runs([decision()], [dearer]), done(OutcomeResult.FAILED)).values()
    assert row.how is Difference.CHANGED
    assert row.changes == {
        "blocked by": ("none", "proof"),
        "decision": ("flag", "hold"),
        "money.leak": ("90000", "95000"),
    }
    assert row.why == ("fix failed by run between",)


def test_an_organisation_whose_drift_has_another_code_now_is_told_on_both_sides() -> None:
    rows = told(*runs([decision()], [decision(drift(code=Code.SIDE_MISSING))]))
    assert rows["tier_over:org_1"].why == ("is now side_missing",)
    assert rows["side_missing:org_1"].why == ("was tier_over",)


def test_a_drift_that_came_back_says_so() -> None:
    (row,) = told(*runs([], [decision(first_seen=T0 - HOUR)])).values()
    assert (row.how, row.why) == (Difference.NEW, ("it had been fixed or gone before",))


def test_what_people_said_in_between_is_told_by_name_and_user() -> None:
    act = RecordedAct(
        seq=1,
        kind=ActKind.WAIVE,
        subject="tier_over:org_1",
        by="Ada",
        os_user="ada",
        host="here",
        at=T0,
        reason="agreed",
        body={},
    )
    (row,) = told(*runs([decision()], [decision(decided=Decided.WAIT)]), act).values()
    assert row.why == ("waived by Ada (ada): agreed",)

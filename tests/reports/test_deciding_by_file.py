from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from reconciler.model.drift import Decided, DriftMoney
from reconciler.model.run import Approval, OutcomeResult, RunRecord
from reconciler.reports.deciding import Known, Taken, take_over
from reconciler.reports.decision_file import DecisionFile, Filled
from run_builders import T0, decision, drift, fix, outcome, plan_of, run_record

FIX = fix("org_2")
RUN = run_record(
    decisions=[decision(drift("org_1")), decision(drift("org_2", fix=FIX), needs_approval=True)],
    plan=plan_of([FIX], approval=Approval.NEEDED),
)
STANDING = {each.drift.id: each for each in RUN.decisions}
ONE, TWO = "tier_over:org_1", "tier_over:org_2"
AHEAD = date(2026, 12, 30)


def row(decision: str, drift_id: str = ONE, *, number: int = 4, **said: Any) -> Filled:
    values: dict[str, Any] = {"until": None, "reason": "", "fix": "", **said}
    return Filled(row=number, drift_id=drift_id, decision=decision, **values)


def taken(*rows: Filled, standing: Any = None, last: RunRecord = RUN, at: datetime = T0) -> Taken:
    known = Known(run=RUN, standing=STANDING if standing is None else standing, last=last)
    return take_over(DecisionFile(run_id=RUN.id, rows=rows), known, by="Ada", at=at)


def test_a_waiver_pins_what_the_report_showed_up_to_the_end_of_its_day() -> None:
    (waiver,) = taken(row("waive", until=AHEAD, reason="agreed")).waivers
    assert waiver.until == datetime(2026, 12, 31, tzinfo=UTC)
    assert waiver.pinned == STANDING[ONE].drift.values
    assert (waiver.by, waiver.reason, waiver.at) == ("Ada", "agreed", T0)


def test_an_acknowledgement_needs_no_reason() -> None:
    assert [each.drift_id for each in taken(row("ack")).acknowledged] == [ONE]


def test_an_approval_is_of_the_fix_that_the_report_showed() -> None:
    assert taken(row("approve", TWO, fix="plan_tier: enterprise -> professional")).approved == (FIX,)


@pytest.mark.parametrize(
    ("filled", "problem"),
    [
        (row("yes"), "'yes' is no decision"),
        (row("", reason="why"), "without a Decision"),
        (row("ack", "tier_over:org_9"), "no drift 'tier_over:org_9'"),
        (row("waive", until=AHEAD), "needs a Reason"),
        (row("waive", reason="why"), "needs an Until"),
        (row("waive", until=date(2026, 9, 30), reason="why"), "is past"),
        (row("waive", until=date(2026, 12, 31), reason="why"), "more than 90 days ahead"),
        (row("waive", reason="why", problem="Until is 'soon'"), "Until is 'soon'"),
        (row("ack", until=AHEAD), "an ack has no Until"),
        (row("approve", TWO, until=AHEAD), "an approval has no Until"),
        (row("approve", ONE), "no fix to approve"),
        (row("approve", TWO, fix="plan_tier: enterprise -> starter"), "column Fix was changed"),
    ],
)
def test_a_row_that_cannot_stand_is_refused_by_its_number_and_nothing_is_taken(filled: Filled, problem: str) -> None:
    found = taken(row("ack", number=9, drift_id=TWO if filled.drift_id == ONE else ONE), filled)
    assert (found.waivers, found.acknowledged, found.approved) == ((), (), ())
    assert len(found.refusals) == 1
    assert found.refusals[0].startswith("Row 4: ")
    assert problem in found.refusals[0]


def test_what_is_held_cannot_be_waived_since_nothing_is_concluded_about_it() -> None:
    held = decision(drift("org_1"), Decided.HOLD)
    known = Known(run=run_record(decisions=[held]), standing={ONE: held}, last=RUN)
    file = DecisionFile(run_id="run-1", rows=(row("waive", until=AHEAD, reason="agreed"),))
    found = take_over(file, known, by="Ada", at=T0)
    assert found.waivers == ()
    assert "Row 4: what is held cannot be waived" in found.refusals[0]


def test_a_drift_decided_twice_is_refused_at_the_second_row() -> None:
    assert taken(row("ack"), row("ack", number=5)).refusals == (f"Row 5: the drift {ONE} is decided twice",)


def test_a_drift_that_is_gone_or_has_other_values_is_refused() -> None:
    moved = decision(drift("org_1", money=DriftMoney(currency="usd", leak=1)))
    assert "not there any more" in taken(row("ack"), standing={}).refusals[0]
    assert "other values by now" in taken(row("ack"), standing={ONE: moved}).refusals[0]


def test_a_fix_that_the_last_run_did_not_plan_again_or_wrote_meanwhile_is_refused() -> None:
    written = run_record("run-2", decisions=RUN.decisions, plan=RUN.plan, outcomes=[outcome(FIX, OutcomeResult.FIXED)])
    for last in (run_record("run-2", decisions=[decision(decided=Decided.FLAG)]), written):
        assert "did not plan this fix again" in taken(row("approve", TWO), last=last).refusals[0]


def test_an_approval_on_a_run_of_yesterday_is_refused() -> None:
    assert "older than 24 hours" in taken(row("approve", TWO), at=T0 + timedelta(hours=25)).refusals[0]

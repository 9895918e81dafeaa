"""A drift stands as what happened to it last left it, and so does each waiver."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from reconciler.ledger.acts import waiver_act
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.ledger.states import DriftState, WaiverState
from reconciler.model.acts import Act, ActKind, Waiver
from run_builders import T0, decision, drift, fix, outcome, run_record

HOUR = timedelta(hours=1)
NAMES = ("org_1", "org_2", "org_3", "org_4")


def waived(org_id: str, hour: int, *, for_hours: int = 100, leak: int = 90000) -> Act:
    pinned = {**drift(org_id).values, "money.leak": str(leak)}
    until = T0 + (hour + for_hours) * HOUR
    return waiver_act(
        Waiver(
            drift_id=f"tier_over:{org_id}", pinned=pinned, until=until, by="Ada", reason="agreed", at=T0 + hour * HOUR
        )
    )


def said(kind: ActKind, org_id: str, hour: int) -> Act:
    return Act(kind=kind, subject=f"tier_over:{org_id}", by="Ada", reason="so", at=T0 + hour * HOUR)


def states(ledger: SqlLedger, hour: int = 50) -> dict[str | None, DriftState]:
    return {each.org_id: each.state for each in ledger.drifts(T0 + hour * HOUR)}


def keep(ledger: SqlLedger, number: int, *org_ids: str, fixed: str = "") -> None:
    ledger.record(
        run_record(
            f"run-{number}",
            decisions=[decision(drift(org_id)) for org_id in org_ids],
            outcomes=[outcome(fix(fixed))] if fixed else [],
            started_at=T0 + number * HOUR,
        )
    )


def test_a_drift_s_state_is_what_happened_to_it_last(tmp_path: Path) -> None:
    with SqlLedger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        keep(ledger, 0, *NAMES, "org_5", "org_6")
        ledger.act([waived("org_2", 0), said(ActKind.ACK, "org_3", 0), waived("org_5", 0, leak=1)])
        ledger.act([waived("org_6", 0, for_hours=3)])
        keep(ledger, 1, "org_1", "org_2", "org_3", "org_4", "org_5", "org_6", fixed="org_4")
        keep(ledger, 2, "org_2", "org_3", "org_5", "org_6")
        assert states(ledger, 2) == {
            "org_1": DriftState.RESOLVED,
            "org_2": DriftState.WAIVED,
            "org_3": DriftState.ACKNOWLEDGED,
            "org_4": DriftState.FIXED,
            "org_5": DriftState.REOPENED,
            "org_6": DriftState.WAIVED,
        }
        assert states(ledger)["org_6"] is DriftState.REOPENED
        ledger.act([said(ActKind.UNWAIVE, "org_2", 3)])
        keep(ledger, 3, "org_1", "org_2")
        assert states(ledger) == {
            "org_1": DriftState.REOPENED,
            "org_2": DriftState.OPEN,
            "org_3": DriftState.RESOLVED,
            "org_4": DriftState.FIXED,
            "org_5": DriftState.RESOLVED,
            "org_6": DriftState.RESOLVED,
        }


def test_an_acknowledgement_ends_with_the_drift(tmp_path: Path) -> None:
    with SqlLedger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        keep(ledger, 0, "org_1")
        ledger.act([said(ActKind.ACK, "org_1", 0)])
        keep(ledger, 1)
        keep(ledger, 2, "org_1")
        assert states(ledger) == {"org_1": DriftState.REOPENED}


def test_a_drift_s_age_is_that_of_its_first_sighting(tmp_path: Path) -> None:
    with SqlLedger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        for number, org_ids in enumerate((["org_1"], [], ["org_1", "org_2"], ["org_1"])):
            keep(ledger, number, *org_ids)
        ages = {each.org_id: each.age(T0 + 10 * HOUR) for each in ledger.drifts(T0 + 10 * HOUR)}
        assert ages == {"org_1": 10 * HOUR, "org_2": timedelta(0)}


def test_drifts_at_a_run_are_as_they_were_then_whatever_came_later(tmp_path: Path) -> None:
    with SqlLedger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        keep(ledger, 0, "org_1", "org_2")
        then = ledger.drifts_at("run-0")
        ledger.act([waived("org_1", 0)])
        keep(ledger, 1, "org_1", fixed="org_1")
        assert ledger.drifts_at("run-0") == then
        at_last = ledger.drifts_at("run-1")
        assert at_last is not None
        assert {each.org_id: each.state for each in at_last} == {
            "org_1": DriftState.FIXED,
            "org_2": DriftState.RESOLVED,
        }
        assert ledger.drifts_at("run-2") is None


def test_each_waiver_is_told_with_how_it_stands(tmp_path: Path) -> None:
    with SqlLedger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        keep(ledger, 0, "org_1", "org_2", "org_3")
        ledger.act([waived("org_1", 0), waived("org_2", 0, for_hours=1), waived("org_3", 0), waived("org_4", 0)])
        ledger.act([waived("org_9", 0), said(ActKind.UNWAIVE, "org_9", 0), waived("org_5", 0, leak=1)])
        keep(ledger, 2, "org_1", "org_2", "org_5")
        told = {each.waiver.drift_id: each.state for each in ledger.waivers(T0 + 3 * HOUR)}
        assert told == {
            "tier_over:org_1": WaiverState.HOLDS,
            "tier_over:org_2": WaiverState.EXPIRED,
            "tier_over:org_3": WaiverState.UNUSED,
            "tier_over:org_4": WaiverState.UNUSED,
            "tier_over:org_5": WaiverState.CHANGED,
        }

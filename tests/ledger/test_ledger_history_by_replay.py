"""Whatever runs come in whatever order, the ledger's history is what going through all of them again would give."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes_ledger import FakeLedger
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model.drift import Decided, Direction
from reconciler.model.run import OutcomeResult, RunRecord, RunResult
from run_builders import T0, decision, drift, fix, org, outcome, plan_of, run_record

ORG_IDS = ("org_1", "org_2", "org_3")

outcomes = st.builds(
    lambda org_id, direction, result, hours: outcome(
        fix(org_id, direction=direction), result, at=T0 + timedelta(hours=hours)
    ),
    st.sampled_from(ORG_IDS),
    st.sampled_from(Direction),
    st.sampled_from(OutcomeResult),
    st.integers(0, 48),
)
decided = st.dictionaries(
    st.sampled_from(ORG_IDS), st.tuples(st.sampled_from(Decided), st.sampled_from(["", "to starter", "to trial"]))
)


@st.composite
def run_lists(draw: st.DrawFn) -> list[RunRecord]:
    return [
        run_record(
            f"run-{number}",
            decisions=[
                decision(drift(org_id), what, confirms=f"{org_id} {confirms}" if confirms else "")
                for org_id, (what, confirms) in draw(decided).items()
            ],
            config_sha256=draw(st.sampled_from(["0" * 64, "0" * 64, "1" * 64])),
            outcomes=draw(st.lists(outcomes, max_size=2)),
            orgs=[org(each) for each in range(draw(st.integers(0, 3)))],
            started_at=T0 + timedelta(hours=number),
            complete=draw(st.sampled_from([True, True, False])),
            partial=draw(st.sampled_from([False, False, True])),
            result=draw(st.sampled_from([RunResult.DRIFT, RunResult.DRIFT, RunResult.REFUSED])),
            plan=plan_of(refused_by=draw(st.sampled_from([{}, {Direction.LOWER: "max_lower_count"}]))),
        )
        for number in range(draw(st.integers(0, 7)))
    ]


@settings(max_examples=60, deadline=None)
@given(run_lists(), st.integers(0, 72))
def test_history_is_what_replaying_every_run_gives(recorded: list[RunRecord], hours: int) -> None:
    now = T0 + timedelta(hours=hours)
    with tempfile.TemporaryDirectory() as folder, SqlLedger(f"sqlite:///{Path(folder)}/ledger.db") as ledger:
        fake = FakeLedger()
        for run in recorded:
            ledger.record(run)
            fake.record(run)
            assert ledger.history(now) == fake.history(now)
        told = {each.id: each for each in ledger.drifts(open_only=True)}
        assert {drift_id: (each.first_seen, each.runs_seen) for drift_id, each in told.items()} == {
            drift_id: (seen.first_seen, seen.runs_seen) for drift_id, seen in fake.history(now).open_drifts.items()
        }

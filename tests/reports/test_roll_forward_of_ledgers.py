"""The roll-forward that is told from a ledger ties out, whatever its runs and people did in between."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.gather import background_of
from reconciler.ledger.acts import waiver_act
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model.acts import Waiver
from reconciler.model.drift import Decided
from reconciler.model.money import Money
from reconciler.reports.roll_forward import roll_forward_sheet
from reconciler.settings import load_settings
from run_builders import T0, decision, drift, fix, outcome, run_record

HOUR = timedelta(hours=1)
NAMES = ("org_1", "org_2", "org_3", "org_4")
SETTINGS = load_settings(Path(__file__).parents[2] / "config" / "reconciler.toml", {})

steps = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(NAMES), st.sampled_from([Decided.FLAG, Decided.HOLD, Decided.WAIT])),
        st.sampled_from(["", "", *NAMES]),
        st.sampled_from(["", *NAMES]),
    ),
    min_size=2,
    max_size=6,
)


def waived(org_id: str, hour: int) -> Waiver:
    at = T0 + hour * HOUR
    pinned = drift(org_id).values
    return Waiver(drift_id=f"tier_over:{org_id}", pinned=pinned, until=at + 2 * HOUR, by="Ada", reason="agreed", at=at)


@settings(max_examples=15, deadline=None)  # each makes a ledger of its own
@given(steps=steps)
def test_each_run_of_a_ledger_ties_out_with_the_one_before(
    steps: list[tuple[dict[str, Decided], str, str]],
) -> None:
    with tempfile.TemporaryDirectory() as folder, SqlLedger(f"sqlite:///{Path(folder)}/ledger.db") as ledger:
        for number, (seen, fixed, waive) in enumerate(steps):
            run = run_record(
                f"run-{number}",
                decisions=[decision(drift(org_id), decided) for org_id, decided in sorted(seen.items())],
                outcomes=[outcome(fix(fixed))] if fixed else [],
                started_at=T0 + number * HOUR,
            )
            ledger.record(run)
            if waive:
                ledger.act([waiver_act(waived(waive, number))])
            rows = list(roll_forward_sheet(run, background_of(run, SETTINGS, ledger)).table("roll_forward").records())
            assert bool(rows) == (number > 0)
            assert all(row["residual"] in {0, Money(minor=0, currency="usd")} for row in rows)

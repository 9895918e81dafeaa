"""What the reconciler changed or would change: field by field, before, after, what was read back, and by whose word."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.run import Approval, Outcome, OutcomeResult, RunRecord
from reconciler.reports.background import Background
from reconciler.reports.fates import RESULTS, fates_of
from reconciler.reports.tables import Cell, Column, Kind, Sheet, Table
from reconciler.reports.words import field_name

FIXES = "Fixes"


def fix_sheet(run: RunRecord, beside: Background) -> Sheet:
    """A row for each field of each fix, in the order of writing; then those of other runs of the period."""
    return Sheet(
        title=FIXES,
        tables=(
            Table(
                key="fixes",
                title="Fixes",
                columns=(
                    Column(key="fate", label="What became of it", kind=Kind.WORD, width=20),
                    Column(key="org_id", label="Organisation", kind=Kind.ID, width=42),
                    Column(key="org_name", label="Name", width=28),
                    Column(key="code", label="Code", kind=Kind.WORD, width=24),
                    Column(key="direction", label="Direction", kind=Kind.WORD, width=10),
                    Column(key="field", label="Field", kind=Kind.WORD, width=20),
                    Column(key="before", label="Before", kind=Kind.ID, width=24),
                    Column(key="after", label="After", kind=Kind.ID, width=24),
                    Column(key="read_back", label="Read back", kind=Kind.ID, width=24),
                    Column(key="worth", label="Worth a month", kind=Kind.MONEY, width=14),
                    Column(key="at", label="When", kind=Kind.MOMENT, width=17),
                    Column(key="approved_by", label="Approved by", width=44),
                    Column(key="error", label="What went wrong", width=50),
                    Column(key="run", label="Run", kind=Kind.ID, width=26),
                    Column(key="drift_id", label="Drift", kind=Kind.ID, width=50),
                ),
                rows=tuple(_rows(run, beside)),
                about="Every change goes through the store's own update methods, and is read back.",
            ),
        ),
    )


def _rows(run: RunRecord, beside: Background) -> Iterator[tuple[Cell, ...]]:
    drifts = {decision.drift.id: decision.drift for decision in run.decisions}
    names = {org_id: name or None for org_id, name in beside.names.items()}
    outcomes = {each.fix.key: each for each in run.outcomes}
    for fate in fates_of(run):
        fix = fate.planned.fix
        drift, outcome = drifts.get(fix.drift_id), outcomes.get(fix.key)
        for argument, after in sorted(fix.arguments.items()):
            field = field_name(argument)
            yield (
                fate.words,
                fix.org_id,
                (drift.org_name or None) if drift else names.get(fix.org_id),
                drift.code.value if drift else None,
                fix.direction.value,
                field,
                fix.expects.get(field),
                after,
                _read_back(outcome, after),
                fix.worth,
                outcome.at if outcome else None,
                run.approved_by or _by_policy(fate.planned.approval, run),
                fate.error,
                run.id,
                fix.drift_id,
            )
    for each in beside.written:
        outcome, fix = each.outcome, each.outcome.fix
        for argument, after in sorted(fix.arguments.items()):
            field = field_name(argument)
            yield (
                RESULTS[outcome.result],
                fix.org_id,
                names.get(fix.org_id),
                fix.drift_id.split(":")[0],
                fix.direction.value,
                field,
                fix.expects.get(field),
                after,
                _read_back(outcome, after),
                fix.worth,
                outcome.at,
                each.approved_by or "[policy] of that run",
                outcome.error,
                each.run_id,
                fix.drift_id,
            )


def _read_back(outcome: Outcome | None, after: str) -> str | None:
    """A fix counts as fixed only when the store gave back what was written."""
    if outcome is None or not outcome.written:
        return None
    return after if outcome.result is OutcomeResult.FIXED else "not what was written"


def _by_policy(approval: Approval, run: RunRecord) -> str:
    if approval is Approval.NEEDED:
        return "nobody yet"
    return f"[policy] of configuration {run.config_sha256[:12]}"

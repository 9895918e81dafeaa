"""Reads runs and their outcomes back from the ledger's tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, Table, func, or_, select

from reconciler.ledger.states import RecordedOutcome, RunSummary
from reconciler.ledger.stored import (
    EXPLAINED,
    REFUSED_BY,
    SOURCE_READ,
    SOURCES,
    TOTALS,
    decision_from,
    fix_from,
    numbers_in,
    planned_from,
)
from reconciler.ledger.tables import decisions, events, outcomes, planned_fixes, runs, sightings
from reconciler.ledger.writing import chunks
from reconciler.model.drift import Decision
from reconciler.model.history import Sighting
from reconciler.model.run import (
    LedgerHead,
    Outcome,
    OutcomeResult,
    Plan,
    PlannedFix,
    RunMode,
    RunRecord,
    RunResult,
    Trigger,
)

_SUMMARY = select(*(column for column in runs.c if column.name not in {"decisions", "fixes", "sources", "store"}))


def read_runs(connection: Connection, limit: int) -> tuple[RunSummary, ...]:
    """The last `limit` runs, latest first."""
    return _summaries(connection, _SUMMARY.order_by(runs.c.seq.desc()).limit(limit))


def read_runs_between(connection: Connection, since: datetime, until: datetime) -> tuple[RunSummary, ...]:
    """The runs started in the range, `until` not included, in the order of recording."""
    started = runs.c.started_at >= since, runs.c.started_at < until
    return _summaries(connection, _SUMMARY.where(*started).order_by(runs.c.seq))


def read_last_complete_run(connection: Connection, before: datetime) -> RunSummary | None:
    """The last run, as recorded, that counts as a complete run and started before an instant."""
    wanted = _SUMMARY.where(runs.c.counts, runs.c.started_at < before).order_by(runs.c.seq.desc()).limit(1)
    return next(iter(_summaries(connection, wanted)), None)


def read_run(connection: Connection, run_id: str) -> RunRecord | None:
    """The run as it was recorded, less `orgs`, `subscriptions` and the decisions `ok`; None for one not there."""
    row = connection.execute(select(runs).where(runs.c.id == run_id)).mappings().first()
    if row is None:
        return None
    return RunRecord(
        id=row["id"],
        mode=RunMode(row["mode"]),
        result=RunResult(row["result"]),
        complete=row["complete"],
        partial=row["partial"],
        exit_code=row["exit_code"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        as_of=row["as_of"],
        version=row["version"],
        config_sha256=row["config_sha256"],
        trigger=Trigger(row["trigger"]),
        refusal=row["refusal"],
        notes=tuple(row["notes"]),
        store=SOURCE_READ.validate_python(row["store"]),
        sources=SOURCES.validate_python(row["sources"]),
        totals=TOTALS.validate_python(row["totals"]),
        decisions=_decisions_of(connection, row),
        plan=Plan(
            digest=row["plan_digest"],
            fixes=_fixes_of(connection, row),
            refused_by=REFUSED_BY.validate_python(row["refused_by"]),
        ),
        outcomes=tuple(
            outcome_from(each)
            for each in connection.execute(
                select(outcomes).where(outcomes.c.run == row["seq"]).order_by(outcomes.c.seq)
            ).mappings()
        ),
        orgs=(),
        refusal_digest=row["refusal_digest"],
        explained=EXPLAINED.validate_python(row["explained"] or ()),
        approved_by=row["approved_by"],
        ledger=_head_of(connection, row["seq"]),
    )


def read_outcomes_between(connection: Connection, since: datetime, until: datetime) -> tuple[RecordedOutcome, ...]:
    """What became of fixes in the range, `until` not included, in the order of recording."""
    wanted = outcomes.c.at >= since, outcomes.c.at < until
    query = select(outcomes, runs.c.id.label("run_id"), runs.c.approved_by).join_from(outcomes, runs)
    return tuple(
        RecordedOutcome(run_id=row["run_id"], approved_by=row["approved_by"], outcome=outcome_from(row))
        for row in connection.execute(query.where(*wanted).order_by(outcomes.c.seq)).mappings()
    )


def outcome_from(row: RowMapping) -> Outcome:
    """The outcome of a row that holds one."""
    return Outcome(
        fix=fix_from(row),
        result=OutcomeResult(row["result"]),
        at=row["at"],
        error=row["error"],
        written=row["written"],
    )


def _summaries(connection: Connection, query: Select[Any]) -> tuple[RunSummary, ...]:
    return tuple(
        RunSummary(
            id=row["id"],
            mode=RunMode(row["mode"]),
            trigger=Trigger(row["trigger"]),
            result=RunResult(row["result"]),
            complete=row["complete"],
            partial=row["partial"],
            counts=row["counts"],
            exit_code=row["exit_code"],
            started_at=row["started_at"],
            finished_at=row["finished_at"],
            as_of=row["as_of"],
            refusal=row["refusal"],
            totals=TOTALS.validate_python(row["totals"]),
            approved_by=row["approved_by"],
            refusal_digest=row["refusal_digest"],
        )
        for row in connection.execute(query).mappings()
    )


def _decisions_of(connection: Connection, run: RowMapping) -> tuple[Decision, ...]:
    number = run["complete_no"]
    in_force = select(sightings.c.drift_id, sightings.c.first_seen, sightings.c.first_no).where(
        sightings.c.first_no <= number, or_(sightings.c.ended_by.is_(None), sightings.c.ended_by > run["seq"])
    )
    seen = {
        drift_id: Sighting(first_seen=first_seen, runs_seen=number - first_no + 1)
        for drift_id, first_seen, first_no in connection.execute(in_force)
    }
    unseen = Sighting(first_seen=run["as_of"], runs_seen=0)
    return tuple(
        decision_from(row, seen.get(row["drift_id"], unseen))
        for row in _rows_at(connection, decisions, run["decisions"])
    )


def _fixes_of(connection: Connection, run: RowMapping) -> tuple[PlannedFix, ...]:
    return tuple(planned_from(row) for row in _rows_at(connection, planned_fixes, run["fixes"]))


def _head_of(connection: Connection, run: int) -> LedgerHead | None:
    """The head of the chain once it held the run and its outcomes."""
    last = connection.scalar(select(func.max(outcomes.c.seq)).where(outcomes.c.run == run)) or run
    sha256 = connection.scalar(select(events.c.sha256).where(events.c.seq == last))
    return LedgerHead(events=last, sha256=sha256) if sha256 is not None else None


def _rows_at(connection: Connection, table: Table, spans: list[list[int]]) -> list[RowMapping]:
    """The rows of the spans, in their order."""
    numbers = numbers_in(spans)
    found: dict[int, RowMapping] = {}
    for part in chunks(numbers):
        rows = connection.execute(select(table).where(table.c.seq.in_(part))).mappings()
        found.update((row["seq"], row) for row in rows)
    return [found[number] for number in numbers]

"""Reads history, runs and drifts back from the ledger's tables, each within the transaction of its connection."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, Table, func, or_, select

from reconciler.ledger.database import chunks
from reconciler.ledger.states import DriftState, RecordedDrift, RunSummary
from reconciler.ledger.stored import (
    REFUSED_BY,
    SOURCE_READ,
    SOURCES,
    TOTALS,
    decision_from,
    fix_from,
    numbers_in,
    planned_from,
)
from reconciler.ledger.tables import confirmations, decisions, drifts, intents, outcomes, planned_fixes, runs, sightings
from reconciler.model.drift import Code, Decision
from reconciler.model.history import DoneFix, History, Sighting
from reconciler.model.run import Outcome, OutcomeResult, Plan, PlannedFix, RunMode, RunRecord, RunResult, Trigger

FIXES_COUNT_FOR = timedelta(hours=24)


def read_history(connection: Connection, now: datetime) -> History:
    """What a run at `now` must know of earlier ones."""
    last = connection.execute(
        select(runs.c.complete_no, runs.c.population, runs.c.sources, runs.c.config_sha256)
        .where(runs.c.counts)
        .order_by(runs.c.seq.desc())
        .limit(1)
    ).first()
    open_sightings = select(sightings.c.drift_id, sightings.c.first_seen, sightings.c.first_no).where(
        sightings.c.ended_by.is_(None)
    )
    confirmed = select(confirmations.c.confirms, confirmations.c.first_seen, confirmations.c.first_no).where(
        confirmations.c.ended_by.is_(None)
    )
    # A fix dated after `now` counts too: a clock that was set back must not empty the limits.
    since = now - FIXES_COUNT_FOR
    done = select(outcomes).where(outcomes.c.written, outcomes.c.at > since).order_by(outcomes.c.seq)
    # A run that left no record was interrupted: it may have written all that it meant to.
    meant = select(intents).where(intents.c.at > since, intents.c.run_id.not_in(select(runs.c.id)))
    return History(
        open_drifts=_sightings(connection, open_sightings, last.complete_no if last else 0),
        done=tuple(
            DoneFix(key=fix.key, direction=fix.direction, at=row["at"])
            for query in (done, meant)
            for row in connection.execute(query).mappings()
            for fix in (fix_from(row),)
        ),
        population=last.population if last else None,
        source_rows={
            source: read.proof.rows
            for source, read in (SOURCES.validate_python(last.sources).items() if last else ())
            if read.proof is not None
        },
        confirmations=_sightings(connection, confirmed, last.complete_no if last else 0),
        config_sha256=last.config_sha256 if last else "",
    )


def _sightings(connection: Connection, spells: Select[Any], number: int) -> Mapping[str, Sighting]:
    """The open spells as of the complete run `number`."""
    return {
        key: Sighting(first_seen=first_seen, runs_seen=number - first_no + 1)
        for key, first_seen, first_no in connection.execute(spells)
    }


def read_runs(connection: Connection, limit: int) -> tuple[RunSummary, ...]:
    """The last `limit` runs, latest first."""
    rows = connection.execute(select(runs).order_by(runs.c.seq.desc()).limit(limit)).mappings()
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
        )
        for row in rows
    )


def read_run(connection: Connection, run_id: str) -> RunRecord | None:
    """The run as it was recorded, less `orgs` and the decisions `ok`; None for one that is not there."""
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
        outcomes=_outcomes_of(connection, row["seq"]),
        orgs=(),
    )


def read_drifts(connection: Connection, *, open_only: bool) -> tuple[RecordedDrift, ...]:
    """Every drift that complete runs saw, by its latest sighting, longest seen first."""
    spells = (
        select(
            sightings.c.drift_id,
            func.max(sightings.c.seq).label("latest"),
            func.min(sightings.c.first_seen).label("first_ever_seen"),
        )
        .group_by(sightings.c.drift_id)
        .subquery()
    )
    ended_at = select(runs.c.complete_no, runs.c.as_of).where(runs.c.counts).subquery()
    last_no = func.coalesce(sightings.c.last_no, select(func.max(runs.c.complete_no)).scalar_subquery())
    wanted = (
        select(
            sightings.c.first_seen,
            sightings.c.ended,
            (last_no - sightings.c.first_no + 1).label("runs_seen"),
            spells.c.first_ever_seen,
            ended_at.c.as_of.label("last_seen"),
            drifts.c.code,
            drifts.c.org_id,
            decisions,
        )
        .join_from(spells, sightings, sightings.c.seq == spells.c.latest)
        .join(drifts, drifts.c.id == sightings.c.drift_id)
        .join(decisions, decisions.c.seq == drifts.c.decision)
        .join(ended_at, ended_at.c.complete_no == last_no)
        .order_by(sightings.c.first_seen, sightings.c.drift_id)
    )
    if open_only:
        wanted = wanted.where(sightings.c.ended_by.is_(None))
    return tuple(
        RecordedDrift(
            id=row["drift_id"],
            code=Code(row["code"]),
            org_id=row["org_id"],
            state=DriftState(row["ended"] or DriftState.OPEN),
            first_seen=row["first_seen"],
            last_seen=row["last_seen"],
            runs_seen=row["runs_seen"],
            first_ever_seen=row["first_ever_seen"],
            decision=decision_from(row, Sighting(first_seen=row["first_seen"], runs_seen=row["runs_seen"])),
        )
        for row in connection.execute(wanted).mappings()
    )


def _decisions_of(connection: Connection, run: RowMapping) -> tuple[Decision, ...]:
    number = run["complete_no"]
    in_force = select(sightings.c.drift_id, sightings.c.first_seen, sightings.c.first_no).where(
        sightings.c.first_no <= number, or_(sightings.c.ended_by.is_(None), sightings.c.ended_by >= run["seq"])
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


def _outcomes_of(connection: Connection, run: int) -> tuple[Outcome, ...]:
    rows = connection.execute(select(outcomes).where(outcomes.c.run == run).order_by(outcomes.c.seq)).mappings()
    return tuple(
        Outcome(
            fix=fix_from(row),
            result=OutcomeResult(row["result"]),
            at=row["at"],
            error=row["error"],
            written=row["written"],
        )
        for row in rows
    )


def _rows_at(connection: Connection, table: Table, spans: list[list[int]]) -> list[RowMapping]:
    """The rows of the spans, in their order."""
    numbers = numbers_in(spans)
    found: dict[int, RowMapping] = {}
    for part in chunks(numbers):
        rows = connection.execute(select(table).where(table.c.seq.in_(part))).mappings()
        found.update((row["seq"], row) for row in rows)
    return [found[number] for number in numbers]

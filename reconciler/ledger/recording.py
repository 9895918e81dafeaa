"""Writes one run into the ledger's tables: the run itself always, of everything else only what changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, func, insert, select, update

from reconciler.ledger.database import chunks
from reconciler.ledger.states import DriftState
from reconciler.ledger.stored import (
    REFUSED_BY,
    SOURCE_READ,
    SOURCES,
    TOTALS,
    decision_row,
    fix_row,
    planned_row,
    spans,
)
from reconciler.ledger.tables import (
    confirmations,
    decisions,
    drifts,
    intents,
    org_states,
    outcomes,
    planned_fixes,
    runs,
    sightings,
)
from reconciler.model.drift import Decided, Decision, Fix
from reconciler.model.orgs import Org
from reconciler.model.run import Outcome, OutcomeResult, PlannedFix, RunRecord, RunResult


def write_run(connection: Connection, run: RunRecord) -> None:
    """Write all of `run` within the transaction of `connection`."""
    listed = [decision for decision in run.decisions if decision.decided is not Decided.OK]
    counts = is_counted(run)
    number = (connection.scalar(select(func.max(runs.c.complete_no))) or 0) + (1 if counts else 0)
    seq = _insert_run(connection, run, counts=counts, number=number)
    connection.execute(
        update(runs)
        .where(runs.c.seq == seq)
        .values(
            decisions=spans(_write_decisions(connection, seq, listed)),
            fixes=spans(_write_planned(connection, run.plan.fixes)),
        )
    )
    if counts:
        _write_sightings(connection, seq, run.as_of, listed, number)
        _write_confirmations(connection, seq, run, listed, number)
        _write_org_states(connection, seq, run.orgs)
    _write_outcomes(connection, seq, run.outcomes, number)


def write_intent(connection: Connection, run_id: str, fixes: Sequence[Fix], at: datetime) -> None:
    """Write what a run is about to write into the store."""
    _insert(connection, intents, [{**fix_row(fix), "run_id": run_id, "at": at} for fix in fixes])


def is_counted(run: RunRecord) -> bool:
    """Whether it is a complete run in the sense of design.md.

    One that was refused before anything was judged is not, however whole its reads: it must neither close a drift
    nor become the population that later runs are held against.
    """
    refused = run.refusal is not None or run.result is RunResult.REFUSED
    refused_before_judging = refused and not run.plan.refused_by
    return run.complete and not run.partial and not refused_before_judging


def _insert_run(connection: Connection, run: RunRecord, *, counts: bool, number: int) -> int:
    row = insert(runs).values(
        id=run.id,
        mode=run.mode.value,
        trigger=run.trigger.value,
        result=run.result.value,
        complete=run.complete,
        partial=run.partial,
        exit_code=run.exit_code,
        started_at=run.started_at,
        finished_at=run.finished_at,
        as_of=run.as_of,
        version=run.version,
        config_sha256=run.config_sha256,
        refusal=run.refusal,
        notes=list(run.notes),
        store=SOURCE_READ.dump_python(run.store, mode="json"),
        sources=SOURCES.dump_python(run.sources, mode="json"),
        totals=TOTALS.dump_python(run.totals, mode="json"),
        plan_digest=run.plan.digest,
        refused_by=REFUSED_BY.dump_python(run.plan.refused_by, mode="json"),
        counts=counts,
        complete_no=number,
        population=len(run.orgs) if counts else None,
        decisions=[],
        fixes=[],
    )
    seq: int = connection.execute(row.returning(runs.c.seq)).scalar_one()
    return seq


def _write_decisions(connection: Connection, run: int, listed: Sequence[Decision]) -> list[int]:
    """The rows that hold the decisions, in their order; new ones where a drift is new or decided otherwise."""
    rows = [decision_row(decision) for decision in listed]
    known: dict[str, tuple[int, str]] = {}
    for ids in chunks(row["drift_id"] for row in rows):
        last = select(drifts.c.id, decisions.c.seq, decisions.c.digest).join_from(
            drifts, decisions, decisions.c.seq == drifts.c.decision
        )
        for drift_id, seq, digest in connection.execute(last.where(drifts.c.id.in_(ids))):
            known[drift_id] = (seq, digest)
    changed = [row for row in rows if row["drift_id"] not in known or known[row["drift_id"]][1] != row["digest"]]
    seqs = _insert_numbered(connection, decisions, [{**row, "run": run} for row in changed])
    current = {drift_id: seq for drift_id, (seq, _) in known.items()}
    current |= {row["drift_id"]: seq for row, seq in zip(changed, seqs, strict=True)}
    by_id = {decision.drift.id: decision.drift for decision in listed}
    _insert(
        connection,
        drifts,
        [
            {"id": drift.id, "code": drift.code.value, "org_id": drift.org_id, "decision": current[drift.id]}
            for drift in by_id.values()
            if drift.id not in known
        ],
    )
    _update(
        connection,
        update(drifts).where(drifts.c.id == bindparam("drift")).values(decision=bindparam("last")),
        [{"drift": row["drift_id"], "last": current[row["drift_id"]]} for row in changed if row["drift_id"] in known],
    )
    return [current[row["drift_id"]] for row in rows]


def _write_planned(connection: Connection, planned: Sequence[PlannedFix]) -> list[int]:
    rows = [planned_row(each) for each in planned]
    known: dict[str, int] = {}
    for digests in chunks(row["digest"] for row in rows):
        found = select(planned_fixes.c.digest, planned_fixes.c.seq).where(planned_fixes.c.digest.in_(digests))
        known.update((digest, seq) for digest, seq in connection.execute(found))
    new = list({row["digest"]: row for row in rows if row["digest"] not in known}.values())
    seqs = _insert_numbered(connection, planned_fixes, new)
    known.update({row["digest"]: seq for row, seq in zip(new, seqs, strict=True)})
    return [known[row["digest"]] for row in rows]


def _write_sightings(
    connection: Connection, run: int, as_of: datetime, listed: Sequence[Decision], number: int
) -> None:
    seen = {decision.drift.id: None for decision in listed}
    still_open = set(connection.scalars(select(sightings.c.drift_id).where(sightings.c.ended_by.is_(None))))
    _insert(
        connection,
        sightings,
        [
            {"drift_id": drift_id, "first_seen": as_of, "first_no": number}
            for drift_id in seen
            if drift_id not in still_open
        ],
    )
    _end_sightings(connection, run, sorted(still_open - seen.keys()), last_no=number - 1, ended=DriftState.RESOLVED)


def _write_confirmations(
    connection: Connection, seq: int, run: RunRecord, listed: Sequence[Decision], number: int
) -> None:
    said = {decision.confirms: decision.drift.id for decision in listed if decision.confirms}
    lasting = select(confirmations.c.seq, confirmations.c.confirms, confirmations.c.config_sha256)
    going_on: set[str] = set()
    over: list[dict[str, int]] = []
    for span, confirms, config_sha256 in connection.execute(lasting.where(confirmations.c.ended_by.is_(None))):
        if confirms in said and config_sha256 == run.config_sha256:
            going_on.add(confirms)
        else:
            over.append({"span": span})
    ended = update(confirmations).where(confirmations.c.seq == bindparam("span")).values(ended_by=seq)
    _update(connection, ended, over)
    _insert(
        connection,
        confirmations,
        [
            {"confirms": confirms, "drift_id": drift_id, "config_sha256": run.config_sha256}
            | {"first_seen": run.as_of, "first_no": number}
            for confirms, drift_id in said.items()
            if confirms not in going_on
        ],
    )


def _write_outcomes(connection: Connection, run: int, found: Sequence[Outcome], number: int) -> None:
    _insert(
        connection,
        outcomes,
        [
            {**fix_row(each.fix), "run": run, "result": each.result.value, "at": each.at, "error": each.error}
            | {"written": each.written}
            for each in found
        ],
    )
    # A fix that was read back ended its drift: seen again, it is seen anew, and must be confirmed and settle anew.
    fixed = sorted({each.fix.drift_id for each in found if each.result is OutcomeResult.FIXED})
    _end_sightings(connection, run, fixed, last_no=number, ended=DriftState.FIXED)
    of_drift = confirmations.c.drift_id == bindparam("drift"), confirmations.c.ended_by.is_(None)
    _update(
        connection,
        update(confirmations).where(*of_drift).values(ended_by=run),
        [{"drift": drift_id} for drift_id in fixed],
    )


def _end_sightings(
    connection: Connection, run: int, drift_ids: Sequence[str], *, last_no: int, ended: DriftState
) -> None:
    _update(
        connection,
        update(sightings)
        .where(sightings.c.drift_id == bindparam("drift"), sightings.c.ended_by.is_(None))
        .values(last_no=last_no, ended=ended.value, ended_by=run),
        [{"drift": drift_id} for drift_id in drift_ids],
    )


def _write_org_states(connection: Connection, run: int, orgs: Sequence[Org]) -> None:
    columns = (org_states.c.tier, org_states.c.status, org_states.c.lago_id, org_states.c.stripe_id)
    known = {
        org_id: (seq, tuple(state))
        for seq, org_id, *state in connection.execute(
            select(org_states.c.seq, org_states.c.org_id, *columns).where(org_states.c.until.is_(None))
        )
    }
    now = {org.id: (org.tier, org.status, org.lago_id, org.stripe_id) for org in orgs}
    over = [seq for org_id, (seq, state) in known.items() if now.get(org_id) != state]
    _update(
        connection,
        update(org_states).where(org_states.c.seq == bindparam("state")).values(until=run),
        [{"state": seq} for seq in over],
    )
    _insert(
        connection,
        org_states,
        [
            {"org_id": org_id, "tier": state[0], "status": state[1], "lago_id": state[2], "stripe_id": state[3]}
            | {"since": run}
            for org_id, state in now.items()
            if org_id not in known or known[org_id][1] != state
        ],
    )


def _insert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _insert_numbered(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> list[int]:
    if not rows:
        return []
    numbered = insert(table).returning(table.c.seq, sort_by_parameter_order=True)
    return list(connection.execute(numbered, rows).scalars())


def _update(connection: Connection, statement: Any, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)

"""Writes one run into the ledger's tables: the run itself always, of everything else only what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, update

from reconciler.ledger.chain import append
from reconciler.ledger.seen_recording import write_org_states, write_subscription_states
from reconciler.ledger.states import EndedAs
from reconciler.ledger.stored import (
    EXPLAINED,
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
    outcomes,
    planned_fixes,
    runs,
    sightings,
)
from reconciler.ledger.writing import chunks, end_rows, insert_numbered, insert_rows
from reconciler.model.drift import Decided, Decision, Fix
from reconciler.model.run import Explained, Outcome, OutcomeResult, PlannedFix, RunRecord, RunResult


def write_run(connection: Connection, run: RunRecord) -> None:
    """Write all of `run` within the transaction of `connection`: an event for the run, then one for each outcome."""
    listed = [decision for decision in run.decisions if decision.decided is not Decided.OK]
    counts = is_counted(run)
    number = (connection.scalar(select(func.max(runs.c.complete_no))) or 0) + (1 if counts else 0)
    with append(connection, "run", run.id, run.finished_at) as event:
        numbers = {
            "decisions": spans(_write_decisions(connection, event, listed)),
            "fixes": spans(_write_planned(connection, event, run.plan.fixes)),
        }
        before = connection.scalar(select(func.max(runs.c.seq)).where(runs.c.counts))
        _insert_run(connection, event, run, {"counts": counts, "complete_no": number, **numbers})
        if counts:
            _write_sightings(connection, event, run.as_of, listed, number)
            _write_confirmations(connection, event, run, listed, number)
            write_org_states(connection, event, run, since_event=before)
            write_subscription_states(connection, event, run, first=before is None)
        _end_intents(connection, event, run)
    planned = {each.fix.key for each in run.plan.fixes}
    for outcome in run.outcomes:
        with append(connection, "outcome", outcome.fix.org_id, outcome.at) as each:
            _write_outcome(connection, each, event, outcome, number, looked_again=outcome.fix.key in planned)


def write_intent(connection: Connection, run_id: str, fixes: Sequence[Fix], at: datetime) -> None:
    """Write what a run is about to write into the store."""
    with append(connection, "intent", run_id, at) as event:
        rows = [{**fix_row(fix), "run_id": run_id, "at": at, "event": event} for fix in fixes]
        insert_rows(connection, intents, rows)


def is_counted(run: RunRecord) -> bool:
    """Whether it is a complete run in the sense of design.md.

    One that was refused before anything was judged is not, however whole its reads: it must neither close a drift
    nor become the population that later runs are held against.
    """
    refused = run.refusal is not None or run.result is RunResult.REFUSED
    refused_before_judging = refused and not run.plan.refused_by
    return run.complete and not run.partial and not refused_before_judging


def _insert_run(connection: Connection, event: int, run: RunRecord, numbers: Mapping[str, Any]) -> None:
    connection.execute(
        insert(runs).values(
            seq=event,
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
            refusal_digest=run.refusal_digest,
            approved_by=run.approved_by,
            notes=list(run.notes),
            store=SOURCE_READ.dump_python(run.store, mode="json"),
            sources=SOURCES.dump_python(run.sources, mode="json"),
            totals=TOTALS.dump_python(run.totals, mode="json"),
            explained=EXPLAINED.dump_python(run.explained, mode="json") if run.explained else None,
            plan_digest=run.plan.digest,
            refused_by=REFUSED_BY.dump_python(run.plan.refused_by, mode="json"),
            population=len(run.orgs),
            **numbers,
        )
    )


def _write_decisions(connection: Connection, event: int, listed: Sequence[Decision]) -> list[int]:
    """The rows that hold the decisions, in their order; new ones where a drift is new or decided otherwise."""
    rows = [decision_row(decision) for decision in listed]
    last: dict[str, tuple[int, str]] = {}
    for ids in chunks(row["drift_id"] for row in rows):
        query = select(decisions.c.drift_id, decisions.c.seq, decisions.c.digest)
        for drift_id, seq, digest in connection.execute(
            query.where(decisions.c.ended_by.is_(None), decisions.c.drift_id.in_(ids))
        ):
            last[drift_id] = (seq, digest)
    changed = [row for row in rows if row["drift_id"] not in last or last[row["drift_id"]][1] != row["digest"]]
    end_rows(connection, decisions, [last[row["drift_id"]][0] for row in changed if row["drift_id"] in last], event)
    seqs = insert_numbered(connection, decisions, [{**row, "event": event} for row in changed])
    current = {drift_id: seq for drift_id, (seq, _) in last.items()}
    current |= {row["drift_id"]: seq for row, seq in zip(changed, seqs, strict=True)}
    new = {each.drift.id: each.drift for each in listed if each.drift.id not in last}
    insert_rows(
        connection,
        drifts,
        [{"id": drift.id, "event": event, "code": drift.code.value, "org_id": drift.org_id} for drift in new.values()],
    )
    return [current[row["drift_id"]] for row in rows]


def _write_planned(connection: Connection, event: int, planned: Sequence[PlannedFix]) -> list[int]:
    rows = [planned_row(each) for each in planned]
    known: dict[str, int] = {}
    for digests in chunks(row["digest"] for row in rows):
        found = select(planned_fixes.c.digest, planned_fixes.c.seq).where(planned_fixes.c.digest.in_(digests))
        known.update((digest, seq) for digest, seq in connection.execute(found))
    new = list({row["digest"]: {**row, "event": event} for row in rows if row["digest"] not in known}.values())
    seqs = insert_numbered(connection, planned_fixes, new)
    known.update({row["digest"]: seq for row, seq in zip(new, seqs, strict=True)})
    return [known[row["digest"]] for row in rows]


def _write_sightings(
    connection: Connection, event: int, as_of: datetime, listed: Sequence[Decision], number: int
) -> None:
    seen = {decision.drift.id: None for decision in listed}
    lasting = select(sightings.c.drift_id, sightings.c.seq).where(sightings.c.ended_by.is_(None))
    still_open: dict[str, int] = {row.drift_id: row.seq for row in connection.execute(lasting)}
    new = [drift_id for drift_id in seen if drift_id not in still_open]
    first: dict[str, datetime] = {}
    for ids in chunks(new):
        earlier = select(sightings.c.drift_id, sightings.c.first_ever_seen).where(sightings.c.drift_id.in_(ids))
        first.update((drift_id, at) for drift_id, at in connection.execute(earlier))
    insert_rows(
        connection,
        sightings,
        [
            {"event": event, "drift_id": drift_id, "first_seen": as_of, "first_no": number}
            | {"first_ever_seen": first.get(drift_id, as_of)}
            for drift_id in new
        ],
    )
    over = [seq for drift_id, seq in still_open.items() if drift_id not in seen]
    if over:
        last = runs.c.counts, runs.c.complete_no == number - 1
        last_seen = connection.scalar(select(runs.c.as_of).where(*last)) or as_of
        ending = {"last_no": number - 1, "last_seen": last_seen, "ended": EndedAs.RESOLVED.value}
        end_rows(connection, sightings, over, event, **ending)


def _write_confirmations(
    connection: Connection, event: int, run: RunRecord, listed: Sequence[Decision], number: int
) -> None:
    said = {decision.confirms: decision.drift.id for decision in listed if decision.confirms}
    lasting = select(confirmations.c.seq, confirmations.c.confirms, confirmations.c.config_sha256)
    going_on: set[str] = set()
    over: list[int] = []
    for span, confirms, config_sha256 in connection.execute(lasting.where(confirmations.c.ended_by.is_(None))):
        if confirms in said and config_sha256 == run.config_sha256:
            going_on.add(confirms)
        else:
            over.append(span)
    end_rows(connection, confirmations, over, event)
    insert_rows(
        connection,
        confirmations,
        [
            {"event": event, "confirms": confirms, "drift_id": drift_id, "config_sha256": run.config_sha256}
            | {"first_seen": run.as_of, "first_no": number}
            for confirms, drift_id in said.items()
            if confirms not in going_on
        ],
    )


def _write_outcome(
    connection: Connection, event: int, run: int, outcome: Outcome, number: int, *, looked_again: bool
) -> None:
    row = {**fix_row(outcome.fix), "seq": event, "run": run, "result": outcome.result.value, "at": outcome.at}
    connection.execute(insert(outcomes).values(**row, error=outcome.error, written=outcome.written))
    ended: list[tuple[Table, dict[str, Any]]] = []
    if outcome.result is OutcomeResult.FIXED:
        # A fix that was read back ended its drift: seen again, it is seen anew, and must be confirmed and settle anew.
        last_seen = connection.scalar(select(runs.c.as_of).where(runs.c.counts, runs.c.complete_no == number))
        ended.append((sightings, {"last_no": number, "last_seen": last_seen, "ended": EndedAs.FIXED.value}))
    if outcome.result is OutcomeResult.FIXED or (outcome.result is OutcomeResult.STALE and looked_again):
        # A second look that said otherwise is as good as a run that did not come to the fix. What a person approved and
        # the run itself did not plan had none: it is confirmed or not by what the run decided, if it was complete.
        ended.append((confirmations, {}))
    for table, ending in ended:
        of_drift = table.c.drift_id == outcome.fix.drift_id, table.c.ended_by.is_(None)
        connection.execute(update(table).where(*of_drift).values(ended_by=event, **ending))


def _end_intents(connection: Connection, event: int, run: RunRecord) -> None:
    """What this run meant to write its outcomes tell, what runs that it explains meant what the store shows."""
    own = intents.c.run_id == run.id, intents.c.ended_by.is_(None)
    connection.execute(update(intents).where(*own).values(ended_by=event))
    for told in run.explained:
        _end_explained(connection, event, told)


def _end_explained(connection: Connection, event: int, told: Explained) -> None:
    shown = {fix.key: shows.value for fix, shows in told.fixes}
    meant = select(intents.c.seq, intents.c.key)
    for seq, key in list(
        connection.execute(meant.where(intents.c.run_id == told.run_id, intents.c.ended_by.is_(None)))
    ):
        end_rows(connection, intents, [seq], event, shows=shown.get(key))

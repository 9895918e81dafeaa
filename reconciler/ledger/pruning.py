"""Takes what is older than the ledger must keep out of it, and leaves a checkpoint in the chain."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, exists, func, or_, select

from reconciler.errors import LedgerError
from reconciler.ledger.acts import read_waivers
from reconciler.ledger.audit import PRUNED, audit, rows_of
from reconciler.ledger.chain import Content, append
from reconciler.ledger.history_reading import latching_runs
from reconciler.ledger.stored import numbers_in
from reconciler.ledger.tables import (
    ENDINGS,
    acts,
    decisions,
    drifts,
    events,
    outcomes,
    planned_fixes,
    runs,
    sightings,
)
from reconciler.ledger.writing import chunks
from reconciler.model.acts import ActKind

_NEVER_YOUNGER = timedelta(days=8)


def prune(connection: Connection, before: datetime, now: datetime) -> int:
    """Take out the events before an instant with what they wrote and what is over; gives how many went.

    What still holds stays: open drifts, the last complete run, what it saw, the run that latched a direction, waivers,
    every contract, and all of the last eight days, since `history` looks back for seven. Raises LedgerError
    where what is to go does not agree with the chain: it may be all there is to show who changed it.
    """
    before = min(before, now - _NEVER_YOUNGER)
    through = _through(connection, before)
    if through is None:
        return 0
    found = audit(connection, until=through)
    if found.faults:
        raise LedgerError(
            f"The ledger does not agree with its chain: {found.faults[0].row}: {found.faults[0].text}",
            not_done="Nothing was pruned",
            remedy="Look into it with reconcile audit verify",
        )
    gone = connection.scalar(select(func.count()).select_from(events).where(events.c.seq <= through)) or 0
    _delete(connection, through, before)
    carried = Content()
    for row in rows_of(connection, through):
        carried.add(row.part, row.line)
    body = {"through": through, "sha256": found.head.sha256, "carried": carried.sha256, "events": gone}
    with append(connection, PRUNED, before.date().isoformat(), now, body):
        pass
    return gone


def _through(connection: Connection, before: datetime) -> int | None:
    """The last event to go: all up to it are older, a run goes with its outcomes; what still holds stays."""
    first = connection.scalar(select(func.min(events.c.seq)))
    kept = connection.scalar(select(func.min(events.c.seq)).where(events.c.at >= before))
    complete = connection.scalar(select(func.max(runs.c.seq)).where(runs.c.counts))
    latching = [run.seq for run in latching_runs(connection).values()]
    ends = [each for each in (kept, complete, *latching) if each is not None]
    if first is None or not ends:
        return None
    cut = min(ends)
    run = connection.scalar(select(outcomes.c.run).where(outcomes.c.seq == cut))
    through = (cut if run is None else run) - 1
    return through if through >= first else None


def _delete(connection: Connection, through: int, before: datetime) -> None:
    listed_decisions, listed_fixes = _listed(connection, through)
    old_runs = select(runs.c.seq).where(runs.c.seq <= through)
    connection.execute(delete(outcomes).where(outcomes.c.run.in_(old_runs)))
    connection.execute(delete(runs).where(runs.c.seq <= through))
    for table, endings in ENDINGS.items():
        if endings:
            connection.execute(delete(table).where(table.c.ended_by <= through))
    seen = exists().where(sightings.c.drift_id == decisions.c.drift_id)
    forgotten = select(decisions.c.seq).where(decisions.c.event <= through, ~seen)
    _delete_rows(connection, decisions, set(connection.scalars(forgotten)) - listed_decisions)
    old = select(planned_fixes.c.seq).where(planned_fixes.c.event <= through)
    _delete_rows(connection, planned_fixes, set(connection.scalars(old)) - listed_fixes)
    told = or_(exists().where(decisions.c.drift_id == drifts.c.id), exists().where(sightings.c.drift_id == drifts.c.id))
    connection.execute(delete(drifts).where(~told))
    _delete_acts(connection, through, before)
    connection.execute(delete(events).where(events.c.seq <= through))


def _listed(connection: Connection, through: int) -> tuple[set[int], set[int]]:
    """The decisions and planned fixes that a run which stays lists."""
    listed: tuple[set[int], set[int]] = (set(), set())
    for spans in connection.execute(select(runs.c.decisions, runs.c.fixes).where(runs.c.seq > through)):
        for numbers, found in zip(listed, spans, strict=True):
            numbers.update(numbers_in(found))
    return listed


def _delete_rows(connection: Connection, table: Any, seqs: set[int]) -> None:
    for part in chunks(sorted(seqs)):
        connection.execute(delete(table).where(table.c.seq.in_(part)))


def _delete_acts(connection: Connection, through: int, before: datetime) -> None:
    """Acts that bear on nothing any more: on drifts that are forgotten, and words said once."""
    hold = {each.drift_id for each in read_waivers(connection) if each.until >= before}
    hold |= set(connection.scalars(select(drifts.c.id)))
    of_drifts = [ActKind.WAIVE.value, ActKind.UNWAIVE.value, ActKind.ACK.value]
    of_contracts = [ActKind.CONTRACT.value, ActKind.CONTRACT_END.value]
    old = select(acts.c.seq, acts.c.kind, acts.c.subject).where(acts.c.seq <= through)
    said = connection.execute(old.where(acts.c.kind.not_in(of_contracts)))
    _delete_rows(connection, acts, {seq for seq, kind, subject in said if kind not in of_drifts or subject not in hold})

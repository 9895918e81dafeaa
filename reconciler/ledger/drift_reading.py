"""Reads drifts and waivers back from the ledger's tables, with how they stood once any run was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, func, or_, select

from reconciler.ledger.acts import read_recorded_acts, waiver_of
from reconciler.ledger.states import DriftState, RecordedDrift, RecordedWaiver, WaiverState
from reconciler.ledger.stored import decision_from
from reconciler.ledger.tables import acts, decisions, drifts, events, outcomes, runs, sightings
from reconciler.model.acts import ActKind, Waiver
from reconciler.model.drift import Code, Decision
from reconciler.model.history import Sighting


@dataclass(frozen=True, slots=True, kw_only=True)
class _Instant:
    """Where in the ledger drifts are told: after the event `seq`, at the time `at`, `number` complete runs recorded."""

    seq: int
    at: datetime
    number: int


def read_drifts(connection: Connection, now: datetime, *, open_only: bool) -> tuple[RecordedDrift, ...]:
    """Every drift that complete runs saw, as it stands at `now`, longest seen first."""
    seq = connection.scalar(select(func.max(events.c.seq))) or 0
    number = connection.scalar(select(func.max(runs.c.complete_no))) or 0
    return tuple(_drifts(connection, _Instant(seq=seq, at=now, number=number), open_only=open_only))


def read_drifts_at(connection: Connection, run_id: str, *, open_only: bool) -> tuple[RecordedDrift, ...] | None:
    """As `read_drifts`, once the run and its outcomes were recorded; None where there is no such run."""
    run = connection.execute(select(runs).where(runs.c.id == run_id)).first()
    if run is None:
        return None
    last = connection.scalar(select(func.max(outcomes.c.seq)).where(outcomes.c.run == run.seq))
    instant = _Instant(seq=last or run.seq, at=run.finished_at, number=run.complete_no)
    return tuple(_drifts(connection, instant, open_only=open_only))


def read_waivers_told(connection: Connection, now: datetime) -> tuple[RecordedWaiver, ...]:
    """Every waiver that was not taken back, in the order of giving, with how it stands."""
    found = {each.id: each for each in read_drifts(connection, now, open_only=False)}
    return tuple(
        RecordedWaiver(waiver=waiver, state=_waiver_state(waiver, found.get(drift_id), now), drift=found.get(drift_id))
        for drift_id, waiver in _Said.until(connection, None).waivers.items()
    )


def _waiver_state(waiver: Waiver, drift: RecordedDrift | None, now: datetime) -> WaiverState:
    if waiver.until <= now:
        return WaiverState.EXPIRED
    if drift is None or drift.state.is_over:
        return WaiverState.UNUSED
    return WaiverState.HOLDS if drift.state is DriftState.WAIVED else WaiverState.CHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What people said about drifts up to an event: the waiver of each, and when each was acknowledged last."""

    waivers: Mapping[str, Waiver]
    acknowledged: Mapping[str, int]

    @classmethod
    def until(cls, connection: Connection, seq: int | None) -> _Said:
        kinds = [kind.value for kind in (ActKind.WAIVE, ActKind.UNWAIVE, ActKind.ACK)]
        wanted = select(acts).where(acts.c.kind.in_(kinds))
        waivers: dict[str, Waiver] = {}
        acknowledged: dict[str, int] = {}
        for act in read_recorded_acts(connection, wanted if seq is None else wanted.where(acts.c.seq <= seq)):
            match act.kind:
                case ActKind.WAIVE:
                    waivers.pop(act.subject, None)
                    waivers[act.subject] = waiver_of(act)
                case ActKind.UNWAIVE:
                    waivers.pop(act.subject, None)
                case _:
                    acknowledged[act.subject] = act.seq
        return cls(waivers=waivers, acknowledged=acknowledged)


def _drifts(connection: Connection, instant: _Instant, *, open_only: bool) -> Iterator[RecordedDrift]:
    said = _Said.until(connection, instant.seq)
    begun = sightings.c.event <= instant.seq
    latest = (
        select(sightings.c.drift_id, func.max(sightings.c.seq).label("latest"))
        .where(begun)
        .group_by(sightings.c.drift_id)
        .subquery()
    )
    goes_on = or_(sightings.c.ended_by.is_(None), sightings.c.ended_by > instant.seq)
    in_force = and_(
        decisions.c.drift_id == sightings.c.drift_id,
        decisions.c.event <= instant.seq,
        or_(decisions.c.ended_by.is_(None), decisions.c.ended_by > instant.seq),
    )
    wanted = (
        select(sightings, drifts.c.code, drifts.c.org_id, goes_on.label("goes_on"), decisions)
        .join_from(latest, sightings, sightings.c.seq == latest.c.latest)
        .join(drifts, drifts.c.id == sightings.c.drift_id)
        .join(decisions, in_force)
        .order_by(sightings.c.first_seen, sightings.c.drift_id)
    )
    if open_only:
        wanted = wanted.where(goes_on)
    last_seen = connection.scalar(select(runs.c.as_of).where(runs.c.counts, runs.c.complete_no == instant.number))
    for row in connection.execute(wanted).mappings():
        yield _drift(row, instant, said, last_seen)


def _drift(row: RowMapping, instant: _Instant, said: _Said, last_seen: datetime | None) -> RecordedDrift:
    goes_on = bool(row["goes_on"])
    drift_id: str = row[sightings.c.drift_id]
    last_no = instant.number if goes_on else row["last_no"]
    seen = Sighting(first_seen=row["first_seen"], runs_seen=last_no - row["first_no"] + 1)
    decision = decision_from({**_decision_columns(row)}, seen)
    waiver = said.waivers.get(drift_id)
    return RecordedDrift(
        id=drift_id,
        code=Code(row["code"]),
        org_id=row["org_id"],
        state=_state(row, decision, waiver, said, instant) if goes_on else DriftState(row["ended"]),
        first_seen=row["first_seen"],
        last_seen=(last_seen or instant.at) if goes_on else row["last_seen"],
        runs_seen=seen.runs_seen,
        first_ever_seen=row["first_ever_seen"],
        decision=decision,
        waiver=waiver,
    )


def _decision_columns(row: RowMapping) -> dict[str, Any]:
    return {column.name: row[column] for column in decisions.c}


def _state(row: RowMapping, decision: Decision, waiver: Waiver | None, said: _Said, instant: _Instant) -> DriftState:
    if waiver is not None and waiver.until > instant.at and waiver.pinned == decision.drift.values:
        return DriftState.WAIVED
    if said.acknowledged.get(row[sightings.c.drift_id], 0) > row[sightings.c.event]:
        return DriftState.ACKNOWLEDGED
    came_back = row["first_ever_seen"] != row["first_seen"]
    return DriftState.REOPENED if came_back or waiver is not None else DriftState.OPEN

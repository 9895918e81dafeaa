"""Keeps what people said, each act an event of its own, and tells what of it holds."""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Select, insert, select

from reconciler.errors import LedgerError, PlanUsedError
from reconciler.ledger.chain import append
from reconciler.ledger.stored import numbers_in
from reconciler.ledger.tables import acts, planned_fixes, runs
from reconciler.model.acts import Act, ActKind, Acts, Contract, PlanUse, RecordedAct, Release, Waiver

TOLD_AFTER_ITS_END = timedelta(hours=24)
RELEASED_FOR = timedelta(hours=24)

_WAIVER = TypeAdapter(Waiver)
_CONTRACT = TypeAdapter(Contract)
_RELEASE = TypeAdapter(Release)


def write_acts(connection: Connection, said: Iterable[Act]) -> None:
    """Add them in their order, with the user and host that this process runs as."""
    user, host = os_user(), socket.gethostname()
    for act in said:
        with append(connection, act.kind.value, act.subject, act.at) as seq:
            row: dict[str, Any] = {
                "seq": seq,
                "kind": act.kind.value,
                "subject": act.subject,
                "at": act.at,
                "by": act.by,
            }
            row |= {"os_user": user, "host": host, "reason": act.reason, "body": dict(act.body)}
            connection.execute(insert(acts).values(**row))


def os_user() -> str:
    """The name of the user that this process runs as, its number where it has none; the environment is not asked."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def waiver_act(waiver: Waiver) -> Act:
    """The act by which a drift is waived."""
    body = _WAIVER.dump_python(waiver, mode="json", include={"pinned", "until"})
    return Act(kind=ActKind.WAIVE, subject=waiver.drift_id, by=waiver.by, reason=waiver.reason, at=waiver.at, body=body)


def waiver_of(act: Any) -> Waiver:
    """The waiver that an act, or its row, gave."""
    said = {"drift_id": act.subject, "by": act.by, "reason": act.reason, "at": act.at, **act.body}
    return _WAIVER.validate_python(said)


def contract_act(contract: Contract, *, by: str, reason: str, at: datetime) -> Act:
    """The act by which a contract is added; its subject is the organisation."""
    body = _CONTRACT.dump_python(contract, mode="json")
    return Act(kind=ActKind.CONTRACT, subject=contract.org_id, by=by, reason=reason, at=at, body=body)


def contract_of(act: Any) -> Contract:
    """The contract that an act, or its row, added."""
    return _CONTRACT.validate_python(act.body)


def contract_end_act(contract_id: str, end: date, *, by: str, reason: str, at: datetime) -> Act:
    """The act by which a contract ends with the day `end`, included."""
    body = {"end": end.isoformat()}
    return Act(kind=ActKind.CONTRACT_END, subject=contract_id, by=by, reason=reason, at=at, body=body)


def write_release(connection: Connection, digest: str, *, by: str, reason: str, at: datetime) -> Release:
    """Keep that a person acknowledges what was refused under `digest`. Raises LedgerError where nothing was."""
    refused = list(
        connection.execute(
            select(runs.c.refused_by, runs.c.fixes, runs.c.population)
            .where(runs.c.refusal_digest == digest)
            .order_by(runs.c.seq)
        )
    )
    if not refused:
        raise LedgerError(
            f"No run of the ledger was refused under {digest}",
            not_done="Nothing was acknowledged",
            remedy="Copy the digest from the report of the refused run, or from reconcile breaker status",
        )
    numbers = {number for run in refused if run.refused_by for number in numbers_in(run.fixes)}
    directions = {number: run.refused_by for run in refused if run.refused_by for number in numbers_in(run.fixes)}
    keys: set[str] = set()
    query = select(planned_fixes.c.seq, planned_fixes.c.key, planned_fixes.c.direction)
    for row in connection.execute(query.where(planned_fixes.c.seq.in_(numbers))) if numbers else ():
        if row.direction in directions[row.seq]:
            keys.add(row.key)
    whole = [run.population for run in refused if not run.refused_by]
    release = Release(
        digest=digest,
        until=at + RELEASED_FOR,
        by=by,
        reason=reason,
        at=at,
        fixes=frozenset(keys),
        population=whole[-1] if whole else None,
    )
    body = _RELEASE.dump_python(release, mode="json", include={"until", "population"})
    body |= {"fixes": sorted(keys), "directions": sorted({each for run in refused for each in run.refused_by})}
    act = Act(kind=ActKind.RELEASE, subject=digest, by=by, reason=reason, at=at, body=body)
    write_acts(connection, [act])
    return release


def write_plan_use(connection: Connection, seal: str, *, digest: str, by: str, at: datetime) -> None:
    """Keep that a plan file is being applied (ports.Ledger). Raises PlanUsedError where it was before."""
    before = read_plan_use(connection, seal)
    if before is not None:
        raise PlanUsedError(by=before.by, at=before.at)
    write_acts(connection, [Act(kind=ActKind.APPLY, subject=seal, by=by, reason="", at=at, body={"digest": digest})])


def read_plan_use(connection: Connection, seal: str) -> PlanUse | None:
    """By whom and when a plan file was applied."""
    used = acts.c.kind == ActKind.APPLY.value, acts.c.subject == seal
    row = connection.execute(select(acts.c.by, acts.c.at).where(*used)).first()
    return None if row is None else PlanUse(by=row.by, at=row.at)


def read_acts(connection: Connection, now: datetime) -> Acts:
    """What people said that bears on a pass at `now` (model.history.History)."""
    told_since = now - TOLD_AFTER_ITS_END
    return Acts(
        waivers={each.drift_id: each for each in read_waivers(connection) if each.until > told_since},
        contracts=read_contracts(connection),
        releases=tuple(
            release
            for row in _said(connection, ActKind.RELEASE, since=told_since - RELEASED_FOR)
            for release in (_release_from(row),)
            if release.until > told_since
        ),
    )


def read_waivers(connection: Connection) -> tuple[Waiver, ...]:
    """The last waiver of each drift, unless it was taken back; ended ones too."""
    found: dict[str, Waiver] = {}
    for row in _said(connection, ActKind.WAIVE, ActKind.UNWAIVE):
        found.pop(row.subject, None)
        if row.kind == ActKind.WAIVE:
            found[row.subject] = waiver_of(row)
    return tuple(found.values())


def read_contracts(connection: Connection) -> tuple[Contract, ...]:
    """Every contract, ended ones too, in the order of adding; one that was ended has the end that was said last."""
    found: dict[str, dict[str, Any]] = {}
    for row in _said(connection, ActKind.CONTRACT, ActKind.CONTRACT_END):
        if row.kind == ActKind.CONTRACT:
            found[row.body["id"]] = dict(row.body)
        elif row.subject in found:
            found[row.subject]["end"] = row.body["end"]
    return tuple(_CONTRACT.validate_python(each) for each in found.values())


def read_recorded_acts(connection: Connection, wanted: Select[Any] | None = None) -> tuple[RecordedAct, ...]:
    """Acts in the order of saying, all of them unless `wanted` selects some."""
    rows = connection.execute((select(acts) if wanted is None else wanted).order_by(acts.c.seq)).mappings()
    return tuple(RecordedAct(**{**row, "kind": ActKind(row["kind"])}) for row in rows)


def release_directions(connection: Connection) -> Iterator[tuple[int, Sequence[str]]]:
    """Each release by its event's number, and the directions that had been refused under its digest.

    It says them itself, since the runs that were refused may have been pruned.
    """
    for row in _said(connection, ActKind.RELEASE):
        yield row.seq, row.body.get("directions", ())


def _said(connection: Connection, *kinds: ActKind, since: datetime | None = None) -> Iterator[Any]:
    query = select(acts).where(acts.c.kind.in_([kind.value for kind in kinds])).order_by(acts.c.seq)
    yield from connection.execute(query if since is None else query.where(acts.c.at > since))


def _release_from(row: Any) -> Release:
    said = {"digest": row.subject, "by": row.by, "reason": row.reason, "at": row.at, **row.body}
    return _RELEASE.validate_python(said)

"""Writes what a complete run saw of organisations and subscriptions, where it is not what the last one saw."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, or_, select

from reconciler.ledger.tables import org_states, outcomes, runs, subscription_states
from reconciler.ledger.writing import chunks, end_rows, insert_rows
from reconciler.model.drift import Call
from reconciler.model.orgs import Org
from reconciler.model.run import RunRecord


def write_org_states(connection: Connection, event: int, run: RunRecord, *, since_event: int | None) -> None:
    """Write each organisation that is not as it was; `since_event` is the complete run before, None for the first."""
    columns = org_states.c.seq, org_states.c.org_id, org_states.c.tier, org_states.c.status
    ids = org_states.c.lago_id, org_states.c.stripe_id
    lasting = select(*columns, *ids).where(org_states.c.ended_by.is_(None))
    known = {row.org_id: (row.seq, tuple(row[2:])) for row in connection.execute(lasting)}
    changed = [org for org in run.orgs if org.id not in known or known[org.id][1] != _state(org)]
    there = {org.id for org in run.orgs}
    over = [known[org.id][0] for org in changed if org.id in known]
    over += [seq for org_id, (seq, _) in known.items() if org_id not in there]
    own = set(_own_writes(connection, since_event)) if changed else set()
    before = _whole(connection, [known[org.id][0] for org in changed if org.id in known])
    end_rows(connection, org_states, over, event)
    since = None if since_event is None else run.as_of
    insert_rows(
        connection,
        org_states,
        [
            {"event": event, "org_id": org.id, "tier": org.tier, "status": org.status, "lago_id": org.lago_id}
            | {"stripe_id": org.stripe_id, "since": since, **_whose(org, before.get(org.id), own, run.as_of)}
            for org in changed
        ],
    )


def write_subscription_states(connection: Connection, event: int, run: RunRecord, *, first: bool) -> None:
    """Write each subscription that is not as it was. Of the dates of a change that is waited for the earliest stays."""
    table = subscription_states
    columns = table.c.subscription_id, table.c.seq, table.c.digest, table.c.since, table.c.next_at
    known = {row[0]: row[1:] for row in connection.execute(select(*columns).where(table.c.ended_by.is_(None)))}
    over: list[int] = []
    rows: list[dict[str, Any]] = []
    for seen in run.subscriptions:
        seq, digest, since, next_at = known.pop(seen.id, (None, "", None, None))
        awaited = min(seen.next_at, next_at or seen.next_at) if seen.next_at is not None else None
        if seq is not None and digest == seen.digest and awaited == next_at:
            continue
        if seq is not None:
            over.append(seq)
        if digest != seen.digest:
            since = None if first else run.as_of
        row = {"event": event, "subscription_id": seen.id, "digest": seen.digest, "since": since, "next_at": awaited}
        rows.append(row)
    over += [row[0] for row in known.values()]
    end_rows(connection, table, over, event)
    insert_rows(connection, table, rows)


def _state(org: Org) -> tuple[str | None, ...]:
    return org.tier, org.status, org.lago_id, org.stripe_id


def _whole(connection: Connection, seqs: list[int]) -> dict[str, RowMapping]:
    """Rows that are about to end, by organisation."""
    found: dict[str, RowMapping] = {}
    for part in chunks(seqs):
        rows = connection.execute(select(org_states).where(org_states.c.seq.in_(part))).mappings()
        found.update((row["org_id"], row) for row in rows)
    return found


def _whose(org: Org, before: RowMapping | None, own: set[tuple[str, str, str]], as_of: datetime) -> dict[str, Any]:
    """Whose write tier and status are, and the last change of the tier."""
    if before is None:
        return {
            "own_status": False,
            "own_tier": False,
            "tier_before": None,
            "tier_changed_at": None,
            "before_own": None,
        }
    names = "own_status", "own_tier", "tier_before", "tier_changed_at", "before_own"
    said: dict[str, Any] = {name: before[name] for name in names}
    if org.status != before["status"]:
        said["own_status"] = (org.id, "status", org.status) in own
    if org.tier != before["tier"]:
        said |= {"tier_before": before["tier"], "tier_changed_at": as_of, "before_own": before["own_tier"]}
        said["own_tier"] = (org.id, "plan_tier", org.tier) in own
    return said


def _own_writes(connection: Connection, since_event: int | None) -> Iterator[tuple[str, str, str]]:
    """What fixes wrote that the complete run before may not have seen: organisation, argument, value."""
    if since_event is None:
        return
    calls = outcomes.c.call.in_([Call.PLAN.value, Call.STATUS.value])
    looked = connection.execute(select(runs.c.as_of, runs.c.finished_at).where(runs.c.seq == since_event)).one()
    # A dry run takes no lock: another run may have written, and been recorded, after it looked at the store.
    meanwhile = outcomes.c.at.between(looked.as_of, looked.finished_at)
    written = outcomes.c.written, or_(outcomes.c.seq > since_event, meanwhile), calls
    for org_id, arguments in connection.execute(select(outcomes.c.org_id, outcomes.c.arguments).where(*written)):
        for name, value in arguments.items():
            yield org_id, name, value

"""Reads from the ledger's tables what a pass must know of earlier ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, exists, or_, select

from reconciler.ledger.acts import read_acts, release_directions
from reconciler.ledger.stored import SOURCES, fix_from
from reconciler.ledger.tables import (
    confirmations,
    intents,
    org_states,
    outcomes,
    runs,
    sightings,
    subscription_states,
)
from reconciler.model.drift import Call, Direction, Fix
from reconciler.model.history import (
    DoneFix,
    Failures,
    History,
    Latch,
    OrgState,
    Sighting,
    SubscriptionState,
    TierChange,
    UnfinishedRun,
)
from reconciler.model.run import OutcomeResult, RunMode, Shows

FIXES_COUNT_FOR = timedelta(hours=24)
FIXES_STICK_FOR = timedelta(days=7)


def read_history(connection: Connection, now: datetime) -> History:
    """What a run at `now` must know of earlier ones (model.history.History)."""
    last = connection.execute(
        select(runs.c.complete_no, runs.c.population, runs.c.sources, runs.c.config_sha256)
        .where(runs.c.counts)
        .order_by(runs.c.seq.desc())
        .limit(1)
    ).first()
    number = last.complete_no if last else 0
    open_sightings = select(sightings.c.drift_id, sightings.c.first_seen, sightings.c.first_no).where(
        sightings.c.ended_by.is_(None)
    )
    confirmed = select(confirmations.c.confirms, confirmations.c.first_seen, confirmations.c.first_no).where(
        confirmations.c.ended_by.is_(None)
    )
    acts = read_acts(connection, now)
    orgs, tier_changes, own_status = _orgs(connection)
    return History(
        open_drifts=_sightings(connection, open_sightings, number),
        done=tuple(_done(connection, now)),
        population=last.population if last else None,
        source_rows={
            source: read.proof.rows
            for source, read in (SOURCES.validate_python(last.sources).items() if last else ())
            if read.proof is not None
        },
        confirmations=_sightings(connection, confirmed, number),
        config_sha256=last.config_sha256 if last else "",
        orgs=orgs,
        subscriptions=_subscriptions(connection),
        tier_changes=tier_changes,
        own_status=own_status,
        status_set=_status_set(connection),
        failures=_failures(connection),
        fixed_at=_fixed_at(connection, now),
        waivers=acts.waivers,
        contracts=acts.contracts,
        releases=acts.releases,
        latches=read_latches(connection),
        unfinished=_unfinished(connection),
    )


def read_latches(connection: Connection) -> Mapping[Direction, Latch]:
    """The directions that stay refused, each by the first refusal since it was released last."""
    return {
        direction: Latch(digest=run.plan_digest, rule=run.refused_by[direction], since=run.as_of)
        for direction, run in latching_runs(connection).items()
    }


def latching_runs(connection: Connection) -> Mapping[Direction, Any]:
    """By direction the run that latched it, as long as no person released it."""
    released: dict[str, int] = {}
    for seq, directions in release_directions(connection):
        released |= {direction: max(seq, released.get(direction, 0)) for direction in directions}
    wanted = runs.c.refusal_digest.is_not(None), runs.c.mode != RunMode.DRY_RUN.value
    columns = runs.c.seq, runs.c.refused_by, runs.c.plan_digest, runs.c.as_of
    after = min((released.get(direction, 0) for direction in Direction), default=0)
    refused = select(*columns).where(*wanted, runs.c.seq > after).order_by(runs.c.seq)
    latching: dict[Direction, Any] = {}
    for run in connection.execute(refused):
        for direction in run.refused_by:
            if run.seq > released.get(direction, 0):
                latching.setdefault(Direction(direction), run)
    return latching


def _sightings(connection: Connection, spells: Select[Any], number: int) -> Mapping[str, Sighting]:
    """The open spells as of the complete run `number`."""
    return {
        key: Sighting(first_seen=first_seen, runs_seen=number - first_no + 1)
        for key, first_seen, first_no in connection.execute(spells)
    }


def _done(connection: Connection, now: datetime) -> Iterator[DoneFix]:
    # A fix dated after `now` counts too: a clock that was set back must not empty the limits.
    since = now - FIXES_COUNT_FOR
    written = outcomes.c.written, outcomes.c.at > since
    # A run that left no record was interrupted: it may have written all that the store does not show as not written.
    unknown = or_(intents.c.ended_by.is_(None), intents.c.shows.in_([Shows.WRITTEN.value, Shows.NEITHER.value]))
    for table, wanted in ((outcomes, and_(*written)), (intents, and_(intents.c.at > since, unknown))):
        columns = table.c.key, table.c.direction, table.c.at, table.c.worth
        for key, direction, at, worth in connection.execute(select(*columns).where(wanted).order_by(table.c.seq)):
            yield DoneFix(
                key=key,
                direction=Direction(direction),
                at=at,
                currency=worth["currency"] if worth else "",
                monthly=worth["minor"] if worth else None,
            )


def _orgs(connection: Connection) -> tuple[dict[str, OrgState], dict[str, TierChange], dict[str, str]]:
    table = org_states
    lasting = table.c.ended_by.is_(None)
    columns = table.c.org_id, table.c.tier, table.c.status, table.c.lago_id, table.c.stripe_id, table.c.since
    orgs = {
        org_id: OrgState(tier=tier, status=status, lago_id=lago_id, stripe_id=stripe_id, since=since)
        for org_id, tier, status, lago_id, stripe_id, since in connection.execute(select(*columns).where(lasting))
    }
    told = or_(table.c.own_status, table.c.tier_before.is_not(None))
    tier_changes: dict[str, TierChange] = {}
    own_status: dict[str, str] = {}
    for row in connection.execute(select(table).where(lasting, told)):
        if row.own_status:
            own_status[row.org_id] = row.status
        if row.tier_before is not None:
            tier_changes[row.org_id] = TierChange(
                before=row.tier_before,
                after=row.tier,
                seen_at=row.tier_changed_at,
                our_own=row.own_tier,
                before_our_own=row.before_own,
            )
    return orgs, tier_changes, own_status


def _subscriptions(connection: Connection) -> dict[str, SubscriptionState]:
    table = subscription_states
    columns = table.c.subscription_id, table.c.digest, table.c.since, table.c.next_at
    return {
        subscription_id: SubscriptionState(digest=digest, since=since, next_at=next_at)
        for subscription_id, digest, since, next_at in connection.execute(
            select(*columns).where(table.c.ended_by.is_(None))
        )
    }


def _failures(connection: Connection) -> dict[str, Failures]:
    """Failures in a row of the very same fix, since its drift was last gone."""
    later = outcomes.alias()
    succeeded = exists().where(
        later.c.key == outcomes.c.key, later.c.result == OutcomeResult.FIXED.value, later.c.seq > outcomes.c.seq
    )
    gone = exists().where(sightings.c.drift_id == outcomes.c.drift_id, sightings.c.ended_by > outcomes.c.seq)
    failed = select(outcomes.c.key, outcomes.c.at, outcomes.c.error).where(
        outcomes.c.result == OutcomeResult.FAILED.value, ~succeeded, ~gone
    )
    found: dict[str, Failures] = {}
    for key, at, error in connection.execute(failed.order_by(outcomes.c.seq)):
        count = found[key].count + 1 if key in found else 1
        found[key] = Failures(count=count, last_at=at, error=error or "")
    return found


def _fixed_at(connection: Connection, now: datetime) -> dict[str, tuple[datetime, ...]]:
    written = outcomes.c.written, outcomes.c.at > now - FIXES_STICK_FOR
    found: dict[str, tuple[datetime, ...]] = {}
    for key, at in connection.execute(select(outcomes.c.key, outcomes.c.at).where(*written).order_by(outcomes.c.seq)):
        found[key] = (*found.get(key, ()), at)
    return found


def _status_set(connection: Connection) -> dict[str, str]:
    """The status that our last write of one gave each organisation."""
    written = outcomes.c.written, outcomes.c.call == Call.STATUS.value
    found = select(outcomes.c.org_id, outcomes.c.arguments).where(*written).order_by(outcomes.c.seq)
    return {org_id: arguments["status"] for org_id, arguments in connection.execute(found)}


def _unfinished(connection: Connection) -> tuple[UnfinishedRun, ...]:
    meant: dict[str, tuple[datetime, list[Fix]]] = {}
    still = select(intents).where(intents.c.ended_by.is_(None)).order_by(intents.c.seq)
    for row in connection.execute(still).mappings():
        meant.setdefault(row["run_id"], (row["at"], []))[1].append(fix_from(row))
    return tuple(UnfinishedRun(run_id=run_id, at=at, fixes=tuple(fixes)) for run_id, (at, fixes) in meant.items())

"""Reads everything that a pass judges: the store, every configured source, and what the ledger remembers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from datetime import UTC

import structlog

from reconciler.cycle.doubts import doubted
from reconciler.cycle.line import Line
from reconciler.model.observation import Observation, Snapshot, StoreReading
from reconciler.model.orgs import InvalidRecord, Org
from reconciler.ports import OrganizationRecord, OrgManager
from reconciler.rules.wanted import wanted_of

_log = structlog.get_logger()


def observe(line: Line) -> Observation:
    """One look at everything.

    The store is read first: whoever changes it while the sources are read is found by the re-read before a write. Of a
    source that was read whole, what its lists left open is asked for in a second step.
    Raises StoreError, SetupError or LedgerError; a source that is merely away, or whose read is in
    doubt, gives an incomplete snapshot.
    """
    as_of = line.clock.now()
    remembered = history = line.remembered if line.ledger is None else line.ledger.history(as_of)
    if history.config_sha256 != line.config_sha256:
        history = replace(history, confirmations={})  # what was concluded by other settings confirms nothing
    line.watcher.expects(history.source_rows)
    reading = read_store(line.store)
    _log.info("source.read", source="orgs", complete=True, rows=len(reading.orgs), invalid=len(reading.invalid))
    with ThreadPoolExecutor(max_workers=max(1, len(line.sources))) as pool:
        reads = {name: pool.submit(copy_context().run, source.read_all, as_of) for name, source in line.sources.items()}
        snapshots = {name: doubted(read.result(), history, line.terms, line.limits) for name, read in reads.items()}
        wanted = wanted_of(reading.orgs, snapshots, line.terms)
        more = {
            name: pool.submit(copy_context().run, line.sources[name].read_more, snapshot, wanted[name], as_of)
            for name, snapshot in snapshots.items()
            if snapshot.complete and wanted[name]
        }
        snapshots.update({name: read.result() for name, read in more.items()})
    for snapshot in snapshots.values():
        _say(snapshot)
    if line.keeper is not None:
        line.keeper.keep(as_of=as_of, store=reading, history=remembered)
    return Observation(as_of=as_of, store=reading, snapshots=snapshots, history=history)


def read_store(store: OrgManager) -> StoreReading:
    """The whole store at one instant, as the rules know it. Raises StoreError."""
    held = store.snapshot()
    return StoreReading(
        orgs=tuple(as_org(record) for record in held.organizations.values()),
        invalid=tuple(
            InvalidRecord(key=each.key, problem=each.problem, readable=each.readable) for each in held.invalid
        ),
        version=held.version,
    )


def as_org(record: OrganizationRecord) -> Org:
    """A record of the store as the rules know it; its naive times mean UTC (facts of the store)."""
    created = record.created_at
    return Org(
        id=record.id,
        name=record.name,
        tier=record.plan_tier,
        status=record.status,
        created_at=created if created.tzinfo else created.replace(tzinfo=UTC),
        lago_id=record.lago_customer_id,
        stripe_id=record.stripe_customer_id,
    )


def _say(snapshot: Snapshot) -> None:
    proof = snapshot.proof
    _log.info(
        "source.read",
        source=snapshot.source.value,
        complete=snapshot.complete,
        rows=proof.rows,
        requests=proof.requests,
        retries=proof.retries,
    )
    if not snapshot.complete:
        _log.warning("source.incomplete", source=snapshot.source.value, problem=snapshot.problem)

"""Makes the record of a pass, keeps it in the ledger and hands it to the reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from reconciler.cycle.apply import NOTHING_APPLIED, Applied
from reconciler.cycle.line import Line, Pass
from reconciler.cycle.notes import notes_of
from reconciler.errors import LedgerError
from reconciler.model.billing import SubscriptionStatus
from reconciler.model.drift import Decided, Decision
from reconciler.model.observation import Observation
from reconciler.model.run import Plan, RunMode, RunRecord, RunResult, SeenSubscription, SourceRead
from reconciler.rules.changes import subscription_digest
from reconciler.rules.compare import Judgement
from reconciler.rules.conclude import conclude
from reconciler.rules.planning import NO_PLAN
from reconciler.rules.refusals import Refusal
from reconciler.rules.totals import add_up
from reconciler.rules.written import explain

_log = structlog.get_logger()

_BROKEN_OFF = 5
_OVER = frozenset({SubscriptionStatus.ENDED, SubscriptionStatus.ABANDONED})
_NOTHING_JUDGED = Judgement(verdicts=(), unclaimed=(), unreadable=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The id of a pass and when it began."""

    id: str
    at: datetime


def record(
    started: Started,
    line: Line,
    asked: Pass,
    observation: Observation,
    *,
    judgement: Judgement = _NOTHING_JUDGED,
    decisions: Sequence[Decision] = (),
    plan: Plan = NO_PLAN,
    applied: Applied = NOTHING_APPLIED,
    refusal: Refusal | None = None,
) -> RunRecord:
    """Keep the pass and make its reports.

    A dry run that the ledger will not take says so and goes on; any other raises LedgerError after its reports are
    made, since what was written must be told.
    """
    explained = explain(observation)
    result, exit_code = conclude(
        refused=refusal is not None,
        complete=observation.complete,
        decisions=decisions,
        plan=plan,
        outcomes=applied.outcomes,
    )
    if applied.broken_off is not None:
        result, exit_code = RunResult.FAILED, _BROKEN_OFF
    run = RunRecord(
        id=started.id,
        mode=asked.mode,
        result=result,
        complete=observation.complete and refusal is None,
        partial=asked.scope.partial,
        exit_code=exit_code,
        started_at=started.at,
        finished_at=line.clock.now(),
        as_of=observation.as_of,
        version=line.version,
        config_sha256=line.config_sha256,
        trigger=asked.trigger,
        refusal=f"{refusal.text}." if refusal else None,
        notes=tuple(
            notes_of(
                asked,
                observation,
                line,
                judgement=None if refusal else judgement,
                plan=plan,
                applied=applied,
                explained=explained,
            )
        ),
        store=SourceRead(complete=True, rows=len(observation.store.orgs)),
        sources={
            source: SourceRead(
                complete=snapshot.complete,
                rows=len(snapshot.subscriptions),
                proof=snapshot.proof,
                problem=snapshot.problem,
                about=snapshot.about,
                side_reads=snapshot.side_reads,
            )
            for source, snapshot in observation.snapshots.items()
        },
        totals=add_up(judgement, decisions),
        decisions=tuple(decisions),
        plan=plan,
        outcomes=(*applied.gone, *applied.outcomes),
        orgs=observation.store.orgs,
        subscriptions=tuple(
            SeenSubscription(id=each.id, digest=subscription_digest(each), next_at=each.next_at)
            for snapshot in observation.snapshots.values()
            for each in snapshot.subscriptions
            if each.status not in _OVER
        ),
        refusal_digest=refusal.digest if refusal else plan.digest if plan.refused_by else None,
        # A run that may still be writing looks the same to a dry run, which does not hold the lock; and a store that
        # refuses the run is no witness of what was written.
        explained=() if asked.mode is RunMode.DRY_RUN or refusal is not None else explained,
        approved_by=asked.approval.by if asked.approval else None,
    )
    _say_found(run, refusal)
    failure: LedgerError | None = None
    if line.ledger is not None:
        try:
            run = replace(run, ledger=line.ledger.record(run))
        except LedgerError as error:
            failure = error
            run = replace(run, notes=(*run.notes, f"This run is not in the ledger: {error.problem}"))
    if asked.mode is RunMode.DRY_RUN:
        failure = None
    if failure is None:
        _say_finished(run)
    line.reports.write(run)
    if failure is not None:
        raise failure
    return run


def _say_found(run: RunRecord, refusal: Refusal | None) -> None:
    for decision in run.decisions:
        if decision.decided in {Decided.FIX, Decided.FLAG, Decided.HOLD}:
            _log.info(
                "drift.found",
                org_id=decision.drift.org_id,
                drift_id=decision.drift.id,
                code=decision.drift.code.value,
                decision=decision.decided.value,
                blocked_by=decision.blocked_by,
            )
    for direction, rule in run.plan.refused_by.items():
        _log.error("plan.refused", direction=direction.value, limit=rule, digest=run.plan.digest)
    if refusal is not None:
        _log.error("plan.refused", reason=run.refusal, limit=refusal.rule, digest=refusal.digest)


def _say_finished(run: RunRecord) -> None:
    _log.info(
        "run.finished",
        result=run.result.value,
        exit_code=run.exit_code,
        complete=run.complete,
        orgs=run.totals.orgs,
        drift=run.totals.drift,
        held=run.totals.held,
        fixes=len(run.outcomes),
    )

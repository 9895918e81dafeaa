"""One pass along the line, from reading everything to the record that reports are made from."""

from __future__ import annotations

import secrets
from dataclasses import replace

import structlog

from reconciler.cycle.apply import apply
from reconciler.cycle.approving import no_longer_planned, refuse_plan
from reconciler.cycle.judging import judge_all
from reconciler.cycle.line import Line, Pass
from reconciler.cycle.observe import observe
from reconciler.cycle.record import Started, record
from reconciler.cycle.stopping import Stop, stop_held
from reconciler.errors import UsageError
from reconciler.model.run import RunMode, RunRecord
from reconciler.rules.decide import decide
from reconciler.rules.planning import build_plan
from reconciler.rules.refusals import refuse_run

_log = structlog.get_logger()


def run_pass(line: Line, asked: Pass, *, stop: Stop | None = None) -> RunRecord:
    """Observe, judge, decide, plan, apply, record and report; whoever runs it in a thread stops it by `stop`.

    Raises UsageError for a pass that would write without a ledger, RunRefusedError for a plan that may not be applied
    here and now, and SetupError, StoreError or LedgerError before
    anything is written; a source that is away, a limit that refuses or a fix that fails is in the record instead. A
    ledger that fails after writing raises LedgerError once the reports are made. Whatever broke the writing off is
    raised again once what was written is recorded.
    """
    if line.ledger is None and asked.mode is not RunMode.DRY_RUN:
        raise UsageError(
            "--no-record goes with --dry-run: without the ledger the limits cannot be kept",
            remedy="Add --dry-run, or leave --no-record out",
        )
    if asked.approval is not None:
        refuse_plan(asked.approval, line)
    started_at = line.clock.now()
    started = Started(id=f"{started_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}", at=started_at)
    with structlog.contextvars.bound_contextvars(run_id=started.id):
        _log.info("run.started", mode=asked.mode.value, trigger=asked.trigger.value, partial=asked.scope.partial)

        observation = observe(line)
        line.watcher.judging(len(observation.store.orgs))
        refusal = refuse_run(observation, line.terms, line.limits)
        if refusal:
            return record(started, line, asked, observation, refusal=refusal)
        judgement = judge_all(observation, line.terms)
        decisions = decide(judgement, observation, line.policy, asked.scope)
        approved = frozenset(fix.key for fix in asked.approval.plan.fixes) if asked.approval else None
        plan = build_plan(
            decisions,
            judgement,
            observation,
            terms=line.terms,
            limits=line.limits,
            scope=asked.scope,
            approved=approved,
        )
        with stop_held(stop) as held:
            applied = apply(plan, observation, line, asked, run_id=started.id, stop=held)
            if asked.approval is not None:
                gone = tuple(no_longer_planned(asked.approval, plan, decisions, line.clock.now()))
                applied = replace(applied, gone=gone)
            try:
                return record(
                    started,
                    line,
                    asked,
                    observation,
                    judgement=judgement,
                    decisions=decisions,
                    plan=plan,
                    applied=applied,
                )
            finally:
                if applied.broken_off is not None:
                    raise applied.broken_off

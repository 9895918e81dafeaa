"""Holds an approved plan against what it was made for, and names those of its fixes that no longer hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from reconciler.cycle.line import Approval, Line
from reconciler.errors import PlanUsedError, RunRefusedError
from reconciler.model.drift import Decision
from reconciler.model.moments import utc
from reconciler.model.run import Outcome, OutcomeResult, Plan

_NEW_ONE = "Make a new one with reconcile --dry-run --plan-out FILE"


def refuse_plan(approval: Approval, line: Line) -> None:
    """Raise RunRefusedError for a plan of another store or configuration, one that expired, and one that was used."""
    plan, now = approval.plan, line.clock.now()
    if plan.store_at != line.store_at:
        raise RunRefusedError(
            f"The plan was made for the store {plan.store_at}, this one is {line.store_at}",
            rule="plan_of_another_store",
            remedy="Apply it with the configuration of that store",
        )
    if plan.config_sha256 != line.config_sha256:
        raise RunRefusedError(
            f"The plan was made by the run {plan.run_id} under other settings than these",
            rule="plan_of_another_configuration",
            remedy=_NEW_ONE,
        )
    if now >= plan.expires_at:
        raise RunRefusedError(f"The plan expired at {utc(plan.expires_at)}", rule="plan_expired", remedy=_NEW_ONE)
    used = line.ledger.plan_use(plan.seal) if line.ledger is not None else None
    if used is not None:
        raise PlanUsedError(by=used.by, at=used.at)


def no_longer_planned(
    approval: Approval, plan: Plan, decisions: Sequence[Decision], now: datetime
) -> Iterator[Outcome]:
    """The fixes of an approved plan that the pass did not come to again, as stale, with the reason."""
    planned = {each.fix.key for each in plan.fixes}
    said = {each.drift.id: each for each in decisions}
    for fix in approval.plan.fixes:
        if fix.key in planned:
            continue
        again = said.get(fix.drift_id)
        if again is None:
            why = "judged again, there is no such drift any more"
        elif again.drift.fix != fix:
            why = "judged again, it is another fix by now"
        else:
            why = f"judged again, it is stopped: {again.reason}"
        yield Outcome(fix=fix, result=OutcomeResult.STALE, at=now, error=why)

"""Writes the fixes of a plan, each only after its organisation was read again and judged again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from reconciler.cycle.confirm import Confirmer
from reconciler.cycle.line import Line, Pass
from reconciler.cycle.observe import as_org
from reconciler.cycle.stopping import Stop, Stopped
from reconciler.errors import (
    ReconcilerError,
    SourceRefusedError,
    SourceUnavailableError,
    StaleOrganizationError,
    StoreUnfinishedError,
)
from reconciler.model.drift import Call, Fix
from reconciler.model.observation import Observation
from reconciler.model.run import Outcome, OutcomeResult, Plan, RunMode, Shows
from reconciler.ports import Watcher
from reconciler.rules.written import shows

_log = structlog.get_logger()

_FAILURES_THAT_STOP = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of the fixes that were begun, and what broke the writing off, if anything did.

    `gone` are fixes of an approved plan that were not begun, since they no longer hold.
    """

    outcomes: tuple[Outcome, ...] = ()
    gone: tuple[Outcome, ...] = ()
    broken_off: BaseException | None = None


NOTHING_APPLIED = Applied()


def apply(plan: Plan, observation: Observation, line: Line, asked: Pass, *, run_id: str, stop: Stop) -> Applied:
    """Write what `plan` may write, in its order; nothing in a dry run.

    What it is about to write is in the ledger first, and that an approved plan is used: raises LedgerError or
    PlanUsedError where that fails, and then nothing was written. One failure stops no other fix; five in a row stop
    the rest, which come back as skipped.
    """
    if asked.mode is RunMode.DRY_RUN or not plan.to_write:
        return NOTHING_APPLIED
    applier = _Applier(observation, line, asked)
    if line.ledger is not None:
        if asked.approval is not None:
            sealed = asked.approval.plan
            line.ledger.use_plan(sealed.seal, digest=sealed.digest, by=asked.approval.by, at=line.clock.now())
        line.ledger.intend(run_id, plan.to_write, line.clock.now())
    outcomes: list[Outcome] = []
    try:
        _apply_all(plan.to_write, applier, outcomes, stop, line.watcher)
    except Stopped as stopped:
        return Applied(outcomes=tuple(outcomes), broken_off=stopped)
    except BaseException as error:  # noqa: BLE001 -- raised again by run_pass, once what was written is recorded
        in_hand = plan.to_write[len(outcomes)]
        words = f"broken off by {type(error).__name__}; it may have been written"
        outcomes.append(applier.outcome(in_hand, OutcomeResult.FAILED, words, written=True))
        return Applied(outcomes=tuple(outcomes), broken_off=error)
    return Applied(outcomes=tuple(outcomes))


def _apply_all(fixes: Sequence[Fix], applier: _Applier, outcomes: list[Outcome], stop: Stop, watcher: Watcher) -> None:
    failed_in_a_row = 0
    for fix in fixes:
        if stop.asked:
            raise Stopped
        if failed_in_a_row < _FAILURES_THAT_STOP:
            outcome = applier.apply_one(fix)
        else:
            outcome = applier.outcome(fix, OutcomeResult.SKIPPED, f"{_FAILURES_THAT_STOP} fixes in a row failed")
        failed = outcome.result in {OutcomeResult.FAILED, OutcomeResult.SKIPPED}
        failed_in_a_row = failed_in_a_row + 1 if failed else 0
        say(outcome)
        outcomes.append(outcome)
        watcher.applied(len(outcomes), len(fixes))


class _Applier:
    """Applies the fixes of one observation, one at a time."""

    def __init__(self, observation: Observation, line: Line, asked: Pass) -> None:
        self._line = line
        self._confirmer = Confirmer(observation, line, asked)

    def apply_one(self, fix: Fix) -> Outcome:
        """Read again, judge again, write, read back."""
        written = False
        try:
            stale = self._confirmer.stale(fix)
            if stale:
                return self.outcome(fix, OutcomeResult.STALE, stale)
            written = self._write(fix)
            if not written:
                return self.outcome(fix, OutcomeResult.STALE, "the organisation is no longer in the store")
            return self._read_back(fix)
        except StaleOrganizationError as error:
            return self.outcome(fix, OutcomeResult.STALE, error.problem)
        except (SourceUnavailableError, SourceRefusedError) as error:
            return self.outcome(fix, OutcomeResult.SKIPPED, error.problem)
        except ReconcilerError as error:
            written = written or isinstance(error, StoreUnfinishedError)
            return self.outcome(fix, OutcomeResult.FAILED, error.problem, written=written)

    def _write(self, fix: Fix) -> bool:
        match fix.call:
            case Call.PLAN:
                return self._line.store.update_org_plan(fix.org_id, **fix.arguments, expected=fix.expects)
            case Call.STATUS:
                return self._line.store.update_org_status(fix.org_id, **fix.arguments, expected=fix.expects)
            case Call.BILLING_IDS:
                return self._line.store.update_org_billing_ids(fix.org_id, **fix.arguments, expected=fix.expects)

    def _read_back(self, fix: Fix) -> Outcome:
        record = self._line.store.get_org(fix.org_id)
        found = as_org(record) if record is not None else None
        if shows(found, fix) is not Shows.WRITTEN:
            error = "reading it back shows something else than was written"
            return self.outcome(fix, OutcomeResult.FAILED, error, written=True)
        self._confirmer.wrote(fix)
        return self.outcome(fix, OutcomeResult.FIXED, written=True)

    def outcome(self, fix: Fix, result: OutcomeResult, error: str | None = None, *, written: bool = False) -> Outcome:
        """What became of `fix`, now."""
        return Outcome(fix=fix, result=result, at=self._line.clock.now(), error=error, written=written)


def say(outcome: Outcome) -> None:
    """Log what became of a fix."""
    fix = outcome.fix
    fields = {"org_id": fix.org_id, "drift_id": fix.drift_id, "call": fix.call.value, "direction": fix.direction.value}
    match outcome.result:
        case OutcomeResult.FIXED:
            _log.info("fix.applied", **fields, arguments=dict(fix.arguments))
        case OutcomeResult.STALE:
            _log.warning("fix.stale", **fields, reason=outcome.error)
        case OutcomeResult.FAILED | OutcomeResult.SKIPPED:
            _log.error("fix.failed", **fields, reason=outcome.error)

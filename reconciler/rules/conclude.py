"""The word and the exit code that a run ends with."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.drift import Decision
from reconciler.model.run import Outcome, OutcomeResult, Plan, RunResult
from reconciler.rules.totals import remains


def conclude(
    *, refused: bool, complete: bool, decisions: Iterable[Decision], plan: Plan, outcomes: Iterable[Outcome]
) -> tuple[RunResult, int]:
    """Result and exit code, gravest first (interfaces.md): limit 3, source 4, failed fix 5, drift left 2, clean 0.

    A fix that was skipped since its source went away ends with 4 as well, unless another failed.
    """
    done = list(outcomes)
    fixed = frozenset(each.fix.drift_id for each in done if each.result is OutcomeResult.FIXED)
    if refused or plan.refused_by:
        return RunResult.REFUSED, 3
    if not complete:
        return RunResult.INCOMPLETE, 4
    if any(each.result is OutcomeResult.FAILED for each in done):
        return RunResult.FAILED, 5
    if any(each.result is OutcomeResult.SKIPPED for each in done):  # a source went away between sweep and write
        return RunResult.INCOMPLETE, 4
    if remains(decisions, fixed):
        return RunResult.DRIFT, 2
    return RunResult.CLEAN, 0

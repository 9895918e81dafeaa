"""What became of each fix of a plan, or would become of it, in words that people read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from reconciler.model.run import Approval, OutcomeResult, PlannedFix, RunMode, RunRecord

RESULTS: Mapping[OutcomeResult, str] = MappingProxyType(
    {
        OutcomeResult.FIXED: "fixed",
        OutcomeResult.STALE: "stale (not written)",
        OutcomeResult.FAILED: "failed",
        OutcomeResult.SKIPPED: "skipped (not tried)",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """A fix of the plan and its lot: `words` are the same for all that fared alike, `error` says why it went wrong.

    `unfinished`: it was to be written, and was not.
    """

    planned: PlannedFix
    words: str
    unfinished: bool = False
    error: str | None = None


def fates_of(run: RunRecord) -> tuple[Fate, ...]:
    """One for each fix of the plan, in the plan's order."""
    outcomes = {(each.fix.org_id, each.fix.drift_id, each.fix.call): each for each in run.outcomes}
    fates: list[Fate] = []
    for planned in run.plan.fixes:
        outcome = outcomes.get((planned.fix.org_id, planned.fix.drift_id, planned.fix.call))
        if outcome is None:
            fates.append(Fate(planned=planned, words=_untried(run, planned)))
        else:
            unfinished = outcome.result is not OutcomeResult.FIXED
            words = RESULTS[outcome.result]
            fates.append(Fate(planned=planned, words=words, unfinished=unfinished, error=outcome.error))
    return tuple(fates)


def _untried(run: RunRecord, planned: PlannedFix) -> str:
    if planned.approval is Approval.NEEDED:
        return "needs approval"
    if planned.fix.direction in run.plan.refused_by and not planned.released:
        return "refused by a limit"
    return "would be written" if run.mode is RunMode.DRY_RUN else "not tried"

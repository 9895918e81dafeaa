"""What a pass has to tell in words beside its figures: what was left out, broken off, refused, is over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.cycle.apply import Applied
from reconciler.cycle.line import Line, Pass
from reconciler.model.billing import Source
from reconciler.model.drift import Fix
from reconciler.model.moments import utc
from reconciler.model.observation import Observation
from reconciler.model.run import Explained, Plan, RunMode, Shows
from reconciler.rules.compare import Judgement
from reconciler.rules.waivers import over_or_unused

_FIXES_TOLD = 10


def notes_of(
    asked: Pass,
    observation: Observation,
    line: Line,
    *,
    judgement: Judgement | None,
    plan: Plan,
    applied: Applied,
    explained: Sequence[Explained],
) -> Iterator[str]:
    """Every note of one pass, what went wrong first; `judgement` is None where nothing was judged."""
    yield from asked.notes
    yield from _broken_off(plan, applied)
    for each in explained:
        yield _left_no_record(each, dry=asked.mode is RunMode.DRY_RUN, judged=judgement is not None)
    yield from plan.notes
    yield from _approved(asked, plan, applied)
    yield from _narrowed(asked)
    if judgement is not None:
        yield from over_or_unused(
            observation.history,
            seen=(drift.id for drift in judgement.drifts),
            whole=observation.complete and not asked.scope.partial,
            now=observation.as_of,
        )
        if judgement.other_products:
            count = judgement.other_products
            yield f"No organisation claims the customers of {count} live subscriptions of other products"
        yield from _beside(judgement)
    yield from _reading(observation, line)


def _broken_off(plan: Plan, applied: Applied) -> Iterator[str]:
    if applied.broken_off is not None:
        begun = f"{len(applied.outcomes)} of {len(plan.to_write)} fixes were begun"
        yield f"The writing was broken off by {type(applied.broken_off).__name__}: {begun}"


def _left_no_record(run: Explained, *, dry: bool, judged: bool) -> str:
    now = "What still holds is judged anew by this run" if judged else "The next run that is not refused explains it"
    counts = {shown: sum(shows is shown for _, shows in run.fixes) for shown in Shows}
    said = [f"{_in_words(fix)} ({shows})" for fix, shows in run.fixes[:_FIXES_TOLD]]
    more = len(run.fixes) - len(said)
    return (
        f"The run {run.run_id} began to write at {utc(run.at, seconds=True)} and left no record. Of the "
        f"{len(run.fixes)} fixes it meant to write the store shows {counts[Shows.WRITTEN]} written, "
        f"{counts[Shows.NOT_WRITTEN]} not written, {counts[Shows.NEITHER]} neither: {', '.join(said)}"
        f"{f' and {more} more' if more else ''}. " + ("It may still be at work" if dry else now)
    )


def _in_words(fix: Fix) -> str:
    return f"{fix.org_id} {' '.join(f'{name}={value}' for name, value in sorted(fix.arguments.items()))}"


def _approved(asked: Pass, plan: Plan, applied: Applied) -> Iterator[str]:
    if asked.approval is None:
        return
    sealed = asked.approval.plan
    yield (
        f"The plan {sealed.digest} of the run {sealed.run_id} was approved by {asked.approval.by}: "
        f"{len(plan.fixes)} of its {len(sealed.fixes)} fixes still hold"
    )
    for outcome in applied.gone[:_FIXES_TOLD]:
        yield f"{_in_words(outcome.fix)} of that plan was skipped: {outcome.error}"
    if len(applied.gone) > _FIXES_TOLD:
        yield f"And {len(applied.gone) - _FIXES_TOLD} more of that plan were skipped (--format json shows all)"


def _narrowed(asked: Pass) -> Iterator[str]:
    scope = asked.scope
    if scope.org_ids:
        yield f"Only these organisations were looked at: {', '.join(sorted(scope.org_ids))}"
    if scope.codes:
        yield f"Only drift of these codes was looked at: {', '.join(sorted(scope.codes))}"
    if scope.limit is not None:
        yield f"At most {scope.limit} fixes were planned"
    if scope.partial:
        yield "So it is a partial run: it lowers and confirms nothing, and its limits count against the whole store"


def _beside(judgement: Judgement) -> Iterator[str]:
    """What stands beside the judgement; the control page has it in figures."""
    for source, number in sorted(judgement.other_by_source.items()):
        if number:
            yield f"Live subscriptions of other products on {source}, which are not judged: {number}"
    if twice := sum(each.charged_twice is not None for each in judgement.verdicts):
        yield f"{twice} organisation{'' if twice == 1 else 's'} may be charged on both sides"


def _reading(observation: Observation, line: Line) -> Iterator[str]:
    for source in Source:
        if source not in observation.snapshots:
            yield f"{source} is not configured and was not read"
            continue
        snapshot = observation.snapshots[source]
        yield from snapshot.notes
        for each in snapshot.side_reads:
            if each.problem:
                yield f"{source}: {each.name} were not read: {each.problem}"
    metered = sum(
        any(item.metered for item in subscription.items)
        for snapshot in observation.snapshots.values()
        for subscription in snapshot.subscriptions
    )
    if metered:
        yield f"Metered parts of {metered} subscriptions are not in the amounts"
    for org_id, reason in sorted(line.terms.exclude.items()):
        yield f"{org_id} is excluded: {reason}"
    yield "Refunds are not read"

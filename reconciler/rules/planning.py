"""Puts the fixes of a run in their order, judges the limits over them and seals them with a digest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet

from reconciler.model.acts import Release
from reconciler.model.drift import Decided, Decision, Direction, Fix
from reconciler.model.moments import utc
from reconciler.model.observation import Observation
from reconciler.model.run import Approval, Plan, PlannedFix
from reconciler.model.terms import Limits, Terms
from reconciler.rules.compare import Judgement
from reconciler.rules.decide import Scope
from reconciler.rules.digests import digest
from reconciler.rules.limits import population_of, refuse_directions
from reconciler.rules.written import explain

_ORDER = {Direction.RAISE: 0, Direction.LINK: 1, Direction.LOWER: 2}


def build_plan(
    decisions: Iterable[Decision],
    judgement: Judgement,
    observation: Observation,
    *,
    terms: Terms,
    limits: Limits,
    scope: Scope,
    approved: AbstractSet[str] | None = None,
) -> Plan:
    """Every fix that may be written or waits for approval; raising first, lowering last, then by organisation.

    With `approved`, the keys of the fixes that a person approved, these alone, as far as they still hold. Limits are
    judged over what would be written, before `scope.limit` cuts it: a small cut never slips under a limit.
    """
    history, now = observation.history, observation.as_of
    releases = [release for release in history.releases if release.until > now]
    released = frozenset(key for release in releases for key in release.fixes)
    planned = sorted(
        (
            PlannedFix(
                fix=fix,
                approval=Approval.NEEDED if each.needs_approval and approved is None else Approval.GIVEN,
                released=fix.key in released,
            )
            for each in decisions
            for fix in _fixes(each)
            if approved is None or fix.key in approved
        ),
        key=lambda each: (_ORDER[each.fix.direction], each.fix.org_id, each.fix.drift_id),
    )
    counted = [each.fix for each in planned if each.approval is Approval.GIVEN and not each.released]
    refused = refuse_directions(
        counted, population_of(judgement, terms), limits=limits, history=history, explained=explain(observation)
    )
    kept = tuple(planned if scope.limit is None else planned[: scope.limit])
    return Plan(
        digest=digest_of(each.fix for each in kept),
        fixes=kept,
        refused_by={direction: refusal.rule for direction, refusal in refused.items()},
        notes=(
            *(f"To {direction} is refused by {each.rule}: {each.text}" for direction, each in refused.items()),
            *(
                f"To {direction} is latched: {latch.rule} refused {latch.digest} at {utc(latch.since)}"
                for direction, latch in sorted(history.latches.items())
                if direction not in refused
            ),
            *_notes(kept, releases),
        ),
    )


def _fixes(decision: Decision) -> Iterator[Fix]:
    fix = decision.drift.fix
    if fix is not None and (decision.decided is Decided.FIX or decision.needs_approval):
        yield fix


def _notes(planned: Sequence[PlannedFix], releases: Sequence[Release]) -> Iterator[str]:
    for release in releases:
        count = sum(each.fix.key in release.fixes for each in planned)
        if count:
            until = utc(release.until)
            yield f"{release.by} released {count} of these fixes from the limits until {until}: {release.reason}"
    unpriced = sum(each.fix.worth is None for each in planned if each.fix.direction is not Direction.LINK)
    if unpriced:
        yield f"{unpriced} of the fixes have no list value and count against the limits by number and share only"


def digest_of(fixes: Iterable[Fix]) -> str:
    """`sha256:` and the hash over canonical JSON of the fixes in their order, without anything that moves by itself.

    Whether they are approved or released is people's word about them and not in it.
    """
    rows = [
        {
            "org_id": fix.org_id,
            "drift_id": fix.drift_id,
            "call": fix.call,
            "arguments": dict(fix.arguments),
            "expects": dict(fix.expects),
            "direction": fix.direction,
        }
        for fix in fixes
    ]
    return digest(rows)


NO_PLAN = Plan(digest=digest_of(()), fixes=(), refused_by={})
"""The plan of a run that was refused before judging."""

"""Puts the fixes of a run in their order, judges the limits over them and seals them with a digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

from reconciler.model.drift import Decided, Decision, Direction
from reconciler.model.observation import Observation
from reconciler.model.run import Approval, Plan, PlannedFix
from reconciler.model.terms import Limits, Terms
from reconciler.rules.decide import Scope
from reconciler.rules.limits import refuse_directions

_ORDER = {Direction.RAISE: 0, Direction.LINK: 1, Direction.LOWER: 2}


def build_plan(
    decisions: Iterable[Decision], observation: Observation, terms: Terms, limits: Limits, scope: Scope
) -> Plan:
    """Every fix that may be written or waits for approval; raising first, lowering last, then by organisation.

    Limits are judged over what would be written, before `scope.limit` cuts it: a small cut never slips under a limit.
    """
    planned = sorted(
        (
            PlannedFix(fix=each.drift.fix, approval=Approval.NEEDED if each.needs_approval else Approval.GIVEN)
            for each in decisions
            if each.drift.fix is not None and (each.decided is Decided.FIX or each.needs_approval)
        ),
        key=lambda each: (_ORDER[each.fix.direction], each.fix.org_id, each.fix.drift_id),
    )
    given = [each.fix for each in planned if each.approval is Approval.GIVEN]
    refused_by = refuse_directions(
        given, observation.store.orgs, terms=terms, limits=limits, history=observation.history
    )
    kept = planned if scope.limit is None else planned[: scope.limit]
    return Plan(digest=_digest(kept), fixes=tuple(kept), refused_by=refused_by)


def _digest(planned: Sequence[PlannedFix]) -> str:
    rows = [
        {
            "org_id": each.fix.org_id,
            "drift_id": each.fix.drift_id,
            "call": each.fix.call,
            "arguments": dict(each.fix.arguments),
            "expects": dict(each.fix.expects),
            "direction": each.fix.direction,
            "approval": each.approval,
        }
        for each in planned
    ]
    canonical = json.dumps(rows, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


NO_PLAN = Plan(digest=_digest(()), fixes=(), refused_by={})
"""The plan of a run that was refused before judging."""

"""Why nothing can be concluded about an organisation: what is not known, not mapped or was not read."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.drift import Code, Drift
from reconciler.model.orgs import ACTIVE, SUSPENDED
from reconciler.rules import ended, flagged, statuses
from reconciler.rules.case import Case
from reconciler.rules.due import Says
from reconciler.rules.standing import Standing


def why_held(case: Case, fault: str) -> Iterator[Drift]:
    """Why nothing can be concluded of the tier and the status; `fault` is what is wrong with the record."""
    status = case.org.status
    if status not in {ACTIVE, SUSPENDED}:
        if not fault:
            yield case.drift(Code.STATUS_UNKNOWN, detail=f"the organisation's own status is {status!r}")
        return
    unknown = [row for side in case.granting for row in side.unknown]
    if unknown:
        yield case.drift(
            Code.STATUS_UNKNOWN, detail=", ".join(f"{row.id} on {row.source} is {row.raw_status!r}" for row in unknown)
        )
        return
    yield from _of_active(case) if status == ACTIVE else _of_suspended(case)


def _of_active(case: Case) -> Iterator[Drift]:
    unresolved = _unresolved(case)
    if case.has is None:
        yield case.drift(Code.TIER_UNRESOLVABLE, detail=f"its own tier {case.org.tier!r}")
    elif unresolved:
        yield _unresolvable(case, unresolved[0])
    elif case.due.says is Says.UNREAD:
        yield _unread(case)
    else:
        unread = ended.ended_unread(case)
        if unread:
            yield case.drift(Code.SNAPSHOT_INCOMPLETE, detail=unread)


def _of_suspended(case: Case) -> Iterator[Drift]:
    """Whether it pays cannot be said; where a flag of ours set its status, that is told instead."""
    if any(statuses.suspended_but_paying(case)):
        return
    unresolved = _unresolved(case)
    if not all(side.complete for side in case.granting):
        yield _unread(case)
    elif unresolved and not flagged.set_for(case):
        yield _unresolvable(case, unresolved[0])


def _unresolved(case: Case) -> list[Standing]:
    return [side for side in case.granting if side.unresolved and not side.live]


def _unresolvable(case: Case, side: Standing) -> Drift:
    return case.drift(Code.TIER_UNRESOLVABLE, detail=f"{', '.join(side.unmapped)} on {side.source}")


def _unread(case: Case) -> Drift:
    sides = [source for source in case.authority.sides if not case.standings[source].complete]
    return case.drift(Code.SNAPSHOT_INCOMPLETE, detail=" and ".join(sides))

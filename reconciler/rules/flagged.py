"""The one status that a flag may set, under its own narrow rule: `[statuses] flagged`, for `flagged_codes` only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.model.drift import Code, Decided, Direction, Drift, State
from reconciler.rules.case import Case
from reconciler.rules.catalogue import CATALOGUE, default_of
from reconciler.rules.fixes import status_fix, stops_flagging


def with_status(case: Case, drifts: Sequence[Drift]) -> list[Drift]:
    """The drifts, the first that may set the status with the fix that does.

    Never of an organisation that pays, has a contract or cannot leak, nor over what a person did: whoever has set the
    status back since we set it keeps it. Nor where the drift, or another of the organisation, has a fix of its own.
    """
    statuses = case.world.terms.statuses
    if not statuses.flagged or case.org.status != statuses.entitled or not _may_lose(case):
        return list(drifts)
    if any(drift.fix is not None and drift.fix.direction is not Direction.LINK for drift in drifts):
        return list(drifts)
    wanted = next((drift for drift in drifts if drift.code in statuses.flagged_codes and _is_flag(drift)), None)
    fix = None if wanted is None else status_fix(case, wanted.code, statuses.flagged, Direction.LOWER)
    if wanted is None or fix is None:
        return list(drifts)
    set_before = replace(fix, drift_id=wanted.id)
    past = case.world.past
    ours = past.history.status_set.get(case.org.id)
    if ours == statuses.flagged or set_before.key in past.done:  # somebody took it back
        return list(drifts)
    changed = replace(
        wanted,
        fix=set_before,
        due=State(tier=case.org.tier, status=statuses.flagged),
        default=Decided.FIX,
        stopped_by=stops_flagging(case),
    )
    return [changed if drift is wanted else drift for drift in drifts]


def set_for(case: Case) -> str | None:
    """The id of the drift for which the organisation's status was set, where it is still what we set."""
    statuses, history = case.world.terms.statuses, case.world.past.history
    ours = history.own_status.get(case.org.id) == case.org.status == statuses.flagged
    if not statuses.flagged or not ours:
        return None
    about = [f"{code}:{case.org.id}" for code in CATALOGUE if code in statuses.flagged_codes]
    known = sorted(history.open_drifts)
    return next((key for name in about for key in known if key == name or key.startswith(f"{name}:")), None)


def still_or_back(case: Case, drift_id: str, as_if_active: Sequence[Drift]) -> Drift:
    """The drift for which the status was set while it lasts; once it is gone, the way back under its name.

    `as_if_active` are the drifts that the rules for active organisations find: no rule of a leak looks at the status.
    """
    code = Code(drift_id.partition(":")[0])
    if any(drift.code is code for drift in as_if_active):
        told = case.drift(code, detail="the status was set for it", default=Decided.FLAG)
        return replace(told, id=drift_id)
    status = case.world.terms.statuses.entitled
    fix = status_fix(case, code, status, Direction.RAISE)
    return replace(
        case.drift(code, due=State(tier=case.org.tier, status=status), default=Decided.FIX),
        id=drift_id,
        fix=None if fix is None else replace(fix, drift_id=drift_id),
        text=f"What {code} was flagged for is gone: the status {case.org.status}, which was set for it, is taken back.",
    )


def _is_flag(drift: Drift) -> bool:
    return drift.fix is None and default_of(drift) is Decided.FLAG


def _may_lose(case: Case) -> bool:
    """Whether nothing is paid for, and something leaks, which it does of an active organisation only."""
    books = case.books
    pays = any(case.pays(each) for side in case.standings.values() for each in side.live)
    kept = any(side.paid_through for side in case.standings.values())
    leaks = books is not None and bool(books.leak)
    return leaks and not pays and not kept and not case.contracts

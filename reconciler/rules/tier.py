"""The drifts of an organisation's tier against what a live subscription or a contract grants it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reconciler.model.catalog import Tier
from reconciler.model.drift import Code, Drift, State
from reconciler.model.moments import utc
from reconciler.rules.case import Case
from reconciler.rules.due import Says
from reconciler.rules.fixes import tier_fix
from reconciler.rules.past import begins_at
from reconciler.rules.schedules import next_tier, replaced_row
from reconciler.rules.standing import NO_RANK, Standing

_GRANTED = frozenset({Says.LIVE, Says.CONTRACT})


def granted_above(case: Case) -> Tier | None:
    """The tier that is due and higher than the one it has."""
    has, due = case.has, case.due
    above = has is not None and due.says in _GRANTED and due.tier is not None and due.tier.rank > has.rank
    return due.tier if above and not _lapsed(case) else None


def _lapsed(case: Case) -> bool:
    """Whether all that would give as much as is due is late beyond its grace: that entitles no longer."""
    due = case.due
    if due.by is None or due.tier is None:
        return False
    giving = [
        each.subscription.id
        for source in case.collecting
        for each in case.standings[source].live
        if each.entitles_to.rank >= due.tier.rank
    ]
    return bool(giving) and all(key in case.late and case.late[key].lapsed for key in giving)


def granted_below(case: Case) -> Tier | None:
    """The tier that is due and lower than the one it has."""
    has, due = case.has, case.due
    below = has is not None and due.says in _GRANTED and due.tier is not None and due.tier.rank < has.rank
    return due.tier if below else None


def downgrade_early(case: Case) -> Iterator[Drift]:
    """It is on the lower tier already, while the higher one is paid to the end of the period."""
    due, by = granted_above(case), case.due.by
    if due is None or by is None or by.missed or by.subscription.next_at is None:
        return
    coming = next_tier(case, by)
    if coming is not None and case.has is not None and coming.name == case.has.name:
        until = utc(by.subscription.next_at)
        yield tier_fix(case, Code.DOWNGRADE_EARLY, due, effective_at=by.subscription.started_at, detail=until)


def free_tier_paying(case: Case) -> Iterator[Drift]:
    """Somebody else than us took the paid tier away that it had: a person must say why."""
    due = _newly_paid(case)
    if due is None:
        return
    change = case.world.past.tier_change(case.org, case.world.terms.catalog.tiers, case.world.now)
    if change is None:
        return
    before = case.world.terms.catalog.tiers.get(change.before)
    undone = change.after == case.org.tier and not change.our_own and not change.before_our_own
    if undone and before is not None and before.paid:
        yield case.drift(
            Code.FREE_TIER_PAYING,
            detail=f"it had {before.name} before {utc(change.seen_at)}",
            due=State(tier=due.name, status=case.org.status),
            effective_at=change.seen_at,
        )


def paid_not_reflected(case: Case) -> Iterator[Drift]:
    """A paid tier is due, and it has an unpaid one."""
    due = _newly_paid(case)
    if due is not None:
        yield tier_fix(case, Code.PAID_NOT_REFLECTED, due, effective_at=_since(case))


def tier_under(case: Case) -> Iterator[Drift]:
    """A tier of higher rank is due."""
    due = granted_above(case)
    if due is not None:
        yield tier_fix(case, Code.TIER_UNDER, due, effective_at=_since(case))


def downgrade_late(case: Case) -> Iterator[Drift]:
    """The subscription went down as it was set to, and the organisation did not follow."""
    due, by = granted_below(case), case.due.by
    if due is None or by is None or case.has is None:
        return
    if replaced_row(case, by, case.has) is not None:
        yield tier_fix(case, Code.DOWNGRADE_LATE, due, effective_at=by.subscription.started_at)


def tier_over(case: Case) -> Iterator[Drift]:
    """A tier of lower rank is due."""
    due = granted_below(case)
    if due is not None:
        pays_more = case.has is not None and due.paid and not case.has.paid
        stopped_by = "what it pays for ranks below the unpaid tier that it has" if pays_more else ""
        yield tier_fix(case, Code.TIER_OVER, due, effective_at=_since(case), stopped_by=stopped_by)


def billing_disagrees(case: Case) -> Iterator[Drift]:
    """Both sides grant and differ."""
    if case.due.says is Says.DISAGREE and case.has is not None:
        sides = [side for side in case.granting if side.grants(case.has)]
        yield case.drift(Code.BILLING_DISAGREES, detail=", ".join(_granted(side, case.has) for side in sides))


def side_missing(case: Case) -> Iterator[Drift]:
    """Both sides must agree, and one is silent."""
    if case.due.says is not Says.ONE_SIDE:
        return
    live = next(side for side in case.granting if side.live)
    missing = next(side.source for side in case.granting if not side.live)
    collecting_is_there = live.source is case.world.terms.collects
    yield case.drift(
        Code.SIDE_MISSING,
        detail=f"{live.live[0].entitles_to.name} on {live.source}, nothing on {missing}",
        at_risk=case.monthly(live.live) if collecting_is_there else 0,
    )


def unexpected_side(case: Case) -> Iterator[Drift]:
    """Live only on a side that does not grant, or paid for there, and more than it has and what else grants."""
    for side in case.standings.values():
        if not side.live or case.double or side.source in case.authority.sides:
            continue
        top, had = side.live[0], NO_RANK if case.has is None else case.has.rank
        if case.due.says is Says.ELSEWHERE or (top.takes_money and top.entitles_to.rank > max(case.granted_rank, had)):
            yield case.drift(
                Code.UNEXPECTED_SIDE,
                detail=f"{top.entitles_to.name} on {side.source}",
                at_risk=case.monthly(side.live),
            )


def _newly_paid(case: Case) -> Tier | None:
    due = granted_above(case)
    return due if due is not None and due.paid and case.has is not None and not case.has.paid else None


def _since(case: Case) -> datetime | None:
    """Since when the tier is due."""
    if case.due.by is not None:
        return case.due.by.subscription.started_at
    return None if case.due.contract is None else begins_at(case.due.contract.start)


def _granted(side: Standing, has: Tier) -> str:
    return f"{side.grants(has)[0].entitles_to.name} on {side.source}"

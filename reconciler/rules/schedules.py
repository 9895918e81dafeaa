"""What is set to end, to begin or to change, and what the source did not carry out by its own schedule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reconciler.model.billing import SubscriptionStatus
from reconciler.model.catalog import Tier
from reconciler.model.drift import Code, Drift, State
from reconciler.model.moments import utc
from reconciler.model.terms import Authority
from reconciler.rules.case import Case
from reconciler.rules.due import Says
from reconciler.rules.standing import Granting


def cancel_scheduled(case: Case) -> Iterator[Drift]:
    """The deciding subscription is set to end, and no other grants as much for longer."""
    by = case.due.by
    if case.due.says is not Says.LIVE or by is None or not _ends(by) or _end_differs(case):
        return
    others = [each for side in case.granting for each in side.live if each is not by and not _ends(each)]
    if not any(each.entitles_to.rank >= by.entitles_to.rank for each in others):
        yield case.drift(
            Code.CANCEL_SCHEDULED,
            detail=said(by.until),
            effective_at=by.until,
            at_risk=case.monthly([by]),
        )


def cancel_state_differs(case: Case) -> Iterator[Drift]:
    """Both sides must agree, and one of them is set to end."""
    if not _end_differs(case):
        return
    tops = [side.live[0] for side in case.granting]
    ending = next(each for each in tops if each.until is not None)
    staying = next(each for each in tops if each.until is None)
    collected = [each for each in tops if each.subscription.source is case.world.terms.collects]
    yield case.drift(
        Code.CANCEL_STATE_DIFFERS,
        detail=f"{ending.subscription.id} on {ending.subscription.source} ends at {said(ending.until)}, "
        f"{staying.subscription.id} on {staying.subscription.source} goes on",
        effective_at=ending.until,
        at_risk=case.monthly(collected),
    )


def _end_differs(case: Case) -> bool:
    if case.authority is not Authority.BOTH or case.due.says is not Says.LIVE:
        return False
    tops = [side.live[0] for side in case.granting if side.live]
    return len({each.until is None for each in tops}) > 1


def _ends(granting: Granting) -> bool:
    """Whether it is set to end, and the end was not missed."""
    return granting.until is not None and not granting.missed


def canceled_paid_through(case: Case) -> Iterator[Drift]:
    """What was canceled is paid until a date ahead: the tier is kept until then, or was given up before."""
    by = case.due.by if case.due.says is Says.PAID_THROUGH else _given_up(case)
    if by is not None:
        yield case.drift(
            Code.CANCELED_PAID_THROUGH,
            detail=said(by.until),
            due=State(tier=case.org.tier, status=case.org.status),
            effective_at=by.until,
            at_risk=case.monthly([by]),
        )


def _given_up(case: Case) -> Granting | None:
    """What is still paid for although the organisation is on an unpaid tier, and nothing else grants one."""
    if case.due.says is not Says.NOTHING or case.has is None or case.has.paid:
        return None
    return next((each for side in case.granting for each in side.paid_through), None)


def schedule_missed(case: Case) -> Iterator[Drift]:
    """Something should have ended or become cheaper, and is still billed; what is overbilled is told by the books."""
    missed = [each for side in case.standings.values() for each in side.live if each.missed]
    if missed:
        yield case.drift(Code.SCHEDULE_MISSED, detail="; ".join(each.missed for each in missed))


def downgrade_scheduled(case: Case) -> Iterator[Drift]:
    """A lower plan is set for later, and the present one is rightly had."""
    by, has = case.due.by, case.has
    if case.due.says is not Says.LIVE or by is None or has is None or by.missed or by.entitles_to.name != has.name:
        return
    coming = next_tier(case, by)
    if coming is not None and coming.rank < has.rank:
        yield case.drift(
            Code.DOWNGRADE_SCHEDULED,
            detail=f"{coming.name} from {said(by.subscription.next_at)}",
            effective_at=by.subscription.next_at,
        )


def future_start(case: Case) -> Iterator[Drift]:
    """A subscription begins later, and its tier is had already."""
    later = explaining(case, SubscriptionStatus.PENDING)
    if later:
        begins = later[0].subscription.started_at or later[0].subscription.anchor_at
        when = f" at {said(begins)}" if begins else ""
        yield case.drift(Code.FUTURE_START, detail=f"{later[0].subscription.id} begins{when}", effective_at=begins)


def explaining(case: Case, status: SubscriptionStatus) -> list[Granting]:
    """Subscriptions of granting sides in `status` that would grant more than what lives does.

    Only where nothing live grants what the organisation has: then they may be why it has it.
    """
    if not case.unmet:
        return []
    granted = case.granted_rank
    rows = [each for side in case.granting for each in side.open if each.subscription.status is status]
    return [each for each in rows if each.entitles_to.rank > granted]


def next_tier(case: Case, granting: Granting) -> Tier | None:
    """The tier that the subscription is set to become."""
    item = granting.subscription.next_item
    found = None if item is None else case.world.matcher.match(item)
    return found if isinstance(found, Tier) else None


def replaced_row(case: Case, granting: Granting, has: Tier) -> Granting | None:
    """The ended row of the same Lago subscription that granted `has` before the present one took its place."""
    chain = granting.subscription.external_id
    if not chain:
        return None
    side = case.standings[granting.subscription.source]
    return next(
        (
            each
            for each in (*side.ended, *side.paid_through)
            if each.tier.name == has.name
            and each.subscription.external_id == chain
            and each.subscription.customer_id == granting.subscription.customer_id
        ),
        None,
    )


def said(moment: datetime | None) -> str:
    """A moment as it is told."""
    return "a date that is not known" if moment is None else utc(moment)

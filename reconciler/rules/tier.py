"""The drifts of an organisation's tier, once it is known which subscription decides it, or that none does."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.billing import EndReason, SubscriptionStatus
from reconciler.model.catalog import Tier
from reconciler.model.drift import Call, Code, Direction, Drift, Fix, State
from reconciler.model.money import Money
from reconciler.model.terms import Authority
from reconciler.rules.case import Case, drift_id
from reconciler.rules.standing import Granting, Standing


def compare_tiers(case: Case, decides: Granting) -> Iterator[Drift]:
    """What the organisation has against what the deciding subscription entitles it to."""
    has, due = case.has, decides.entitles_to
    if has is None:
        return
    if decides.subscription.status is SubscriptionStatus.ENDED:
        yield case.drift(
            Code.CANCELED_PAID_THROUGH,
            detail=f"{decides.until:%Y-%m-%d %H:%M} UTC",
            due=State(tier=has.name, status=case.org.status),
            effective_at=decides.until,
            at_risk=case.monthly([decides]),
        )
        return
    if due.name == has.name:
        return
    if due.rank < has.rank:
        yield _tier_fix(case, Code.TIER_OVER, due, stopped_by=_stops_lowering(case, due), decides=decides)
    else:
        newly_paid = due.paid and not has.paid
        yield _tier_fix(case, Code.PAID_NOT_REFLECTED if newly_paid else Code.TIER_UNDER, due, decides=decides)


def nothing_live(case: Case) -> Iterator[Drift]:
    """What an organisation without any live subscription still has."""
    has = case.has
    if has is None or not has.paid:
        return
    unpaid = case.world.terms.catalog.tiers[case.world.terms.statuses.unpaid_tier]
    granting = [case.standings[source] for source in case.authority.sides]
    ended = {
        side.source: [each for each in side.ended if each.tier.name == has.name]
        for side in granting
        if any(each.tier.name == has.name for each in side.ended)
    }
    if not ended:
        yield case.drift(Code.PAID_TIER_NO_BILLING)
        return
    stopped_by = _stops_lowering(case, unpaid)
    if not stopped_by and case.authority is Authority.BOTH and len(ended) < len(granting):
        stopped_by = f"both sides must have ended, and only {next(iter(ended))} has"
    last = max((each for rows in ended.values() for each in rows), key=lambda each: each.until or case.world.now)
    yield _tier_fix(case, Code.ENDED_STILL_ENTITLED, unpaid, stopped_by=stopped_by, decides=last)


def suspended_but_paying(case: Case, paid: Granting) -> Drift:
    """A suspended organisation whose subscription is live, or ended but paid until a date ahead."""
    return case.drift(
        Code.SUSPENDED_BUT_PAYING,
        due=State(tier=paid.entitles_to.name, status=case.world.terms.statuses.entitled),
        effective_at=paid.subscription.started_at,
    )


def _tier_fix(case: Case, code: Code, due: Tier, *, decides: Granting, stopped_by: str = "") -> Drift:
    lower = code in {Code.TIER_OVER, Code.ENDED_STILL_ENTITLED}
    return case.drift(
        code,
        due=State(tier=due.name, status=case.org.status),
        effective_at=decides.until if code is Code.ENDED_STILL_ENTITLED else decides.subscription.started_at,
        stopped_by=stopped_by,
        fix=Fix(
            org_id=case.org.id,
            drift_id=drift_id(code, case.org.id),
            call=Call.PLAN,
            arguments={"plan_tier": due.name},
            expects={"plan_tier": case.org.tier, "status": case.org.status},
            direction=Direction.LOWER if lower else Direction.RAISE,
            worth=_worth(case),
        ),
    )


def _worth(case: Case) -> Money | None:
    """The monthly list value between what it has and what it is due."""
    books = case.books
    if books is None or books.had is None or books.due is None:
        return None
    return Money(minor=abs(books.had - books.due), currency=books.currency)


def _stops_lowering(case: Case, due: Tier) -> str:
    """The first condition of "lower only with proof" (design.md, rule 2) that the facts themselves do not meet."""
    if not all(case.world.index.complete.values()):
        return "the run is not complete"
    return next((words for side in case.standings.values() for words in _objections(side, due)), "")


def _objections(side: Standing, due: Tier) -> Iterator[str]:
    if side.unmapped or side.unresolved:
        yield f"not in the catalog: {', '.join(side.unmapped)} on {side.source}"
    for each in side.live:
        if each.ambiguous:
            yield f"{each.subscription.id} has items of more than one tier"
        if each.monthly is None:
            yield f"what {each.subscription.id} costs is not known"
    for each in (*side.live, *side.paid_through):
        if each.entitles_to.rank > due.rank:
            yield f"{side.source} still entitles it to {each.entitles_to.name} by {each.subscription.id}"
    for each in side.ended:
        if each.tier.rank > due.rank and each.until is None:
            yield f"until when {each.subscription.id} was paid is not known"
        if each.tier.rank > due.rank and each.subscription.end_reason is EndReason.PAYMENT_DISPUTED:
            yield f"{each.subscription.id} ended in a dispute, which a person decides"

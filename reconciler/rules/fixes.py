"""The fixes of tier and status, and the safety rules by which the facts themselves forbid a lowering."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reconciler.model.billing import EndReason, SubscriptionStatus
from reconciler.model.catalog import Tier
from reconciler.model.drift import Call, Code, Direction, Drift, Fix, State
from reconciler.model.money import Money
from reconciler.model.terms import Authority
from reconciler.rules.books import first_payment_open
from reconciler.rules.case import Case, drift_id
from reconciler.rules.catalogue import CATALOGUE
from reconciler.rules.due import Says
from reconciler.rules.standing import Granting, Standing


def tier_fix(
    case: Case, code: Code, due: Tier, *, effective_at: datetime | None, detail: str = "", stopped_by: str = ""
) -> Drift:
    """A drift that is mended by setting the tier to `due`; a lowering only with proof (design.md, rule 2)."""
    direction = CATALOGUE[code].direction or Direction.RAISE
    if direction is Direction.LOWER and not stopped_by:
        stopped_by = stops_lowering(case, due)
    return case.drift(
        code,
        detail=detail,
        due=State(tier=due.name, status=case.org.status),
        effective_at=effective_at,
        stopped_by=stopped_by,
        fix=Fix(
            org_id=case.org.id,
            drift_id=drift_id(code, case.org.id),
            call=Call.PLAN,
            arguments={"plan_tier": due.name},
            expects={"plan_tier": case.org.tier, "status": case.org.status},
            direction=direction,
            worth=_worth(case),
        ),
    )


def status_fix(case: Case, code: Code, status: str, direction: Direction, *, subject: str = "") -> Fix | None:
    """The fix that sets the status; None where the organisation has it."""
    if status == case.org.status:
        return None
    return Fix(
        org_id=case.org.id,
        drift_id=drift_id(code, case.org.id, subject),
        call=Call.STATUS,
        arguments={"status": status},
        expects={"plan_tier": case.org.tier, "status": case.org.status},
        direction=direction,
        worth=_worth(case),
    )


def _worth(case: Case) -> Money | None:
    """The monthly list value between what it has and what it is due."""
    books = case.books
    if books is None or books.had is None or books.due is None:
        return None
    return Money(minor=abs(books.had - books.due), currency=books.currency)


def stops_lowering(case: Case, due: Tier) -> str:
    """The first condition of "lower only with proof" that the facts themselves do not meet, in words."""
    if not all(case.world.index.complete.values()):
        return "the run is not complete"
    unknown = [each for each in case.contracts if each.tier not in case.world.terms.catalog.tiers]
    if unknown:
        return f"its contract {unknown[0].id} is for {unknown[0].tier}, which is not in the catalog"
    if case.contracts:
        return f"its contract {case.contracts[0].id} is in force, and a person decides what it is worth"
    return next((words for side in case.standings.values() for words in _objections(side, due)), "")


def stops_flagging(case: Case) -> str:
    """Why a flag must not set the status: what is not known may be what the organisation pays for."""
    if not all(case.world.index.complete.values()):
        return "the run is not complete"
    return next((words for side in case.standings.values() for words in _not_known(side)), "")


def _objections(side: Standing, due: Tier) -> Iterator[str]:
    yield from _not_known(side)
    for each in (*side.live, *side.paid_through):
        if each.entitles_to.rank > due.rank:
            yield f"{side.source} still entitles it to {each.entitles_to.name} by {each.subscription.id}"
    for each in side.open:
        if each.entitles_to.rank > due.rank and each.subscription.status is not SubscriptionStatus.ABANDONED:
            yield f"{each.subscription.id} is {each.subscription.raw_status}"
    for each in side.ended:
        if each.tier.rank <= due.rank:
            continue
        if each.until is None:
            yield f"until when {each.subscription.id} was paid is not known"
        if each.subscription.end_reason is EndReason.PAYMENT_DISPUTED:
            yield f"{each.subscription.id} ended in a dispute, which a person decides"


def _not_known(side: Standing) -> Iterator[str]:
    """What of a side is not understood well enough to take anything away by it."""
    if side.unmapped or side.unresolved:
        yield f"not in the catalog: {', '.join(side.unmapped)} on {side.source}"
    for unknown in side.unknown:
        yield f"{unknown.id} is {unknown.raw_status}, which is not known"
    for each in side.live:
        if each.ambiguous:
            yield f"{each.subscription.id} has items of more than one tier"
        if each.monthly is None:
            yield f"what {each.subscription.id} costs is not known"


def stops_lapsing(case: Case, lapsed: Granting) -> str:
    """Why the organisation must not lose its status although `lapsed` is not paid, in words."""
    return next(_against_lapsing(case, lapsed), "")


def _against_lapsing(case: Case, lapsed: Granting) -> Iterator[str]:
    if not all(case.world.index.complete.values()):
        yield "the run is not complete"
    if case.contracts:
        yield f"its contract {case.contracts[0].id} is in force"
    if case.authority is Authority.BOTH and case.due.says is not Says.LIVE:
        yield "both sides must be live and agree"
    for side in case.standings.values():
        yield from _not_known(side)
        for each in side.open:
            if first_payment_open(each, case.world.now):
                yield f"the first payment of {each.subscription.id} is open"
        mirror = case.authority is Authority.BOTH and side.source is not lapsed.subscription.source
        for each in (*side.live, *side.paid_through):
            late = case.late.get(each.subscription.id)
            if not mirror and not (late is not None and late.lapsed):
                yield f"{side.source} still entitles it to {each.entitles_to.name} by {each.subscription.id}"

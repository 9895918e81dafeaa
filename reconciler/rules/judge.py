"""Judges one organisation: which subscription decides its tier, and every drift between that and what it has."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.drift import Code, Decided, Drift
from reconciler.model.orgs import ACTIVE, DELETED, SUSPENDED, InvalidRecord, Org
from reconciler.model.terms import Authority
from reconciler.rules.beside import duplicates, link_drifts, shared_customers
from reconciler.rules.case import Case, Verdict, World, make_case
from reconciler.rules.catalogue import CATALOGUE
from reconciler.rules.standing import Granting, Standing, Unjudged, granted_tier, monthly_sum
from reconciler.rules.tier import compare_tiers, nothing_live, suspended_but_paying

_ORDER = {code: (row.stage, place) for place, (code, row) in enumerate(CATALOGUE.items())}


def judge_org(org: Org, world: World, invalid: InvalidRecord | None = None) -> Verdict:
    """Every drift of one organisation, the primary one first. Total: a case that no rule covers is `unclassified`."""
    if org.id in world.terms.exclude:
        return Verdict(org=org, drifts=(), books=None, excluded=True)
    case = make_case(org, world)
    drifts = sorted(_drifts(case, invalid), key=lambda drift: (_ORDER[drift.code], drift.id))
    summed = org.status != DELETED and not any(_unsummed(drift) for drift in drifts)
    return Verdict(org=org, drifts=tuple(drifts), books=case.books if summed else None)


def _unsummed(drift: Drift) -> bool:
    return drift.code is Code.ID_SHARED or CATALOGUE[drift.code].default is Decided.HOLD


def _drifts(case: Case, invalid: InvalidRecord | None) -> Iterator[Drift]:
    if invalid is not None:
        yield case.drift(Code.RECORD_INVALID, detail=invalid.problem)
    if case.org.status == DELETED:
        yield from _deleted(case)
        return
    shared = tuple(shared_customers(case))
    strange = [link.strange for link in case.links.values() if link.strange]
    if shared or strange:
        yield from shared
        if not shared:
            yield case.drift(Code.UNCLASSIFIED, detail="; ".join(strange))
        return
    yield from duplicates(case)
    yield from link_drifts(case)
    match case.org.status:
        case status if status == ACTIVE:
            yield from _tier(case)
        case status if status == SUSPENDED:
            yield from _suspended(case)
        case status:
            if invalid is None:
                yield case.drift(Code.UNCLASSIFIED, detail=f"its status is {status!r}")


def _deleted(case: Case) -> Iterator[Drift]:
    sides = case.standings.values()
    live = [each.subscription.id for side in sides for each in side.live]
    live += [each.subscription.id for side in sides for each in side.unjudged if each.entitles]
    if live:
        yield case.drift(Code.UNCLASSIFIED, detail=f"it is deleted, but {', '.join(live)} is live")


def _suspended(case: Case) -> Iterator[Drift]:
    granting = [case.standings[source] for source in case.authority.sides]
    live = [each for side in granting for each in side.live]
    if live:
        yield suspended_but_paying(case, live[0])
    elif not all(side.complete for side in granting):
        yield _incomplete(case)


def _tier(case: Case) -> Iterator[Drift]:
    if case.has is None:
        yield case.drift(Code.TIER_UNRESOLVABLE, detail=f"its own tier {case.org.tier!r}")
        return
    for source in case.authority.sides:
        side = case.standings[source]
        if side.unresolved and not side.live:
            names = ", ".join(side.unmapped)
            yield case.drift(Code.TIER_UNRESOLVABLE, detail=f"{source} subscription {side.unresolved[0].id} ({names})")
            return
    decides = _what_decides(case)
    open_questions = [
        unjudged.why
        for side in case.standings.values()
        for unjudged in side.unjudged
        if _matters(unjudged, case, decides)
    ]
    match decides:
        case Drift(code=Code.SNAPSHOT_INCOMPLETE):
            yield decides
        case _ if open_questions:
            yield case.drift(Code.UNCLASSIFIED, detail="; ".join(sorted(open_questions)))
        case Drift():
            yield decides
        case Granting():
            yield from compare_tiers(case, decides)
        case None:
            yield from nothing_live(case)


def _what_decides(case: Case) -> Granting | Drift | None:
    """The subscription that grants the tier, or the drift that says why none can, or None where nothing is live."""
    granting = [case.standings[source] for source in case.authority.sides]
    running = [side for side in granting if side.live]
    whole = all(side.complete for side in granting)
    found: Granting | Drift | None
    match case.authority:
        case Authority.LAGO | Authority.STRIPE:
            elsewhere = [side for side in case.standings.values() if side not in granting and side.live]
            found = granting[0].grants[0] if granting[0].grants else None
            if found is None and whole and elsewhere:
                return case.drift(
                    Code.UNEXPECTED_SIDE, detail=_said(elsewhere), at_risk=monthly_sum(elsewhere[0].grants)
                )
        case Authority.BOTH:
            found = _both(case, granting, running)
        case Authority.EITHER:
            found = _either(case, granting, running)
    lowers = isinstance(found, Granting) and _lowers(case, found)
    concluded_from_absence = found is None or isinstance(found, Drift) or lowers
    return _incomplete(case) if concluded_from_absence and not whole else found


def _both(case: Case, granting: list[Standing], running: list[Standing]) -> Granting | Drift | None:
    sides = running if len(running) != 1 else [side for side in granting if side.grants]
    if len(sides) == 1:
        missing = next(side for side in granting if side is not sides[0])
        collecting_is_there = sides[0].source is case.world.terms.collects
        return case.drift(
            Code.SIDE_MISSING,
            detail=f"{_said(sides)}, nothing on {missing.source}",
            at_risk=monthly_sum(sides[0].grants) if collecting_is_there else 0,
        )
    if len(sides) > 1:
        if len({side.grants[0].tier.name for side in sides}) > 1:
            return case.drift(Code.BILLING_DISAGREES, detail=_said(sides))
        return max(sides, key=lambda side: (bool(side.live), side.source is case.world.terms.collects)).grants[0]
    return _latest_paid_through(granting)


def _either(case: Case, granting: list[Standing], running: list[Standing]) -> Granting | Drift | None:
    if len({side.live[0].tier.name for side in running}) > 1:
        return case.drift(Code.BILLING_DISAGREES, detail=_said(running))
    return running[0].live[0] if running else _latest_paid_through(granting)


def _latest_paid_through(granting: list[Standing]) -> Granting | None:
    held = [each for side in granting for each in side.paid_through]
    return max(held, key=lambda each: (each.tier.rank, each.until, each.subscription.id), default=None)


def _matters(unjudged: Unjudged, case: Case, decides: Granting | Drift | None) -> bool:
    """Whether a subscription that no rule covers could change what is concluded."""
    if case.has is None or (unjudged.tier is not None and not unjudged.tier.paid):
        return False
    grants = unjudged.subscription.source in case.authority.sides
    match decides:
        case Granting() if _lowers(case, decides):
            return True
        case Granting():
            return grants and unjudged.entitles and (unjudged.tier is None or unjudged.tier.rank > decides.tier.rank)
        case Drift():
            return grants and unjudged.entitles
        case None:
            return unjudged.entitles and grants if not case.has.paid else True


def _lowers(case: Case, decides: Granting) -> bool:
    return case.has is not None and granted_tier(decides, case.world.terms).rank < case.has.rank


def _incomplete(case: Case) -> Drift:
    sides = [source for source in case.authority.sides if not case.standings[source].complete]
    return case.drift(Code.SNAPSHOT_INCOMPLETE, detail=" and ".join(sides))


def _said(sides: list[Standing]) -> str:
    return ", ".join(f"{side.grants[0].tier.name} on {side.source}" for side in sides)

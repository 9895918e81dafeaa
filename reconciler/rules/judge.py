"""Judges one organisation: which subscription decides its tier, and every drift between that and what it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.model.billing import SubscriptionStatus
from reconciler.model.catalog import Tier
from reconciler.model.drift import Code, Decided, Drift
from reconciler.model.orgs import ACTIVE, DELETED, SUSPENDED, Org
from reconciler.model.terms import Authority
from reconciler.rules.beside import duplicates, link_drifts, shared_customers
from reconciler.rules.books import Books
from reconciler.rules.case import Case, Verdict, World, make_case
from reconciler.rules.catalogue import CATALOGUE, PLACE
from reconciler.rules.standing import Granting, Standing, Unjudged
from reconciler.rules.tier import compare_tiers, nothing_live, suspended_but_paying


def judge_org(org: Org, world: World, fault: str = "") -> Verdict:
    """Every drift of one organisation, the primary one first; `fault` is what is wrong with its record.

    Total: a case that no rule covers is `unclassified`.
    """
    case = make_case(org, world)
    if org.id in world.terms.exclude:  # not judged; but a record that empties the application's store is told
        told = (case.drift(Code.RECORD_INVALID, detail=fault),) if fault else ()
        return Verdict(org=org, drifts=told, books=None, excluded=True)
    drifts = sorted(_drifts(case, fault), key=lambda drift: (PLACE[drift.code], drift.id))
    return Verdict(org=org, drifts=tuple(drifts), books=_books(case, drifts))


def _books(case: Case, drifts: list[Drift]) -> Books | None:
    """Its row of the tie-out; what a shared customer is billed belongs to no single one, so that row is unpriced."""
    if case.books is None or any(CATALOGUE[drift.code].default is Decided.HOLD for drift in drifts):
        return None
    shared = any(drift.code is Code.ID_SHARED for drift in drifts)
    return replace(case.books, billed=None) if shared else case.books


def _drifts(case: Case, fault: str) -> Iterator[Drift]:
    if fault:
        yield case.drift(Code.RECORD_INVALID, detail=fault)
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
            if not fault:
                yield case.drift(Code.UNCLASSIFIED, detail=f"its status is {status!r}")


def _deleted(case: Case) -> Iterator[Drift]:
    sides = case.standings.values()
    live = [each.subscription.id for side in sides for each in side.live]
    live += [each.subscription.id for side in sides for each in side.unjudged if each.entitles]
    if live:
        yield case.drift(Code.UNCLASSIFIED, detail=f"it is deleted, but {', '.join(live)} is live")


def _suspended(case: Case) -> Iterator[Drift]:
    granting = [case.standings[source] for source in case.authority.sides]
    paid = [each for side in granting for each in (*side.live, *side.paid_through) if each.entitles_to.paid]
    if paid:
        yield suspended_but_paying(case, paid[0])
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
            yield case.drift(Code.TIER_UNRESOLVABLE, detail=f"{names} on {source}")
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
    whole = all(side.complete for side in granting)
    found: Granting | Drift | None
    match case.authority:
        case Authority.LAGO | Authority.STRIPE:
            elsewhere = [side for side in case.standings.values() if side not in granting and side.live]
            kept = _kept(case, granting)
            found = granting[0].live[0] if granting[0].live else None
            if found is None and kept is None and whole and elsewhere:
                return case.drift(
                    Code.UNEXPECTED_SIDE, detail=_said(elsewhere), at_risk=case.monthly(elsewhere[0].live)
                )
        case Authority.BOTH:
            found = _both(case, granting)
        case Authority.EITHER:
            found = _either(case, [side for side in granting if side.live])
    if found is None or (isinstance(found, Granting) and _lowers(case, found)):
        found = _kept(case, granting) or found
    lowers = isinstance(found, Granting) and _lowers(case, found)
    concluded_from_absence = found is None or isinstance(found, Drift) or lowers
    unread = any(case.links[side.source].unread for side in granting)
    return _incomplete(case) if unread or (concluded_from_absence and not whole) else found


def _kept(case: Case, granting: list[Standing]) -> Granting | None:
    """The ended subscription by which the organisation keeps its tier longest, since it is paid until a date ahead."""
    held = [each for side in granting for each in side.keeps(case.has)] if case.has else []
    return max(held, key=lambda each: (each.until, each.subscription.id), default=None)


def _both(case: Case, granting: list[Standing]) -> Granting | Drift | None:
    """What both sides grant; a side may also agree by what ended there but is paid for."""
    live = [side for side in granting if side.live]
    if not live:
        return None
    agreeing = [side for side in granting if side.live or (case.has and side.keeps(case.has))]
    if len(agreeing) == 1:
        missing = next(side.source for side in granting if not side.live)
        collecting_is_there = live[0].source is case.world.terms.collects
        return case.drift(
            Code.SIDE_MISSING,
            detail=f"{_said(live)}, nothing on {missing}",
            at_risk=case.monthly(live[0].live) if collecting_is_there else 0,
        )
    if case.has and len({side.grants(case.has)[0].entitles_to.name for side in agreeing}) > 1:
        return case.drift(Code.BILLING_DISAGREES, detail=", ".join(_granted(side, case.has) for side in agreeing))
    return max(live, key=lambda side: side.source is case.world.terms.collects).live[0]


def _either(case: Case, live: list[Standing]) -> Granting | Drift | None:
    """What the sides that are live grant."""
    if len({side.live[0].entitles_to.name for side in live}) > 1:
        return case.drift(Code.BILLING_DISAGREES, detail=_said(live))
    return live[0].live[0] if live else None


def _matters(unjudged: Unjudged, case: Case, decides: Granting | Drift | None) -> bool:
    """Whether a subscription that no rule covers could change what is concluded."""
    if case.has is None or (unjudged.tier is not None and not unjudged.tier.paid):
        return False
    grants = unjudged.subscription.source in case.authority.sides
    status = unjudged.subscription.status
    if grants and status is SubscriptionStatus.UNKNOWN:
        return True
    match decides:
        case Granting() if _lowers(case, decides):
            return True
        case Granting() | Drift():
            return grants and unjudged.entitles
        case None:
            return case.has.paid or (grants and status is not SubscriptionStatus.PENDING)


def _lowers(case: Case, decides: Granting) -> bool:
    return case.has is not None and decides.entitles_to.rank < case.has.rank


def _incomplete(case: Case) -> Drift:
    sides = [source for source in case.authority.sides if not case.standings[source].complete]
    return case.drift(Code.SNAPSHOT_INCOMPLETE, detail=" and ".join(sides))


def _said(live: list[Standing]) -> str:
    return ", ".join(f"{side.live[0].entitles_to.name} on {side.source}" for side in live)


def _granted(side: Standing, has: Tier) -> str:
    return f"{side.grants(has)[0].entitles_to.name} on {side.source}"

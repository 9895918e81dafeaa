"""Judges one organisation: every rule in the order of judging, what is in flight, and on which drift the money is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime

from reconciler.model.drift import Code, Decided, Direction, Drift
from reconciler.model.orgs import ACTIVE, DELETED, Org
from reconciler.rules import beside, contracts, ended, flagged, holds, lasting, links, price, schedules, statuses, tier
from reconciler.rules.books import Books
from reconciler.rules.case import Case, Verdict, World
from reconciler.rules.catalogue import CATALOGUE, PLACE, default_of
from reconciler.rules.due import Says
from reconciler.rules.make_case import make_case
from reconciler.rules.row import LEAK, OWED, Stage
from reconciler.rules.schedules import said

_EXPLAINING = frozenset({Stage.CONTRACT, Stage.WAIT, Stage.FIX})
_SOMEBODY_ELSES = frozenset({Code.ID_SHARED, Code.ID_CROSSED})

Rule = Callable[[Case], Iterable[Drift]]


def first_of(*rules: Rule) -> Rule:
    """Of rules that would explain the same, the one with most conditions, which stands first (Order of judging)."""

    def judged(case: Case) -> Iterable[Drift]:
        for rule in rules:
            found = tuple(rule(case))
            if found:
                return found
        return ()

    return judged


def all_of(*rules: Rule) -> Rule:
    """Every one of the rules."""

    def judged(case: Case) -> Iterable[Drift]:
        return [drift for rule in rules for drift in rule(case)]

    return judged


# Whether its customers are its own at all: where they are not, nothing else is said of it.
SOMEBODY_ELSES: tuple[Rule, ...] = (links.id_shared, links.id_crossed)

# Whose customer it is, and what is billed twice: judged for active and suspended organisations, held or not.
IDENTITY: tuple[Rule, ...] = (
    links.livemode_differs,
    links.duplicate_customer,
    links.link_stale,
    beside.duplicate_subscription,
    beside.double_billed,
    links.customer_deleted,
    links.link_dead,
    links.provider_link_differs,
    links.link_weak,
    links.link_missing,
    links.link_other_form,
    beside.leftover_free_subscription,
)


def where(condition: Callable[[Case], bool], rule: Rule) -> Rule:
    """The rule for the cases that it is about, so that most organisations pass many rules at one question."""

    def judged(case: Case) -> Iterable[Drift]:
        return rule(case) if condition(case) else ()

    return judged


def _unmet(case: Case) -> bool:
    return case.unmet


def _due_above(case: Case) -> bool:
    return tier.granted_above(case) is not None


def _due_below(case: Case) -> bool:
    return tier.granted_below(case) is not None


def _granted_nothing(case: Case) -> bool:
    return case.due.says is Says.NOTHING


_GRANTED_LESS = where(_due_below, first_of(tier.downgrade_late, tier.tier_over))

# Why it has a tier that nothing live grants.
_GRANTED_NOTHING = first_of(
    ended.incomplete_in_window,
    where(_unmet, first_of(ended.unpaid, ended.paused, schedules.future_start)),
    ended.payment_disputed,
    tier.unexpected_side,
    where(_granted_nothing, first_of(ended.never_paid_entitled, ended.ended_still_entitled)),
    ended.trial_overrun,
    where(_granted_nothing, ended.paid_tier_no_billing),
)

# The tier, the status and the price of an active organisation, where nothing is held.
ACTIVE_RULES: tuple[Rule, ...] = (
    schedules.cancel_scheduled,
    schedules.canceled_paid_through,
    statuses.past_due_in_grace,
    schedules.schedule_missed,
    price.collection_paused,
    price.zero_amount_live,
    price.base_ambiguous,
    price.currency_differs,
    schedules.cancel_state_differs,
    where(
        _due_above,
        first_of(tier.downgrade_early, tier.free_tier_paying, tier.paid_not_reflected, tier.tier_under),
    ),
    first_of(contracts.contract_expired, all_of(_GRANTED_LESS, _GRANTED_NOTHING)),
    statuses.past_due_beyond_grace,
    statuses.overdue_by_invoice,
    tier.billing_disagrees,
    tier.side_missing,
    price.price_override,
    first_of(price.interval_differs, price.amount_differs),
    schedules.downgrade_scheduled,
    price.discounted,
    price.grandfathered,
    contracts.contract_ok,
)


def judge_org(org: Org, world: World, fault: str = "") -> Verdict:
    """Every drift of one organisation, the primary one first; `fault` is what is wrong with its record.

    Total: a case that no rule covers is `unclassified`.
    """
    case = make_case(org, world)
    if org.id in world.terms.exclude:  # not judged; but a record that empties the application's store is told
        told = (case.drift(Code.RECORD_INVALID, detail=fault),) if fault else ()
        return Verdict(org=org, drifts=told, books=None, excluded=True, charged_twice=case.charged_twice)
    drifts = tuple(_drifts(case, fault))
    if not drifts:  # as for most: nothing that may be in flight, last or bear money
        return Verdict(org=org, drifts=(), books=case.books, charged_twice=case.charged_twice)
    found = _in_flight(case, flagged.with_status(case, drifts))
    found += tuple(lasting.not_lasting(case, found))
    found.sort(key=lambda drift: (PLACE[drift.code], drift.id))
    books = _books(case, found)
    priced = tuple(_with_money(found, case.books))
    return Verdict(org=org, drifts=priced, books=books, charged_twice=case.charged_twice)


def _drifts(case: Case, fault: str) -> Iterator[Drift]:
    if fault:
        yield case.drift(Code.RECORD_INVALID, detail=fault)
    if case.org.status == DELETED:
        yield from statuses.deleted_still_billed(case)
        return
    theirs = [drift for rule in SOMEBODY_ELSES for drift in rule(case)]
    if theirs:
        yield from theirs
        return
    identity = [drift for rule in IDENTITY for drift in rule(case)]
    yield from identity
    held = tuple(holds.why_held(case, fault))
    yield from held
    if held or any(default_of(drift) is Decided.HOLD for drift in identity):
        return
    if case.org.status == ACTIVE:
        found = [drift for rule in ACTIVE_RULES for drift in rule(case)]
        yield from found
        if not _covered(case, found):
            yield case.drift(Code.UNCLASSIFIED, detail=f"it is due {case.due.tier and case.due.tier.name}")
    else:
        yield from _suspended(case, {drift.code for drift in identity})


def _covered(case: Case, found: Sequence[Drift]) -> bool:
    """Whether the tier is as it should be, or some drift says why not: never silently in sync."""
    due, has = case.due, case.has
    right = has is not None and (due.tier.name == has.name if due.tier is not None else not has.paid)
    return right or any(CATALOGUE[drift.code].stage in _EXPLAINING for drift in found)


def _suspended(case: Case, told: AbstractSet[Code]) -> Iterator[Drift]:
    """A suspended organisation pays, or has the status that a flag of ours set, whose drift lasts or is gone.

    What it is billed past its end is told too: its money is in the tie-out.
    """
    yield from schedules.schedule_missed(case)
    paying = tuple(statuses.suspended_but_paying(case))
    yield from paying
    set_for = flagged.set_for(case)
    if paying or set_for is None or set_for.partition(":")[0] in told:
        return
    yield flagged.still_or_back(case, set_for, [drift for rule in ACTIVE_RULES for drift in rule(case)])


def _in_flight(case: Case, drifts: list[Drift]) -> list[Drift]:
    """What changed a short while ago is only waited for: a raise for `settle_raise`, all else for `settle_lower`."""
    concluded = [drift for drift in drifts if _settles(drift)]
    if not concluded:
        return drifts
    change = case.world.past.last_change(case.org, case.subscriptions(), case.world.now)
    if change is None:
        return drifts
    at, what = change
    age = case.world.now - at
    young = {
        drift.id
        for drift in concluded
        if age < (case.world.terms.settle_raise if _raises(drift) else case.world.terms.settle_lower)
    }
    if not young:
        return drifts
    raises_too = any(drift.id in young and _raises(drift) for drift in concluded)
    waiting = [
        replace(drift, default=Decided.WAIT) if drift.id in young and drift.fix is None else drift for drift in drifts
    ]
    return [*waiting, _changed(case, what, at, raises_too=raises_too)]


def _changed(case: Case, what: str, at: datetime, *, raises_too: bool) -> Drift:
    return case.drift(
        Code.IN_FLIGHT,
        detail=f"{what} changed at {said(at)}",
        effective_at=at,
        stops=frozenset({Direction.RAISE, Direction.LOWER}) if raises_too else None,
    )


def _settles(drift: Drift) -> bool:
    """Whether it concludes something of the tier or the status."""
    return CATALOGUE[drift.code].stage in {Stage.CONTRACT, Stage.FIX} and default_of(drift) in {
        Decided.FIX,
        Decided.FLAG,
    }


def _raises(drift: Drift) -> bool:
    return drift.fix is not None and drift.fix.direction is Direction.RAISE


def _books(case: Case, drifts: Sequence[Drift]) -> Books | None:
    """Its row of the tie-out; what somebody else's customer is billed belongs to no single one: it is unpriced."""
    if case.books is None or any(default_of(drift) is Decided.HOLD for drift in drifts):
        return None
    shared = any(drift.code in _SOMEBODY_ELSES for drift in drifts)
    return replace(case.books, billed=None) if shared else case.books


def _with_money(drifts: Sequence[Drift], books: Books | None) -> Iterator[Drift]:
    """Of drifts of one cause the first carries what the tier leaks or owes, and one what is billed past its end."""
    priced = [drift for drift in drifts if drift.money is not None]
    if books is None or not priced or any(drift.code in _SOMEBODY_ELSES for drift in priced):
        yield from drifts
        return
    bearing = [drift for drift in priced if {LEAK, OWED} & set(CATALOGUE[drift.code].money)]
    bearer = (bearing or [drift for drift in priced if CATALOGUE[drift.code].stage is Stage.FIX] or priced)[0].id
    missed = next((drift.id for drift in priced if drift.code is Code.SCHEDULE_MISSED), None)
    told = [drift.money.overbilled for drift in priced if drift.money is not None]
    for drift in drifts:
        money = drift.money
        if money is not None and drift.id == bearer:
            money = replace(money, leak=books.leak, owed=books.owed)
        if money is not None and drift.id == missed:
            rest = (
                None
                if books.overbilled is None or None in told
                else books.overbilled - sum(map(int, filter(None, told)))
            )
            money = replace(money, overbilled=rest)
        yield replace(drift, money=money)

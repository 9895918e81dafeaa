"""Whether what is billed for the right tier is its price: overrides, discounts, older prices, sides that differ."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.billing import Discount
from reconciler.model.drift import Code, Decided, Direction, Drift
from reconciler.model.moments import utc
from reconciler.model.money_text import money_text
from reconciler.model.terms import Authority
from reconciler.rules.case import Case
from reconciler.rules.due import Says
from reconciler.rules.matching import listed_amount
from reconciler.rules.row import LOWERING
from reconciler.rules.standing import Granting
from reconciler.rules.tier import granted_above

_NOT_KNOWN = "an amount that is not known"


def base_ambiguous(case: Case) -> Iterator[Drift]:
    """One subscription with base items of several tiers."""
    rows = [each for side in case.granting for each in side.live if each.ambiguous]
    if rows:
        yield case.drift(Code.BASE_AMBIGUOUS, detail=", ".join(each.subscription.id for each in rows))


def currency_differs(case: Case) -> Iterator[Drift]:
    """Live subscriptions of granting sides in different currencies."""
    said = [each for side in case.granting for each in side.live if each.item.currency]
    if len({each.item.currency for each in said}) > 1:
        detail = ", ".join(f"{each.subscription.id} in {each.item.currency}" for each in said)
        yield case.drift(Code.CURRENCY_DIFFERS, detail=detail)


def collection_paused(case: Case) -> Iterator[Drift]:
    """The subscription that decides looks active and collects nothing."""
    by = case.collected
    pause = None if by is None else by.subscription.collection_pause
    if by is None or pause is None:
        return
    resumes_at = pause.resumes_at
    until = f", until {utc(resumes_at)}" if resumes_at is not None and resumes_at > case.world.now else ""
    kept = ", its invoices are kept as drafts" if pause.keeps_drafts else ""
    yield case.drift(
        Code.COLLECTION_PAUSED,
        subject=by.subscription.id,
        detail=f"{by.subscription.id} on {by.subscription.source}{until}{kept}",
        at_risk=case.monthly([by]) if pause.keeps_drafts or until else 0,
        default=Decided.WAIT if until else None,
        stops=_stops(case, by),
    )


def zero_amount_live(case: Case) -> Iterator[Drift]:
    """The subscription that decides bills 0, is not on trial, and no contract for as much says why."""
    by = case.collected
    if by is not None and by.monthly == 0 and not by.trialing and case.due.contract is None:
        yield case.drift(
            Code.ZERO_AMOUNT_LIVE,
            subject=by.subscription.id,
            detail=f"{by.subscription.id} on {by.subscription.source}, for {by.tier.name}",
            stops=_stops(case, by),
        )


def _stops(case: Case, by: Granting) -> frozenset[Direction] | None:
    """A doubt about one subscription stops no raise that comes of another, lower one."""
    raised = granted_above(case)
    return LOWERING if raised is not None and raised.rank < by.entitles_to.rank else None


def price_override(case: Case) -> Iterator[Drift]:
    """The unit amount is neither the list price nor an older one."""
    by = _rightly_had(case)
    if by is None or by.item.unit_amount is None or by.item.metered or by.monthly == 0 or case.contracts:
        return
    listed = listed_amount(by.tier, by.item)
    if listed is not None and by.item.unit_amount != listed and not _is_older(by):
        yield case.drift(
            Code.PRICE_OVERRIDE,
            subject=by.subscription.id,
            detail=f"{by.subscription.id} bills {money_text(by.item.unit_amount, by.item.currency)} instead of "
            f"{money_text(listed, by.item.currency)}",
            variance=_variance(case),
        )


def grandfathered(case: Case) -> Iterator[Drift]:
    """An older price of the same tier."""
    by = _rightly_had(case)
    if by is not None and by.item.unit_amount != listed_amount(by.tier, by.item) and _is_older(by):
        yield case.drift(
            Code.GRANDFATHERED,
            subject=by.subscription.id,
            detail=f"{by.subscription.id} ({by.item.label})",
            variance=_variance(case),
        )


def discounted(case: Case) -> Iterator[Drift]:
    """A recurring discount that leaves something to pay."""
    by = _rightly_had(case)
    if by is None or by.monthly == 0:
        return
    off = [*by.subscription.discounts, *by.item.discounts]
    if off:
        yield case.drift(
            Code.DISCOUNTED,
            subject=by.subscription.id,
            detail=f"{', '.join(_off(each) for each in off)} off {by.subscription.id}",
            variance=_variance(case),
        )


def interval_differs(case: Case) -> Iterator[Drift]:
    """Both sides agree, but not on the interval."""
    pair = _agreeing(case)
    if pair is None:
        return
    one, other = pair[0].item.period, pair[1].item.period
    if one is not other and one.months != other.months:
        yield case.drift(Code.INTERVAL_DIFFERS, detail=_both(pair), variance=_variance(case))


def amount_differs(case: Case) -> Iterator[Drift]:
    """Both sides agree, but not on the monthly amount."""
    pair = _agreeing(case)
    if pair is None or pair[0].item.currency != pair[1].item.currency or any(each.trialing for each in pair):
        return
    amounts = [each.monthly for each in pair]
    if None not in amounts and amounts[0] != amounts[1]:
        yield case.drift(Code.AMOUNT_DIFFERS, detail=_both(pair), variance=_variance(case))


def _rightly_had(case: Case) -> Granting | None:
    """The collecting subscription by which the organisation has just what it is due."""
    by = case.collected
    right = case.due.says is Says.LIVE and case.due.tier is not None and case.due.tier.name == case.org.tier
    return by if by is not None and right and by.entitles_to.name == by.tier.name == case.org.tier else None


def _agreeing(case: Case) -> tuple[Granting, Granting] | None:
    if case.authority is not Authority.BOTH or case.due.says is not Says.LIVE:
        return None
    tops = [side.live[0] for side in case.granting if side.live]
    return (tops[0], tops[1]) if len(tops) > 1 else None


def _is_older(granting: Granting) -> bool:
    tier, item = granting.tier, granting.item
    amounts = tier.legacy_amounts.get(item.currency, {}).get(item.period.interval, frozenset())
    by_amount = item.period.count == 1 and item.unit_amount in amounts
    keys = tier.legacy_keys
    return by_amount or item.plan_code in keys.lago_plans or item.price_id in keys.stripe_prices


def _variance(case: Case) -> int | None:
    return None if case.books is None else case.books.variance


def _both(pair: tuple[Granting, Granting]) -> str:
    return ", ".join(
        f"{_monthly(each)} on {each.subscription.source}, billed by the {each.item.period.interval}" for each in pair
    )


def _monthly(granting: Granting) -> str:
    if granting.monthly is None:
        return _NOT_KNOWN
    return f"{money_text(granting.monthly, granting.item.currency)} a month"


def _off(discount: Discount) -> str:
    if discount.percent is not None:
        return f"{discount.percent} %"
    if discount.amount_minor is None or discount.currency is None:
        return _NOT_KNOWN
    return money_text(discount.amount_minor, discount.currency)

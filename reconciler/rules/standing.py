"""What one source's subscriptions amount to for one organisation: its tier, until when, and for how much a month."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from reconciler.model.billing import EndReason, Item, Source, Subscription, SubscriptionStatus
from reconciler.model.catalog import Tier
from reconciler.model.money import monthly
from reconciler.model.terms import Terms
from reconciler.rules.matching import Matcher, NoTier
from reconciler.rules.periods import period_end

_ENTITLED = frozenset({SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING})
_NOTHING = frozenset({SubscriptionStatus.PENDING, SubscriptionStatus.ABANDONED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Granting:
    """A subscription with its base item: `monthly` is what it is billed a month in minor units, None where unknown.

    `until` is its scheduled end, or for an ended one the date to which it is paid.
    """

    subscription: Subscription
    tier: Tier
    item: Item
    monthly: int | None
    until: datetime | None

    @property
    def trialing(self) -> bool:
        """Whether it is still on trial."""
        return self.subscription.status is SubscriptionStatus.TRIALING


def granted_tier(granting: Granting, terms: Terms) -> Tier:
    """The tier it entitles to: while trialing the one that `[statuses] trialing` names, if it does."""
    if granting.trialing and terms.statuses.trialing:
        return terms.catalog.tiers[terms.statuses.trialing]
    return granting.tier


def monthly_sum(grantings: Iterable[Granting]) -> int | None:
    """What they are billed a month together, in one currency's minor units; None where any amount is unknown."""
    amounts = [each.monthly for each in grantings]
    return None if None in amounts else sum(amount for amount in amounts if amount is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unjudged:
    """A subscription in a state that no rule covers yet; `entitles` when it might grant its tier."""

    subscription: Subscription
    why: str
    tier: Tier | None
    entitles: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All subscriptions of one organisation on one side, sorted by what they mean.

    `live` and `paid_through` (ended, but paid until a date ahead) are of paid tiers, highest first; `free` are live at
    no price or on an unpaid tier; `unresolved` are entitled but no item means a tier; `unmapped` names items that are
    neither a tier nor another product.
    """

    source: Source
    complete: bool
    live: tuple[Granting, ...] = ()
    free: tuple[Granting, ...] = ()
    paid_through: tuple[Granting, ...] = ()
    ended: tuple[Granting, ...] = ()
    unresolved: tuple[Subscription, ...] = ()
    unmapped: tuple[str, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()

    @property
    def grants(self) -> tuple[Granting, ...]:
        """What entitles now: the live subscriptions; only where there is none, ended ones still paid for."""
        return self.live or self.paid_through

    @property
    def collected_automatically(self) -> bool:
        """Whether a live subscription takes money by itself."""
        return any(live.subscription.collected_automatically for live in self.live)

    def evidence(self) -> dict[str, Any]:
        """What a person needs to see of it, as plain values."""
        said: dict[str, Any] = {
            "live": [_said(live) for live in self.live],
            "free": [_said(free) for free in self.free],
            "paid_through": [_said(ended) for ended in self.paid_through],
            "ended": [_said(ended) for ended in self.ended],
            "unresolved": [subscription.id for subscription in self.unresolved],
            "unmapped": list(self.unmapped),
            "unjudged": [unjudged.why for unjudged in self.unjudged],
        }
        return {"complete": self.complete, **{name: value for name, value in said.items() if value}}


def standing_of(
    source: Source, subscriptions: Iterable[Subscription], *, matcher: Matcher, now: datetime, complete: bool
) -> Standing:
    """Sort `subscriptions`, in any order, into what they mean at `now` (drift_codes.md, Standing of a subscription)."""
    live: list[Granting] = []
    free: list[Granting] = []
    paid_through: list[Granting] = []
    ended: list[Granting] = []
    unresolved: list[Subscription] = []
    unmapped: set[str] = set()
    unjudged: list[Unjudged] = []
    for subscription in sorted(subscriptions, key=lambda each: each.id):
        if subscription.status in _NOTHING:
            continue
        base, strange = _base_items(subscription, matcher)
        tier = base[0][0] if base else None
        if subscription.status is SubscriptionStatus.ENDED:
            if base:
                granting = _granting(subscription, base, until=paid_through_date(subscription, [i for _, i in base]))
                (paid_through if granting.until and granting.until > now else ended).append(granting)
            continue
        why = _not_judged_yet(subscription, now)
        if why:
            entitles = subscription.status not in {
                SubscriptionStatus.UNPAID,
                SubscriptionStatus.PAUSED,
                SubscriptionStatus.INCOMPLETE,
            }
            if base or strange:
                unjudged.append(Unjudged(subscription=subscription, why=why, tier=tier, entitles=entitles))
            continue
        unmapped.update(strange)
        if not base:
            if strange:
                unresolved.append(subscription)
            continue
        granting = _granting(subscription, base, until=subscription.cancel_at)
        if not granting.tier.paid or (granting.monthly == 0 and not granting.trialing):
            free.append(granting)
        else:
            live.append(granting)
    unjudged.extend(
        Unjudged(
            subscription=each.subscription,
            why=f"{each.subscription.id} is live for {each.tier.name} at no price",
            tier=each.tier,
            entitles=True,
        )
        for each in free
        if each.tier.paid and not live
    )
    return Standing(
        source=source,
        complete=complete,
        live=_highest_first(live),
        free=tuple(free),
        paid_through=_highest_first(each for each in paid_through if each.tier.paid),
        ended=tuple(ended),
        unresolved=tuple(unresolved),
        unmapped=tuple(sorted(unmapped)),
        unjudged=tuple(unjudged),
    )


def paid_through_date(subscription: Subscription, base: Sequence[Item]) -> datetime | None:
    """Until when an ended subscription is paid (drift_codes.md, Terms, Paid-through)."""
    if subscription.source is Source.LAGO:
        if subscription.keeps_paid_period and subscription.ended_at is not None:
            return period_end(subscription, base[0].period, subscription.ended_at)
        return subscription.ended_at
    failed = subscription.end_reason in {EndReason.PAYMENT_FAILED, EndReason.PAYMENT_DISPUTED}
    unpaid = failed or not subscription.paid_for_period
    dates = [date for item in base if (date := item.period_start if unpaid else item.period_end) is not None]
    return max(dates, default=subscription.ended_at)


def _base_items(subscription: Subscription, matcher: Matcher) -> tuple[list[tuple[Tier, Item]], list[str]]:
    base: list[tuple[Tier, Item]] = []
    strange: list[str] = []
    for item in subscription.items:
        match matcher.match(item):
            case Tier() as tier:
                base.append((tier, item))
            case NoTier.UNMAPPED:
                strange.append(item.label)
            case NoTier.OTHER_PRODUCT:
                pass
    base.sort(key=lambda pair: (-pair[0].rank, pair[1].id))
    return base, strange


def _granting(subscription: Subscription, base: list[tuple[Tier, Item]], *, until: datetime | None) -> Granting:
    tier, item = base[0]
    return Granting(
        subscription=subscription,
        tier=tier,
        item=item,
        monthly=billed_monthly(subscription, [item for _, item in base]),
        until=until,
    )


def billed_monthly(subscription: Subscription, base: Sequence[Item]) -> int | None:
    """What the base items are billed a month, after recurring discounts, metered parts left out; a trial is 0.

    None where an amount is not known, or everything is metered.
    """
    if subscription.status is SubscriptionStatus.TRIALING:
        return 0
    fixed = [item for item in base if not item.metered]
    if not fixed:
        return None
    total = 0
    for place, item in enumerate(fixed):
        if item.unit_amount is None:
            return None
        amount = Fraction(item.unit_amount * item.quantity)
        for discount in (*item.discounts, *subscription.discounts):
            if discount.percent is not None:
                amount *= 1 - Fraction(discount.percent) / 100
            elif discount.amount_minor is not None and discount.currency == item.currency:
                # An amount off the whole subscription is taken once, from the first item.
                amount -= discount.amount_minor if place == 0 or discount in item.discounts else 0
        total += monthly(round(max(amount, Fraction(0))), item.period)
    return total


def _not_judged_yet(subscription: Subscription, now: datetime) -> str:
    """Why no rule of this version covers `subscription`; empty when one does."""
    if subscription.status not in _ENTITLED:
        return f"{subscription.id} is {subscription.raw_status}"
    if subscription.collection_paused:
        return f"{subscription.id} has its collection paused"
    if subscription.cancel_at is not None and subscription.cancel_at <= now:
        return f"{subscription.id} should have ended at {subscription.cancel_at:%Y-%m-%d %H:%M} UTC and is still live"
    return ""


def _highest_first(grantings: Iterable[Granting]) -> tuple[Granting, ...]:
    return tuple(sorted(grantings, key=lambda each: (-each.tier.rank, -(each.monthly or 0), each.subscription.id)))


def _said(granting: Granting) -> dict[str, Any]:
    subscription = granting.subscription
    return {
        "subscription": subscription.id,
        "customer": subscription.customer_id,
        "tier": granting.tier.name,
        "price": granting.item.label,
        "status": subscription.raw_status,
        "monthly": granting.monthly,
        "currency": granting.item.currency,
        "until": granting.until,
    }

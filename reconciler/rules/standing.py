"""What one source's subscriptions amount to for one organisation: its tier, until when, and for how much a month."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from reconciler.model.billing import Item, Source, Subscription, SubscriptionStatus
from reconciler.model.catalog import Tier
from reconciler.model.terms import Terms
from reconciler.rules.amounts import billed_monthly
from reconciler.rules.matching import Matcher, NoTier
from reconciler.rules.periods import paid_through_date

_ENTITLED = frozenset({SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING})
_NOT_ENTITLED = frozenset(
    {
        SubscriptionStatus.PENDING,
        SubscriptionStatus.INCOMPLETE,
        SubscriptionStatus.UNPAID,
        SubscriptionStatus.PAUSED,
    }
)

# How far a source may lag behind its own schedule before an end counts as missed (drift_codes.md, schedule_missed).
_SCHEDULE_LAG = timedelta(hours=26)


@dataclass(frozen=True, slots=True, kw_only=True)
class Granting:
    """A subscription with its base item: `monthly` is what it is billed a month in minor units, None where unknown.

    `tier` is what the base item means, `entitles_to` what the customer may use: on trial the one that `[statuses]
    trialing` names, if it does. `until` is its scheduled end, or for an ended one the date to which it is paid.
    """

    subscription: Subscription
    tier: Tier
    entitles_to: Tier
    item: Item
    monthly: int | None
    until: datetime | None

    ambiguous: bool = False

    @property
    def trialing(self) -> bool:
        """Whether it is still on trial."""
        return self.subscription.status is SubscriptionStatus.TRIALING


def monthly_sum(grantings: Iterable[Granting], currency: str) -> int | None:
    """What they are billed a month together; None where any amount is unknown or not in `currency`."""
    total = 0
    for each in grantings:
        if each.monthly is None or each.item.currency != currency:
            return None
        total += each.monthly
    return total


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

    def keeps(self, has: Tier) -> tuple[Granting, ...]:
        """Ended subscriptions that let an organisation keep `has`, since they are paid until a date ahead.

        They never give more than it has: whether the last period was really paid, or paid back, is not read.
        """
        return tuple(each for each in self.paid_through if has.paid and each.entitles_to.rank >= has.rank)

    def grants(self, has: Tier) -> tuple[Granting, ...]:
        """What entitles now: the live subscriptions; only where there is none, ended ones by which `has` is kept."""
        return self.live or self.keeps(has)

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
    source: Source,
    subscriptions: Iterable[Subscription],
    *,
    matcher: Matcher,
    terms: Terms,
    now: datetime,
    complete: bool,
) -> Standing:
    """Sort `subscriptions`, in any order, into what they mean at `now` (drift_codes.md, Standing of a subscription)."""
    rows = sorted(subscriptions, key=lambda each: each.id)
    running = {_chain(each) for each in rows if each.status in _ENTITLED}
    live: list[Granting] = []
    free: list[Granting] = []
    over: list[Granting] = []
    unresolved: list[Subscription] = []
    unmapped: set[str] = set()
    unjudged: list[Unjudged] = []
    for subscription in rows:
        waits = subscription.status is SubscriptionStatus.PENDING and _chain(subscription) in running
        base, strange = _base_items(subscription, matcher)
        # Of a downgrade that waits the row that runs decides; another product's subscription means nothing here.
        if waits or subscription.status is SubscriptionStatus.ABANDONED or not (base or strange):
            continue
        if subscription.status is not SubscriptionStatus.ENDED:
            unmapped.update(strange)
        if subscription.status is SubscriptionStatus.ENDED:
            over += [_granting(subscription, base, terms)] if base else []
        elif why := _not_judged_yet(subscription, now):
            unjudged.append(_unjudged(subscription, why, base[0][0] if base else None))
        elif not base:
            unresolved.append(subscription)
        else:
            granting = _granting(subscription, base, terms)
            at_no_price = not granting.tier.paid or (granting.monthly == 0 and not granting.trialing)
            (free if at_no_price else live).append(granting)
    highest = max((each.entitles_to.rank for each in live), default=-1)
    unjudged += [
        _unjudged(each.subscription, f"{each.subscription.id} is live for {each.tier.name} at no price", each.tier)
        for each in free
        if each.tier.paid and each.tier.rank > highest
    ]
    return Standing(
        source=source,
        complete=complete,
        live=_highest_first(live),
        free=tuple(free),
        paid_through=_highest_first(each for each in over if each.tier.paid and each.until and each.until > now),
        ended=tuple(each for each in over if each.until is None or each.until <= now),
        unresolved=tuple(unresolved),
        unmapped=tuple(sorted(unmapped)),
        unjudged=tuple(unjudged),
    )


def _base_items(subscription: Subscription, matcher: Matcher) -> tuple[list[tuple[Tier, Item]], list[str]]:
    base: list[tuple[Tier, Item]] = []
    strange: list[str] = [] if subscription.items else [f"{subscription.id}, which has no items"]
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


def _granting(subscription: Subscription, base: list[tuple[Tier, Item]], terms: Terms) -> Granting:
    (tier, item), items = base[0], [item for _, item in base]
    ended = subscription.status is SubscriptionStatus.ENDED
    on_trial = subscription.status is SubscriptionStatus.TRIALING and terms.statuses.trialing
    return Granting(
        subscription=subscription,
        tier=tier,
        entitles_to=terms.catalog.tiers[terms.statuses.trialing] if on_trial else tier,
        item=item,
        monthly=billed_monthly(subscription, items),
        until=paid_through_date(subscription, items) if ended else subscription.cancel_at,
        ambiguous=len({each.name for each, _ in base}) > 1,
    )


def _unjudged(subscription: Subscription, why: str, tier: Tier | None) -> Unjudged:
    return Unjudged(subscription=subscription, why=why, tier=tier, entitles=subscription.status not in _NOT_ENTITLED)


def _chain(subscription: Subscription) -> tuple[str, str]:
    """What the rows of one subscription have in common: in Lago a change of plan makes a new row."""
    return subscription.customer_id, subscription.external_id or subscription.id


def _not_judged_yet(subscription: Subscription, now: datetime) -> str:
    """Why no rule of this version covers `subscription`; empty when one does."""
    if subscription.status is SubscriptionStatus.PENDING:
        return f"{subscription.id} starts later"
    if subscription.status not in _ENTITLED:
        return f"{subscription.id} is {subscription.raw_status}"
    if subscription.collection_pause is not None:
        return f"{subscription.id} has its collection paused"
    if subscription.cancel_at is not None and subscription.cancel_at <= now - _SCHEDULE_LAG:
        return f"{subscription.id} should have ended at {subscription.cancel_at:%Y-%m-%d %H:%M} UTC and is still live"
    return ""


def _highest_first(grantings: Iterable[Granting]) -> tuple[Granting, ...]:
    return tuple(
        sorted(grantings, key=lambda each: (-each.entitles_to.rank, -(each.monthly or 0), each.subscription.id))
    )


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

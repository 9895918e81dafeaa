"""What one source's subscriptions amount to for one organisation: its tier, until when, and for how much a month."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.model.billing import Item, Source, Subscription, SubscriptionStatus
from reconciler.model.catalog import Tier

RUNS = frozenset({SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING, SubscriptionStatus.PAST_DUE})

# Below the rank of every tier.
NO_RANK = -1


# Not frozen, as nothing is of which every organisation has its own: freezing all took a tenth of the time of judging.
# Nobody changes one.
@dataclass(slots=True, kw_only=True)
class Granting:
    """A subscription with its base item: `monthly` is what it is billed a month in minor units, None where unknown.

    `tier` is what the base item means, `entitles_to` what the customer may use: on trial the one that `[statuses]
    trialing` names, if it does. `until` is its scheduled end, or for an ended one the date to which it is paid.
    `missed` says which end or change of its own the source did not carry out, and `rightful` is what is billed by
    right then. `takes_money` is False where nothing comes in for it: it bills 0, or its collection is paused.
    """

    subscription: Subscription
    tier: Tier
    entitles_to: Tier
    item: Item
    monthly: int | None
    rightful: int | None
    until: datetime | None
    missed: str = ""
    takes_money: bool = True
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


@dataclass(slots=True, kw_only=True)  # not frozen: see Granting
class Standing:
    """All subscriptions of one organisation on one side, sorted by what they mean.

    `live` and `paid_through` (ended, but paid until a date ahead) are of paid tiers, highest first; `free` are live on
    an unpaid tier, or at no price beside a live paid one; `open` neither run nor have ended: they begin later, wait for
    a payment, failed, or are paused. `unknown` have a status of no known meaning, `unresolved` run but no item means a
    tier; `unmapped` names items that are neither a tier nor another product.
    """

    source: Source
    complete: bool
    live: tuple[Granting, ...] = ()
    free: tuple[Granting, ...] = ()
    paid_through: tuple[Granting, ...] = ()
    ended: tuple[Granting, ...] = ()
    open: tuple[Granting, ...] = ()
    unknown: tuple[Subscription, ...] = ()
    unresolved: tuple[Subscription, ...] = ()
    unmapped: tuple[str, ...] = ()

    def keeps(self, has: Tier) -> tuple[Granting, ...]:
        """Ended subscriptions that let an organisation keep `has`, since they are paid until a date ahead.

        They never give more than it has: whether the last period was really paid, or paid back, is not read.
        """
        if not self.paid_through or not has.paid:
            return ()
        return tuple(each for each in self.paid_through if each.entitles_to.rank >= has.rank)

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
            "open": [_said(each) for each in self.open],
            "unknown": [f"{each.id} is {each.raw_status}" for each in self.unknown],
            "unresolved": [subscription.id for subscription in self.unresolved],
            "unmapped": list(self.unmapped),
        }
        return {"complete": self.complete, **{name: value for name, value in said.items() if value}}


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

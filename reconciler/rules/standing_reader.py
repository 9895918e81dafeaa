"""Reads out of one organisation's subscriptions on one side what they amount to: sorts them by what each means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.model.billing import Item, Source, Subscription, SubscriptionStatus
from reconciler.model.catalog import Tier
from reconciler.model.moments import utc
from reconciler.model.terms import Terms
from reconciler.rules.amounts import billed_monthly
from reconciler.rules.matching import Matcher, NoTier
from reconciler.rules.past import Past
from reconciler.rules.periods import paid_through_date
from reconciler.rules.standing import NO_RANK, RUNS, Granting, Standing

_OVER = frozenset({SubscriptionStatus.ENDED, SubscriptionStatus.ABANDONED})

# How far a source may lag behind its own schedule before an end counts as missed (drift_codes.md, schedule_missed).
SCHEDULE_LAG = timedelta(hours=26)


@dataclass(slots=True)
class _Sorting:
    """The buckets of a standing while they are filled."""

    live: list[Granting] = field(default_factory=list)
    free: list[Granting] = field(default_factory=list)
    over: list[Granting] = field(default_factory=list)
    open: list[Granting] = field(default_factory=list)
    unknown: list[Subscription] = field(default_factory=list)
    unresolved: list[Subscription] = field(default_factory=list)
    unmapped: set[str] = field(default_factory=set)

    def put(self, subscription: Subscription, granting: Granting | None) -> None:
        """Into the bucket that its status and its tier, if it means one, belong to."""
        status = subscription.status
        if status is SubscriptionStatus.UNKNOWN:
            if granting is None or granting.tier.paid:
                self.unknown.append(subscription)
        elif granting is None:
            if status in RUNS:
                self.unresolved.append(subscription)
        elif status is SubscriptionStatus.ENDED:
            self.over.append(granting)
        elif status in RUNS:
            (self.live if granting.tier.paid else self.free).append(granting)
        elif granting.tier.paid:
            self.open.append(granting)

    def standing(self, source: Source, *, complete: bool, now: datetime) -> Standing:
        """What they come to."""
        live, at_no_price = _apart(self.live)
        free = sorted([*self.free, *at_no_price], key=_subscription_id)
        paid_through = [each for each in self.over if each.tier.paid and each.until is not None and each.until > now]
        ended = [each for each in self.over if each.until is None or each.until <= now]
        return Standing(
            source=source,
            complete=complete,
            live=_highest_first(live),
            free=tuple(free),
            paid_through=_highest_first(paid_through),
            ended=tuple(ended),
            open=_highest_first(self.open),
            unknown=tuple(self.unknown),
            unresolved=tuple(self.unresolved),
            unmapped=tuple(sorted(self.unmapped)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads standings out of subscriptions, all by the same terms, history and instant."""

    matcher: Matcher
    terms: Terms
    past: Past
    now: datetime

    def standing_of(self, source: Source, subscriptions: Iterable[Subscription], *, complete: bool) -> Standing:
        """Sort `subscriptions`, in any order (drift_codes.md, Standing of a subscription)."""
        rows = list(subscriptions)
        if not rows:
            return Standing(source=source, complete=complete)
        rows.sort(key=_by_id)
        sorted_out = _Sorting()
        for subscription in rows:
            base, strange = self._base_items(subscription)
            waits = subscription.status is SubscriptionStatus.PENDING and any(
                each.status in RUNS and _chain(each) == _chain(subscription) for each in rows
            )
            # Of a downgrade that waits the row that runs decides; another product's subscription means nothing here.
            if waits or not (base or strange):
                continue
            if strange and (subscription.status not in _OVER or (not base and self.may_be_paid_ahead(subscription))):
                sorted_out.unmapped.update(strange)
            sorted_out.put(subscription, self._granting(subscription, base))
        return sorted_out.standing(source, complete=complete, now=self.now)

    def _base_items(self, subscription: Subscription) -> tuple[list[tuple[Tier, Item]], list[str]]:
        base: list[tuple[Tier, Item]] = []
        strange: list[str] = [] if subscription.items else [f"{subscription.id}, which has no items"]
        for item in subscription.items:
            match self.matcher.match(item):
                case Tier() as tier:
                    base.append((tier, item))
                case NoTier.UNMAPPED:
                    strange.append(item.label)
                case NoTier.OTHER_PRODUCT:
                    pass
        if len(base) > 1:  # pragma: no mutate # sorting one, as nearly always, takes time for nothing
            base.sort(key=lambda pair: (-pair[0].rank, pair[1].id))
        return base, strange

    def _granting(self, subscription: Subscription, base: list[tuple[Tier, Item]]) -> Granting | None:
        if not base:
            return None
        (tier, item), items = base[0], [item for _, item in base]
        ended = subscription.status is SubscriptionStatus.ENDED
        trialing = subscription.status is SubscriptionStatus.TRIALING
        monthly = billed_monthly(subscription, items)
        missed, rightful = "", monthly
        if subscription.cancel_at is not None or subscription.next_at is not None:
            missed, rightful = self._missed(subscription, monthly)
        named = self.terms.statuses.trialing
        return Granting(
            subscription=subscription,
            tier=tier,
            entitles_to=self.terms.catalog.tiers[named] if trialing and named else tier,
            item=item,
            monthly=monthly,
            rightful=rightful,
            until=paid_through_date(subscription, items) if ended else subscription.cancel_at,
            missed=missed,
            takes_money=(self._on_trial(subscription) if trialing else monthly != 0) and not self._paused(subscription),
            ambiguous=len({each.name for each, _ in base}) > 1,
        )

    def may_be_paid_ahead(self, subscription: Subscription) -> bool:
        """Whether it ended and is paid until a date ahead, or until one that cannot be read."""
        if subscription.status is not SubscriptionStatus.ENDED or not subscription.items:
            return False
        until = paid_through_date(subscription, subscription.items)
        return until is None or until > self.now

    def _on_trial(self, subscription: Subscription) -> bool:
        return subscription.trial_end is None or subscription.trial_end > self.now - SCHEDULE_LAG

    def _paused(self, subscription: Subscription) -> bool:
        pause = subscription.collection_pause
        if pause is None or pause.keeps_drafts:
            return False
        return pause.resumes_at is None or pause.resumes_at <= self.now

    def _missed(self, subscription: Subscription, monthly: int | None) -> tuple[str, int | None]:
        """What the source did not carry out by its own schedule, and what is billed by right since."""
        latest = self.now - SCHEDULE_LAG
        if subscription.cancel_at is not None and subscription.cancel_at <= latest:
            return f"{subscription.id} should have ended at {utc(subscription.cancel_at)} and is still live", 0
        planned = self.past.earliest_change(subscription)
        if planned is None or planned > latest:
            return "", monthly
        item = subscription.next_item
        rightful = None if item is None else billed_monthly(subscription, [item])
        return f"{subscription.id} should have become cheaper at {utc(planned)} and has not", rightful


def _by_id(subscription: Subscription) -> str:
    return subscription.id


def _subscription_id(granting: Granting) -> str:
    return granting.subscription.id


def _apart(live: list[Granting]) -> tuple[list[Granting], list[Granting]]:
    """What is live, and what is live at no price and beside one that costs, of a tier at least as high."""
    at_no_price = [each for each in live if each.monthly == 0 and not each.trialing]
    if not at_no_price:
        return live, []
    priced = max((each.entitles_to.rank for each in live if each not in at_no_price), default=NO_RANK)
    left = [each for each in at_no_price if each.entitles_to.rank <= priced]
    return [each for each in live if each not in left], left


def _chain(subscription: Subscription) -> tuple[str, str]:
    """What the rows of one subscription have in common: in Lago a change of plan makes a new row."""
    return subscription.customer_id, subscription.external_id or subscription.id


def _highest_first(grantings: list[Granting]) -> tuple[Granting, ...]:
    if len(grantings) > 1:  # pragma: no mutate # sorting one, or none, takes time for nothing
        grantings.sort(key=lambda each: (-each.entitles_to.rank, -(each.monthly or 0), each.subscription.id))
    return tuple(grantings)

"""What has changed since the last complete run: a hash of each subscription over all of it that rules look at."""

from __future__ import annotations

import hashlib

from reconciler.model.billing import Discount, Item, Subscription, SubscriptionStatus


def subscription_digest(subscription: Subscription) -> str:
    """A hash over all that rules look at; the order of items and discounts does not matter.

    A renewal is no change: what the present period is counts for an ended subscription only.
    """
    ended = subscription.status is SubscriptionStatus.ENDED
    pause, next_item = subscription.collection_pause, subscription.next_item
    looked_at = (
        subscription.customer_id,
        subscription.external_id,
        subscription.status.value,
        subscription.raw_status,
        sorted(_item(each, ended=ended) for each in subscription.items),
        _discounts(subscription.discounts),
        subscription.trial_end,
        subscription.cancel_at,
        subscription.ended_at,
        subscription.end_reason,
        ended and subscription.paid_for_period,
        subscription.keeps_paid_period,
        "" if next_item is None else _item(next_item, ended=False),
        subscription.next_at,
        subscription.collected_automatically,
        pause and (pause.resumes_at, pause.keeps_drafts),
        subscription.org_key,
        subscription.livemode,
    )
    return hashlib.sha256(repr(looked_at).encode()).hexdigest()[:32]


def _item(item: Item, *, ended: bool) -> str:
    return repr(
        (
            item.plan_code,
            item.price_id,
            item.lookup_key,
            item.product_id,
            sorted(item.price_metadata.items()),
            item.unit_amount,
            item.currency,
            item.period.interval.value,
            item.period.count,
            item.quantity,
            item.metered,
            _discounts(item.discounts),
            ended and (item.period_start, item.period_end),
        )
    )


def _discounts(discounts: tuple[Discount, ...]) -> list[str]:
    return sorted(repr((str(each.percent), each.amount_minor, each.currency)) for each in discounts)

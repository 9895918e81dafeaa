"""What Stripe says of customers and subscriptions, in the words of the model."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from reconciler.billing.stripe_wire import WireCustomer, WireDiscount, WireItem, WirePrice, WireSubscription
from reconciler.model.billing import (
    CollectionPause,
    Customer,
    Discount,
    EndReason,
    Item,
    Source,
    Subscription,
    SubscriptionStatus,
)
from reconciler.model.money import MONTH, Interval, Period

_STATUSES = {
    "incomplete": SubscriptionStatus.INCOMPLETE,
    "incomplete_expired": SubscriptionStatus.ABANDONED,
    "trialing": SubscriptionStatus.TRIALING,
    "active": SubscriptionStatus.ACTIVE,
    "past_due": SubscriptionStatus.PAST_DUE,
    "unpaid": SubscriptionStatus.UNPAID,
    "paused": SubscriptionStatus.PAUSED,
    "canceled": SubscriptionStatus.ENDED,
}
_INTERVALS = {
    "day": Interval.DAY,
    "week": Interval.WEEK,
    "month": Interval.MONTH,
    "year": Interval.YEAR,
}
_REASONS = {
    "cancellation_requested": EndReason.REQUESTED,
    "payment_failed": EndReason.PAYMENT_FAILED,
    "payment_disputed": EndReason.PAYMENT_DISPUTED,
}
_UNPAID = frozenset({EndReason.PAYMENT_FAILED, EndReason.PAYMENT_DISPUTED})


def customer_of(row: WireCustomer, *, metadata_org_key: str) -> Customer:
    """A customer of Stripe."""
    return Customer(
        source=Source.STRIPE,
        id=row.id,
        org_key=row.metadata.get(metadata_org_key, ""),
        deleted=row.deleted,
        currency=row.currency or "",
        livemode=row.livemode,
        test_clock=row.test_clock is not None,
    )


def subscription_of(
    row: WireSubscription, *, customer: WireCustomer | None, metadata_org_key: str, as_of: datetime
) -> Subscription:
    """A subscription at `as_of`; a discount of the customer holds where the subscription has none of its own."""
    status = _STATUSES.get(row.status, SubscriptionStatus.UNKNOWN)
    items = tuple(_item(item, as_of=as_of) for item in row.items.data)
    cancel_at = row.cancel_at
    if cancel_at is None and row.cancel_at_period_end:
        cancel_at = max((item.period_end for item in items if item.period_end is not None), default=None)
    end_reason = _end_reason(row, status)
    inherited = () if customer is None or customer.discount is None else (customer.discount,)
    return Subscription(
        source=Source.STRIPE,
        id=row.id,
        customer_id=row.customer,
        status=status,
        raw_status=row.status,
        items=items,
        created_at=row.created,
        anchor_at=row.billing_cycle_anchor,
        started_at=row.start_date,
        trial_end=row.trial_end,
        cancel_at=cancel_at,
        ended_at=row.ended_at,
        end_reason=end_reason,
        paid_for_period=end_reason not in _UNPAID,
        collected_automatically=row.collection_method == "charge_automatically",
        collection_pause=None
        if row.pause_collection is None
        else CollectionPause(
            resumes_at=row.pause_collection.resumes_at,
            keeps_drafts=row.pause_collection.behavior == "keep_as_draft",
        ),
        discounts=_recurring(row.discounts or inherited, as_of=as_of),
        org_key=row.metadata.get(metadata_org_key, ""),
        livemode=row.livemode,
        test_clock=row.test_clock is not None,
    )


def _item(row: WireItem, *, as_of: datetime) -> Item:
    price = row.price
    if price is None:
        return Item(id=row.id, period_start=row.current_period_start, period_end=row.current_period_end)
    recurring = price.recurring
    interval = None if recurring is None else _INTERVALS.get(recurring.interval)
    return Item(
        id=row.id,
        price_id=price.id,
        lookup_key=price.lookup_key or "",
        product_id=price.product or "",
        price_metadata=price.metadata,
        unit_amount=None if interval is None else _unit_amount(price),  # without its interval it says nothing
        currency=price.currency,
        period=MONTH
        if recurring is None or interval is None
        else Period(interval=interval, count=recurring.interval_count),
        quantity=1 if row.quantity is None else row.quantity,
        metered=recurring is not None and recurring.usage_type == "metered",
        period_start=row.current_period_start,
        period_end=row.current_period_end,
        discounts=_recurring((each for each in row.discounts if isinstance(each, WireDiscount)), as_of=as_of),
    )


def _unit_amount(price: WirePrice) -> int | None:
    if price.billing_scheme != "per_unit" or price.transform_quantity is not None:
        return None
    if price.unit_amount is not None:
        return price.unit_amount
    exact = price.unit_amount_decimal
    return int(exact) if exact is not None and exact == exact.to_integral_value() else None


def _recurring(rows: Iterable[WireDiscount], *, as_of: datetime) -> tuple[Discount, ...]:
    """The discounts that every invoice from `as_of` on gets, not those of a single one."""
    return tuple(
        Discount(percent=coupon.percent_off, amount_minor=coupon.amount_off, currency=coupon.currency)
        for row in rows
        if (coupon := row.source.coupon) is not None
        and (coupon.duration == "forever" or (coupon.duration == "repeating" and (row.end is None or row.end > as_of)))
    )


def _end_reason(row: WireSubscription, status: SubscriptionStatus) -> EndReason | None:
    if status is SubscriptionStatus.ABANDONED:  # the first payment never came
        return EndReason.PAYMENT_FAILED
    if status is not SubscriptionStatus.ENDED:
        return None
    reason = row.cancellation_details.reason if row.cancellation_details is not None else None
    return _REASONS.get(reason or "", EndReason.OTHER)

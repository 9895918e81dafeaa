"""What Stripe says of customers and subscriptions, in the words of the model."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from reconciler.billing.strange import Strange
from reconciler.billing.stripe_wire import (
    WireCoupon,
    WireCustomer,
    WireDiscount,
    WireInvoice,
    WireItem,
    WirePhase,
    WirePrice,
    WireSchedule,
    WireSubscription,
)
from reconciler.model.billing import (
    CollectionPause,
    Customer,
    Discount,
    EndReason,
    Invoice,
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
_AUTOMATIC = "charge_automatically"
_OWED = frozenset({"draft", "open", "uncollectible"})  # void: taken back, which is nobody's debt
_METHODS = frozenset({_AUTOMATIC, "send_invoice"})
_ALL_REASONS = frozenset({*_REASONS, "canceled_by_retention_policy"})
_PAUSES = frozenset({"keep_as_draft", "mark_uncollectible", "void"})
_SCHEMES = frozenset({"per_unit", "tiered"})
_USAGES = frozenset({"licensed", "metered"})
_DURATIONS = frozenset({"forever", "once", "repeating"})
_PLANNED = frozenset({"not_started", "active"})


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
    row: WireSubscription,
    *,
    customer: WireCustomer | None,
    metadata_org_key: str,
    as_of: datetime,
    schedule: WireSchedule | None = None,
) -> Subscription:
    """A subscription at `as_of`; a discount of the customer holds where the subscription has none of its own.

    Without its `schedule`, and without its latest invoice where it ended, it says nothing of either.
    """
    status = _STATUSES.get(row.status, SubscriptionStatus.UNKNOWN)
    items = tuple(_item(item, as_of=as_of) for item in row.items.data)
    cancel_at = row.cancel_at
    if cancel_at is None and row.cancel_at_period_end:
        cancel_at = max((item.period_end for item in items if item.period_end is not None), default=None)
    next_item, next_at, planned_end = _planned(schedule, items, as_of=as_of)
    end_reason = _end_reason(row, status)
    inherited = () if customer is None or customer.discount is None else (customer.discount,)
    if any(map(_untold, row.discounts or inherited)):
        items = tuple(replace(item, unit_amount=None) for item in items)
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
        cancel_at=cancel_at or planned_end,
        ended_at=row.ended_at,
        end_reason=end_reason,
        paid_for_period=end_reason not in _UNPAID and not (status is SubscriptionStatus.ENDED and _owes_latest(row)),
        next_item=next_item,
        next_at=next_at,
        collected_automatically=row.collection_method == _AUTOMATIC,
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


def invoice_of(row: WireInvoice, *, as_of: datetime) -> Invoice | None:
    """An open invoice of a subscription whose money was asked for in vain; None for any other.

    One that is charged automatically is due when it is final, which is when it is charged first; one that is sent on
    its due date.
    """
    automatic = row.collection_method == _AUTOMATIC
    due_since = row.status_transitions.finalized_at
    if not automatic and row.due_date is not None:
        due_since = row.due_date
    tried = row.attempt_count > 0 if automatic else due_since is None or due_since <= as_of
    if row.status != "open" or row.amount_remaining <= 0 or not tried or not row.subscription or not row.customer:
        return None
    return Invoice(
        source=Source.STRIPE,
        id=row.id,
        customer_id=row.customer,
        due_minor=row.amount_remaining,
        currency=row.currency,
        subscription_ids=(row.subscription,),
        due_since=due_since,
        overdue=True,
        collected_automatically=automatic,
        livemode=row.livemode,
    )


def look_for_strange(strange: Strange, rows: Iterable[WireSubscription]) -> None:
    """Keep the words of subscriptions that are not known here."""
    for row in rows:
        strange.look("subscription status", row.status, _STATUSES)
        strange.look("collection method", row.collection_method, _METHODS)
        if row.cancellation_details is not None:
            strange.look("cancellation reason", row.cancellation_details.reason, _ALL_REASONS)
        if row.pause_collection is not None:
            strange.look("pause behavior", row.pause_collection.behavior, _PAUSES)
        for price in (item.price for item in row.items.data if item.price is not None):
            strange.look("billing scheme", price.billing_scheme, _SCHEMES)
            if price.recurring is not None:
                strange.look("interval", price.recurring.interval, _INTERVALS)
                strange.look("usage type", price.recurring.usage_type, _USAGES)
        for discount in row.discounts:
            if isinstance(discount, WireDiscount) and isinstance(discount.source.coupon, WireCoupon):
                strange.look("coupon duration", discount.source.coupon.duration, _DURATIONS)


def _owes_latest(row: WireSubscription) -> bool:
    latest = row.latest_invoice
    return latest is not None and latest.status in _OWED and latest.amount_remaining > 0


def _planned(
    schedule: WireSchedule | None, items: Collection[Item], *, as_of: datetime
) -> tuple[Item | None, datetime | None, datetime | None]:
    """The item that comes next, from when, and when the schedule ends the subscription.

    Of several items the one whose price is new is meant; where that leaves more than one, none can be named.
    """
    if schedule is None or schedule.status not in _PLANNED or not schedule.phases:
        return None, None, None
    end = max((each.end_date for each in schedule.phases if each.end_date is not None), default=None)
    planned_end = end if schedule.end_behavior == "cancel" else None
    ahead = [each for each in schedule.phases if each.start_date > as_of]
    if not ahead:
        return None, None, planned_end
    phase = min(ahead, key=lambda each: each.start_date)
    coming = _coming(phase)
    billed = {each.price_id for each in items}
    fresh = [each for each in coming if each.price_id not in billed] or coming
    return fresh[0] if len(fresh) == 1 else None, phase.start_date, planned_end


def _coming(phase: WirePhase) -> list[Item]:
    return [
        Item(id=each.price, price_id=each.price, quantity=1 if each.quantity is None else each.quantity)
        if isinstance(each.price, str)
        else _priced(each.price, item_id=each.price.id, quantity=each.quantity)
        for each in phase.items
    ]


def _item(row: WireItem, *, as_of: datetime) -> Item:
    if row.price is None:
        return Item(id=row.id, period_start=row.current_period_start, period_end=row.current_period_end)
    item = _priced(
        row.price,
        item_id=row.id,
        quantity=row.quantity,
        period_start=row.current_period_start,
        period_end=row.current_period_end,
        discounts=_recurring(row.discounts, as_of=as_of),
    )
    return replace(item, unit_amount=None) if any(map(_untold, row.discounts)) else item


def _priced(
    price: WirePrice,
    *,
    item_id: str,
    quantity: int | None,
    period_start: datetime | None = None,
    period_end: datetime | None = None,
    discounts: tuple[Discount, ...] = (),
) -> Item:
    recurring = price.recurring
    interval = None if recurring is None else _INTERVALS.get(recurring.interval)
    return Item(
        id=item_id,
        price_id=price.id,
        lookup_key=price.lookup_key or "",
        product_id=price.product or "",
        price_metadata=price.metadata,
        unit_amount=None if interval is None else _unit_amount(price),  # without its interval it says nothing
        currency=price.currency,
        period=MONTH
        if recurring is None or interval is None
        else Period(interval=interval, count=recurring.interval_count),
        quantity=1 if quantity is None else quantity,
        metered=recurring is not None and recurring.usage_type == "metered",
        period_start=period_start,
        period_end=period_end,
        discounts=discounts,
    )


def _unit_amount(price: WirePrice) -> int | None:
    if price.billing_scheme != "per_unit" or price.transform_quantity is not None:
        return None
    if price.unit_amount is not None:
        return price.unit_amount
    exact = price.unit_amount_decimal
    return int(exact) if exact is not None and exact == exact.to_integral_value() else None


def _untold(discount: str | WireDiscount) -> bool:
    """Whether what it takes off was not shown, so that no amount is known."""
    return isinstance(discount, str) or isinstance(discount.source.coupon, str)


def _recurring(rows: Iterable[str | WireDiscount], *, as_of: datetime) -> tuple[Discount, ...]:
    """The discounts that every invoice from `as_of` on gets, not those of a single one."""
    return tuple(
        Discount(percent=coupon.percent_off, amount_minor=coupon.amount_off, currency=coupon.currency)
        for row in rows
        if isinstance(row, WireDiscount)
        and isinstance(coupon := row.source.coupon, WireCoupon)
        and (coupon.duration == "forever" or (coupon.duration == "repeating" and (row.end is None or row.end > as_of)))
    )


def _end_reason(row: WireSubscription, status: SubscriptionStatus) -> EndReason | None:
    if status is SubscriptionStatus.ABANDONED:  # the first payment never came
        return EndReason.PAYMENT_FAILED
    if status is not SubscriptionStatus.ENDED:
        return None
    reason = row.cancellation_details.reason if row.cancellation_details is not None else None
    return _REASONS.get(reason or "", EndReason.OTHER)

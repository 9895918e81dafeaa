"""What Lago says of customers and subscriptions, in the words of the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType

from reconciler.billing.lago_wire import WireAppliedCoupon, WireCustomer, WireInvoice, WirePlan, WireSubscription
from reconciler.billing.strange import Strange
from reconciler.model.billing import (
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
    "active": SubscriptionStatus.ACTIVE,
    "pending": SubscriptionStatus.PENDING,
    "terminated": SubscriptionStatus.ENDED,
    "canceled": SubscriptionStatus.ABANDONED,
    "incomplete": SubscriptionStatus.INCOMPLETE,
}
_INTERVALS = {
    "weekly": Interval.WEEK,
    "monthly": Interval.MONTH,
    "quarterly": Interval.QUARTER,
    "semiannual": Interval.HALF_YEAR,
    "yearly": Interval.YEAR,
}
_DUNNING = frozenset({"subscription", "progressive_billing"})
_INVOICE_TYPES = _DUNNING | {"add_on", "credit", "one_off", "advance_charges"}
_INVOICE_STATUSES = frozenset({"draft", "finalized", "voided", "failed", "pending"})
_PAYMENT_STATUSES = frozenset({"pending", "succeeded", "failed"})
_BILLING_TIMES = frozenset({"calendar", "anniversary"})
_CREDIT_NOTES = frozenset({"credit", "refund", "skip", "offset"})
_PAYMENT_METHODS = frozenset({"provider", "manual"})
_FREQUENCIES = frozenset({"once", "recurring", "forever"})
_NO_COUPONS: Mapping[str, Sequence[WireAppliedCoupon]] = MappingProxyType({})
_NEVER_PAID = frozenset({"payment_failed", "timeout"})


def customer_of(row: WireCustomer, *, deleted: bool = False) -> Customer:
    """A customer of Lago."""
    billing = row.billing_configuration
    charged = billing.provider_customer_id if billing.payment_provider else None
    return Customer(
        source=Source.LAGO,
        id=row.lago_id,
        org_key=row.external_id,
        deleted=deleted,
        currency=(row.currency or "").lower(),
        collected_automatically=bool(charged),
        provider_customer_id=charged or "" if billing.payment_provider == "stripe" else "",
    )


def subscriptions_of(
    rows: Iterable[WireSubscription],
    *,
    plans: Mapping[str, WirePlan],
    customers: Mapping[str, Customer],
    as_of: datetime,
    coupons: Mapping[str, Sequence[WireAppliedCoupon]] = _NO_COUPONS,
) -> tuple[Subscription, ...]:
    """Subscriptions at `as_of`, in the order of `rows`; `plans` by code, `customers` and `coupons` by lago_id.

    A trial counts from the first start under an external id; where the row before is not among `rows`, from the day
    on which the subscription was to begin, which a change of plan leaves as it was.
    """
    rows = tuple(rows)
    first_start: dict[tuple[str, str], datetime] = {}
    for row in rows:
        starts = [row.started_at, row.subscription_at if row.previous_plan_code else None]
        for start in (each for each in starts if row.started_at is not None and each is not None):
            chain = (row.lago_customer_id, row.external_id)
            first_start[chain] = min(start, first_start.get(chain, start))
    return tuple(
        _subscription(
            row,
            plan=row.plan or plans.get(row.plan_code),
            plans=plans,
            customer=customers.get(row.lago_customer_id),
            trial_from=first_start.get((row.lago_customer_id, row.external_id)),
            coupons=coupons.get(row.lago_customer_id, ()),
            as_of=as_of,
        )
        for row in rows
    )


def _subscription(
    row: WireSubscription,
    *,
    plan: WirePlan | None,
    plans: Mapping[str, WirePlan],
    customer: Customer | None,
    trial_from: datetime | None,
    coupons: Sequence[WireAppliedCoupon],
    as_of: datetime,
) -> Subscription:
    status = _STATUSES.get(row.status, SubscriptionStatus.UNKNOWN)
    trial_end = row.trial_ended_at
    if trial_end is None and trial_from is not None and plan is not None and plan.trial_period:
        trial_end = _later(trial_from, days=plan.trial_period)
        if status is SubscriptionStatus.ACTIVE and trial_end > as_of:
            status = SubscriptionStatus.TRIALING
    ended = status is SubscriptionStatus.ENDED
    manual = row.payment_method is not None and row.payment_method.payment_method_type == "manual"
    return Subscription(
        source=Source.LAGO,
        id=row.lago_id,
        customer_id=row.lago_customer_id,
        status=status,
        raw_status=row.status,
        items=(_item(row, plan),),
        created_at=row.created_at,
        external_id=row.external_id,
        external_customer_id=row.external_customer_id,
        anchor_at=row.subscription_at,
        calendar_periods=row.billing_time == "calendar",
        started_at=row.started_at,
        trial_end=trial_end,
        cancel_at=row.ending_at,
        ended_at=row.terminated_at or row.canceled_at,
        end_reason=_end_reason(row, status),
        keeps_paid_period=ended
        and plan is not None
        and plan.pay_in_advance
        and row.on_termination_credit_note == "skip",
        next_item=_next_item(row, plans),
        next_at=_midnight(row.downgrade_plan_date),
        collected_automatically=customer is not None and customer.collected_automatically and not manual,
        discounts=_recurring(coupons, as_of),
    )


def invoice_of(row: WireInvoice, *, customers: Mapping[str, Customer]) -> Invoice | None:
    """An overdue invoice that is dunning, or one whose dispute was lost; None for any other.

    Not those that customers bill themselves, nor for credits, add-ons and the like: no subscription hangs on them.
    """
    if row.customer is None or row.self_billed or row.invoice_type not in _DUNNING or row.status != "finalized":
        return None
    due = row.total_amount_cents if row.total_due_amount_cents is None else row.total_due_amount_cents
    overdue = bool(row.payment_overdue) and row.payment_status != "succeeded" and due > 0
    if not overdue and row.payment_dispute_lost_at is None:
        return None
    owner = customers.get(row.customer.lago_id)
    return Invoice(
        source=Source.LAGO,
        id=row.lago_id,
        customer_id=row.customer.lago_id,
        due_minor=max(due, 0),
        currency=(row.currency or "").lower(),
        subscription_ids=tuple(each.lago_id for each in row.subscriptions),
        due_since=_midnight(row.payment_due_date),
        overdue=overdue,
        collected_automatically=owner is not None and owner.collected_automatically,
        dispute_lost_at=row.payment_dispute_lost_at,
    )


def look_for_strange(
    strange: Strange,
    subscriptions: Iterable[WireSubscription],
    plans: Iterable[WirePlan],
    invoices: Iterable[WireInvoice],
    coupons: Iterable[WireAppliedCoupon],
) -> None:
    """Keep the words that are not known here."""
    for row in subscriptions:
        strange.look("subscription status", row.status, _STATUSES)
        strange.look("billing time", row.billing_time, _BILLING_TIMES)
        strange.look("on_termination_credit_note", row.on_termination_credit_note, _CREDIT_NOTES)
        if row.payment_method is not None:
            strange.look("payment method type", row.payment_method.payment_method_type, _PAYMENT_METHODS)
    for plan in plans:
        strange.look("plan interval", plan.interval, _INTERVALS)
    for invoice in invoices:
        strange.look("invoice type", invoice.invoice_type, _INVOICE_TYPES)
        strange.look("invoice status", invoice.status, _INVOICE_STATUSES)
        strange.look("payment status", invoice.payment_status, _PAYMENT_STATUSES)
    for coupon in coupons:
        strange.look("coupon frequency", coupon.frequency, _FREQUENCIES)


def _recurring(rows: Iterable[WireAppliedCoupon], as_of: datetime) -> tuple[Discount, ...]:
    """The coupons that every invoice from `as_of` on gets, not those of a single one."""
    return tuple(
        Discount(
            percent=row.percentage_rate,
            amount_minor=None if row.percentage_rate is not None else row.amount_cents,
            currency=(row.amount_currency or "").lower() or None,
        )
        for row in rows
        if row.status == "active"
        and (row.frequency == "forever" or (row.frequency == "recurring" and row.frequency_duration_remaining != 0))
        and (row.expiration_at is None or row.expiration_at > as_of)
    )


def _item(row: WireSubscription, plan: WirePlan | None) -> Item:
    interval = _INTERVALS.get(plan.interval or "") if plan is not None else None
    amount, currency = row.plan_amount_cents, row.plan_amount_currency
    if amount == "unsaid":  # the plan of the code costs something else where this subscription overrides it
        amount = None if row.plan is None else row.plan.amount_cents
        currency = None if plan is None else plan.amount_currency
    return Item(
        id=row.lago_id,
        plan_code=row.plan_code,
        unit_amount=amount if interval is not None else None,  # an amount without its interval says nothing
        currency=(currency or "").lower(),
        period=MONTH if interval is None else Period(interval=interval),
    )


def _next_item(row: WireSubscription, plans: Mapping[str, WirePlan]) -> Item | None:
    """What the pending successor will bill; at the list price of its plan, since its own row is another one."""
    if not row.next_plan_code or row.downgrade_plan_date is None:
        return None
    plan = plans.get(row.next_plan_code)
    interval = _INTERVALS.get(plan.interval or "") if plan is not None else None
    return Item(
        id=row.next_plan_code,
        plan_code=row.next_plan_code,
        unit_amount=plan.amount_cents if plan is not None and interval is not None else None,
        currency=(plan.amount_currency or "").lower() if plan is not None else "",
        period=MONTH if interval is None else Period(interval=interval),
    )


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)


def _end_reason(row: WireSubscription, status: SubscriptionStatus) -> EndReason | None:
    if status not in (SubscriptionStatus.ENDED, SubscriptionStatus.ABANDONED):
        return None
    return EndReason.PAYMENT_FAILED if row.cancellation_reason in _NEVER_PAID else EndReason.REQUESTED


def _later(at: datetime, *, days: float) -> datetime:
    try:
        return at + timedelta(days=days)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)

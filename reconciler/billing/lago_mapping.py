"""What Lago says of customers and subscriptions, in the words of the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta

from reconciler.billing.lago_wire import WireCustomer, WirePlan, WireSubscription
from reconciler.model.billing import Customer, EndReason, Item, Source, Subscription, SubscriptionStatus
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
) -> tuple[Subscription, ...]:
    """Subscriptions at `as_of`, in the order of `rows`; `plans` by code, `customers` by lago_id.

    `rows` are all of their customers: a trial counts from the first start under an external id.
    """
    rows = tuple(rows)
    first_start: dict[tuple[str, str], datetime] = {}
    for row in rows:
        if row.started_at is not None:
            chain = (row.lago_customer_id, row.external_id)
            first_start[chain] = min(row.started_at, first_start.get(chain, row.started_at))
    return tuple(
        _subscription(
            row,
            plan=row.plan or plans.get(row.plan_code),
            plans=plans,
            customer=customers.get(row.lago_customer_id),
            trial_from=first_start.get((row.lago_customer_id, row.external_id)),
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
    )


def _item(row: WireSubscription, plan: WirePlan | None) -> Item:
    interval = _INTERVALS.get(plan.interval or "") if plan is not None else None
    amount, currency = row.plan_amount_cents, row.plan_amount_currency
    if amount == "unsaid":
        amount, currency = (None, None) if plan is None else (plan.amount_cents, plan.amount_currency)
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

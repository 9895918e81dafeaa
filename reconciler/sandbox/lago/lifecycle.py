"""What becomes of a sandbox Lago's subscriptions: start, replacement, end, and the hourly jobs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from reconciler.sandbox.lago.periods import local_date, plan_period, yearly_amount
from reconciler.sandbox.lago.rows import Customer, Plan, Subscription, SubscriptionStatus
from reconciler.sandbox.lago.store import Store


def start(row: Subscription, at: datetime, *, started_at: datetime | None = None) -> None:
    """Make a row `active` from `started_at`, by default `at`."""
    row.status = SubscriptionStatus.ACTIVE
    row.started_at = row.activated_at = started_at or at


def terminate(row: Subscription, at: datetime) -> None:
    """End an active row and cancel what was to follow it; time paid in advance and not used is credited."""
    follower = row.next
    if follower and follower.status is SubscriptionStatus.PENDING:
        cancel(follower, at)
    row.status = SubscriptionStatus.TERMINATED
    row.terminated_at = at
    if row.plan.pay_in_advance:
        row.on_termination_credit_note = "credit"


def cancel(row: Subscription, at: datetime) -> None:
    """Take back a row that never started."""
    row.status = SubscriptionStatus.CANCELED
    row.canceled_at = at


def change_plan(store: Store, row: Subscription, plan: Plan, wanted: dict[str, Any]) -> Subscription:
    """Put an active row on another plan and return the row a POST answers with.

    Dearer or equal a year: the row ends now and its successor is active. Cheaper: the successor is pending to the
    period's end and the row itself is returned. A change that was pending is canceled either way. Of `wanted` only
    name and end count.
    """
    now = store.now()
    upgrade = yearly_amount(plan) >= yearly_amount(row.plan)
    follower = row.next
    if follower and follower.status is SubscriptionStatus.PENDING:
        cancel(follower, now)
    if upgrade:
        terminate(row, now)
    successor = Subscription(
        lago_id=store.new_id(),
        external_id=row.external_id,
        customer=row.customer,
        plan=plan,
        status=SubscriptionStatus.PENDING,
        subscription_at=row.subscription_at,
        created_at=now,
        name=wanted.get("name") or row.name,
        billing_time=row.billing_time,
        ending_at=wanted.get("ending_at", row.ending_at),
        payment_method_type=row.payment_method_type,
        previous=row,
    )
    store.add_subscription(successor)
    if upgrade:
        start(successor, now)
    return successor if upgrade else row


def end_all(rows: list[Subscription], at: datetime) -> None:
    """Terminate what is active and cancel what is pending, as the jobs behind a deletion do."""
    for row in rows:
        if row.status is SubscriptionStatus.ACTIVE:
            terminate(row, at)
        elif row.status is SubscriptionStatus.PENDING:
            cancel(row, at)


def delete_customer(store: Store, customer: Customer) -> None:
    """Hide a customer now; its subscriptions end when the queue gets to them."""
    store.discard_customer(customer, store.now())
    store.put_off(lambda at: end_all(store.subscriptions_of(customer), at))


def delete_plan(store: Store, plan: Plan) -> None:
    """Mark a plan now; it vanishes, and its subscriptions end, when the queue gets to it."""
    plan.pending_deletion = True

    def finish(at: datetime) -> None:
        end_all([row for row in store.subscriptions if plan in (row.plan, row.plan.parent)], at)
        plan.deleted = True

    store.put_off(finish)


def run_hourly_jobs(store: Store, at: datetime) -> None:
    """Do what falls due on the day of `at`: ends, downgrades, starts, trials, overdue marks.

    Ends and downgrades are done on their very day only: a day without a run is missed for good, as on a real server.
    """
    for row in list(store.subscriptions):
        if row.status is SubscriptionStatus.ACTIVE:
            _end_or_trial(store, row, at)
        elif row.status is SubscriptionStatus.PENDING:
            _start_or_downgrade(row, at)
    for invoice in store.invoices:
        unpaid = invoice.payment_status != "succeeded" and invoice.payment_dispute_lost_at is None
        late = invoice.status == "finalized" and unpaid and invoice.payment_due_date < at.date()
        if late and not invoice.payment_overdue:
            invoice.payment_overdue = True
            invoice.updated_at = at


def _end_or_trial(store: Store, row: Subscription, at: datetime) -> None:
    if row.ending_at and local_date(row.ending_at, row) == local_date(at, row):
        terminate(row, at)
    elif (ends := _trial_end(store, row)) and row.trial_ended_at is None and ends <= at:
        row.trial_ended_at = ends


def _start_or_downgrade(row: Subscription, at: datetime) -> None:
    if row.previous is None:
        if local_date(row.subscription_at, row) <= local_date(at, row):
            start(row, at)
    elif _downgrades_today(row, row.previous, at):
        row.previous.status = SubscriptionStatus.TERMINATED
        row.previous.terminated_at = at
        start(row, at)


def _downgrades_today(row: Subscription, previous: Subscription, at: datetime) -> bool:
    today = local_date(at, row)
    period_starts = plan_period(today, previous)[0] == today
    return period_starts and previous.status is SubscriptionStatus.ACTIVE and local_date(row.created_at, row) < today


def _trial_end(store: Store, row: Subscription) -> datetime | None:
    # Counted from the first start under this external id: neither a change of plan nor a restart gives a second trial.
    if not row.plan.trial_period:
        return None
    rows = store.subscriptions_called(row.external_id)
    starts = [one.started_at for one in rows if one.customer is row.customer and one.started_at]
    return min(starts) + timedelta(days=row.plan.trial_period)

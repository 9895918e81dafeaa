"""Subscription writes of the sandbox Lago: the POST that creates, upgrades and downgrades, the PUT and the DELETE."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from reconciler.sandbox.lago.answers import forbidden, invalid, not_allowed, not_found
from reconciler.sandbox.lago.customer_writes import new_customer
from reconciler.sandbox.lago.lifecycle import cancel, change_plan, start, terminate
from reconciler.sandbox.lago.rows import Customer, Plan, Subscription, SubscriptionStatus
from reconciler.sandbox.lago.store import Store


def create(store: Store, body: dict[str, Any], prefix: str) -> Subscription:
    """Create, upgrade, downgrade or find the subscription of this customer and external id.

    An unknown customer is made on the way. Repeating what is already so changes nothing.
    """
    if "plan_overrides" in body:
        raise forbidden("feature_unavailable")
    plan = store.plan(str(body.get("plan_code") or ""))
    if plan is None:
        raise not_found("plan")
    wanted = _checked(store, body)
    customer_id, external_id = wanted["external_customer_id"], wanted["external_id"]
    customer = store.customer(customer_id)
    if customer and customer.currency not in (None, plan.amount_currency):
        raise invalid({"currency": ["currencies_does_not_match"]})
    current = _current(store, customer, external_id)
    if current is None:
        return _first(store, wanted, customer or new_customer(store, customer_id, prefix, store.now()), plan)
    if current.status is SubscriptionStatus.INCOMPLETE:
        raise invalid({"subscription": ["subscription_incomplete"]})
    if current.status is SubscriptionStatus.PENDING:
        current.plan = plan
        return current
    return current if current.plan is plan else change_plan(store, current, plan, wanted)


def update(store: Store, external_id: str, body: dict[str, Any], status: str | None) -> Subscription:
    """Change name, end or (before a future start) start; anything else in the body is ignored."""
    rows = store.subscriptions_called(external_id)
    wanted = SubscriptionStatus.PENDING if status == "pending" else SubscriptionStatus.ACTIVE
    found = rows if len(rows) == 1 else [row for row in rows if row.status is wanted]
    if not found:
        raise not_found("subscription")
    row = found[-1]
    if row.status is SubscriptionStatus.INCOMPLETE:
        raise not_allowed("subscription_incomplete")
    dates = _dates(store, body)
    row.name = body.get("name", row.name)
    row.ending_at = dates.get("ending_at", row.ending_at)
    if row.status is SubscriptionStatus.PENDING and row.previous is None and dates.get("subscription_at"):
        row.subscription_at = dates["subscription_at"] or row.subscription_at
        store.subscriptions.changed()
    return row


def end(store: Store, external_id: str, status: str | None) -> Subscription:
    """Terminate the active row, or with `status` pending only cancel what is pending."""
    wanted = SubscriptionStatus.PENDING if status == "pending" else SubscriptionStatus.ACTIVE
    rows = store.subscriptions_called(external_id, wanted)
    if not rows:
        raise not_found("subscription")
    row = rows[-1]
    if wanted is SubscriptionStatus.PENDING:
        cancel(row, store.now())
        return row
    follower = row.next
    if follower and follower.status is SubscriptionStatus.INCOMPLETE:
        raise invalid({"base": ["next_subscription_incomplete"]})
    terminate(row, store.now())
    return row


def _checked(store: Store, body: dict[str, Any]) -> dict[str, Any]:
    # The body with trimmed ids and real dates.
    ids = {key: str(body.get(key) or "").strip() for key in ("external_customer_id", "external_id")}
    for key, value in ids.items():
        if not value:
            raise invalid({key: ["value_is_mandatory"]})
    if body.get("billing_time", "calendar") not in ("calendar", "anniversary"):
        raise invalid({"billing_time": ["value_is_invalid"]})
    taken = store.subscriptions_called(ids["external_id"], SubscriptionStatus.ACTIVE)
    if any(row.customer.external_id != ids["external_customer_id"] for row in taken):
        raise invalid({"external_id": ["value_already_exist"]})
    return {**body, **ids, **_dates(store, body)}


def _dates(store: Store, body: dict[str, Any]) -> dict[str, datetime | None]:
    dates: dict[str, datetime | None] = {
        key: _instant(key, body[key]) for key in ("subscription_at", "ending_at") if key in body
    }
    ending = dates.get("ending_at")
    begins = dates.get("subscription_at") or store.now()
    if ending and ending.date() <= max(begins, store.now()).date():
        raise invalid({"ending_at": ["invalid_date"]})
    return dates


def _instant(key: str, text: Any) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        raise invalid({key: ["invalid_date"]}) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _current(store: Store, customer: Customer | None, external_id: str) -> Subscription | None:
    rows = [row for row in store.subscriptions_called(external_id) if row.customer is customer]
    first_starts = [row for row in rows if row.status is SubscriptionStatus.PENDING and row.previous is None]
    live = [row for row in rows if row.status in (SubscriptionStatus.ACTIVE, SubscriptionStatus.INCOMPLETE)]
    return next(iter(live + first_starts), None)


def _first(store: Store, wanted: dict[str, Any], customer: Customer, plan: Plan) -> Subscription:
    now = store.now()
    begins = wanted.get("subscription_at") or now
    row = Subscription(
        lago_id=store.new_id(),
        external_id=wanted["external_id"],
        customer=customer,
        plan=plan,
        status=SubscriptionStatus.PENDING,
        subscription_at=begins,
        created_at=now,
        name=wanted.get("name") or "",
        billing_time=wanted.get("billing_time") or "calendar",
        ending_at=wanted.get("ending_at"),
    )
    store.add_subscription(row)
    customer.currency = customer.currency or plan.amount_currency
    if begins.date() <= now.date():
        start(row, now, started_at=begins if begins.date() < now.date() else now)
    return row

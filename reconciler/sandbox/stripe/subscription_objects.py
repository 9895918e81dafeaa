"""Builds subscriptions, their items and their schedules as Stripe's API shows them, whole in shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.sandbox.stripe.objects import Json

_NO_TAX: Json = {"disabled_reason": None, "enabled": False, "liability": None}


def subscription(
    *,
    object_id: str,
    livemode: bool,
    created: int,
    customer: str,
    currency: str,
    items: Sequence[str],
    status: str,
    cancel_at: int | None,
    cancel_at_period_end: bool,
    canceled_at: int | None,
    ended_at: int | None,
    cancellation_reason: str | None,
    trial_start: int | None,
    trial_end: int | None,
    pause_collection: Json | None,
    collection_method: str,
    days_until_due: int | None,
    discounts: Sequence[str],
    billing_mode: str,
    metadata: Mapping[str, str],
    test_clock: str | None,
) -> Json:
    """A subscription; `items` holds item ids, which an answer turns into a list of at most ten objects."""
    return {
        "id": object_id,
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": _NO_TAX,
        "billing_cycle_anchor": created if trial_end is None else trial_end,
        "billing_cycle_anchor_config": None,
        "billing_mode": {"flexible": {} if billing_mode == "flexible" else None, "type": billing_mode},
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": cancel_at,
        "cancel_at_period_end": cancel_at_period_end,
        "canceled_at": canceled_at,
        "cancellation_details": {"comment": None, "feedback": None, "reason": cancellation_reason},
        "collection_method": collection_method,
        "created": created,
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "days_until_due": days_until_due,
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": list(discounts),
        "ended_at": ended_at,
        "invoice_settings": _invoice_settings(),
        "items": list(items),
        "latest_invoice": None,
        "livemode": livemode,
        "managed_payments": {"enabled": False},
        "metadata": dict(metadata),
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": pause_collection,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "start_date": created,
        "status": status,
        "status_details": None,
        "test_clock": test_clock,
        "transfer_data": None,
        "trial_end": trial_end,
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "trial_start": trial_start,
    }


def _invoice_settings() -> Json:
    return {
        "account_tax_ids": None,
        "custom_fields": None,
        "description": None,
        "footer": None,
        "issuer": {"type": "self"},
    }


def subscription_item(
    *,
    object_id: str,
    created: int,
    subscription: str,
    price: str,
    quantity: int | None,
    period_start: int,
    period_end: int,
    discounts: Sequence[str],
    metadata: Mapping[str, str],
) -> Json:
    """An item; `price` and `plan` hold the id, which an answer turns into objects. Metered items have no quantity."""
    item: Json = {
        "id": object_id,
        "object": "subscription_item",
        "billed_until": None,
        "billing_thresholds": None,
        "created": created,
        "current_period_end": period_end,
        "current_period_start": period_start,
        "current_trial": None,
        "discounts": list(discounts),
        "metadata": dict(metadata),
        "plan": price,
        "price": price,
        "subscription": subscription,
        "tax_rates": [],
    }
    if quantity is not None:
        item["quantity"] = quantity
    return item


def schedule(
    *,
    object_id: str,
    livemode: bool,
    created: int,
    customer: str,
    subscription: str | None,
    status: str,
    end_behavior: str,
    phases: Sequence[Json],
    current_phase: Json | None,
    metadata: Mapping[str, str],
    test_clock: str | None,
) -> Json:
    """A subscription schedule; a released one keeps its subscription in `released_subscription` alone."""
    released = status == "released"
    return {
        "id": object_id,
        "object": "subscription_schedule",
        "application": None,
        "billing_mode": {"flexible": {}, "type": "flexible"},
        "canceled_at": created if status == "canceled" else None,
        "completed_at": created if status == "completed" else None,
        "created": created,
        "current_phase": current_phase,
        "customer": customer,
        "customer_account": None,
        "default_settings": {
            "application_fee_percent": None,
            "automatic_tax": _NO_TAX,
            "billing_cycle_anchor": "automatic",
            "billing_thresholds": None,
            "collection_method": "charge_automatically",
            "default_payment_method": None,
            "description": None,
            "invoice_settings": {**_invoice_settings(), "days_until_due": None},
            "on_behalf_of": None,
            "transfer_data": None,
        },
        "end_behavior": end_behavior,
        "livemode": livemode,
        "metadata": dict(metadata),
        "pause_schedules": [],
        "phases": list(phases),
        "released_at": created if released else None,
        "released_subscription": subscription if released else None,
        "status": status,
        "subscription": None if released else subscription,
        "test_clock": test_clock,
    }


def phase(*, start: int, end: int, currency: str, items: Sequence[tuple[str, int | None]]) -> Json:
    """One phase of a schedule: the prices and quantities in force from `start` until `end`."""
    return {
        "add_invoice_items": [],
        "application_fee_percent": None,
        "billing_cycle_anchor": None,
        "billing_thresholds": None,
        "collection_method": None,
        "currency": currency,
        "default_payment_method": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "end_date": end,
        "invoice_settings": None,
        "items": [_phase_item(price, quantity) for price, quantity in items],
        "metadata": {},
        "on_behalf_of": None,
        "proration_behavior": "create_prorations",
        "start_date": start,
        "transfer_data": None,
        "trial_end": None,
    }


def _phase_item(price: str, quantity: int | None) -> Json:
    item: Json = {
        "billing_thresholds": None,
        "discounts": [],
        "metadata": {},
        "plan": price,
        "price": price,
        "tax_rates": [],
    }
    if quantity is not None:
        item["quantity"] = quantity
    return item

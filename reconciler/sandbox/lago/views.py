"""Rows of the sandbox Lago as the JSON objects of a real v1.51.0: customers, plans, subscriptions, coupons."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.sandbox.lago.periods import local_date, plan_period, usage_period, yearly_amount
from reconciler.sandbox.lago.rows import AppliedCoupon, Customer, Plan, Subscription

ADDRESS = ("address_line1", "address_line2", "city", "zipcode", "state", "country")


def instant(at: datetime | None, timespec: str = "seconds") -> str | None:
    """ISO 8601 in UTC with a Z, cut (not rounded) to `timespec`."""
    if at is None:
        return None
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=timespec) + "Z"


def customer_core(row: Customer, billing_entity: str) -> dict[str, Any]:
    """A customer as an invoice embeds it."""
    given = row.fields.get
    return {
        "lago_id": row.lago_id,
        "billing_entity_code": billing_entity,
        "external_id": row.external_id,
        "account_type": "customer",
        "name": given("name"),
        "firstname": given("firstname"),
        "lastname": given("lastname"),
        "customer_type": given("customer_type"),
        "sequential_id": row.sequential_id,
        "slug": row.slug,
        "created_at": instant(row.created_at),
        "updated_at": instant(row.updated_at),
        "country": given("country"),
        "address_line1": given("address_line1"),
        "address_line2": given("address_line2"),
        "state": given("state"),
        "zipcode": given("zipcode"),
        "email": given("email"),
        "city": given("city"),
        "url": given("url"),
        "phone": given("phone"),
        "logo_url": given("logo_url"),
        "legal_name": given("legal_name"),
        "legal_number": given("legal_number"),
        "currency": row.currency,
        "tax_identification_number": given("tax_identification_number"),
        "timezone": row.timezone,
        "applicable_timezone": row.timezone or "UTC",
        "net_payment_term": given("net_payment_term"),
        "external_salesforce_id": given("external_salesforce_id"),
        "finalize_zero_amount_invoice": given("finalize_zero_amount_invoice", "inherit"),
        "billing_configuration": _billing_configuration(row),
        "shipping_address": {key: row.shipping_address.get(key) for key in ADDRESS},
        "skip_invoice_custom_sections": False,
        "metadata": [
            {
                "lago_id": entry.lago_id,
                "key": entry.key,
                "value": entry.value,
                "display_in_invoice": entry.display_in_invoice,
                "created_at": instant(entry.created_at),
            }
            for entry in row.metadata
        ],
        "integration_customers": [],
    }


def customer_row(row: Customer, billing_entity: str) -> dict[str, Any]:
    """A customer as the list shows it."""
    return {**customer_core(row, billing_entity), "taxes": []}


def customer_alone(row: Customer, billing_entity: str) -> dict[str, Any]:
    """A customer as a read or a write of that one answers it."""
    return {
        **customer_row(row, billing_entity),
        "applicable_invoice_custom_sections": [],
        "error_details": [],
    }


def _billing_configuration(row: Customer) -> dict[str, Any]:
    link = row.link
    shown: dict[str, Any] = {
        "invoice_grace_period": None,
        "payment_provider": link and link.provider,
        "payment_provider_code": link and link.code,
        "document_locale": row.document_locale,
        "subscription_invoice_issuing_date_anchor": None,
        "subscription_invoice_issuing_date_adjustment": None,
    }
    if link:
        shown |= {"provider_customer_id": link.customer_id, **link.settings}
    return shown


def plan_core(row: Plan) -> dict[str, Any]:
    """A plan as a subscription embeds it."""
    return {
        "lago_id": row.lago_id,
        "name": row.name,
        "invoice_display_name": row.invoice_display_name,
        "created_at": instant(row.created_at),
        "code": row.code,
        "interval": row.interval,
        "description": row.description,
        "amount_cents": row.amount_cents,
        "amount_currency": row.amount_currency,
        "trial_period": row.trial_period,
        "pay_in_advance": row.pay_in_advance,
        "bill_charges_monthly": row.bill_charges_monthly,
        "bill_fixed_charges_monthly": row.bill_charges_monthly,
        "customers_count": 0,
        "active_subscriptions_count": 0,
        "draft_invoices_count": 0,
        "parent_id": row.parent and row.parent.lago_id,
        "pending_deletion": row.pending_deletion,
        "charges": [],
        "usage_thresholds": [],
        "applicable_usage_thresholds": [],
        "taxes": [],
    }


def plan_row(row: Plan) -> dict[str, Any]:
    """A plan as the list shows it."""
    return {**plan_core(row), "entitlements": []}


def plan_alone(row: Plan) -> dict[str, Any]:
    """A plan as a read or a write of that one answers it."""
    return {**plan_row(row), "fixed_charges": []}


def subscription_row(row: Subscription, now: datetime) -> dict[str, Any]:
    """A subscription as the lists show it: without its plan."""
    period = usage_period(now, row)
    follower = row.next
    return {
        "lago_id": row.lago_id,
        "external_id": row.external_id,
        "lago_customer_id": row.customer.lago_id,
        "external_customer_id": row.customer.external_id,
        "name": row.name,
        "plan_code": row.plan.code,
        "plan_amount_cents": row.plan.amount_cents,
        "plan_amount_currency": row.plan.amount_currency,
        "status": str(row.status),
        "billing_time": row.billing_time,
        "subscription_at": instant(row.subscription_at),
        "started_at": instant(row.started_at, "milliseconds"),
        "trial_ended_at": instant(row.trial_ended_at),
        "ending_at": instant(row.ending_at),
        "terminated_at": instant(row.terminated_at),
        "canceled_at": instant(row.canceled_at),
        "created_at": instant(row.created_at),
        "previous_plan_code": row.previous and row.previous.plan.code,
        "next_plan_code": follower and follower.plan.code,
        "downgrade_plan_date": follower and _downgrade_date(row, follower, now),
        "current_billing_period_started_at": instant(period and period[0]),
        "current_billing_period_ending_at": instant(period and period[1]),
        "on_termination_credit_note": row.on_termination_credit_note,
        "on_termination_invoice": row.on_termination_invoice,
        "progressive_billing_disabled": False,
        "consolidate_invoice": True,
        "cancellation_reason": None,
        "activated_at": instant(row.activated_at),
        "payment_method": {"payment_method_id": None, "payment_method_type": row.payment_method_type},
        "activation_rules": [],
    }


def subscription_ended(row: Subscription, now: datetime) -> dict[str, Any]:
    """A subscription as a DELETE answers it."""
    return {**subscription_row(row, now), "plan": plan_core(row.plan), "applied_invoice_custom_sections": []}


def subscription_changed(row: Subscription, now: datetime) -> dict[str, Any]:
    """A subscription as a PUT answers it."""
    return {**subscription_ended(row, now), "applicable_usage_thresholds": []}


def subscription_alone(row: Subscription, now: datetime) -> dict[str, Any]:
    """A subscription as a GET of that one or a POST answers it."""
    return {**subscription_changed(row, now), "entitlements": []}


def _downgrade_date(row: Subscription, follower: Subscription, now: datetime) -> str | None:
    # Counted from today on every read, so a downgrade that was missed never shows a date in the past.
    if yearly_amount(follower.plan) >= yearly_amount(row.plan):
        return None
    last = plan_period(local_date(now, row), row)[1]
    return (last + timedelta(days=1)).isoformat()


def applied_coupon_row(row: AppliedCoupon) -> dict[str, Any]:
    """An applied coupon as the list shows it."""
    return {
        "lago_id": row.lago_id,
        "lago_coupon_id": row.lago_coupon_id,
        "coupon_code": row.coupon_code,
        "coupon_name": row.coupon_name,
        "lago_customer_id": row.customer.lago_id,
        "external_customer_id": row.customer.external_id,
        "status": row.status,
        "amount_cents": row.amount_cents,
        "amount_cents_remaining": row.amount_cents if row.frequency == "once" else None,
        "amount_currency": row.amount_currency,
        "percentage_rate": row.percentage_rate,
        "frequency": row.frequency,
        "frequency_duration": row.frequency_duration,
        "frequency_duration_remaining": row.frequency_duration_remaining,
        "expiration_at": None,
        "created_at": instant(row.created_at),
        "terminated_at": instant(row.terminated_at),
        "credits": [],
    }

"""Invoices of the sandbox Lago as the JSON objects of a real v1.51.0, and the overdue balance made from them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from reconciler.sandbox.lago.periods import plan_period
from reconciler.sandbox.lago.rows import Invoice, Subscription
from reconciler.sandbox.lago.views import customer_core, instant, subscription_row

_SCREENS = "https://lago.sandbox.invalid"


def invoice_row(row: Invoice, billing_entity: str) -> dict[str, Any]:
    """An invoice as the list shows it: with its customer, without its subscriptions."""
    customer = row.customer
    return {
        "lago_id": row.lago_id,
        "billing_entity_code": billing_entity,
        "sequential_id": row.sequential_id,
        "number": row.number,
        "purchase_order_number": None,
        "issuing_date": row.issuing_date.isoformat(),
        "payment_due_date": row.payment_due_date.isoformat(),
        "net_payment_term": 0,
        "invoice_type": row.invoice_type,
        "status": row.status,
        "payment_status": row.payment_status,
        "payment_dispute_lost_at": instant(row.payment_dispute_lost_at, "milliseconds"),
        "payment_overdue": row.payment_overdue,
        "currency": row.currency,
        "fees_amount_cents": row.fees_amount_cents,
        "taxes_amount_cents": 0,
        "progressive_billing_credit_amount_cents": 0,
        "coupons_amount_cents": row.coupons_amount_cents,
        "credit_notes_amount_cents": row.credit_notes_amount_cents,
        "sub_total_excluding_taxes_amount_cents": row.fees_amount_cents - row.coupons_amount_cents,
        "sub_total_including_taxes_amount_cents": row.fees_amount_cents - row.coupons_amount_cents,
        "total_amount_cents": row.total_amount_cents,
        "total_due_amount_cents": row.total_amount_cents - row.total_paid_amount_cents,
        "total_paid_amount_cents": row.total_paid_amount_cents,
        "total_offsetted_credit_note_amount_cents": 0,
        "prepaid_credit_amount_cents": 0,
        "prepaid_granted_credit_amount_cents": None,
        "prepaid_purchased_credit_amount_cents": None,
        "file_url": f"{_SCREENS}/files/{quote(row.number)}.pdf",
        "xml_url": None,
        "web_url": f"{_SCREENS}/customer/{customer.lago_id}/invoice/{row.lago_id}/overview",
        "version_number": 4,
        "self_billed": row.self_billed,
        "created_at": instant(row.created_at),
        "updated_at": instant(row.updated_at),
        "voided_at": instant(row.voided_at),
        "customer": customer_core(customer, billing_entity),
        "metadata": [],
        "applied_taxes": [],
    }


def invoice_alone(row: Invoice, billing_entity: str, now: datetime) -> dict[str, Any]:
    """An invoice as a read or a write of that one answers it."""
    subscription = row.subscription
    return {
        **invoice_row(row, billing_entity),
        "subscriptions": [subscription_row(subscription, now)] if subscription else [],
        "billing_periods": [_billing_period(row, subscription)] if subscription else [],
        "fees": [_fee(row, subscription)] if subscription else [],
        "credits": [],
        "error_details": [],
        "applied_invoice_custom_sections": [],
    }


def overdue_balances(rows: Iterable[Invoice], organization_id: str) -> dict[str, Any]:
    """What is overdue by month and currency; the amount is a decimal number in a string, as Lago sends it."""
    months: dict[tuple[str, str], list[Invoice]] = {}
    for row in rows:
        if row.payment_overdue:
            months.setdefault((f"{row.payment_due_date:%Y-%m}", row.currency), []).append(row)
    return {
        "overdue_balances": [
            {
                "month": f"{month}-01T00:00:00.000Z",
                "amount_cents": f"{sum(row.total_amount_cents - row.total_paid_amount_cents for row in found)}.0",
                "currency": currency,
                "lago_invoice_ids": [row.lago_id for row in found],
                "billing_entity_id": organization_id,
            }
            for (month, currency), found in sorted(months.items(), key=lambda entry: entry[0])
        ]
    }


def _billed_days(row: Invoice, subscription: Subscription) -> tuple[date, date]:
    first, last = plan_period(row.created_at.date(), subscription)
    started_at = subscription.started_at
    return max(first, started_at.date() if started_at else first), last


def _major_units(minor: int) -> str:
    text = str(Decimal(minor) / 100)
    return text if "." in text else f"{text}.0"


def _billing_period(row: Invoice, subscription: Subscription) -> dict[str, Any]:
    first, last = _billed_days(row, subscription)
    made = instant(row.created_at)
    return {
        "lago_subscription_id": subscription.lago_id,
        "external_subscription_id": subscription.external_id,
        "lago_plan_id": subscription.plan.lago_id,
        "subscription_from_datetime": f"{first}T00:00:00Z",
        "subscription_to_datetime": f"{last}T23:59:59Z",
        "charges_from_datetime": made,
        "charges_to_datetime": made,
        "fixed_charges_from_datetime": made,
        "fixed_charges_to_datetime": made,
        "invoicing_reason": "subscription_starting",
    }


def _fee(row: Invoice, subscription: Subscription) -> dict[str, Any]:
    plan = subscription.plan
    first, last = _billed_days(row, subscription)
    amount = row.fees_amount_cents
    whole = _major_units(amount)
    return {
        "lago_id": row.fee_id,
        "lago_charge_id": None,
        "lago_charge_filter_id": None,
        "lago_fixed_charge_id": None,
        "lago_invoice_id": row.lago_id,
        "lago_true_up_fee_id": None,
        "lago_true_up_parent_fee_id": None,
        "lago_original_fee_id": None,
        "lago_subscription_id": subscription.lago_id,
        "external_subscription_id": subscription.external_id,
        "lago_customer_id": row.customer.lago_id,
        "external_customer_id": row.customer.external_id,
        "item": {
            "type": "subscription",
            "code": plan.code,
            "name": plan.name,
            "description": plan.description,
            "invoice_display_name": plan.invoice_display_name or plan.name,
            "filters": None,
            "filter_invoice_display_name": None,
            "lago_item_id": subscription.lago_id,
            "item_type": "Subscription",
            "grouped_by": {},
        },
        "pay_in_advance": plan.pay_in_advance,
        "invoiceable": True,
        "amount_cents": amount,
        "amount_currency": row.currency,
        "precise_amount": whole,
        "precise_total_amount": whole,
        "taxes_amount_cents": 0,
        "taxes_precise_amount": "0.0",
        "taxes_rate": 0.0,
        "total_aggregated_units": None,
        "total_amount_cents": amount,
        "total_amount_currency": row.currency,
        "units": "1.0",
        "description": None,
        "precise_unit_amount": whole,
        "precise_coupons_amount_cents": f"{row.coupons_amount_cents}.0",
        "sub_total_excluding_taxes_amount_cents": amount,
        "sub_total_excluding_taxes_precise_amount_cents": f"{amount}.0",
        "events_count": None,
        "payment_status": row.payment_status,
        "created_at": instant(row.created_at),
        "succeeded_at": None,
        "failed_at": None,
        "refunded_at": None,
        "amount_details": {"plan_amount_cents": plan.amount_cents},
        "self_billed": row.self_billed,
        "pricing_unit_details": None,
        "presentation_breakdowns": [],
        "from_date": f"{first}T00:00:00+00:00",
        "to_date": f"{last}T23:59:59+00:00",
    }

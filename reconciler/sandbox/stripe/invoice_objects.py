"""Builds invoices and their one line as Stripe's API shows them, whole in shape."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.sandbox.stripe.objects import Json


def invoice(
    *,
    object_id: str,
    livemode: bool,
    created: int,
    customer: str,
    subscription: str | None,
    subscription_item: str | None,
    status: str,
    currency: str,
    amount: int,
    period_start: int,
    period_end: int,
    collection_method: str,
    billing_reason: str,
    due_date: int | None,
    attempt_count: int,
    next_payment_attempt: int | None,
    paid_at: int | None,
    metadata: Mapping[str, str],
    test_clock: str | None,
) -> Json:
    """An invoice over `amount` minor units: fully paid where its status is `paid`, else wholly open."""
    paid = amount if status == "paid" else 0
    final = status != "draft"
    return {
        "id": object_id,
        "object": "invoice",
        "account_country": "US",
        "account_name": None,
        "account_tax_ids": None,
        "amount_due": amount,
        "amount_overpaid": 0,
        "amount_paid": paid,
        "amount_remaining": amount - paid,
        "amount_shipping": 0,
        "application": None,
        "attempt_count": attempt_count,
        "attempted": attempt_count > 0,
        "auto_advance": status in ("draft", "open"),
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": False,
            "liability": None,
            "provider": None,
            "status": None,
        },
        "automatically_finalizes_at": None,
        "billing_reason": billing_reason,
        "collection_method": collection_method,
        "created": created,
        "currency": currency,
        "custom_fields": None,
        "customer": customer,
        "customer_account": None,
        "customer_address": None,
        "customer_email": None,
        "customer_name": None,
        "customer_phone": None,
        "customer_shipping": None,
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "due_date": due_date,
        "effective_at": created if final else None,
        "ending_balance": 0 if final else None,
        "footer": None,
        "from_invoice": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": {
            "object": "list",
            "data": [
                _line(
                    invoice=object_id,
                    livemode=livemode,
                    currency=currency,
                    amount=amount,
                    period={"end": period_end, "start": period_start},
                    subscription=subscription,
                    subscription_item=subscription_item,
                )
            ],
            "has_more": False,
            "url": f"/v1/invoices/{object_id}/lines",
        },
        "livemode": livemode,
        "metadata": dict(metadata),
        "next_payment_attempt": next_payment_attempt,
        "number": f"{object_id[-8:].upper()}-0001" if final else None,
        "on_behalf_of": None,
        "parent": _parent(subscription),
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "period_end": period_end,
        "period_start": period_start,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "starting_balance": 0,
        "statement_descriptor": None,
        "status": status,
        "status_transitions": {
            "finalized_at": created if final else None,
            "marked_uncollectible_at": created if status == "uncollectible" else None,
            "paid_at": paid_at,
            "voided_at": created if status == "void" else None,
        },
        "subscription": None,  # null since 2025-03-31.basil: the subscription stands in `parent`
        "subtotal": amount,
        "subtotal_excluding_tax": amount,
        "test_clock": test_clock,
        "total": amount,
        "total_discount_amounts": [],
        "total_excluding_tax": amount,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": created,
    }


def _parent(subscription: str | None) -> Json | None:
    if subscription is None:
        return None
    return {
        "quote_details": None,
        "subscription_details": {"metadata": {}, "subscription": subscription},
        "type": "subscription_details",
    }


def _line(
    *,
    invoice: str,
    livemode: bool,
    currency: str,
    amount: int,
    period: Json,
    subscription: str | None,
    subscription_item: str | None,
) -> Json:
    return {
        "id": f"il_{invoice.removeprefix('in_')}",
        "object": "line_item",
        "amount": amount,
        "currency": currency,
        "description": None,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": invoice,
        "livemode": livemode,
        "metadata": {},
        "parent": _line_parent(subscription, subscription_item),
        "period": period,
        "pretax_credit_amounts": [],
        "pricing": None,
        "quantity": 1,
        "quantity_decimal": "1",
        "subscription": subscription,
        "subtotal": amount,
        "taxes": [],
    }


def _line_parent(subscription: str | None, subscription_item: str | None) -> Json | None:
    if subscription is None:
        return None
    return {
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": None,
            "proration": False,
            "proration_details": {"credited_items": None},
            "subscription": subscription,
            "subscription_item": subscription_item,
        },
        "type": "subscription_item_details",
    }

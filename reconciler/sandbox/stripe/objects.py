"""Builds the catalogue and customer objects of Stripe API 2026-10-28.endive: every field, null where unset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

Json = dict[str, Any]


def product(
    *, object_id: str, livemode: bool, created: int, name: str, active: bool, metadata: Mapping[str, str]
) -> Json:
    """A service product."""
    return {
        "id": object_id,
        "object": "product",
        "active": active,
        "created": created,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": livemode,
        "marketing_features": [],
        "metadata": dict(metadata),
        "name": name,
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": "service",
        "unit_label": None,
        "updated": created,
        "url": None,
    }


def price(
    *,
    object_id: str,
    livemode: bool,
    created: int,
    product: str,
    currency: str,
    unit_amount: int | None,
    unit_amount_decimal: str | None,
    recurring: Json | None,
    active: bool,
    lookup_key: str | None,
    nickname: str | None,
    metadata: Mapping[str, str],
    tiers: Sequence[Json] | None,
    currency_options: Mapping[str, Json] | None,
) -> Json:
    """A price; `tiers` and `currency_options` are shown only where a request expands them."""
    if unit_amount is not None and unit_amount_decimal is None:
        unit_amount_decimal = str(unit_amount)
    return {
        "id": object_id,
        "object": "price",
        "active": active,
        "billing_scheme": "per_unit" if tiers is None else "tiered",
        "created": created,
        "currency": currency,
        "currency_options": _currency_options(currency_options or {}, currency, unit_amount, unit_amount_decimal),
        "custom_unit_amount": None,
        "livemode": livemode,
        "lookup_key": lookup_key,
        "metadata": dict(metadata),
        "nickname": nickname,
        "product": product,
        "recurring": recurring,
        "tax_behavior": "unspecified",
        "tiers": None if tiers is None else [dict(tier) for tier in tiers],
        "tiers_mode": None if tiers is None else "graduated",
        "transform_quantity": None,
        "type": "one_time" if recurring is None else "recurring",
        "unit_amount": unit_amount,
        "unit_amount_decimal": unit_amount_decimal,
    }


def _currency_options(
    others: Mapping[str, Json], currency: str, unit_amount: int | None, unit_amount_decimal: str | None
) -> Json:
    own = {"unit_amount": unit_amount, "unit_amount_decimal": unit_amount_decimal}
    return {
        code: {"custom_unit_amount": None, "tax_behavior": "unspecified", **option}
        for code, option in {**others, currency: own}.items()
    }


def recurring(*, interval: str, interval_count: int, usage_type: str) -> Json:
    """The `recurring` part of a price."""
    return {
        "interval": interval,
        "interval_count": interval_count,
        "meter": None,
        "trial_period_days": None,
        "usage_type": usage_type,
    }


def plan_of(price: Json) -> Json:
    """The legacy `plan` that stands beside each item's price and has its id."""
    recurring: Json = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": price["livemode"],
        "metadata": price["metadata"],
        "meter": recurring["meter"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": price["tiers_mode"],
        "transform_usage": None,
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    }


def coupon(
    *,
    object_id: str,
    livemode: bool,
    created: int,
    percent_off: Decimal | None,
    amount_off: int | None,
    currency: str | None,
    duration: str,
    duration_in_months: int | None,
) -> Json:
    """A coupon that takes off a percentage, or an amount in one currency."""
    return {
        "id": object_id,
        "object": "coupon",
        "amount_off": amount_off,
        "created": created,
        "currency": currency,
        "duration": duration,
        "duration_in_months": duration_in_months,
        "livemode": livemode,
        "max_redemptions": None,
        "metadata": {},
        "name": None,
        "percent_off": None if percent_off is None else float(percent_off),
        "redeem_by": None,
        "times_redeemed": 0,
        "valid": True,
    }


def discount(
    *,
    object_id: str,
    coupon: str,
    customer: str,
    start: int,
    end: int | None,
    subscription: str | None = None,
    subscription_item: str | None = None,
) -> Json:
    """A coupon at work on a customer, a subscription or an item."""
    return {
        "id": object_id,
        "object": "discount",
        "checkout_session": None,
        "customer": customer,
        "customer_account": None,
        "end": end,
        "invoice": None,
        "invoice_item": None,
        "promotion_code": None,
        "source": {"coupon": coupon, "type": "coupon"},
        "start": start,
        "subscription": subscription,
        "subscription_item": subscription_item,
    }


def customer(
    *,
    object_id: str,
    livemode: bool,
    created: int,
    email: str | None,
    name: str | None,
    metadata: Mapping[str, str],
    test_clock: str | None,
) -> Json:
    """A customer without address, payment method or discount."""
    return {
        "id": object_id,
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": created,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": email,
        "invoice_prefix": object_id[-8:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": livemode,
        "metadata": dict(metadata),
        "name": name,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": test_clock,
    }


def deleted_customer(object_id: str) -> Json:
    """All that is left of a deleted customer."""
    return {"id": object_id, "object": "customer", "deleted": True}

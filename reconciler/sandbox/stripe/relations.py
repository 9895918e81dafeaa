"""Which fields of which objects lead to other objects, and whether an answer shows an id or the whole object."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class How(StrEnum):
    """What an answer shows in a field."""

    REFERENCE = "reference"  # an id, or the object where expanded
    REFERENCES = "references"  # ids, or the objects where expanded
    WHOLE = "whole"  # always the object
    NESTED = "nested"  # a list object cut at ten rows
    GROUP = "group"  # a part, or a list of parts, of the same object; holds fields that lead on
    ON_REQUEST = "on_request"  # left out unless expanded


@dataclass(frozen=True, slots=True)
class Relation:
    """Where a field leads: an object's kind, or the name of a part."""

    how: How
    kind: str = ""


_CUSTOMER = Relation(How.REFERENCE, "customer")
_DISCOUNTS = Relation(How.REFERENCES, "discount")
_NEVER_SET = Relation(How.REFERENCE)  # may be expanded, and is always null here

RELATIONS = {
    "customer": {"default_source": _NEVER_SET, "discount": Relation(How.WHOLE, "discount")},
    "discount": {"customer": _CUSTOMER, "source": Relation(How.GROUP, "discount.source")},
    "discount.source": {"coupon": Relation(How.REFERENCE, "coupon")},
    "invoice": {
        "customer": _CUSTOMER,
        "default_payment_method": _NEVER_SET,
        "discounts": _DISCOUNTS,
        "parent": Relation(How.GROUP, "invoice.parent"),
    },
    "invoice.parent": {"subscription_details": Relation(How.GROUP, "invoice.parent.subscription_details")},
    "invoice.parent.subscription_details": {"subscription": Relation(How.REFERENCE, "subscription")},
    "plan": {"product": Relation(How.REFERENCE, "product")},
    "price": {
        "currency_options": Relation(How.ON_REQUEST),
        "product": Relation(How.REFERENCE, "product"),
        "tiers": Relation(How.ON_REQUEST),
    },
    "product": {"default_price": Relation(How.REFERENCE, "price")},
    "subscription": {
        "application": _NEVER_SET,
        "customer": _CUSTOMER,
        "default_payment_method": _NEVER_SET,
        "default_source": _NEVER_SET,
        "discounts": _DISCOUNTS,
        "items": Relation(How.NESTED, "subscription_item"),
        "latest_invoice": Relation(How.REFERENCE, "invoice"),
        "on_behalf_of": _NEVER_SET,
        "pending_setup_intent": _NEVER_SET,
        "schedule": Relation(How.REFERENCE, "subscription_schedule"),
    },
    "subscription_item": {
        "discounts": _DISCOUNTS,
        "plan": Relation(How.WHOLE, "plan"),
        "price": Relation(How.WHOLE, "price"),
    },
    "subscription_schedule": {
        "customer": _CUSTOMER,
        "phases": Relation(How.GROUP, "subscription_schedule.phase"),
        "subscription": Relation(How.REFERENCE, "subscription"),
    },
    "subscription_schedule.phase": {"items": Relation(How.GROUP, "subscription_schedule.phase.item")},
    "subscription_schedule.phase.item": {
        "plan": Relation(How.REFERENCE, "plan"),
        "price": Relation(How.REFERENCE, "price"),
    },
}

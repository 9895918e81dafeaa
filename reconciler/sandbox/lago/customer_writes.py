"""Customer writes of the sandbox Lago: the upsert with its checks, metadata and the tie to a payment provider."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from reconciler.sandbox.lago.answers import crashed, invalid
from reconciler.sandbox.lago.rows import Customer, Metadata, ProviderLink
from reconciler.sandbox.lago.store import Store
from reconciler.sandbox.lago.views import ADDRESS

_MAX_METADATA = 5
_MAX_METADATA_KEY = 20
_MAX_METADATA_VALUE = 100
_STORED = (
    "name",
    "firstname",
    "lastname",
    "customer_type",
    "country",
    "address_line1",
    "address_line2",
    "state",
    "zipcode",
    "email",
    "city",
    "url",
    "phone",
    "logo_url",
    "legal_name",
    "legal_number",
    "tax_identification_number",
    "net_payment_term",
    "external_salesforce_id",
    "finalize_zero_amount_invoice",
)
_LINKING = ("payment_provider", "payment_provider_code", "provider_customer_id", "sync_with_provider")
_PROVIDERS_WITH_ID = ("stripe", "gocardless", "cashfree", "adyen", "moneyhash")
_CURRENCY = re.compile(
    "AED|ARS|AUD|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EUR|GBP|HKD|HUF|IDR|ILS|INR|ISK|JPY|KES|KRW|MAD|MXN|MYR|NGN|NOK"
    "|NZD|PEN|PHP|PLN|QAR|RON|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|UYU|VND|ZAR"
)
_COUNTRY = re.compile(
    "AE|AR|AT|AU|BE|BG|BR|CA|CH|CL|CN|CO|CY|CZ|DE|DK|EE|EG|ES|FI|FR|GB|GR|HK|HR|HU|ID|IE|IL|IN|IS|IT|JP|KE|KR|LT|LU|LV"
    "|MA|MT|MX|MY|NG|NL|NO|NZ|PE|PH|PK|PL|PT|QA|RO|RS|SA|SE|SG|SI|SK|TH|TN|TR|TW|UA|US|UY|VN|ZA",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


def new_customer(store: Store, external_id: str, prefix: str, at: datetime) -> Customer:
    """A customer with the next number of its organisation, kept in the store."""
    number = store.next_customer_number()
    customer = Customer(
        lago_id=store.new_id(),
        external_id=external_id,
        sequential_id=number,
        slug=f"{prefix}-{number:03}",
        created_at=at,
        updated_at=at,
    )
    store.keep_customer(customer)
    return customer


def upsert(store: Store, body: dict[str, Any], prefix: str, *, stripe_reachable: bool) -> Customer:
    """Create the customer or change the keys that are given; what is refused leaves everything as it was.

    A customer that is tied to Stripe makes Lago call Stripe inside the request: when that fails the answer is a
    500 and the change is kept.
    """
    external_id = body.get("external_id")
    if not isinstance(external_id, str) or not external_id:
        raise invalid({"external_id": ["value_is_mandatory"]})
    _check(body)
    customer = store.customer(external_id)
    configuration = body.get("billing_configuration")
    configuration = configuration if isinstance(configuration, dict) else {}
    _check_provider(store, configuration)
    metadata = body.get("metadata")
    kept = _metadata(store, customer, metadata) if isinstance(metadata, list) else None

    now = store.now()
    was_linked = customer is not None and customer.link is not None and customer.link.customer_id is not None
    customer = customer or new_customer(store, external_id, prefix, now)
    _assign(customer, body, configuration)
    if kept is not None:
        customer.metadata = kept
    customer.updated_at = now
    if any(key in configuration for key in _LINKING):
        _tie(customer, configuration)
    if was_linked and customer.link and not stripe_reachable:
        raise crashed()
    return customer


def _check(body: dict[str, Any]) -> None:
    shapes = (
        ("country", _COUNTRY, "not_a_valid_country_code"),
        ("currency", _CURRENCY, "value_is_invalid"),
        ("email", _EMAIL, "invalid_email_format"),
    )
    wrong = {key: [code] for key, shape, code in shapes if body.get(key) and not shape.fullmatch(str(body[key]))}
    if wrong:
        raise invalid(wrong)


def _check_provider(store: Store, configuration: dict[str, Any]) -> None:
    provider, code = configuration.get("payment_provider"), configuration.get("payment_provider_code")
    if provider and not any(held[0] == provider and code in (None, held[1]) for held in store.payment_providers):
        raise invalid({"base": ["payment_provider_not_found"]})


def _metadata(store: Store, customer: Customer | None, sent: list[dict[str, Any]]) -> list[Metadata]:
    # As in Lago, entries without an id are inserted before the absent ones go: an existing key without its id collides.
    if len(sent) > _MAX_METADATA:
        raise invalid({"metadata": ["invalid_count"]})
    held = {entry.lago_id: entry for entry in customer.metadata} if customer else {}
    taken = {entry.key for entry in held.values()}
    kept: list[Metadata] = []
    for item in sent:
        key, value = str(item.get("key") or ""), str(item.get("value") or "")
        shown = bool(item.get("display_in_invoice"))
        entry = held.get(str(item.get("id")))
        if entry is None and key in taken:
            raise invalid({"key": ["value_already_exist"]})
        for name, text, longest in (("key", key, _MAX_METADATA_KEY), ("value", value, _MAX_METADATA_VALUE)):
            if not text or len(text) > longest:
                raise invalid({name: ["value_is_too_long" if text else "value_is_mandatory"]})
        taken.add(key)
        kept.append(
            Metadata(
                lago_id=entry.lago_id if entry else store.new_id(),
                key=key,
                value=value,
                display_in_invoice=shown,
                created_at=entry.created_at if entry else store.now(),
            )
        )
    return kept


def _assign(customer: Customer, body: dict[str, Any], configuration: dict[str, Any]) -> None:
    customer.fields.update({key: body[key] for key in _STORED if key in body})
    if customer.fields.get("country"):
        customer.fields["country"] = customer.fields["country"].upper()
    if "currency" in body:
        customer.currency = body["currency"]
    if isinstance(address := body.get("shipping_address"), dict):
        customer.shipping_address.update({key: address[key] for key in ADDRESS if key in address})
    if "document_locale" in configuration:
        customer.document_locale = configuration["document_locale"]


def _tie(customer: Customer, configuration: dict[str, Any]) -> None:
    held = customer.link
    provider = configuration.get("payment_provider", held and held.provider)
    if provider not in _PROVIDERS_WITH_ID:
        customer.link = None
        return
    settings: dict[str, Any] = {"provider_payment_methods": configuration.get("provider_payment_methods") or ["card"]}
    if "sync_with_provider" in configuration:
        settings["sync_with_provider"] = configuration["sync_with_provider"] or None
    customer.link = ProviderLink(
        provider=str(provider),
        code=configuration.get("payment_provider_code") or (held.code if held else ""),
        customer_id=configuration.get("provider_customer_id") or (held.customer_id if held else None),
        settings=settings,
    )

"""What a sandbox Lago says about itself: its version, its organisation, its billing entity and its public key."""

from __future__ import annotations

from typing import Any

VERSION = "v1.51.0"

# Base64 of a PEM in lines of 60, as Ruby writes it. The sandbox signs nothing: nobody holds the private half.
PUBLIC_KEY = (
    "LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0KTUlJQklqQU5CZ2txaGtpRzl3\n"
    "MEJBUUVGQUFPQ0FROEFNSUlCQ2dLQ0FRRUF1SldjYm50RElwVi9EWUJNTUtl\n"
    "RApneGFEcTQrWmc3OTFFQ05PSmcxcWxjVElsYlMzaXJYU0l5b2ljYTRieGFY\n"
    "bkNLTW1vcmNxbUFFZVJhY09JYUt1CnRuTEhLMWlOSC95VUk2Z01OUWhGVmk2\n"
    "VjZDUzdDUDIyM2dNYWszK2JSNmwyN2JFSlhObkl1dUkvWnVOVDZQejEKY3pU\n"
    "YXR4WVQweUtvZnhmNU1hOURMbW1sV0hWZitZNG5qbWxVeHh4QzAwRkFCT3gz\n"
    "QWYxZ3pLeTlicUxqM2hXUApFQzFKcGYzOXRSUTg1UCtvWitDa0tkZUpjV09W\n"
    "ZTRRNlRQVDZqRmIxc2YwZzZXMFlPdDFwOFVjOE5mazF2bHZHCmtWME9TVXk2\n"
    "L01PZDB6azhXRlNSelgrQ1RJcHgwN1dWN3NmaHRIeWZ2VGlwUFQ1cVZxRDJ6\n"
    "Y3V4eDZHTmhJeUMKZFFJREFRQUIKLS0tLS1FTkQgUFVCTElDIEtFWS0tLS0t\n"
    "Cg==\n"
)

_NO_ADDRESS = (
    "country",
    "address_line1",
    "address_line2",
    "state",
    "zipcode",
    "email",
    "city",
    "legal_name",
    "legal_number",
)


def organization(lago_id: str, name: str, created_at: str | None) -> dict[str, Any]:
    """The organisation object; customer slugs and invoice numbers start with its `document_number_prefix`."""
    return {
        "lago_id": lago_id,
        "name": name,
        "slug": "-".join(name.lower().split()),
        "default_currency": "USD",
        "created_at": created_at,
        "webhook_url": "",
        "webhook_urls": [],
        **dict.fromkeys(_NO_ADDRESS),
        "timezone": "UTC",
        "net_payment_term": 0,
        "email_settings": [],
        "document_numbering": "per_customer",
        "document_number_prefix": f"{name[:3]}-{lago_id[-4:]}".upper(),
        "tax_identification_number": None,
        "finalize_zero_amount_invoice": True,
        "billing_configuration": {"invoice_footer": None, "invoice_grace_period": 0, "document_locale": "en"},
        "events_store": "postgres",
    }


def billing_entity(of: dict[str, Any]) -> dict[str, Any]:
    """The one billing entity of an organisation without a licence; it shares the organisation's id."""
    return {
        "lago_id": of["lago_id"],
        "code": of["slug"],
        "name": of["name"],
        "default_currency": of["default_currency"],
        "created_at": of["created_at"],
        **dict.fromkeys(_NO_ADDRESS),
        "timezone": of["timezone"],
        "net_payment_term": of["net_payment_term"],
        "email_settings": of["email_settings"],
        "document_numbering": of["document_numbering"],
        "document_number_prefix": of["document_number_prefix"],
        "tax_identification_number": None,
        "finalize_zero_amount_invoice": of["finalize_zero_amount_invoice"],
        "updated_at": of["created_at"],
        "phone": None,
        "einvoicing": False,
        "invoice_footer": None,
        "invoice_grace_period": 0,
        "subscription_invoice_issuing_date_adjustment": "align_with_finalization_date",
        "subscription_invoice_issuing_date_anchor": "next_period_start",
        "document_locale": "en",
        "is_default": True,
        "eu_tax_management": False,
        "logo_url": None,
    }

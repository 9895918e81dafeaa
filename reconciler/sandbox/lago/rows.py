"""What the sandbox Lago remembers: one mutable row per table of a real Lago that its answers are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any


class SubscriptionStatus(StrEnum):
    """Every status a Lago v1.51.0 subscription can have; a trial is `active`."""

    PENDING = "pending"
    ACTIVE = "active"
    TERMINATED = "terminated"
    CANCELED = "canceled"
    INCOMPLETE = "incomplete"


@dataclass(slots=True, kw_only=True, eq=False)
class Plan:
    """A plan; with `parent` it is the hidden child that holds one subscription's overrides."""

    lago_id: str
    code: str
    name: str
    interval: str
    amount_cents: int
    amount_currency: str
    created_at: datetime
    pay_in_advance: bool = True
    trial_period: float | None = None
    bill_charges_monthly: bool | None = None
    invoice_display_name: str | None = None
    description: str | None = None
    parent: Plan | None = None
    pending_deletion: bool = False
    deleted: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class Metadata:
    """One key and value an application keeps on a customer."""

    lago_id: str
    key: str
    value: str
    display_in_invoice: bool
    created_at: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class ProviderLink:
    """A customer's tie to a payment provider; `customer_id` is None until the provider has made its own customer."""

    provider: str
    code: str
    customer_id: str | None
    settings: dict[str, Any]


@dataclass(slots=True, kw_only=True, eq=False)
class Customer:
    """A customer; `fields` holds the plain scalars that an application sets and Lago only stores."""

    lago_id: str
    external_id: str
    sequential_id: int
    slug: str
    created_at: datetime
    updated_at: datetime
    currency: str | None = None
    timezone: str | None = None
    deleted_at: datetime | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    shipping_address: dict[str, Any] = field(default_factory=dict)
    document_locale: str | None = None
    link: ProviderLink | None = None
    metadata: list[Metadata] = field(default_factory=list)
    invoices_made: int = 0


@dataclass(slots=True, kw_only=True, eq=False)
class Subscription:
    """One row of a subscription's chain; `successors` are the rows that were to replace it, canceled ones included."""

    lago_id: str
    external_id: str
    customer: Customer
    plan: Plan
    status: SubscriptionStatus
    subscription_at: datetime
    created_at: datetime
    name: str = ""
    billing_time: str = "calendar"
    started_at: datetime | None = None
    activated_at: datetime | None = None
    ending_at: datetime | None = None
    terminated_at: datetime | None = None
    canceled_at: datetime | None = None
    trial_ended_at: datetime | None = None
    on_termination_credit_note: str | None = None
    on_termination_invoice: str = "generate"
    payment_method_type: str = "provider"
    previous: Subscription | None = None
    successors: list[Subscription] = field(default_factory=list)

    @property
    def next(self) -> Subscription | None:
        """The row that replaces this one, or is scheduled to."""
        return next((row for row in self.successors if row.status is not SubscriptionStatus.CANCELED), None)


@dataclass(slots=True, kw_only=True, eq=False)
class Invoice:
    """An invoice with at most one subscription fee; amounts in minor units of `currency`."""

    lago_id: str
    customer: Customer
    sequential_id: int
    number: str
    currency: str
    fees_amount_cents: int
    total_amount_cents: int
    coupons_amount_cents: int
    credit_notes_amount_cents: int
    total_paid_amount_cents: int
    issuing_date: date
    payment_due_date: date
    invoice_type: str
    status: str
    payment_status: str
    payment_overdue: bool
    created_at: datetime
    updated_at: datetime
    fee_id: str
    payment_dispute_lost_at: datetime | None = None
    voided_at: datetime | None = None
    self_billed: bool = False
    subscription: Subscription | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class AppliedCoupon:
    """A coupon on a customer: an amount or a percentage, once, for some periods or for good."""

    lago_id: str
    lago_coupon_id: str
    coupon_code: str
    coupon_name: str
    customer: Customer
    created_at: datetime
    status: str = "active"
    amount_cents: int | None = None
    amount_currency: str | None = None
    percentage_rate: str | None = None
    frequency: str = "forever"
    frequency_duration: int | None = None
    frequency_duration_remaining: int | None = None
    terminated_at: datetime | None = None

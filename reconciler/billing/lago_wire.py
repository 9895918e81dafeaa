"""Lago's JSON as every version from 1.27 on sends it: keys that are missing are None, keys that are new are ignored."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AfterValidator, AliasChoices, Field

from reconciler.billing.wire import wire


def _utc(at: datetime) -> datetime:
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time beyond the calendar") from error


Instant = Annotated[datetime, AfterValidator(_utc)]


@wire
class WirePlan:
    """A plan; `amount_cents` and `interval` are null on catalog plans."""

    code: str
    interval: str | None = None
    amount_cents: int | None = None
    amount_currency: str | None = None
    trial_period: float | None = None
    pay_in_advance: bool = False


@wire
class WirePaymentMethod:
    """How a subscription is paid: `provider` or `manual`."""

    payment_method_type: str | None = None


@wire
class WireSubscription:
    """A subscription; only single reads carry `plan`, which is the overridden one where there is an override."""

    lago_id: str
    external_id: str
    lago_customer_id: str
    external_customer_id: str
    plan_code: str
    status: str
    created_at: Instant
    billing_time: str | None = None
    plan_amount_cents: int | Literal["unsaid"] | None = "unsaid"  # before 1.42
    plan_amount_currency: str | None = None
    subscription_at: Instant | None = None
    started_at: Instant | None = None
    trial_ended_at: Instant | None = None
    ending_at: Instant | None = None
    terminated_at: Instant | None = None
    canceled_at: Instant | None = None
    next_plan_code: str | None = None
    downgrade_plan_date: date | None = None
    on_termination_credit_note: str | None = None
    previous_plan_code: str | None = None
    cancellation_reason: str | None = None
    payment_method: WirePaymentMethod | None = None
    plan: WirePlan | None = None


@wire
class WireBilling:
    """How a customer is charged; `provider_customer_id` is absent without a provider, null while it is being made."""

    payment_provider: str | None = None
    provider_customer_id: str | None = None


@wire
class WireCustomer:
    """A customer, without its name and addresses."""

    lago_id: str
    external_id: str
    currency: str | None = None
    billing_configuration: WireBilling = Field(default_factory=WireBilling)


@wire
class WireOwner:
    """The customer inside an invoice."""

    lago_id: str


@wire
class WireInvoiced:
    """A subscription inside an invoice."""

    lago_id: str


@wire
class WireInvoice:
    """An invoice; only single reads carry `subscriptions`. What is due is told from about 1.20 on."""

    lago_id: str
    customer: WireOwner | None = None
    invoice_type: str | None = None
    status: str | None = None
    payment_status: str | None = None
    payment_overdue: bool | None = None
    payment_due_date: date | None = None
    payment_dispute_lost_at: Instant | None = None
    currency: str | None = None
    total_amount_cents: int = 0
    total_due_amount_cents: int | None = None
    self_billed: bool | None = None
    subscriptions: tuple[WireInvoiced, ...] = ()


@wire
class WireAppliedCoupon:
    """A coupon on a customer; `frequency` is once, recurring (for so many periods more) or forever."""

    lago_id: str
    lago_customer_id: str
    status: str
    frequency: str
    created_at: Instant
    amount_cents: int | None = None
    amount_currency: str | None = None
    percentage_rate: Decimal | None = None
    frequency_duration_remaining: int | None = None
    expiration_at: Instant | None = None


@wire
class WireOrganization:
    """The organisation that an API key belongs to."""

    lago_id: str
    name: str


@wire
class Meta:
    """Where a page stands in its list."""

    current_page: int
    next_page: int | None
    total_pages: int
    total_count: int


Row = TypeVar("Row")

_LISTS = AliasChoices("subscriptions", "customers", "plans", "invoices", "applied_coupons")
_OBJECTS = AliasChoices("subscription", "customer", "plan", "organization", "invoice")


@wire
class Page(Generic[Row]):
    """One page of a list."""

    rows: tuple[Row, ...] = Field(validation_alias=_LISTS)
    meta: Meta


@wire
class One(Generic[Row]):
    """One object, wrapped in its name."""

    row: Row = Field(validation_alias=_OBJECTS)


@wire
class Health:
    """Answer of the health check."""

    version: str = ""


@wire
class Refusal:
    """Body of a 4xx answer."""

    code: str = ""
    error_details: object = None

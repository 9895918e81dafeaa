"""Lago's JSON as every version from 1.27 on sends it: keys that are missing are None, keys that are new are ignored."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field


def _utc(at: datetime) -> datetime:
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time beyond the calendar") from error


Instant = Annotated[datetime, AfterValidator(_utc)]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class WirePlan(_Wire):
    """A plan; `amount_cents` and `interval` are null on catalog plans."""

    code: str
    interval: str | None = None
    amount_cents: int | None = None
    amount_currency: str | None = None
    trial_period: float | None = None
    pay_in_advance: bool = False


class WirePaymentMethod(_Wire):
    """How a subscription is paid: `provider` or `manual`."""

    payment_method_type: str | None = None


class WireSubscription(_Wire):
    """A subscription; only single reads carry `plan`, which is the overridden one where there is an override."""

    lago_id: str
    external_id: str
    lago_customer_id: str
    external_customer_id: str
    plan_code: str
    status: str
    created_at: Instant
    billing_time: str | None = None
    plan_amount_cents: int | None = None
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
    cancellation_reason: str | None = None
    payment_method: WirePaymentMethod | None = None
    plan: WirePlan | None = None


class WireBilling(_Wire):
    """How a customer is charged; `provider_customer_id` is absent without a provider, null while it is being made."""

    payment_provider: str | None = None
    provider_customer_id: str | None = None


class WireCustomer(_Wire):
    """A customer, without its name and addresses."""

    lago_id: str
    external_id: str
    currency: str | None = None
    billing_configuration: WireBilling = WireBilling()


class WireOrganization(_Wire):
    """The organisation that an API key belongs to."""

    lago_id: str
    name: str


class Meta(_Wire):
    """Where a page stands in its list."""

    current_page: int
    next_page: int | None
    total_pages: int
    total_count: int


Row = TypeVar("Row", bound=_Wire)


class Page(_Wire, Generic[Row]):
    """One page of a list."""

    rows: tuple[Row, ...] = Field(validation_alias=AliasChoices("subscriptions", "customers", "plans"))
    meta: Meta


class One(_Wire, Generic[Row]):
    """One object, wrapped in its name."""

    row: Row = Field(validation_alias=AliasChoices("subscription", "customer", "plan", "organization"))


class Health(_Wire):
    """Answer of the health check."""

    version: str = ""


class Refusal(_Wire):
    """Body of a 4xx answer."""

    code: str = ""
    error_details: object = None

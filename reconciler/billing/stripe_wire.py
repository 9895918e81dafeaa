"""Stripe's JSON at the API version the library pins: only what is used, unknown fields and words let through."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _instant(seconds: object) -> object:
    try:
        return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else seconds
    except (OverflowError, OSError) as error:
        raise ValueError("a time beyond the calendar") from error


Instant = Annotated[datetime, BeforeValidator(_instant)]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class WireRecurring(_Wire):
    """How often a price is charged; `usage_type` is licensed or metered."""

    interval: str
    interval_count: int = 1
    usage_type: str = "licensed"


class WirePrice(_Wire):
    """A price; `unit_amount` is None where it is tiered or not a whole number of minor units."""

    id: str
    currency: str
    product: str | None = None
    lookup_key: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    billing_scheme: str = "per_unit"
    unit_amount: int | None = None
    unit_amount_decimal: Decimal | None = None
    transform_quantity: dict[str, object] | None = None
    recurring: WireRecurring | None = None


class WireCoupon(_Wire):
    """What a discount takes off; `duration` is forever, once or repeating."""

    duration: str
    percent_off: Decimal | None = None
    amount_off: int | None = None
    currency: str | None = None


class WireDiscountSource(_Wire):
    """Where a discount comes from."""

    coupon: WireCoupon | None = None


class WireDiscount(_Wire):
    """A discount at work, with its coupon expanded; `end` is when a repeating one is over."""

    source: WireDiscountSource
    end: Instant | None = None


class WireItem(_Wire):
    """One item; `discounts` are ids unless the items were read by themselves."""

    id: str
    price: WirePrice | None = None
    quantity: int | None = None
    current_period_start: Instant | None = None
    current_period_end: Instant | None = None
    discounts: tuple[str | WireDiscount, ...] = ()


Row = TypeVar("Row")


class WireList(_Wire, Generic[Row]):
    """One page of a list, or a list inside an object: only its first ten."""

    data: tuple[Row, ...]
    has_more: bool


class WireCancellation(_Wire):
    """Why a subscription was or will be canceled."""

    reason: str | None = None


class WirePause(_Wire):
    """Collection that is paused; without `resumes_at` until somebody ends it."""

    behavior: str = ""
    resumes_at: Instant | None = None


class WireSubscription(_Wire):
    """A subscription."""

    id: str
    customer: str
    status: str
    created: Instant
    items: WireList[WireItem]
    billing_cycle_anchor: Instant | None = None
    cancel_at: Instant | None = None
    cancel_at_period_end: bool = False
    cancellation_details: WireCancellation | None = None
    collection_method: str | None = None
    discounts: tuple[WireDiscount, ...] = ()
    ended_at: Instant | None = None
    livemode: bool
    metadata: dict[str, str] = Field(default_factory=dict)
    pause_collection: WirePause | None = None
    start_date: Instant | None = None
    test_clock: str | None = None
    trial_end: Instant | None = None


class WireCustomer(_Wire):
    """A customer without name and addresses; of a deleted one only `id` and `deleted` are sent."""

    id: str
    created: Instant | None = None
    deleted: bool = False
    currency: str | None = None
    discount: WireDiscount | None = None
    livemode: bool | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    test_clock: str | None = None


class WireRefusal(_Wire):
    """Body of an answer that is an error."""

    error: dict[str, object]

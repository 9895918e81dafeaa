"""Stripe's JSON at the API version the library pins: only what is used, unknown fields and words let through."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Generic, TypeVar

from pydantic import BeforeValidator, Field

from reconciler.billing.wire import wire


def _instant(seconds: object) -> object:
    try:
        return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else seconds
    except (OverflowError, OSError) as error:
        raise ValueError("a time beyond the calendar") from error


Instant = Annotated[datetime, BeforeValidator(_instant)]


@wire
class WireRecurring:
    """How often a price is charged; `usage_type` is licensed or metered."""

    interval: str
    interval_count: int = 1
    usage_type: str = "licensed"


@wire
class WirePrice:
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


@wire
class WireCoupon:
    """What a discount takes off; `duration` is forever, once or repeating."""

    duration: str
    percent_off: Decimal | None = None
    amount_off: int | None = None
    currency: str | None = None


@wire
class WireDiscountSource:
    """Where a discount comes from."""

    coupon: WireCoupon | None = None


@wire
class WireDiscount:
    """A discount at work, with its coupon expanded; `end` is when a repeating one is over."""

    source: WireDiscountSource
    end: Instant | None = None


@wire
class WireItem:
    """One item; `discounts` are ids unless the items were read by themselves."""

    id: str
    price: WirePrice | None = None
    quantity: int | None = None
    current_period_start: Instant | None = None
    current_period_end: Instant | None = None
    discounts: tuple[str | WireDiscount, ...] = ()


Row = TypeVar("Row")


@wire
class WireList(Generic[Row]):
    """One page of a list, or a list inside an object: only its first ten."""

    data: tuple[Row, ...]
    has_more: bool


@wire
class WireCancellation:
    """Why a subscription was or will be canceled."""

    reason: str | None = None


@wire
class WirePause:
    """Collection that is paused; without `resumes_at` until somebody ends it."""

    behavior: str = ""
    resumes_at: Instant | None = None


@wire
class WireSubscription:
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


@wire
class WireCustomer:
    """A customer without name and addresses; of a deleted one only `id` and `deleted` are sent."""

    id: str
    created: Instant | None = None
    deleted: bool = False
    currency: str | None = None
    discount: WireDiscount | None = None
    livemode: bool | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    test_clock: str | None = None


@wire
class WireRefusal:
    """Body of an answer that is an error."""

    error: dict[str, object]

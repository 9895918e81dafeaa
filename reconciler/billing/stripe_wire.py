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
    """Where a discount comes from; its coupon is an id unless it was expanded."""

    coupon: WireCoupon | str | None = None


@wire
class WireDiscount:
    """A discount at work; `end` is when a repeating one is over."""

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
class WireLatestInvoice:
    """The invoice that a subscription made last, as far as it tells whether its period was paid."""

    status: str | None = None
    amount_remaining: int = 0


def _expanded(value: object) -> object:
    return value if isinstance(value, dict) else None


@wire
class WireSubscription:
    """A subscription; `latest_invoice` is None and `discounts` are ids unless they were expanded."""

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
    discounts: tuple[str | WireDiscount, ...] = ()
    ended_at: Instant | None = None
    latest_invoice: Annotated[WireLatestInvoice | None, BeforeValidator(_expanded)] = None
    livemode: bool
    metadata: dict[str, str] = Field(default_factory=dict)
    pause_collection: WirePause | None = None
    schedule: str | None = None
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
class WireBilledSubscription:
    """The subscription that an invoice bills."""

    subscription: str | None = None


@wire
class WireParent:
    """What an invoice was made for."""

    subscription_details: WireBilledSubscription | None = None


@wire
class WireTransitions:
    """When an invoice became what it is."""

    finalized_at: Instant | None = None


@wire
class WireInvoice:
    """An invoice without its lines; `due_date` is set only where it is sent to be paid."""

    id: str
    customer: str | None = None
    status: str | None = None
    created: Instant
    currency: str
    amount_remaining: int = 0
    attempt_count: int = 0
    collection_method: str | None = None
    due_date: Instant | None = None
    livemode: bool | None = None
    parent: WireParent | None = None
    status_transitions: WireTransitions = WireTransitions()

    @property
    def subscription(self) -> str | None:
        """The subscription that it bills, if it bills one."""
        details = None if self.parent is None else self.parent.subscription_details
        return None if details is None else details.subscription


@wire
class WirePhaseItem:
    """What a phase bills, with its price expanded; an id where that could not be shown."""

    price: WirePrice | str
    quantity: int | None = None


@wire
class WirePhase:
    """What a schedule bills from `start_date` on."""

    start_date: Instant
    end_date: Instant | None = None
    items: tuple[WirePhaseItem, ...] = ()


@wire
class WireSchedule:
    """What a subscription is set to become; `end_behavior` is release, cancel or none."""

    id: str
    created: Instant | None = None
    status: str
    end_behavior: str = "release"
    phases: tuple[WirePhase, ...] = ()


@wire
class WireRefusal:
    """Body of an answer that is an error."""

    error: dict[str, object]

"""Customers and subscriptions as both sources have them, free of either source's shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from reconciler.model.money import MONTH, Period


class Source(StrEnum):
    """Where customers are billed."""

    LAGO = "lago"
    STRIPE = "stripe"


class SubscriptionStatus(StrEnum):
    """One vocabulary for both sources; `Subscription.raw_status` keeps the source's own word."""

    PENDING = "pending"  # Lago pending: starts later, or a downgrade that waits
    INCOMPLETE = "incomplete"  # first payment open
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    PAUSED = "paused"
    ENDED = "ended"  # Stripe canceled, Lago terminated
    ABANDONED = "abandoned"  # never began: Stripe incomplete_expired, Lago canceled
    UNKNOWN = "unknown"  # a word outside the source's known vocabulary


class EndReason(StrEnum):
    """Why a subscription ended, as far as it changes what was paid."""

    REQUESTED = "requested"
    PAYMENT_FAILED = "payment_failed"
    PAYMENT_DISPUTED = "payment_disputed"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """A recurring discount: `percent` (0 to 100) or `amount_minor` of `currency` off each invoice."""

    percent: Decimal | None = None
    amount_minor: int | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One priced part of a subscription; the keys by which the catalog may know it are empty where the source has none.

    `unit_amount` is minor units for one `period`, before discounts; None where the source does not say.
    """

    id: str
    plan_code: str = ""  # Lago
    price_id: str = ""  # Stripe, like the rest
    lookup_key: str = ""
    product_id: str = ""
    price_metadata: Mapping[str, str] = field(default_factory=dict)
    unit_amount: int | None = None
    currency: str = ""
    period: Period = MONTH
    quantity: int = 1
    metered: bool = False
    discounts: tuple[Discount, ...] = ()  # those of this item alone, taken off before the subscription's
    period_start: datetime | None = None
    period_end: datetime | None = None

    @property
    def label(self) -> str:
        """What a person calls it: plan code, lookup key or price id."""
        return self.plan_code or self.lookup_key or self.price_id or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionPause:
    """Collection that is paused: the subscription looks active and takes no money (Stripe `pause_collection`).

    `resumes_at` None: until somebody ends it. `keeps_drafts`: the invoices are kept and may still be collected later.
    """

    resumes_at: datetime | None = None
    keeps_drafts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One subscription of one customer, with every item it has.

    `next_item` is what its base item is set to become at `next_at`: Lago's pending successor (of the day that Lago
    names its first moment in UTC), or the next phase of a Stripe schedule.
    """

    source: Source
    id: str  # Stripe sub_..., Lago lago_id
    customer_id: str  # Stripe cus_..., Lago lago_customer_id
    status: SubscriptionStatus
    raw_status: str
    items: tuple[Item, ...]
    created_at: datetime
    external_id: str = ""  # Lago
    external_customer_id: str = ""  # Lago
    anchor_at: datetime | None = None  # from where billing periods are counted
    calendar_periods: bool = False  # Lago billing_time calendar
    started_at: datetime | None = None
    trial_end: datetime | None = None
    cancel_at: datetime | None = None  # scheduled end, ahead or behind
    ended_at: datetime | None = None
    end_reason: EndReason | None = None
    paid_for_period: bool = True  # False where the last invoice is known to be unpaid
    keeps_paid_period: bool = False  # Lago: pay in advance, ended without a credit note
    next_item: Item | None = None
    next_at: datetime | None = None
    collected_automatically: bool = False
    collection_pause: CollectionPause | None = None
    discounts: tuple[Discount, ...] = ()
    org_key: str = ""  # Stripe: the metadata that names an organisation
    livemode: bool | None = None
    test_clock: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """One customer of one source. Names and addresses are not kept."""

    source: Source
    id: str  # Stripe cus_..., Lago lago_id
    org_key: str = ""  # Stripe metadata that names an organisation; Lago external_id
    deleted: bool = False
    currency: str = ""
    collected_automatically: bool = False  # Lago: a payment provider with a customer id
    provider_customer_id: str = ""  # Lago: the Stripe customer it charges
    livemode: bool | None = None
    test_clock: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """An invoice that asks for money in vain: open and due, overdue, or lost in a dispute.

    Only kinds that are dunning are kept (drift_codes.md, Collected automatically). `subscription_ids` is empty where
    the list does not say to which it belongs; read by itself it always says. `due_minor` is what is still unpaid.
    `due_since` is the first failed charge or the due date, which retries do not move; None where it cannot be read.
    """

    source: Source
    id: str
    customer_id: str
    due_minor: int
    currency: str
    subscription_ids: tuple[str, ...] = ()
    due_since: datetime | None = None
    overdue: bool = False
    collected_automatically: bool = False
    dispute_lost_at: datetime | None = None
    livemode: bool | None = None

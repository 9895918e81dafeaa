"""Seeds a Stripe account's invoices and subscription schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.sandbox.stripe import invoice_objects, subscription_objects
from reconciler.sandbox.stripe.objects import Json
from reconciler.sandbox.stripe.subscription_seeding import SubscriptionSeeding

_PLANNED = ("not_started", "active")


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One phase of a subscription schedule: what is billed from `start` until `end`."""

    start: datetime
    end: datetime
    prices: Sequence[str]
    quantity: int | None = 1


class InvoiceSeeding(SubscriptionSeeding):
    """Each method returns the new id, which is `fixed_id` where one is given."""

    def add_invoice(
        self,
        *,
        amount: int,
        subscription: str | None = None,
        customer: str | None = None,
        status: str = "open",
        currency: str | None = None,
        created: datetime | None = None,
        period_start: datetime | None = None,
        period_end: datetime | None = None,
        due_date: datetime | None = None,
        attempt_count: int = 1,
        next_payment_attempt: datetime | None = None,
        latest: bool = True,
        metadata: Mapping[str, str] | None = None,
        fixed_id: str | None = None,
    ) -> str:
        """Add an invoice over `amount` minor units for a subscription, or for a bare `customer` (KeyError for neither).

        With a subscription it takes over customer, currency, way of collection and the first item's period, and becomes
        its latest invoice unless `latest` is false. A sent invoice is due in `days_until_due` unless said otherwise.
        """
        billed: Json = {} if subscription is None else self.get("subscription", subscription)
        owner = self.get("customer", billed.get("customer") or customer or "")
        made = created or self.clock()
        start = end = self._seconds(made)
        first = None
        if billed:
            first = self.get("subscription_item", billed["items"][0])
            start, end = first["current_period_start"], first["current_period_end"]
        collection_method = billed.get("collection_method", "charge_automatically")
        if collection_method == "send_invoice":
            attempt_count = 0
            due_date = due_date or made + timedelta(days=billed["days_until_due"] or 0)
        invoice = invoice_objects.invoice(
            object_id=fixed_id or self._new_id("in_", 24),
            livemode=self.livemode,
            created=self._seconds(made),
            customer=owner["id"],
            subscription=subscription,
            subscription_item=None if first is None else first["id"],
            status=status,
            currency=currency or billed.get("currency", "usd"),
            amount=amount,
            period_start=start if period_start is None else self._seconds(period_start),
            period_end=end if period_end is None else self._seconds(period_end),
            collection_method=collection_method,
            billing_reason="subscription_cycle" if billed else "manual",
            due_date=self._optional(due_date),
            attempt_count=attempt_count,
            next_payment_attempt=self._optional(next_payment_attempt),
            paid_at=self._seconds(made) if status == "paid" else None,
            metadata=metadata or {},
            test_clock=owner.get("test_clock"),
        )
        if billed and latest:
            billed["latest_invoice"] = invoice["id"]
        return self._add("invoice", invoice)

    def add_schedule(
        self,
        *,
        phases: Sequence[Phase],
        subscription: str | None = None,
        customer: str | None = None,
        status: str = "active",
        end_behavior: str = "release",
        created: datetime | None = None,
        metadata: Mapping[str, str] | None = None,
        fixed_id: str | None = None,
    ) -> str:
        """Add a schedule for a subscription, or for a `customer` whose subscription is yet to start.

        While `not_started` or `active` it is the subscription's `schedule`; the phase that now falls into is current.
        """
        planned: Json = {} if subscription is None else self.get("subscription", subscription)
        owner = self.get("customer", planned.get("customer") or customer or "")
        now = self.clock()
        current = next((phase for phase in phases if status == "active" and phase.start <= now < phase.end), None)
        schedule = subscription_objects.schedule(
            object_id=fixed_id or self._new_id("sub_sched_", 24),
            livemode=self.livemode,
            created=self._seconds(created),
            customer=owner["id"],
            subscription=subscription,
            status=status,
            end_behavior=end_behavior,
            phases=[self._phase(phase) for phase in phases],
            current_phase=None
            if current is None
            else {"end_date": self._seconds(current.end), "start_date": self._seconds(current.start)},
            metadata=metadata or {},
            test_clock=owner.get("test_clock"),
        )
        if planned and status in _PLANNED:
            planned["schedule"] = schedule["id"]
        return self._add("subscription_schedule", schedule)

    def _phase(self, phase: Phase) -> Json:
        return subscription_objects.phase(
            start=self._seconds(phase.start),
            end=self._seconds(phase.end),
            currency=self.get("price", phase.prices[0])["currency"],
            items=[(price, phase.quantity) for price in phase.prices],
        )

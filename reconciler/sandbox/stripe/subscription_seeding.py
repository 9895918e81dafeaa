"""Seeds a Stripe account's customers and subscriptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from reconciler.sandbox.stripe import objects, subscription_objects
from reconciler.sandbox.stripe.catalog_seeding import CatalogSeeding
from reconciler.sandbox.stripe.objects import Json
from reconciler.sandbox.stripe.periods import months_later, period_around

_ENDED = ("canceled", "incomplete_expired")
_FIRST_PAYMENT_TIME = timedelta(hours=23)  # after it an unpaid first invoice is void and the subscription over


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item of a subscription; without a period it has the subscription's. Metered prices take quantity None."""

    price: str
    quantity: int | None = 1
    period_start: datetime | None = None
    period_end: datetime | None = None
    coupons: Sequence[str] = ()
    metadata: Mapping[str, str] | None = None


class SubscriptionSeeding(CatalogSeeding):
    """Each `add_*` returns the new id, which is `fixed_id` where one is given; it may run while the world is served.

    Datetimes must be aware (ValueError); an id that is not in the world raises KeyError.
    """

    def add_customer(
        self,
        *,
        metadata: Mapping[str, str] | None = None,
        email: str | None = None,
        name: str | None = None,
        coupon: str | None = None,
        test_clock: str | None = None,
        deleted: bool = False,
        created: datetime | None = None,
        fixed_id: str | None = None,
    ) -> str:
        """Add a customer; a `deleted` one answers by id alone, and subscriptions may still be added to it."""
        row = objects.customer(
            object_id=fixed_id or self._new_id("cus_", 14),
            livemode=self.livemode,
            created=self._seconds(created),
            email=email,
            name=name,
            metadata=metadata or {},
            test_clock=test_clock,
        )
        if coupon is not None:
            row["discount"] = self._discount(coupon, row["id"], row["created"])
        customer = self._add("customer", row)
        if deleted:
            self.delete_customer(customer)
        return customer

    def delete_customer(self, customer: str) -> None:
        """Delete a customer, which cancels its living subscriptions at once."""
        row = self.get("customer", customer)
        row.clear()
        row.update(objects.deleted_customer(customer))
        for held in self.tables["subscription"].those_with("customer", customer):
            if held["status"] not in _ENDED:
                self.cancel_subscription(held["id"])

    def cancel_subscription(self, subscription: str) -> None:
        """End a subscription now."""
        now = self._seconds(None)
        row = self.get("subscription", subscription)
        details = {**row["cancellation_details"], "reason": "cancellation_requested"}
        row.update(status="canceled", canceled_at=row["canceled_at"] or now, ended_at=now, cancellation_details=details)

    def add_subscription(
        self,
        customer: str,
        *,
        prices: Sequence[str] = (),
        items: Sequence[Item] = (),
        status: str = "active",
        created: datetime | None = None,
        period_start: datetime | None = None,
        period_end: datetime | None = None,
        cancel_at: datetime | None = None,
        cancel_at_period_end: bool = False,
        canceled_at: datetime | None = None,
        ended_at: datetime | None = None,
        cancellation_reason: str | None = None,
        trial_start: datetime | None = None,
        trial_end: datetime | None = None,
        pause_collection: str | None = None,
        pause_resumes_at: datetime | None = None,
        collection_method: str = "charge_automatically",
        days_until_due: int | None = None,
        coupons: Sequence[str] = (),
        billing_mode: str = "flexible",
        metadata: Mapping[str, str] | None = None,
        fixed_id: str | None = None,
    ) -> str:
        """Add a subscription of `prices` (quantity 1 each) or `items`; any status text is taken.

        Omitted periods: the one that now (or the end, where it ended) falls into, by the first item's interval counted
        from `created` or the trial's end; the trial itself where `status` is trialing. A canceled one ended now at the
        customer's wish unless said otherwise; a scheduled cancellation was asked for now. It is on the customer's test
        clock.
        """
        items = [*items, *(Item(price=price) for price in prices)]
        if not items:
            raise ValueError("a subscription has at least one item")
        now = self.clock()
        created = created or now
        if status == "trialing":
            trial_start, trial_end = trial_start or created, trial_end or created + timedelta(days=14)
            period_start, period_end = period_start or trial_start, period_end or trial_end
        if status == "canceled":
            ended_at = ended_at or now
        elif status == "incomplete_expired":
            ended_at = ended_at or created + _FIRST_PAYMENT_TIME
        first = self.get("price", items[0].price)
        every = first["recurring"]
        anchor = trial_end if trial_end is not None and trial_end <= now else created
        start, end = period_around(anchor, every["interval"], every["interval_count"], ended_at or now)
        period_start, period_end = period_start or start, period_end or end
        if cancel_at_period_end:
            cancel_at = cancel_at or period_end
        if status == "canceled" or cancel_at is not None:
            canceled_at = canceled_at or ended_at or now
            cancellation_reason = cancellation_reason or "cancellation_requested"
        pause = None
        if pause_collection is not None:
            pause = {"behavior": pause_collection, "resumes_at": self._optional(pause_resumes_at)}
        object_id = fixed_id or self._new_id("sub_", 24)
        owner = self.get("customer", customer)
        row = subscription_objects.subscription(
            object_id=object_id,
            livemode=self.livemode,
            created=self._seconds(created),
            customer=customer,
            currency=first["currency"],
            items=[],
            status=status,
            cancel_at=self._optional(cancel_at),
            cancel_at_period_end=cancel_at_period_end,
            canceled_at=self._optional(canceled_at),
            ended_at=self._optional(ended_at),
            cancellation_reason=cancellation_reason,
            trial_start=self._optional(trial_start),
            trial_end=self._optional(trial_end),
            pause_collection=pause,
            collection_method=collection_method,
            days_until_due=days_until_due,
            discounts=[],
            billing_mode=billing_mode,
            metadata=metadata or {},
            test_clock=owner.get("test_clock"),
        )
        row["discounts"] = [
            self._discount(coupon, customer, row["created"], subscription=object_id) for coupon in coupons
        ]
        for item in items:
            row["items"].append(self._item(row, item, period_start, period_end))
        return self._add("subscription", row)

    def _item(self, subscription: Json, item: Item, period_start: datetime, period_end: datetime) -> str:
        object_id = self._new_id("si_", 14)
        customer, created = subscription["customer"], subscription["created"]
        return self._add(
            "subscription_item",
            subscription_objects.subscription_item(
                object_id=object_id,
                created=created,
                subscription=subscription["id"],
                price=self.get("price", item.price)["id"],
                quantity=item.quantity,
                period_start=self._seconds(item.period_start or period_start),
                period_end=self._seconds(item.period_end or period_end),
                discounts=[
                    self._discount(coupon, customer, created, subscription_item=object_id) for coupon in item.coupons
                ],
                metadata=item.metadata or {},
            ),
        )

    def _discount(
        self,
        coupon: str,
        customer: str,
        start: int,
        *,
        subscription: str | None = None,
        subscription_item: str | None = None,
    ) -> str:
        terms = self.get("coupon", coupon)
        end = None
        if terms["duration"] == "repeating":
            end = self._seconds(months_later(datetime.fromtimestamp(start, UTC), terms["duration_in_months"]))
        discount = objects.discount(
            object_id=self._new_id("di_", 24),
            coupon=coupon,
            customer=customer,
            start=start,
            end=end,
            subscription=subscription,
            subscription_item=subscription_item,
        )
        return self._add("discount", discount)

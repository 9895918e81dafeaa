"""How a test or a demo fills a sandbox Lago in process: rows in any state, faster than over HTTP and unchecked."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from reconciler.sandbox.lago import lifecycle
from reconciler.sandbox.lago.customer_writes import new_customer
from reconciler.sandbox.lago.plan_writes import new_plan
from reconciler.sandbox.lago.rows import (
    AppliedCoupon,
    Customer,
    Invoice,
    Metadata,
    Plan,
    ProviderLink,
    Subscription,
    SubscriptionStatus,
)
from reconciler.sandbox.lago.store import Store


class World:
    """The rows of one organisation and the calls that add to them; every time given must be aware.

    The calls hold the same lock as the answers over HTTP, so a world may change while it is read.
    """

    def __init__(self, store: Store, *, prefix: str) -> None:
        """Fill `store`; customer slugs and invoice numbers start with `prefix`."""
        self._lock = threading.RLock()
        self._store = store
        self._prefix = prefix

    def add_payment_provider(self, code: str, *, provider: str = "stripe") -> None:
        """Let customers be tied to this provider over the API; `add_customer` needs it not."""
        with self._running() as store:
            store.payment_providers.add((provider, code))

    def add_plan(
        self,
        code: str,
        *,
        amount_cents: int,
        currency: str = "USD",
        interval: str = "monthly",
        name: str | None = None,
        pay_in_advance: bool = True,
        trial_days: int | None = None,
        created_at: datetime | None = None,
    ) -> Plan:
        """Add a plan; `interval` is weekly, monthly, quarterly, semiannual or yearly."""
        with self._running() as store:
            if store.plan(code):
                raise ValueError(f"plan {code!r} exists already; nothing was added")
            return new_plan(
                store,
                code=code,
                name=name or code.replace("_", " ").title(),
                interval=interval,
                amount_cents=amount_cents,
                amount_currency=currency,
                pay_in_advance=pay_in_advance,
                trial_period=trial_days,
                created_at=created_at or store.now(),
            )

    def add_customer(
        self,
        external_id: str,
        *,
        name: str | None = None,
        email: str | None = None,
        currency: str | None = None,
        timezone: str | None = None,
        metadata: Mapping[str, str] | None = None,
        payment_provider: str | None = None,
        payment_provider_code: str = "stripe_main",
        provider_customer_id: str | None = None,
        created_at: datetime | None = None,
    ) -> Customer:
        """Add a customer; without `currency` its first subscription gives it one."""
        with self._running() as store:
            if store.customer(external_id):
                raise ValueError(f"customer {external_id!r} exists already; nothing was added")
            at = created_at or store.now()
            row = new_customer(store, external_id, self._prefix, at)
            row.fields.update({"name": name, "email": email})
            row.currency, row.timezone = currency, timezone
            row.metadata = [
                Metadata(lago_id=store.new_id(), key=key, value=value, display_in_invoice=False, created_at=at)
                for key, value in (metadata or {}).items()
            ]
            if payment_provider:
                row.link = ProviderLink(
                    provider=payment_provider,
                    code=payment_provider_code,
                    customer_id=provider_customer_id,
                    settings={"provider_payment_methods": ["card"], "sync_with_provider": None},
                )
            return row

    def delete_customer(self, external_id: str) -> None:
        """Delete a customer as the API does: its subscriptions end 2 s of the server's clock later."""
        with self._running() as store:
            lifecycle.delete_customer(store, self._known_customer(external_id))

    def add_subscription(
        self,
        customer_external_id: str,
        plan_code: str,
        *,
        external_id: str,
        status: str = "active",
        name: str = "",
        billing_time: str = "calendar",
        started_at: datetime | None = None,
        subscription_at: datetime | None = None,
        created_at: datetime | None = None,
        ending_at: datetime | None = None,
        terminated_at: datetime | None = None,
        canceled_at: datetime | None = None,
        trial_ended_at: datetime | None = None,
        payment_method_type: str = "provider",
        amount_cents: int | None = None,
        previous: Subscription | None = None,
    ) -> Subscription:
        """Add a row in any status, unchecked, so that states which writes would not leave behind can be made too.

        `amount_cents` overrides the plan's price (a child plan). `previous` is the row that this one replaces, or, if
        this one is pending, is to replace. Times that the status needs and that are not given are now.
        """
        with self._running() as store:
            customer, plan = self._known_customer(customer_external_id), store.plan(plan_code)
            if plan is None:
                raise ValueError(f"no plan {plan_code!r}; nothing was added")
            state, now = SubscriptionStatus(status), store.now()
            if state in (SubscriptionStatus.ACTIVE, SubscriptionStatus.TERMINATED):
                started_at = started_at or subscription_at or now
            if state is SubscriptionStatus.TERMINATED:
                terminated_at = terminated_at or now
            if state is SubscriptionStatus.CANCELED:
                canceled_at = canceled_at or now
            row = Subscription(
                lago_id=store.new_id(),
                external_id=external_id,
                customer=customer,
                plan=plan if amount_cents is None else self._override(plan, amount_cents),
                status=state,
                subscription_at=subscription_at or (previous.subscription_at if previous else started_at) or now,
                created_at=created_at or started_at or now,
                name=name,
                billing_time=billing_time,
                started_at=started_at,
                activated_at=started_at,
                ending_at=ending_at,
                terminated_at=terminated_at,
                canceled_at=canceled_at,
                trial_ended_at=trial_ended_at,
                payment_method_type=payment_method_type,
                previous=previous,
            )
            if state is SubscriptionStatus.TERMINATED and plan.pay_in_advance:
                row.on_termination_credit_note = "credit"
            customer.currency = customer.currency or plan.amount_currency
            store.add_subscription(row)
            return row

    def add_invoice(
        self,
        customer_external_id: str,
        *,
        amount_cents: int,
        issuing_date: date,
        currency: str | None = None,
        payment_due_date: date | None = None,
        payment_status: str = "pending",
        payment_overdue: bool = False,
        status: str = "finalized",
        invoice_type: str = "subscription",
        subscription: Subscription | None = None,
        sequential_id: int | None = None,
        coupons_amount_cents: int = 0,
        credit_notes_amount_cents: int = 0,
        total_paid_amount_cents: int = 0,
        payment_dispute_lost_at: datetime | None = None,
        self_billed: bool = False,
        created_at: datetime | None = None,
    ) -> Invoice:
        """Add an invoice over `amount_cents` before coupons and credit notes; due on its issuing date unless said."""
        with self._running() as store:
            customer = self._known_customer(customer_external_id)
            customer.invoices_made += 1
            number, at = sequential_id or customer.invoices_made, created_at or store.now()
            row = Invoice(
                lago_id=store.new_id(),
                customer=customer,
                sequential_id=number,
                number=f"{customer.slug}-{number:03}",
                currency=currency or customer.currency or "USD",
                fees_amount_cents=amount_cents,
                total_amount_cents=amount_cents - coupons_amount_cents - credit_notes_amount_cents,
                coupons_amount_cents=coupons_amount_cents,
                credit_notes_amount_cents=credit_notes_amount_cents,
                total_paid_amount_cents=total_paid_amount_cents,
                issuing_date=issuing_date,
                payment_due_date=payment_due_date or issuing_date,
                invoice_type=invoice_type,
                status=status,
                payment_status=payment_status,
                payment_overdue=payment_overdue,
                created_at=at,
                updated_at=at,
                fee_id=store.new_id(),
                payment_dispute_lost_at=payment_dispute_lost_at,
                self_billed=self_billed,
                subscription=subscription,
            )
            store.invoices.add(row)
            return row

    def redate_invoice(self, invoice: Invoice, *, issuing_date: date) -> None:
        """Move an invoice's issuing and due date, as if time had passed; the overdue mark waits for the hourly jobs."""
        with self._running() as store:
            invoice.issuing_date = invoice.payment_due_date = issuing_date
            store.invoices.changed()

    def find_subscription(self, external_id: str, *, status: str = "active") -> Subscription:
        """The newest row with this external id and status, however it came to be."""
        with self._running() as store:
            rows = store.subscriptions_called(external_id, SubscriptionStatus(status))
            if not rows:
                raise ValueError(f"no {status} subscription {external_id!r}")
            return rows[-1]

    def add_applied_coupon(self, customer_external_id: str, code: str, **given: Any) -> AppliedCoupon:
        """Add a coupon to a customer; `given` are fields of `AppliedCoupon`."""
        with self._running() as store:
            row = AppliedCoupon(
                lago_id=store.new_id(),
                lago_coupon_id=store.new_id(),
                coupon_code=code,
                coupon_name=code,
                customer=self._known_customer(customer_external_id),
                created_at=given.pop("created_at", None) or store.now(),
                **given,
            )
            store.applied_coupons.add(row)
            return row

    @contextmanager
    def _running(self) -> Iterator[Store]:
        with self._lock:
            yield self._store

    def _known_customer(self, external_id: str) -> Customer:
        row = self._store.customer(external_id)
        if row is None:
            raise ValueError(f"no customer {external_id!r}; nothing was done")
        return row

    def _override(self, parent: Plan, amount_cents: int) -> Plan:
        return new_plan(
            self._store,
            code=parent.code,
            name=parent.name,
            interval=parent.interval,
            amount_cents=amount_cents,
            amount_currency=parent.amount_currency,
            pay_in_advance=parent.pay_in_advance,
            trial_period=parent.trial_period,
            parent=parent,
        )

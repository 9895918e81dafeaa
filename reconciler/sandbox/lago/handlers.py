"""What each route of the sandbox Lago does, once the path is matched and the key checked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.sandbox.lago import customer_writes, invoice_views, lists, plan_writes, subscription_writes, views
from reconciler.sandbox.lago.answers import invalid, not_found, root_missing
from reconciler.sandbox.lago.constants import PUBLIC_KEY, billing_entity, organization
from reconciler.sandbox.lago.lifecycle import delete_customer, delete_plan
from reconciler.sandbox.lago.rows import Customer, Invoice, Plan
from reconciler.sandbox.lago.store import Store

Body = dict[str, Any] | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request taken apart; `id` is the decoded identifier in the path, empty where the path has none."""

    id: str
    query: lists.Query
    body: dict[str, Any]

    def root(self, name: str) -> dict[str, Any]:
        """The object under the body's one root; raises the 400 of a body without it."""
        found = self.body.get(name)
        if not isinstance(found, dict) or not found:
            raise root_missing(name)
        return found


class Handlers:
    """The organisation's objects, read and written one call at a time; every method may raise `RefusedError`."""

    def __init__(self, store: Store, *, name: str) -> None:
        """Serve the organisation `name` whose rows are in `store`."""
        self.store = store
        self.stripe_reachable = True
        self._counts = lists.InvoiceCounts()
        self._organization = organization(store.organization_id, name, views.instant(store.founded_at))
        self.entity = str(self._organization["slug"])
        self.prefix = str(self._organization["document_number_prefix"])

    def organizations(self, _: Call) -> Body:
        """The organisation that the key belongs to."""
        return {"organization": self._organization}

    def billing_entities(self, _: Call) -> Body:
        """Every billing entity; not paged."""
        return {"billing_entities": [billing_entity(self._organization)]}

    def json_public_key(self, _: Call) -> Body:
        """The key for webhook signatures, in JSON."""
        return {"webhook": {"public_key": PUBLIC_KEY}}

    def public_key(self, _: Call) -> Body:
        """The key for webhook signatures, as text."""
        return PUBLIC_KEY

    def customers(self, call: Call) -> Body:
        """The list of customers."""
        found = lists.customers(self.store, call.query, self.entity)
        return lists.page("customers", found, call.query, lambda row: views.customer_row(row, self.entity))

    def customer(self, call: Call) -> Body:
        """One customer."""
        return self._customer_alone(self._customer(call))

    def upsert_customer(self, call: Call) -> Body:
        """Create or change one customer."""
        body = call.root("customer")
        row = customer_writes.upsert(self.store, body, self.prefix, stripe_reachable=self.stripe_reachable)
        return self._customer_alone(row)

    def delete_customer(self, call: Call) -> Body:
        """Delete one customer."""
        row = self._customer(call)
        delete_customer(self.store, row)
        return self._customer_alone(row)

    def plans(self, call: Call) -> Body:
        """The list of plans, overrides and deleted ones left out."""
        rows = [row for row in self.store.plans if row.parent is None and not row.deleted]
        return lists.page("plans", rows, call.query, views.plan_row)

    def plan(self, call: Call) -> Body:
        """One plan."""
        return {"plan": views.plan_alone(self._plan(call))}

    def create_plan(self, call: Call) -> Body:
        """Create a plan."""
        return {"plan": views.plan_alone(plan_writes.create(self.store, call.root("plan")))}

    def update_plan(self, call: Call) -> Body:
        """Change a plan."""
        body, row = call.root("plan"), self._plan(call)
        plan_writes.update(row, body)
        return {"plan": views.plan_alone(row)}

    def delete_plan(self, call: Call) -> Body:
        """Delete a plan, used or not."""
        row = self._plan(call)
        delete_plan(self.store, row)
        return {"plan": views.plan_alone(row)}

    def subscriptions(self, call: Call, customer: Customer | None = None) -> Body:
        """The list of subscriptions, of everyone or of one customer."""
        now = self.store.now()
        found = lists.subscriptions(self.store, call.query, self.entity, customer)
        return lists.page("subscriptions", found, call.query, lambda row: views.subscription_row(row, now))

    def subscriptions_of_customer(self, call: Call) -> Body:
        """The list of one customer's subscriptions; an unknown customer is a 404 here."""
        return self.subscriptions(call, self._customer(call))

    def subscription(self, call: Call) -> Body:
        """One subscription in one status, `active` unless asked; of several the latest ended, else the latest made."""
        status = call.query.scalars.get("status", "active")
        found = [row for row in self.store.subscriptions_called(call.id) if row.status == status]
        if not found:
            raise not_found("subscription")
        latest = max(found, key=lambda row: (row.terminated_at or row.created_at, row.created_at))
        return {"subscription": views.subscription_alone(latest, self.store.now())}

    def create_subscription(self, call: Call) -> Body:
        """Create, upgrade or downgrade."""
        row = subscription_writes.create(self.store, call.root("subscription"), self.prefix)
        return {"subscription": views.subscription_alone(row, self.store.now())}

    def update_subscription(self, call: Call) -> Body:
        """Change a subscription, never its plan."""
        body = call.root("subscription")
        row = subscription_writes.update(self.store, call.id, body, call.query.scalars.get("status"))
        return {"subscription": views.subscription_changed(row, self.store.now())}

    def delete_subscription(self, call: Call) -> Body:
        """Terminate a subscription or cancel its pending change."""
        row = subscription_writes.end(self.store, call.id, call.query.scalars.get("status"))
        return {"subscription": views.subscription_ended(row, self.store.now())}

    def invoices(self, call: Call, customer: Customer | None = None) -> Body:
        """The list of invoices, of everyone or of one customer."""
        found = lists.invoices(self.store, call.query, self.entity, customer)
        total = self._counts.total(call.id, call.query, len(found), self.store.now())
        return lists.page("invoices", found, call.query, lambda row: invoice_views.invoice_row(row, self.entity), total)

    def invoices_of_customer(self, call: Call) -> Body:
        """The list of one customer's invoices; an unknown customer is a 404 here."""
        return self.invoices(call, self._customer(call))

    def invoice(self, call: Call) -> Body:
        """One invoice with its fees and subscriptions."""
        return self._invoice_alone(self._invoice(call), self.store.now())

    def update_invoice(self, call: Call) -> Body:
        """Record the payment status; `succeeded` ends being overdue and leaves the amounts as they were."""
        body, row, now = call.root("invoice"), self._invoice(call), self.store.now()
        if "payment_status" in body:
            if body["payment_status"] not in ("pending", "succeeded", "failed"):
                raise invalid({"payment_status": ["value_is_invalid"]})
            row.payment_status = body["payment_status"]
            row.payment_overdue = row.payment_overdue and row.payment_status != "succeeded"
        row.updated_at = now
        return self._invoice_alone(row, now)

    def overdue_balance(self, call: Call) -> Body:
        """What is overdue, by month and currency."""
        found = lists.invoices(self.store, call.query, self.entity)
        return invoice_views.overdue_balances(found, self.store.organization_id)

    def applied_coupons(self, call: Call, customer: Customer | None = None) -> Body:
        """The list of applied coupons, of everyone or of one customer."""
        found = lists.applied_coupons(self.store, call.query, customer)
        return lists.page("applied_coupons", found, call.query, views.applied_coupon_row)

    def applied_coupons_of_customer(self, call: Call) -> Body:
        """The list of one customer's applied coupons; an unknown customer is a 404 here."""
        return self.applied_coupons(call, self._customer(call))

    def _customer(self, call: Call) -> Customer:
        row = self.store.customer(call.id)
        if row is None:
            raise not_found("customer")
        return row

    def _customer_alone(self, row: Customer) -> Body:
        return {"customer": views.customer_alone(row, self.entity)}

    def _plan(self, call: Call) -> Plan:
        row = self.store.plan(call.id)
        if row is None:
            raise not_found("plan")
        return row

    def _invoice(self, call: Call) -> Invoice:
        row = next((row for row in self.store.invoices if row.lago_id == call.id), None)
        if row is None:
            raise not_found("invoice")
        return row

    def _invoice_alone(self, row: Invoice, now: datetime) -> Body:
        return {"invoice": invoice_views.invoice_alone(row, self.entity, now)}

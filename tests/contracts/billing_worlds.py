"""Three worlds that hold customers with subscriptions: a Lago, a Stripe, and the fake of both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

import httpx

from billing.billing_support import LAGO_KEY, NOW, lago_sandbox, lago_source, stripe_sandbox, stripe_source
from fakes_billing import FakeBillingSource
from reconciler.billing.lago_client import path_part
from reconciler.model.billing import Customer, Invoice, Item, Source, Subscription, SubscriptionStatus
from reconciler.model.observation import CustomerReading, ReadProof, SideList, SideRead, Snapshot
from reconciler.ports import BillingSource
from reconciler.sandbox.lago import LagoSandbox
from reconciler.sandbox.server import Fault, LoopbackServer
from reconciler.sandbox.stripe import StripeSandbox

LONG_AGO = NOW - timedelta(days=200)


class BillingWorld(Protocol):
    """A world to fill and change, and the source that reads it. Every id it gives is the model's."""

    @property
    def reader(self) -> BillingSource: ...

    def add_customer(self, org_key: str) -> str: ...

    def add_subscription(self, customer_id: str, *, ended: bool = False, euro: bool = False) -> str: ...

    def end_subscription(self, subscription_id: str) -> None: ...

    def delete_customer(self, customer_id: str) -> None: ...

    def add_unpaid_invoice(self, customer_id: str, subscription_id: str) -> str: ...

    def forbid_invoices(self) -> None: ...

    def refuse_key(self) -> None: ...

    def go_down(self) -> None: ...


class LagoWorld:
    def __init__(self, lago: LagoSandbox, server: LoopbackServer, reader: BillingSource) -> None:
        self._lago = lago
        self._server = server
        self.reader = reader
        self._external: dict[str, str] = {}

    def add_customer(self, org_key: str) -> str:
        customer = self._lago.add_customer(org_key)
        self._external[customer.lago_id] = org_key
        return customer.lago_id

    def add_subscription(self, customer_id: str, *, ended: bool = False, euro: bool = False) -> str:
        external_id = f"sub.{len(self._external)}"
        row = self._lago.add_subscription(
            self._external[customer_id],
            "professional_eur" if euro else "professional",
            external_id=external_id,
            status="terminated" if ended else "active",
            started_at=LONG_AGO,
            terminated_at=NOW if ended else None,
        )
        self._external[row.lago_id] = external_id
        return row.lago_id

    def end_subscription(self, subscription_id: str) -> None:
        url = f"{self._server.url}/api/v1/subscriptions/{path_part(self._external[subscription_id])}"
        httpx.delete(url, headers={"Authorization": f"Bearer {LAGO_KEY}"}).raise_for_status()

    def delete_customer(self, customer_id: str) -> None:
        self._lago.delete_customer(self._external[customer_id])

    def add_unpaid_invoice(self, customer_id: str, subscription_id: str) -> str:
        billed = self._lago.find_subscription(self._external[subscription_id])
        return self._lago.add_invoice(
            self._external[customer_id],
            amount_cents=9900,
            issuing_date=LONG_AGO.date(),
            payment_overdue=True,
            subscription=billed,
        ).lago_id

    def forbid_invoices(self) -> None:
        self._server.add_fault(Fault(target="/invoices", status=403, body="{}", times=None))

    def refuse_key(self) -> None:
        self._server.add_fault(Fault(status=401, body='{"error":{}}', times=None))

    def go_down(self) -> None:
        self._server.add_fault(Fault(status=503, times=None))


class StripeWorld:
    def __init__(self, stripe: StripeSandbox, server: LoopbackServer, reader: BillingSource) -> None:
        self._stripe = stripe
        self._server = server
        self.reader = reader
        product = stripe.add_product("Professional")
        self._dollars = stripe.add_price(product, unit_amount=9900)
        self._euros = stripe.add_price(product, unit_amount=8900, currency="eur")

    def add_customer(self, org_key: str) -> str:
        return self._stripe.add_customer(metadata={"org_id": org_key})

    def add_subscription(self, customer_id: str, *, ended: bool = False, euro: bool = False) -> str:
        return self._stripe.add_subscription(
            customer_id,
            prices=[self._euros if euro else self._dollars],
            created=LONG_AGO,
            status="canceled" if ended else "active",
            ended_at=NOW if ended else None,
        )

    def end_subscription(self, subscription_id: str) -> None:
        self._stripe.cancel_subscription(subscription_id)

    def delete_customer(self, customer_id: str) -> None:
        self._stripe.delete_customer(customer_id)

    def add_unpaid_invoice(self, customer_id: str, subscription_id: str) -> str:
        del customer_id
        return self._stripe.add_invoice(amount=9900, subscription=subscription_id, created=LONG_AGO)

    def forbid_invoices(self) -> None:
        body = (
            '{"error":{"message":"Having the \'rak_invoice_read\' permission would allow this request to continue."}}'
        )
        for target in ("/invoices", "latest_invoice"):
            self._server.add_fault(Fault(target=target, status=403, body=body, times=None))

    def refuse_key(self) -> None:
        self._server.add_fault(Fault(status=401, body='{"error":{}}', times=None))

    def go_down(self) -> None:
        self._server.add_fault(Fault(status=503, times=None))


class FakeWorld:
    def __init__(self) -> None:
        self.reader = FakeBillingSource(
            Snapshot(
                source=Source.STRIPE,
                customers=(),
                subscriptions=(),
                complete=True,
                proof=ReadProof(read_from=NOW, read_until=NOW),
                side_reads=(SideRead(name=SideList.OPEN_INVOICES),),
                about="The fake",
            )
        )

    def add_customer(self, org_key: str) -> str:
        snapshot = self.reader.snapshot
        added = Customer(source=Source.STRIPE, id=f"cus_{org_key}", org_key=org_key)
        self.reader.snapshot = replace(snapshot, customers=(*snapshot.customers, added))
        return added.id

    def add_subscription(self, customer_id: str, *, ended: bool = False, euro: bool = False) -> str:
        snapshot = self.reader.snapshot
        status = SubscriptionStatus.ENDED if ended else SubscriptionStatus.ACTIVE
        added = Subscription(
            source=Source.STRIPE,
            id=f"sub_{len(snapshot.subscriptions)}",
            customer_id=customer_id,
            status=status,
            raw_status=status.value,
            items=(Item(id="si", unit_amount=8900 if euro else 9900, currency="eur" if euro else "usd"),),
            created_at=LONG_AGO,
            ended_at=NOW if ended else None,
        )
        self.reader.snapshot = replace(snapshot, subscriptions=(*snapshot.subscriptions, added))
        return added.id

    def end_subscription(self, subscription_id: str) -> None:
        snapshot = self.reader.snapshot
        self.reader.snapshot = replace(
            snapshot,
            subscriptions=tuple(
                replace(each, status=SubscriptionStatus.ENDED, ended_at=NOW) if each.id == subscription_id else each
                for each in snapshot.subscriptions
            ),
        )

    def delete_customer(self, customer_id: str) -> None:
        snapshot = self.reader.snapshot
        left = tuple(each for each in snapshot.customers if each.id != customer_id)
        gone = Customer(source=Source.STRIPE, id=customer_id, deleted=True)
        held = tuple(each for each in snapshot.subscriptions if each.customer_id == customer_id)
        self.reader.readings[customer_id] = CustomerReading(customer=gone, subscriptions=held)
        self.reader.snapshot = replace(snapshot, customers=left)

    def add_unpaid_invoice(self, customer_id: str, subscription_id: str) -> str:
        snapshot = self.reader.snapshot
        added = Invoice(
            source=Source.STRIPE,
            id=f"in_{len(snapshot.invoices)}",
            customer_id=customer_id,
            due_minor=9900,
            currency="usd",
            subscription_ids=(subscription_id,),
            due_since=LONG_AGO,
            overdue=True,
        )
        self.reader.snapshot = replace(snapshot, invoices=(*snapshot.invoices, added))
        return added.id

    def forbid_invoices(self) -> None:
        refused = SideRead(name=SideList.OPEN_INVOICES, problem="it may not be read")
        self.reader.snapshot = replace(self.reader.snapshot, invoices=(), side_reads=(refused,))

    def refuse_key(self) -> None:
        self.reader.down = "The fake refuses the key"

    def go_down(self) -> None:
        self.reader.down = "The fake is down"


@contextmanager
def world_of(kind: str) -> Iterator[BillingWorld]:
    """A fresh, empty world: `lago`, `stripe` or `fake`."""
    if kind == "fake":
        yield FakeWorld()
    elif kind == "lago":
        lago = lago_sandbox()
        with lago.serve() as server, lago_source(server) as reader:
            yield LagoWorld(lago, server, reader)
    else:
        stripe = stripe_sandbox()
        with stripe.serve() as server, stripe_source(server) as reader:
            yield StripeWorld(stripe, server, reader)

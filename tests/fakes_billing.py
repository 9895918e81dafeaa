"""A billing source in memory: a snapshot to give, and readings of single customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from reconciler.errors import SourceUnavailableError
from reconciler.model.billing import Customer, Source, SubscriptionStatus
from reconciler.model.observation import CustomerReading, SideList, Snapshot, Wanted

ENDED = frozenset({SubscriptionStatus.ENDED, SubscriptionStatus.ABANDONED})


class FakeBillingSource:
    """Gives `snapshot` as it is now, and `readings` by customer id, else what the snapshot holds of a customer.

    With `down` set to a text it is an outage with that problem. `asked` lists the customers read singly, in order;
    `wanted` is what was wanted last beyond the lists.
    """

    def __init__(self, snapshot: Snapshot, readings: Mapping[str, CustomerReading] | None = None) -> None:
        self.snapshot = snapshot
        self.readings = dict(readings or {})
        self.down: str | None = None
        self.asked: list[str] = []
        self.wanted = Wanted()

    @property
    def source(self) -> Source:
        return self.snapshot.source

    def read_all(self, as_of: datetime) -> Snapshot:
        proof = replace(self.snapshot.proof, read_from=as_of, read_until=as_of)
        if self.down is not None:
            return replace(
                self.snapshot, customers=(), subscriptions=(), complete=False, problem=self.down, proof=proof
            )
        live = [each for each in self.snapshot.subscriptions if each.status not in ENDED]
        return replace(self.snapshot, proof=replace(proof, rows=len(self.snapshot.customers) + len(live)))

    def read_more(self, snapshot: Snapshot, wanted: Wanted, as_of: datetime) -> Snapshot:  # noqa: ARG002 -- the port's
        self.wanted = wanted
        if self.down is not None:
            return replace(snapshot, complete=False, problem=self.down)
        held = {each.id for each in snapshot.customers}
        known = [reading.customer for reading in self.readings.values()]
        found = [each for each in known if each.id in wanted.recorded_ids - held]
        rows = {each.id: each for each in snapshot.subscriptions}
        for reading in self.readings.values():
            if reading.customer.id in wanted.ended_of:
                rows.update({each.id: each for each in reading.subscriptions if each.status in ENDED})
        return replace(
            snapshot,
            customers=(*snapshot.customers, *found),
            subscriptions=tuple(rows.values()),
            ended_of=None if snapshot.ended_of is None else snapshot.ended_of | wanted.ended_of,
        )

    def find_customer(self, org_id: str) -> Customer | None:
        if self.source is Source.STRIPE:
            return None
        if self.down is not None:
            raise SourceUnavailableError(self.down, remedy="Run again")
        named = [*(each.customer for each in self.readings.values()), *self.snapshot.customers]
        return next((each for each in named if each.org_key == org_id and not each.deleted), None)

    def read_customer(self, customer: Customer) -> CustomerReading:
        self.asked.append(customer.id)
        if self.down is not None:
            raise SourceUnavailableError(self.down, remedy="Run again")
        if customer.id in self.readings:
            return self.readings[customer.id]
        held = [each for each in self.snapshot.customers if each.id == customer.id]
        return CustomerReading(
            customer=held[0] if held else replace(customer, deleted=True),
            subscriptions=tuple(each for each in self.snapshot.subscriptions if each.customer_id == customer.id),
            invoices=tuple(each for each in self.snapshot.invoices if each.customer_id == customer.id)
            if self.snapshot.has_read(SideList.OPEN_INVOICES)
            else None,
        )

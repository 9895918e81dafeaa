"""The sandbox Lago's memory: tables in the order of Lago's lists, ids, the clock and the jobs put off."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from reconciler.sandbox.lago.rows import (
    AppliedCoupon,
    Customer,
    Invoice,
    Plan,
    Subscription,
    SubscriptionStatus,
)

Clock = Callable[[], datetime]
Row = TypeVar("Row")

JOB_DELAY = timedelta(seconds=2)  # how long a real server's queue takes with the rows of a deleted customer or plan


class Table(Generic[Row]):
    """Rows of one kind, listed in one order; the order is worked out again only after `changed`."""

    def __init__(self, order: Callable[[Row], Any]) -> None:
        """Start empty; `order` is the sort key of the lists."""
        self._order = order
        self._rows: list[Row] = []
        self._sorted = True

    def add(self, row: Row) -> None:
        """Take one more row in."""
        self._rows.append(row)
        self._sorted = False

    def changed(self) -> None:
        """Say that a row's place in the list may have moved."""
        self._sorted = False

    def __iter__(self) -> Iterator[Row]:
        if not self._sorted:
            self._rows.sort(key=self._order)
            self._sorted = True
        return iter(self._rows)


class Store:
    """Everything one Lago organisation holds; not safe for threads, the sandbox locks around it."""

    def __init__(self, *, clock: Clock, seed: int) -> None:
        """Start empty; the same seed and the same calls give the same ids."""
        self._random = random.Random(seed)  # noqa: S311 - ids that must repeat, nothing secret
        self._clock = clock
        self._fixed: datetime | None = None
        self._put_off: list[tuple[datetime, Callable[[datetime], None]]] = []
        self._kept_customers: dict[str, Customer] = {}
        self._of_customer: dict[str, list[Subscription]] = {}
        self._of_external_id: dict[str, list[Subscription]] = {}
        self._customers_made = 0
        self.organization_id = self.new_id()
        self.founded_at = self.now()
        self.plans = Table[Plan](lambda row: (-row.created_at.timestamp(), row.lago_id))
        self.customers = Table[Customer](lambda row: (-row.created_at.timestamp(), row.lago_id))
        self.subscriptions = Table[Subscription](
            lambda row: (-row.subscription_at.timestamp(), -row.created_at.timestamp(), row.lago_id)
        )
        self.invoices = Table[Invoice](
            lambda row: (-row.issuing_date.toordinal(), -row.created_at.timestamp(), row.lago_id)
        )
        self.applied_coupons = Table[AppliedCoupon](lambda row: (-row.created_at.timestamp(), row.lago_id))
        self.payment_providers: set[tuple[str, str]] = set()

    def new_id(self) -> str:
        """A UUID of version 4 by shape, the next of the seed's row."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def now(self) -> datetime:
        """The server's time, aware, in UTC."""
        return (self._fixed or self._clock()).astimezone(UTC)

    def set_clock(self, at: datetime | None) -> None:
        """Stop the server's clock at `at`; None lets it run again."""
        self._fixed = at

    def put_off(self, job: Callable[[datetime], None]) -> None:
        """Run `job` once the queue gets to it; it is told when that was."""
        self._put_off.append((self.now() + JOB_DELAY, job))

    def run_put_off(self) -> None:
        """Run the jobs whose time has come."""
        now = self.now()
        due = [entry for entry in self._put_off if entry[0] <= now]
        self._put_off = [entry for entry in self._put_off if entry[0] > now]
        for at, job in due:
            job(at)

    def next_customer_number(self) -> int:
        """The sequential id of the next customer; deleted ones keep theirs."""
        self._customers_made += 1
        return self._customers_made

    def keep_customer(self, customer: Customer) -> None:
        """Take a new customer in, reachable by its external id."""
        self.customers.add(customer)
        self._kept_customers[customer.external_id] = customer

    def discard_customer(self, customer: Customer, at: datetime) -> None:
        """Hide a customer and free its external id; its subscriptions stay until a job gets to them."""
        customer.deleted_at = customer.updated_at = at
        del self._kept_customers[customer.external_id]

    def customer(self, external_id: str) -> Customer | None:
        """The customer that is not deleted and has this external id."""
        return self._kept_customers.get(external_id)

    def plan(self, code: str) -> Plan | None:
        """The plan, not an override, that is not deleted and has this code."""
        return next((row for row in self.plans if row.code == code and not row.parent and not row.deleted), None)

    def add_subscription(self, row: Subscription) -> None:
        """Take one more subscription in, behind the row that it is to replace."""
        self.subscriptions.add(row)
        self._of_customer.setdefault(row.customer.lago_id, []).append(row)
        self._of_external_id.setdefault(row.external_id, []).append(row)
        if row.previous:
            row.previous.successors.append(row)

    def subscriptions_of(self, customer: Customer) -> list[Subscription]:
        """Every row of one customer, oldest first."""
        return self._of_customer.get(customer.lago_id, [])

    def subscriptions_called(self, external_id: str, status: SubscriptionStatus | None = None) -> list[Subscription]:
        """Every row with this external id, of any customer, oldest first."""
        rows = self._of_external_id.get(external_id, [])
        return [row for row in rows if status in (None, row.status)]

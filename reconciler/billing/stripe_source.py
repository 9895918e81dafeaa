"""Stripe as a BillingSource: one listing of every status, newest first, in ranges of creation read side by side."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Self, TypeVar

from reconciler.billing.asking import (
    MOST_IN_FLIGHT,
    READ_DEADLINE_S,
    GarbledError,
    OutageError,
    RetryListener,
    RetryPolicy,
    Tally,
    unheard,
)
from reconciler.billing.breadth import Breadth
from reconciler.billing.crew import Hands, OneByOne
from reconciler.billing.more import MOST_SINGLY, population, with_more
from reconciler.billing.network import Asking, Network
from reconciler.billing.pacing import RateBudget
from reconciler.billing.stripe_client import StripeClient
from reconciler.billing.stripe_mapping import customer_of, subscription_of
from reconciler.billing.stripe_ranges import Dated, Sweep
from reconciler.billing.stripe_walk import walk
from reconciler.billing.stripe_wire import WireCustomer, WireItem, WireList, WireSubscription
from reconciler.errors import NotThatSourceError, SourceRefusedError, SourceUnavailableError
from reconciler.model.billing import Customer, Source, Subscription
from reconciler.model.observation import CustomerReading, Snapshot, Wanted
from reconciler.ports import Clock

API_URL = "https://api.stripe.com"

PAGE_SIZE = 100  # the most that Stripe gives
_NOT_FOUND = 404
_ID = re.compile(r"[A-Za-z0-9_-]+")  # anything else that a store may hold is no id, and must not become a path
# A path of four is the longest that Stripe expands; coupons of items lie deeper and are read with the items.
_DISCOUNTS = ["data.discounts.source.coupon"]
_DISCOUNT = ["data.discount.source.coupon"]

Row = TypeVar("Row")


class StripeSource:
    """One Stripe account in one mode, read only, behind the port BillingSource."""

    def __init__(
        self,
        *,
        api_key: str,
        livemode: bool,
        clock: Clock,
        url: str = API_URL,
        account: str = "",
        metadata_org_key: str = "org_id",
        max_requests_per_s: float = 20,
        retry: RetryPolicy | None = None,
        on_retry: RetryListener = unheard,
        connect_timeout_s: float = 10,
        read_timeout_s: float = 30,
        budget: RateBudget | None = None,
        asking: Asking | None = None,
        read_deadline_s: float = READ_DEADLINE_S,
        page_size: int = PAGE_SIZE,
    ) -> None:
        """Raise CredentialError for a key that cannot be right for `livemode`; nothing is sent yet.

        A read that is not done after `read_deadline_s` ends there and is not complete. With `asking` the answers come
        from there, and rate, budget and retries are its own.
        """
        self._asking = asking or Network(
            Source.STRIPE, budget or RateBudget(max_requests_per_s), policy=retry, on_retry=on_retry
        )
        self._client = StripeClient(
            url=url,
            api_key=api_key,
            livemode=livemode,
            account=account,
            asking=self._asking,
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=read_timeout_s,
        )
        self._clock = clock
        self._read_deadline_s = read_deadline_s
        self._page_size = page_size
        self._metadata_org_key = metadata_org_key

    @property
    def source(self) -> Source:
        """Stripe."""
        return Source.STRIPE

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read_all(self, as_of: datetime) -> Snapshot:
        """Every customer and subscription of the account, save those on a test clock (ports.BillingSource)."""
        tally = self._tally(Breadth(MOST_IN_FLIGHT))
        subscriptions = self._sweep("subscriptions", WireList[WireSubscription], tally, _DISCOUNTS, status="all")
        customers = self._sweep("customers", WireList[WireCustomer], tally, _DISCOUNT)
        items: dict[str, WireList[WireItem]] = {}
        problems: list[str] = []
        try:
            with self._asking.crew(tally) as crew:
                problems += subscriptions.run(crew)
                problems += self._read_broken_off(subscriptions.rows().values(), items, crew, tally)
                problems += customers.run(crew)  # after the subscriptions, so that whoever has one is in this list
        except (SourceUnavailableError, SourceRefusedError) as error:
            problems.append(error.problem)
        owners = customers.rows()
        found = tuple(customer_of(row, metadata_org_key=self._metadata_org_key) for row in owners.values())
        held = tuple(
            self._mapped(_with_items(row, items), owners.get(row.customer), as_of)
            for row in subscriptions.rows().values()
        )
        lists = (subscriptions.proof(), customers.proof())
        problems += [f"The ranges of Stripe's {each.name} do not adjoin" for each in lists if not each.adjoins]
        return Snapshot(
            source=Source.STRIPE,
            customers=found,
            subscriptions=held,
            complete=not problems,
            proof=tally.proof(rows=population(found, held), lists=lists, read_until=self._clock.now()),
            problem="; ".join(problems) or None,
        )

    def read_more(self, snapshot: Snapshot, wanted: Wanted, as_of: datetime) -> Snapshot:  # noqa: ARG002 -- the port's
        """What no list held (ports.BillingSource), up to 50 recorded ids: deleted customers are in no list."""
        tally = self._tally(Breadth(1))
        asked = sorted(each for each in wanted.recorded_ids if _ID.fullmatch(each))[:MOST_SINGLY]
        found: list[Customer] = []
        try:
            for each in asked:
                row = self._customer(each, tally)
                found += [] if row is None else [customer_of(row, metadata_org_key=self._metadata_org_key)]
        except (SourceUnavailableError, SourceRefusedError) as error:
            return with_more(snapshot, tally, problem=error.problem, read_until=self._clock.now())
        return with_more(snapshot, tally, customers=found, read_until=self._clock.now())

    def find_customer(self, org_id: str) -> None:
        """None always (ports.BillingSource): Stripe's search by metadata lags, so the sweep of the run stands."""

    def read_customer(self, customer: Customer) -> CustomerReading:
        """One customer and its subscriptions as they are now (ports.BillingSource).

        A customer that this account and mode never had is refused: its absence would prove nothing.
        """
        tally = self._tally(Breadth(1))
        row = self._client.read(f"/v1/customers/{customer.id}", WireCustomer, tally, expand=["discount.source.coupon"])
        own = self._sweep(
            "subscriptions", WireList[WireSubscription], tally, _DISCOUNTS, status="all", customer=customer.id
        )
        items: dict[str, WireList[WireItem]] = {}
        hands = OneByOne()
        problems = own.run(hands)
        problems += self._read_broken_off(own.rows().values(), items, hands, tally)
        if problems:
            raise OutageError("; ".join(problems))
        return CustomerReading(
            customer=customer_of(row, metadata_org_key=self._metadata_org_key),
            subscriptions=tuple(
                self._mapped(_with_items(each, items), row, self._clock.now())
                for each in own.rows().values()
                if each.customer == customer.id
            ),
        )

    def _customer(self, customer_id: str, tally: Tally) -> WireCustomer | None:
        """The customer as it is now, None where this account never had it."""
        try:
            return self._client.read(
                f"/v1/customers/{customer_id}", WireCustomer, tally, expand=["discount.source.coupon"]
            )
        except SourceRefusedError as error:
            if error.status != _NOT_FOUND:
                raise
            return None

    def _tally(self, breadth: Breadth) -> Tally:
        until = time.monotonic() + self._read_deadline_s
        return Tally(read_from=self._clock.now(), until=until, breadth=breadth)

    def _mapped(self, row: WireSubscription, customer: WireCustomer | None, as_of: datetime) -> Subscription:
        return subscription_of(row, customer=customer, metadata_org_key=self._metadata_org_key, as_of=as_of)

    def _sweep(
        self, what: str, model: type[WireList[Dated]], tally: Tally, expand: list[str], **query: str
    ) -> Sweep[Dated]:
        def fetch(asked: dict[str, Any]) -> WireList[Dated]:
            return self._page(f"/v1/{what}", model, tally, **query, expand=expand, **asked)

        return Sweep(fetch, what=what)

    def _read_broken_off(
        self, rows: Iterable[WireSubscription], items: dict[str, WireList[WireItem]], hands: Hands, tally: Tally
    ) -> list[str]:
        """Put into `items`, by subscription, those its own row does not show whole; what is not proven, in words."""
        problems: list[str] = []
        waiting = [row.id for row in rows if row.items.has_more or any(item.discounts for item in row.items.data)]
        in_flight = 0
        while waiting or in_flight:
            while waiting and hands.free:
                wanted = waiting.pop()
                hands.give(wanted, partial(self._read_items, wanted, tally))
                in_flight += 1
            subscription, (whole, unproven) = hands.take()
            in_flight -= 1
            items[subscription] = WireList(data=tuple(whole.values()), has_more=False)
            problems += unproven
        return problems

    def _read_items(self, subscription: str, tally: Tally) -> tuple[dict[str, WireItem], list[str]]:
        rows: dict[str, WireItem] = {}

        def fetch(cursor: str | None) -> WireList[WireItem]:
            after = {} if cursor is None else {"starting_after": cursor}
            path = "/v1/subscription_items"
            return self._page(path, WireList[WireItem], tally, subscription=subscription, expand=_DISCOUNTS, **after)

        return rows, walk(fetch, rows, what=f"items of {subscription}")

    def _page(self, path: str, model: type[WireList[Row]], tally: Tally, **query: Any) -> WireList[Row]:
        try:
            page = self._client.read(path, model, tally, limit=self._page_size, **query)
        except (GarbledError, SourceRefusedError) as error:
            if tally.pages or (isinstance(error, SourceRefusedError) and error.status != _NOT_FOUND):
                raise
            raise NotThatSourceError(  # nothing that was sent in this read made sense
                f"{self._client.host} answers, but not as Stripe does", remedy=f"Set [stripe] url to {API_URL}"
            ) from error
        tally.count(pages=1)
        return page


def _with_items(row: WireSubscription, items: Mapping[str, WireList[WireItem]]) -> WireSubscription:
    return replace(row, items=items[row.id]) if row.id in items else row

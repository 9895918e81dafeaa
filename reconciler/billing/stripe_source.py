"""Stripe as a BillingSource: one listing of every status, newest first, by cursor."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self, TypeVar

from reconciler.billing.asking import Caller, GarbledError, OutageError, RetryListener, RetryPolicy, Tally, unheard
from reconciler.billing.pacing import RateBudget
from reconciler.billing.stripe_client import StripeClient
from reconciler.billing.stripe_mapping import customer_of, subscription_of
from reconciler.billing.stripe_walk import walk
from reconciler.billing.stripe_wire import WireCustomer, WireItem, WireList, WireSubscription
from reconciler.errors import NotThatSourceError, SourceRefusedError, SourceUnavailableError
from reconciler.model.billing import Customer, Source
from reconciler.model.observation import CustomerReading, Snapshot
from reconciler.ports import Clock

API_URL = "https://api.stripe.com"

_PAGE_SIZE = 100  # the most that Stripe gives
_NOT_FOUND = 404
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
    ) -> None:
        """Raise CredentialError for a key that cannot be right for `livemode`; nothing is sent yet."""
        caller = Caller(
            Source.STRIPE,
            budget or RateBudget(max_requests_per_s),
            policy=retry or RetryPolicy(),
            on_retry=on_retry,
        )
        self._client = StripeClient(
            url=url,
            api_key=api_key,
            livemode=livemode,
            account=account,
            caller=caller,
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=read_timeout_s,
        )
        self._clock = clock
        self._metadata_org_key = metadata_org_key

    @property
    def source(self) -> Source:
        """Stripe."""
        return Source.STRIPE

    def close(self) -> None:
        """Close the connections of this thread."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read_all(self, as_of: datetime) -> Snapshot:
        """Every customer and subscription of the account, save those on a test clock (ports.BillingSource)."""
        tally = Tally(read_from=self._clock.now())
        subscriptions: dict[str, WireSubscription] = {}
        customers: dict[str, WireCustomer] = {}
        problems: list[str] = []
        try:
            problems += self._read_subscriptions(subscriptions, tally)
            problems += walk(  # after the subscriptions, so that whoever has one is in this list
                lambda cursor: self._page("/v1/customers", WireList[WireCustomer], cursor, tally, expand=_DISCOUNT),
                customers,
                what="customers",
            )
        except (SourceUnavailableError, SourceRefusedError) as error:
            problems.append(error.problem)
        return Snapshot(
            source=Source.STRIPE,
            customers=tuple(customer_of(row, metadata_org_key=self._metadata_org_key) for row in customers.values()),
            subscriptions=tuple(
                subscription_of(
                    row,
                    customer=customers.get(row.customer),
                    metadata_org_key=self._metadata_org_key,
                    as_of=as_of,
                )
                for row in subscriptions.values()
            ),
            complete=not problems,
            proof=tally.proof(rows=len(customers) + len(subscriptions), read_until=self._clock.now()),
            problem="; ".join(problems) or None,
        )

    def find_customer(self, org_id: str) -> None:
        """None always (ports.BillingSource): Stripe's search by metadata lags, so the sweep of the run stands."""

    def read_customer(self, customer: Customer) -> CustomerReading:
        """One customer and its subscriptions as they are now (ports.BillingSource).

        A customer that this account and mode never had is refused: its absence would prove nothing.
        """
        tally = Tally(read_from=self._clock.now())
        row = self._client.read(f"/v1/customers/{customer.id}", WireCustomer, tally, expand=["discount.source.coupon"])
        subscriptions: dict[str, WireSubscription] = {}
        problems = self._read_subscriptions(subscriptions, tally, customer=customer.id)
        if problems:
            raise OutageError("; ".join(problems))
        now = customer_of(row, metadata_org_key=self._metadata_org_key)
        return CustomerReading(
            customer=now,
            subscriptions=tuple(
                subscription_of(each, customer=row, metadata_org_key=self._metadata_org_key, as_of=self._clock.now())
                for each in subscriptions.values()
                if each.customer == customer.id
            ),
        )

    def _read_subscriptions(self, rows: dict[str, WireSubscription], tally: Tally, **query: str) -> list[str]:
        """Fill `rows` with every subscription that `query` leaves and all its items; what is not proven, in words."""
        problems = walk(
            lambda cursor: self._page(
                "/v1/subscriptions",
                WireList[WireSubscription],
                cursor,
                tally,
                status="all",
                expand=_DISCOUNTS,
                **query,
            ),
            rows,
            what="subscriptions",
        )
        for row in [*rows.values()]:
            if row.items.has_more or any(item.discounts for item in row.items.data):
                items: dict[str, WireItem] = {}
                problems += self._read_items(row.id, items, tally)
                whole = WireList[WireItem](data=tuple(items.values()), has_more=False)
                rows[row.id] = row.model_copy(update={"items": whole})
        return problems

    def _read_items(self, subscription: str, rows: dict[str, WireItem], tally: Tally) -> list[str]:
        return walk(
            lambda cursor: self._page(
                "/v1/subscription_items",
                WireList[WireItem],
                cursor,
                tally,
                subscription=subscription,
                expand=_DISCOUNTS,
            ),
            rows,
            what=f"items of {subscription}",
        )

    def _page(
        self, path: str, model: type[WireList[Row]], cursor: str | None, tally: Tally, **query: Any
    ) -> WireList[Row]:
        if cursor is not None:
            query["starting_after"] = cursor
        try:
            page = self._client.read(path, model, tally, limit=_PAGE_SIZE, **query)
        except (GarbledError, SourceRefusedError) as error:
            if tally.pages or (isinstance(error, SourceRefusedError) and error.status != _NOT_FOUND):
                raise
            raise NotThatSourceError(  # nothing that was sent in this read made sense
                f"{self._client.host} answers, but not as Stripe does", remedy=f"Set [stripe] url to {API_URL}"
            ) from error
        tally.pages += 1
        return page

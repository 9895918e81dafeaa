"""The lists of one Stripe account: subscriptions with all their items, customers, invoices and schedules."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, TypeVar

from reconciler.billing.asking import GarbledError
from reconciler.billing.crew import Hands, do_all
from reconciler.billing.stripe_client import StripeClient
from reconciler.billing.stripe_ranges import Dated, Sweep
from reconciler.billing.stripe_walk import walk
from reconciler.billing.stripe_wire import (
    WireCustomer,
    WireInvoice,
    WireItem,
    WireList,
    WireSchedule,
    WireSubscription,
)
from reconciler.billing.tally import Tally
from reconciler.errors import NotThatSourceError, SourceRefusedError

API_URL = "https://api.stripe.com"
PAGE_SIZE = 100  # the most that Stripe gives

_NOT_FOUND = 404
# A path of four is the longest that Stripe expands; coupons of items lie deeper and are read with the items.
_DISCOUNTS = ["data.discounts.source.coupon"]
_DISCOUNT = "discount.source.coupon"
_PRICES = "phases.items.price"

Row = TypeVar("Row")


class StripeLists:
    """What can be asked of one account; every method counts in the tally it is given.

    `with_discounts`: coupons are expanded, which a key without the permission for them is refused.
    """

    def __init__(self, client: StripeClient, *, page_size: int) -> None:
        self._client = client
        self._page_size = page_size
        self.with_discounts = True

    def subscriptions(self, tally: Tally, *, with_invoice: bool = False, **query: str) -> Sweep[WireSubscription]:
        """All that have not ended, or those of `query`; `with_invoice` shows the latest invoice of each."""
        expand = [*self._discounts, *(["data.latest_invoice"] if with_invoice else [])]
        return self._sweep("subscriptions", WireList[WireSubscription], tally, expand=expand, **query)

    def customers(self, tally: Tally) -> Sweep[WireCustomer]:
        """All that are not deleted, save those on a test clock."""
        return self._sweep(
            "customers", WireList[WireCustomer], tally, expand=[f"data.{each}" for each in self._discount]
        )

    def open_invoices(self, tally: Tally, **query: str) -> Sweep[WireInvoice]:
        """Those that were not paid yet."""
        return self._sweep("invoices", WireList[WireInvoice], tally, status="open", **query)

    def schedules(self, tally: Tally) -> Sweep[WireSchedule]:
        """All there ever were."""
        return self._sweep("subscription_schedules", WireList[WireSchedule], tally, expand=[f"data.{_PRICES}"])

    def schedule(self, schedule_id: str, tally: Tally) -> WireSchedule:
        """One, with the prices of its phases."""
        return self._client.read(f"/v1/subscription_schedules/{schedule_id}", WireSchedule, tally, expand=[_PRICES])

    def customer(self, customer_id: str, tally: Tally) -> WireCustomer:
        """One as it is now, `deleted` where it was; refused where this account and mode never had it."""
        return self._client.read(f"/v1/customers/{customer_id}", WireCustomer, tally, expand=self._discount)

    def broken_off(
        self, rows: Iterable[WireSubscription], items: dict[str, WireList[WireItem]], hands: Hands, tally: Tally
    ) -> list[str]:
        """Put into `items`, by subscription, those its own row does not show whole; what is not proven, in words."""
        problems: list[str] = []
        wanted = [
            row.id
            for row in rows
            if row.items.has_more or (self.with_discounts and any(item.discounts for item in row.items.data))
        ]
        for subscription, (whole, unproven) in do_all(
            hands, ((each, partial(self._items, each, tally)) for each in wanted)
        ):
            items[subscription] = WireList(data=tuple(whole.values()), has_more=False)
            problems += unproven
        return problems

    @property
    def _discounts(self) -> list[str]:
        return _DISCOUNTS if self.with_discounts else []

    @property
    def _discount(self) -> list[str]:
        return [_DISCOUNT] if self.with_discounts else []

    def _items(self, subscription: str, tally: Tally) -> tuple[dict[str, WireItem], list[str]]:
        rows: dict[str, WireItem] = {}

        def fetch(cursor: str | None) -> WireList[WireItem]:
            after = {} if cursor is None else {"starting_after": cursor}
            path = "/v1/subscription_items"
            return self._page(
                path, WireList[WireItem], tally, subscription=subscription, expand=self._discounts, **after
            )

        return rows, walk(fetch, rows, what=f"items of {subscription}")

    def _sweep(self, what: str, model: type[WireList[Dated]], tally: Tally, **query: Any) -> Sweep[Dated]:
        def fetch(asked: dict[str, Any]) -> WireList[Dated]:
            return self._page(f"/v1/{what}", model, tally, **query, **asked)

        return Sweep(fetch, what=what)

    def _page(self, path: str, model: type[WireList[Row]], tally: Tally, **query: Any) -> WireList[Row]:
        try:
            page = self._client.read(path, model, tally, limit=self._page_size, **query)
        except (GarbledError, SourceRefusedError) as error:
            if tally.heard or (isinstance(error, SourceRefusedError) and error.status != _NOT_FOUND):
                raise
            raise NotThatSourceError(  # nothing that was sent in this read made sense
                f"{self._client.host} answers, but not as Stripe does", remedy=f"Set [stripe] url to {API_URL}"
            ) from error
        tally.saw_page(rows=len(page.data))
        return page

"""What one Stripe account sells, and what a key may read of it: the first day's questions, GET only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import Field

from reconciler.billing.asking import OutageError, RetryPolicy
from reconciler.billing.clock_skew import clock_skew
from reconciler.billing.network import Network
from reconciler.billing.pacing import RateBudget
from reconciler.billing.stripe_client import StripeClient
from reconciler.billing.stripe_walk import walk
from reconciler.billing.stripe_wire import WireList, WirePrice, WireRecurring
from reconciler.billing.tally import Tally
from reconciler.billing.wire import wire
from reconciler.errors import CredentialError, NotThatSourceError, SourceRefusedError
from reconciler.model.account import Offer, Permission
from reconciler.model.billing import Item, Source
from reconciler.model.money import Interval, Period
from reconciler.ports import Clock

_TEST_KEY = re.compile(r"(?:sk|rk)_(?:org_)?test_")
_PAGE_SIZE = 100
_NOT_FOUND = 404
# Permission, the list that needs it, its name in Stripe's screens, and what is missing without it; none: no pass runs.
_PERMISSIONS = (
    ("rak_customer_read", "/v1/customers", "Customers", ""),
    ("rak_subscription_read", "/v1/subscriptions", "Subscriptions", ""),
    ("rak_coupon_read", "/v1/coupons", "Coupons", "what is discounted counts as not priced, and is never lowered"),
    ("rak_plan_read", "/v1/prices", "Prices", "less can be checked, and changes of plan that are set are not seen"),
    ("rak_invoice_read", "/v1/invoices", "Invoices", "who is behind with paying is told by status alone"),
    (
        "rak_subscription_schedule_read",
        "/v1/subscription_schedules",
        "Subscription schedules",
        "changes of plan that are set are not seen",
    ),
)


@wire
class _ListedPrice(WirePrice):
    active: bool = True
    nickname: str | None = None


@wire
class _Product:
    id: str
    name: str = ""
    active: bool = True
    metadata: dict[str, str] = Field(default_factory=dict)


class StripeCatalog:
    """One Stripe account in one mode, behind the port CatalogSource."""

    def __init__(
        self,
        *,
        url: str,
        api_key: str,
        livemode: bool,
        account: str = "",
        clock: Clock,
        max_requests_per_s: float = 20,
        retry: RetryPolicy | None = None,
        connect_timeout_s: float = 10,
        read_timeout_s: float = 30,
    ) -> None:
        """Raise CredentialError for a key that cannot be right for `livemode`; nothing is sent yet."""
        network = Network(Source.STRIPE, RateBudget(max_requests_per_s), policy=retry)
        self._client = StripeClient(
            url=url,
            api_key=api_key,
            livemode=livemode,
            account=account,
            asking=network,
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=read_timeout_s,
        )
        self._url = url
        self._livemode = livemode
        self._clock = clock
        self._timeout_s = connect_timeout_s
        self.key_too_strong = api_key.startswith("sk_")

    @property
    def source(self) -> Source:
        """Stripe."""
        return Source.STRIPE

    def close(self) -> None:
        """Close the connections of this thread."""
        self._client.close()

    def introduce(self) -> str:
        """Kind and mode of the key; Stripe tells nothing else without a further permission."""
        kind = "secret" if self.key_too_strong else "restricted"
        return f"{kind} key of {'live' if self._livemode else 'test'} mode"

    def permissions(self) -> tuple[Permission, ...]:
        """Whether the key may read customers, subscriptions, coupons, prices, invoices and schedules."""
        tally = self._tally()
        refusals: dict[str, CredentialError] = {}
        for name, path, _, _ in _PERMISSIONS:
            try:
                self._client.read(path, WireList[dict[str, Any]], tally, limit=1)
            except CredentialError as error:
                refusals[name] = error
            except SourceRefusedError as error:
                if error.status != _NOT_FOUND:
                    raise
                raise NotThatSourceError(
                    f"{self._client.host} answers, but not as Stripe does",
                    remedy="Set [stripe] url to https://api.stripe.com",
                ) from error
        if len(refusals) == len(_PERMISSIONS):
            raise refusals[_PERMISSIONS[0][0]]
        return tuple(
            Permission(
                name=name,
                held=name not in refusals,
                required=not missing,
                missing=missing,
                remedy=f"Set {screen} to read on the restricted key ({name})",
            )
            for name, _, screen, missing in _PERMISSIONS
        )

    def offers(self) -> tuple[Offer, ...]:
        """Every recurring price, archived ones included, none made inline; names of products where they may be read.

        Raises CredentialError for a key that may not read prices.
        """
        prices = {
            **self._rows("/v1/prices", WireList[_ListedPrice], active="true"),
            **self._rows("/v1/prices", WireList[_ListedPrice], active="false"),
        }
        try:
            products = self._rows("/v1/products", WireList[_Product])
        except CredentialError:  # they only help to guess
            products = {}
        return tuple(
            _offer(price, price.recurring, products) for price in prices.values() if price.recurring is not None
        )

    def clock_skew(self) -> timedelta | None:
        """How far Stripe's clock is ahead of ours."""
        return clock_skew(self._url, self._clock, timeout_s=self._timeout_s)

    def _rows(self, path: str, model: type[WireList[Any]], **query: str) -> dict[str, Any]:
        tally = self._tally()
        rows: dict[str, Any] = {}

        def fetch(cursor: str | None) -> WireList[Any]:
            after = {} if cursor is None else {"starting_after": cursor}
            return self._client.read(path, model, tally, limit=_PAGE_SIZE, **query, **after)

        problems = walk(fetch, rows, what=path.rpartition("/")[2])
        if problems:
            raise OutageError("; ".join(problems))
        return rows

    def _tally(self) -> Tally:
        return Tally(read_from=self._clock.now())


def is_live(api_key: str) -> bool:
    """Whether a key is one of live mode; what is no key at all counts as one, and is refused where it is used."""
    return _TEST_KEY.match(api_key) is None


def _offer(price: _ListedPrice, recurring: WireRecurring, products: Mapping[str, _Product]) -> Offer:
    product = products.get(price.product or "")
    known = recurring.interval in set(Interval)
    priced = known and price.billing_scheme == "per_unit" and price.transform_quantity is None
    return Offer(
        source=Source.STRIPE,
        item=Item(
            id=price.id,
            price_id=price.id,
            lookup_key=price.lookup_key or "",
            product_id=price.product or "",
            price_metadata=price.metadata,
            unit_amount=price.unit_amount if priced else None,
            currency=price.currency,
            period=Period(interval=Interval(recurring.interval), count=recurring.interval_count) if known else Period(),
            metered=recurring.usage_type == "metered",
        ),
        names=tuple(name for name in (product.name if product else "", price.nickname) if name),
        metadata=product.metadata if product else {},
        archived=not price.active or (product is not None and not product.active),
    )

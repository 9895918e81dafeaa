"""What one Lago organisation sells, who it is, and what a key may read of it: the first day's questions, GET only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from reconciler.billing.asking import OutageError, RetryPolicy
from reconciler.billing.clock_skew import clock_skew
from reconciler.billing.lago_client import LagoClient
from reconciler.billing.lago_walk import walk
from reconciler.billing.lago_wire import Page, WireAppliedCoupon, WireCustomer, WireInvoice, WirePlan, WireSubscription
from reconciler.billing.network import Network
from reconciler.billing.pacing import RateBudget
from reconciler.billing.tally import Tally
from reconciler.billing.wire import wire
from reconciler.errors import CredentialError
from reconciler.model.account import Offer, Permission
from reconciler.model.billing import Item, Source
from reconciler.model.money import MONTH, Interval, Period
from reconciler.ports import Clock

_INTERVALS = {
    "weekly": Interval.WEEK,
    "monthly": Interval.MONTH,
    "quarterly": Interval.QUARTER,
    "semiannual": Interval.HALF_YEAR,
    "yearly": Interval.YEAR,
}


@wire
class _NamedPlan(WirePlan):
    name: str | None = None


class LagoCatalog:
    """One Lago organisation, behind the port CatalogSource."""

    def __init__(
        self,
        *,
        url: str,
        api_key: str,
        clock: Clock,
        max_requests_per_s: float = 20,
        retry: RetryPolicy | None = None,
        connect_timeout_s: float = 10,
        read_timeout_s: float = 30,
    ) -> None:
        """Raise CredentialError or NotThatSourceError for a key or `url` that cannot be one; nothing is sent yet."""
        network = Network(Source.LAGO, RateBudget(max_requests_per_s), policy=retry)
        self._client = LagoClient(
            url=url,
            api_key=api_key,
            asking=network,
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=read_timeout_s,
        )
        self._url = url
        self._clock = clock
        self._timeout_s = connect_timeout_s

    @property
    def source(self) -> Source:
        """Lago."""
        return Source.LAGO

    @property
    def key_too_strong(self) -> bool:
        """Never: a Lago key does not show what it may do."""
        return False

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def introduce(self) -> str:
        """Version and organisation (ports of the first day: CatalogSource)."""
        tally = self._tally()
        organization = self._client.organization(tally).name
        version = self._client.version(tally)
        said = ".".join(map(str, version)) if any(version) else "unknown"
        return f"version {said}, organisation {organization}"

    def permissions(self) -> tuple[Permission, ...]:
        """Whether the key may read organization, customer, subscription, plan, invoice and applied_coupon."""
        tally = self._tally()
        ask = self._client.count
        asks: tuple[tuple[str, str, Callable[[], object]], ...] = (
            ("organization", "", lambda: self._client.organization(tally)),
            ("customer", "", lambda: ask("/customers", Page[WireCustomer], tally)),
            ("subscription", "", lambda: ask("/subscriptions", Page[WireSubscription], tally)),
            ("plan", "", lambda: ask("/plans", Page[WirePlan], tally)),
            (
                "invoice",
                "who is behind with paying is not seen",
                lambda: ask("/invoices", Page[WireInvoice], tally),
            ),
            (
                "applied_coupon",
                "amounts are those before discounts",
                lambda: ask("/applied_coupons", Page[WireAppliedCoupon], tally),
            ),
        )
        refusals: dict[str, CredentialError] = {}
        for name, _, asked in asks:
            try:
                asked()
            except CredentialError as error:
                refusals[name] = error
        if len(refusals) == len(asks):
            raise refusals["organization"]
        return tuple(
            Permission(
                name=name,
                held=name not in refusals,
                required=not missing,
                missing=missing,
                remedy=f"Give the key of LAGO_API_KEY the permission to read `{name}`",
            )
            for name, missing, _ in asks
        )

    def offers(self) -> tuple[Offer, ...]:
        """Every plan that is not deleted."""
        tally = self._tally()
        plans: dict[str, _NamedPlan] = {}
        problems = walk(
            lambda number: self._client.page("/plans", Page[_NamedPlan], tally, number=number),
            plans,
            key=lambda row: row.code,
            what="plans",
        )
        if problems:
            raise OutageError("; ".join(problems))
        return tuple(_offer(plan) for plan in plans.values())

    def clock_skew(self) -> timedelta | None:
        """How far Lago's clock is ahead of ours."""
        return clock_skew(self._url, self._clock, timeout_s=self._timeout_s)

    def _tally(self) -> Tally:
        return Tally(read_from=self._clock.now())


def _offer(plan: _NamedPlan) -> Offer:
    interval = _INTERVALS.get(plan.interval or "")
    return Offer(
        source=Source.LAGO,
        item=Item(
            id=plan.code,
            plan_code=plan.code,
            unit_amount=None if interval is None else plan.amount_cents,
            currency=(plan.amount_currency or "").lower(),
            period=MONTH if interval is None else Period(interval=interval),
        ),
        names=(plan.name,) if plan.name else (),
    )

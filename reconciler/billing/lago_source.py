"""Lago as a BillingSource: every status in one walk, so that no row leaves the list while it is read."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from reconciler.billing.asking import (
    MOST_IN_FLIGHT,
    READ_DEADLINE_S,
    OutageError,
    RetryListener,
    RetryPolicy,
    Tally,
    unheard,
)
from reconciler.billing.breadth import Breadth
from reconciler.billing.crew import Hands, OneByOne
from reconciler.billing.lago_client import PAGE_SIZE, LagoClient, LagoRefusedError, Params, path_part
from reconciler.billing.lago_mapping import customer_of, subscriptions_of
from reconciler.billing.lago_walk import Walk, walk
from reconciler.billing.lago_wire import One, Page, Row, WireCustomer, WirePlan, WireSubscription
from reconciler.billing.more import MOST_SINGLY, More, population
from reconciler.billing.network import Asking, Network
from reconciler.billing.pacing import RateBudget
from reconciler.errors import SourceRefusedError, SourceUnavailableError
from reconciler.model.billing import Customer, Source
from reconciler.model.observation import CustomerReading, ListProof, Snapshot, Wanted
from reconciler.ports import Clock

_STATUSES = ("active", "pending", "terminated", "canceled")
_INCOMPLETE_SINCE = (1, 45, 2)  # an older server drops the whole filter at a status it does not know
_LIVE = frozenset({"active", "pending"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    """What is known of the server itself: which statuses it takes in a filter, and its plans by code."""

    statuses: Params
    plans: Mapping[str, WirePlan]


class LagoSource:
    """One Lago organisation, read only, behind the port BillingSource."""

    def __init__(
        self,
        *,
        url: str,
        api_key: str,
        clock: Clock,
        max_requests_per_s: float = 20,
        retry: RetryPolicy | None = None,
        on_retry: RetryListener = unheard,
        connect_timeout_s: float = 10,
        read_timeout_s: float = 30,
        budget: RateBudget | None = None,
        asking: Asking | None = None,
        page_size: int = PAGE_SIZE,
        read_deadline_s: float = READ_DEADLINE_S,
    ) -> None:
        """Raise CredentialError or NotThatSourceError for a key or `url` that cannot be one; nothing is sent yet.

        A read that is not done after `read_deadline_s` ends there and is not complete. With `asking` the answers come
        from there, and rate, budget and retries are its own.
        """
        self._asking = asking or Network(
            Source.LAGO, budget or RateBudget(max_requests_per_s), policy=retry, on_retry=on_retry
        )
        self._client = LagoClient(
            url=url,
            api_key=api_key,
            asking=self._asking,
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=read_timeout_s,
            page_size=page_size,
        )
        self._clock = clock
        self._read_deadline_s = read_deadline_s
        self._server: _Server | None = None
        self._live_ids: Mapping[str, frozenset[str]] = {}

    @property
    def source(self) -> Source:
        """Lago."""
        return Source.LAGO

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read_all(self, as_of: datetime) -> Snapshot:
        """Every customer and subscription of the organisation (ports.BillingSource)."""
        tally = self._tally()
        lists: list[ListProof] = []
        subscriptions: dict[str, WireSubscription] = {}
        customers: dict[str, WireCustomer] = {}
        problems: list[str] = []
        plans: Mapping[str, WirePlan] = {}
        try:
            server = self._server = self._get_to_know(tally)
            plans = server.plans
            tally.breadth = Breadth(MOST_IN_FLIGHT)
            with self._asking.crew(tally) as crew:
                problems += _run(self._subscriptions(tally, server.statuses), crew, subscriptions, lists)
                # After the subscriptions, so that whoever has one is in this list.
                problems += _run(self._customers(tally), crew, customers, lists)
        except (SourceUnavailableError, SourceRefusedError) as error:
            problems.append(error.problem)
        live_ids = _live_ids(subscriptions.values())
        self._live_ids = {**self._live_ids, **live_ids} if problems else live_ids
        found = {row.lago_id: customer_of(row) for row in customers.values()}
        held = subscriptions_of(subscriptions.values(), plans=plans, customers=found, as_of=as_of)
        return Snapshot(
            source=Source.LAGO,
            customers=tuple(found.values()),
            subscriptions=held,
            complete=not problems,
            proof=tally.proof(rows=population(found.values(), held), lists=tuple(lists), read_until=self._clock.now()),
            problem="; ".join(problems) or None,
        )

    def read_more(self, snapshot: Snapshot, wanted: Wanted, as_of: datetime) -> Snapshot:  # noqa: ARG002 -- the port's
        """What no list held (ports.BillingSource), up to 50 recorded ids, each asked for by external id.

        A customer that is in no list but has subscriptions was deleted, unless it is there when asked for.
        """
        tally = self._tally()
        owners = {each.customer_id: each.external_customer_id for each in snapshot.subscriptions}
        ids = sorted(wanted.recorded_ids)
        more = More(unread=len(ids[MOST_SINGLY:]))
        try:
            for each in ids[:MOST_SINGLY]:
                now = self.find_customer(owners.get(each, each), tally)
                if each in owners and (now is None or now.id != each):
                    more.customers.append(Customer(source=Source.LAGO, id=each, org_key=owners[each], deleted=True))
                elif now is not None:
                    more.customers.append(now)
        except (SourceUnavailableError, SourceRefusedError) as error:
            more.problems.append(error.problem)
        return more.added_to(snapshot, tally, read_until=self._clock.now())

    def read_customer(self, customer: Customer) -> CustomerReading:
        """One customer and its subscriptions as they are now (ports.BillingSource).

        A subscription that was live at the last `read_all` and that the customer's own list does not show is asked
        for by itself: the list of a deleted customer is empty.
        """
        tally = self._tally()
        server = self._server or self._get_to_know(tally)
        row = self._customer(customer, tally)
        now = replace(customer, deleted=True) if row is None else customer_of(row)
        own = self._subscriptions(tally, (("external_customer_id", customer.org_key), *server.statuses))
        problems = own.run(OneByOne())
        if problems:
            raise OutageError("; ".join(problems))
        found = own.rows()
        hidden = self._live_ids.get(customer.id, frozenset()) - {each.external_id for each in found.values()}
        for external_id in sorted(hidden):
            found.update(self._singly(external_id, tally))
        rows = [each for each in found.values() if each.lago_customer_id == customer.id]
        if any(each.status in _LIVE and each.plan is None and each.plan_code not in server.plans for each in rows):
            server = self._get_to_know(tally)  # a plan younger than what we know
        self._server = server
        return CustomerReading(
            customer=now,
            subscriptions=subscriptions_of(
                rows, plans=server.plans, customers={customer.id: now}, as_of=self._clock.now()
            ),
        )

    def find_customer(self, org_id: str, tally: Tally | None = None) -> Customer | None:
        """The customer whose external id is `org_id` (ports.BillingSource): Lago is asked for exactly that one."""
        tally = tally or self._tally()
        try:
            return customer_of(self._client.one(f"/customers/{path_part(org_id)}", One[WireCustomer], tally).row)
        except LagoRefusedError as error:
            if error.code == "customer_not_found":
                return None
            raise

    def _get_to_know(self, tally: Tally) -> _Server:
        self._client.organization(tally)
        known = (*_STATUSES, "incomplete") if self._client.version(tally) >= _INCOMPLETE_SINCE else _STATUSES
        plans: dict[str, WirePlan] = {}
        problems = walk(
            lambda number: self._client.page("/plans", Page[WirePlan], tally, number=number),
            plans,
            key=lambda row: row.code,
            what="plans",
        )
        if problems:
            raise OutageError("; ".join(problems))
        return _Server(statuses=tuple(("status[]", status) for status in known), plans=plans)

    def _tally(self) -> Tally:
        return Tally(read_from=self._clock.now(), until=time.monotonic() + self._read_deadline_s)

    def _subscriptions(self, tally: Tally, params: Params) -> Walk[WireSubscription]:
        def fetch(number: int) -> Page[WireSubscription]:
            return self._client.page("/subscriptions", Page[WireSubscription], tally, number=number, params=params)

        return Walk(fetch, key=lambda row: row.lago_id, what="subscriptions")

    def _customers(self, tally: Tally) -> Walk[WireCustomer]:
        def fetch(number: int) -> Page[WireCustomer]:
            return self._client.page("/customers", Page[WireCustomer], tally, number=number)

        return Walk(fetch, key=lambda row: row.lago_id, what="customers", newest_first=True)

    def _customer(self, customer: Customer, tally: Tally) -> WireCustomer | None:
        """The customer as it is now, None when it is gone."""
        try:
            row = self._client.one(f"/customers/{path_part(customer.org_key)}", One[WireCustomer], tally).row
        except LagoRefusedError as error:
            if error.code == "customer_not_found":
                return None
            raise
        if row.lago_id != customer.id:  # deleted, and its external id taken by a new one
            raise OutageError(
                f"Lago customer {customer.id} was replaced by {row.lago_id} under the same external id",
                remedy="The next run reads the new one",
            )
        return row

    def _singly(self, external_id: str, tally: Tally) -> dict[str, WireSubscription]:
        """Every row that has `external_id`, by lago_id, as far as single reads show them."""
        rows: dict[str, WireSubscription] = {}
        for status in ("active", "pending", "terminated"):
            path = f"/subscriptions/{path_part(external_id)}"
            try:
                row = self._client.one(path, One[WireSubscription], tally, (("status", status),)).row
            except LagoRefusedError as error:
                if error.code != "subscription_not_found":
                    raise
            else:
                rows[row.lago_id] = row
        return rows


def _run(walk: Walk[Row], hands: Hands, rows: dict[str, Row], lists: list[ListProof]) -> list[str]:
    """Walk; `rows` and `lists` hold what was read even where the walk is broken off by an error."""
    try:
        return walk.run(hands)
    finally:
        rows.update(walk.rows())
        lists.append(walk.proof())


def _live_ids(rows: Iterable[WireSubscription]) -> Mapping[str, frozenset[str]]:
    ids: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.status in _LIVE:
            ids[row.lago_customer_id].add(row.external_id)
    return {customer: frozenset(held) for customer, held in ids.items()}

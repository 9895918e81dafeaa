"""Lago as a BillingSource: every status in one walk, so that no row leaves the list while it is read."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Self

from reconciler.billing.asking import MOST_IN_FLIGHT, READ_DEADLINE_S, OutageError
from reconciler.billing.breadth import Breadth
from reconciler.billing.crew import OneByOne, do_all
from reconciler.billing.lago_client import PAGE_SIZE, LagoClient, LagoRefusedError, path_part
from reconciler.billing.lago_mapping import customer_of, invoice_of, look_for_strange, subscriptions_of
from reconciler.billing.lago_preflight import Server, get_to_know
from reconciler.billing.lago_side import coupons_of, unpaid_of
from reconciler.billing.lago_whole import Whole, read_whole
from reconciler.billing.lago_wire import One, WireCustomer, WireInvoice, WireSubscription
from reconciler.billing.more import MOST_SINGLY, OVER, More, population
from reconciler.billing.network import Asking
from reconciler.billing.strange import Strange
from reconciler.billing.tally import PageListener, Tally, unwatched
from reconciler.errors import SetupError, SourceRefusedError, SourceUnavailableError
from reconciler.model.billing import Customer, Invoice, Source, Subscription
from reconciler.model.observation import CustomerReading, Snapshot, Wanted
from reconciler.ports import Clock

_LIVE = frozenset({"active", "pending"})


class LagoSource:
    """One Lago organisation, read only, behind the port BillingSource."""

    def __init__(
        self,
        *,
        url: str,
        api_key: str,
        clock: Clock,
        asking: Asking,
        connect_timeout_s: float = 10,
        read_timeout_s: float = 30,
        on_page: PageListener = unwatched,
        page_size: int = PAGE_SIZE,
        read_deadline_s: float = READ_DEADLINE_S,
    ) -> None:
        """Raise CredentialError or NotThatSourceError for a key or `url` that cannot be one; nothing is sent yet.

        The answers come from `asking`: rate, budget and retries are its own. A read that is not done after
        `read_deadline_s` ends there and is not complete. `on_page` hears of every page (tally.Tally).
        """
        self._asking = asking
        self._client = LagoClient(
            url=url,
            api_key=api_key,
            asking=self._asking,
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=read_timeout_s,
            page_size=page_size,
        )
        self._clock = clock
        self._on_page = on_page
        self._read_deadline_s = read_deadline_s
        self._server: Server | None = None
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
        """Every customer and subscription of the organisation (ports.BillingSource).

        Ended subscriptions are among them, except where they are most of the list.
        """
        tally = self._tally()
        whole, server = Whole(), None
        try:
            server = self._server = get_to_know(self._client, tally)
            tally.breadth = Breadth(MOST_IN_FLIGHT)
            whole = read_whole(server.lists, self._asking, tally)
        except (SourceUnavailableError, SourceRefusedError) as error:
            whole.problems.append(error.problem)
        held, beside, problems = whole.subscriptions, whole.beside, whole.problems
        live_ids = _live_ids(held.rows.values())
        self._live_ids = {**self._live_ids, **live_ids} if problems else live_ids
        found = {row.lago_id: customer_of(row) for row in whole.customers.values()}
        plans = {} if server is None else server.plans
        subscriptions = subscriptions_of(
            held.rows.values(), plans=plans, customers=found, coupons=beside.coupons, as_of=as_of
        )
        strange = Strange(Source.LAGO)
        coupons = [each for of_one in beside.coupons.values() for each in of_one]
        look_for_strange(strange, held.rows.values(), plans.values(), beside.invoices, coupons)
        return Snapshot(
            source=Source.LAGO,
            customers=tuple(found.values()),
            subscriptions=subscriptions,
            complete=not problems,
            proof=tally.proof(
                rows=population(found.values(), subscriptions),
                lists=whole.proofs,
                read_until=self._clock.now(),
            ),
            problem="; ".join(problems) or None,
            invoices=_that_count(beside.invoices, found),
            side_reads=beside.side_reads,
            ended_of=None if held.with_ended else frozenset(),
            about="" if server is None else server.about,
            notes=(*(() if server is None else server.notes), *strange.notes()),
        )

    def read_more(self, snapshot: Snapshot, wanted: Wanted, as_of: datetime) -> Snapshot:
        """What the lists left out (ports.BillingSource), each of up to 50 recorded ids looked up by external id.

        A customer that is in no list but has subscriptions was deleted, unless it is there when asked for. Where the
        lists left out what ended, it is read customer by customer for up to 50 of them, else in one walk.
        """
        tally = self._tally()
        owners = {each.customer_id: each.external_customer_id for each in snapshot.subscriptions}
        customers = {each.id: each for each in snapshot.customers}
        ids = sorted(wanted.recorded_ids)
        more = More(unread=len(ids[MOST_SINGLY:]))
        try:
            server = self._known(tally)
            tally.breadth = Breadth(MOST_IN_FLIGHT)
            with self._asking.crew(tally) as crew:
                asked = [
                    (each, partial(self.find_customer, owners.get(each, each), tally)) for each in ids[:MOST_SINGLY]
                ]
                for each, now in do_all(crew, asked):
                    if each in owners and (now is None or now.id != each):
                        more.customers.append(Customer(source=Source.LAGO, id=each, org_key=owners[each], deleted=True))
                    elif now is not None:
                        more.customers.append(now)
                if len(wanted.ended_of) <= MOST_SINGLY:
                    more.ended_of = wanted.ended_of & customers.keys()  # the list of a deleted one is empty
                    jobs = [
                        (each, partial(self._owned, customers[each], server, tally)) for each in sorted(more.ended_of)
                    ]
                    for _, rows in do_all(crew, jobs):
                        more.subscriptions += self._ended(rows, server, customers, as_of)
                else:
                    more.ended_of = None
                    walk = server.lists.subscriptions(tally, server.lists.of_all)
                    more.problems += walk.run(crew)
                    more.subscriptions += self._ended(walk.rows().values(), server, customers, as_of)
        except (SetupError, SourceUnavailableError, SourceRefusedError) as error:
            more.problems.append(error.problem)
        return more.added_to(snapshot, tally, read_until=self._clock.now())

    def read_customer(self, customer: Customer) -> CustomerReading:
        """One customer, its subscriptions and its unpaid invoices as they are now (ports.BillingSource).

        A subscription that was live at the last `read_all` and that the customer's own list does not show is asked
        for by itself: the list of a deleted customer is empty.
        """
        tally = self._tally()
        server = self._known(tally)
        row = self._customer(customer, tally)
        now = replace(customer, deleted=True) if row is None else customer_of(row)
        found = {each.lago_id: each for each in self._owned(customer, server, tally)}
        hidden = self._live_ids.get(customer.id, frozenset()) - {each.external_id for each in found.values()}
        for external_id in sorted(hidden):
            found.update(self._singly(external_id, tally))
        rows = [each for each in found.values() if each.lago_customer_id == customer.id]
        if any(each.status in _LIVE and each.plan is None and each.plan_code not in server.plans for each in rows):
            server = get_to_know(self._client, tally)  # a plan younger than what we know
        self._server = server
        coupons = coupons_of(server.lists, customer.org_key, tally)
        unpaid = unpaid_of(self._client, server.lists, customer.id, customer.org_key, tally)
        owners = {customer.id: now}
        return CustomerReading(
            customer=now,
            subscriptions=subscriptions_of(
                rows, plans=server.plans, customers=owners, coupons=coupons, as_of=self._clock.now()
            ),
            invoices=None if unpaid is None else _that_count(unpaid, owners),
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

    def _known(self, tally: Tally) -> Server:
        if self._server is None:
            self._server = get_to_know(self._client, tally)
        return self._server

    def _owned(self, customer: Customer, server: Server, tally: Tally) -> Collection[WireSubscription]:
        """Every subscription that the customer's own list shows. Raises OutageError where that is not proven."""
        own = server.lists.subscriptions(tally, (("external_customer_id", customer.org_key), *server.lists.of_all))
        problems = own.run(OneByOne())
        if problems:
            raise OutageError("; ".join(problems))
        return [row for row in own.rows().values() if row.lago_customer_id == customer.id]

    def _ended(
        self, rows: Iterable[WireSubscription], server: Server, customers: Mapping[str, Customer], as_of: datetime
    ) -> tuple[Subscription, ...]:
        """Those that ended: of what lives the lists told more."""
        mapped = subscriptions_of(rows, plans=server.plans, customers=customers, as_of=as_of)
        return tuple(each for each in mapped if each.status in OVER)

    def _tally(self) -> Tally:
        until = time.monotonic() + self._read_deadline_s
        return Tally(read_from=self._clock.now(), until=until, on_page=self._on_page)

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


def _that_count(rows: Iterable[WireInvoice], customers: Mapping[str, Customer]) -> tuple[Invoice, ...]:
    return tuple(found for row in rows if (found := invoice_of(row, customers=customers)) is not None)


def _live_ids(rows: Iterable[WireSubscription]) -> Mapping[str, frozenset[str]]:
    ids: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.status in _LIVE:
            ids[row.lago_customer_id].add(row.external_id)
    return {customer: frozenset(held) for customer, held in ids.items()}

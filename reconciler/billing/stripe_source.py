"""Stripe as a BillingSource: all that has not ended in one listing, in ranges of creation read side by side."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any, Self

from reconciler.billing.asking import MOST_IN_FLIGHT, READ_DEADLINE_S, OutageError
from reconciler.billing.breadth import Breadth
from reconciler.billing.crew import Hands, OneByOne, do_all
from reconciler.billing.more import MOST_SINGLY, More, population
from reconciler.billing.network import Asking
from reconciler.billing.strange import Strange
from reconciler.billing.stripe_client import API_VERSION, StripeClient
from reconciler.billing.stripe_lists import API_URL, PAGE_SIZE, StripeLists
from reconciler.billing.stripe_mapping import customer_of, invoice_of, look_for_strange, subscription_of
from reconciler.billing.stripe_ranges import Sweep
from reconciler.billing.stripe_side import read_schedules, schedules_set, unpaid_of
from reconciler.billing.stripe_whole import read_whole
from reconciler.billing.stripe_wire import WireCustomer, WireInvoice, WireItem, WireList, WireSchedule, WireSubscription
from reconciler.billing.tally import PageListener, Tally, unwatched
from reconciler.errors import CredentialError, SetupError, SourceRefusedError, SourceUnavailableError
from reconciler.model.billing import Customer, Invoice, Source, Subscription
from reconciler.model.observation import CustomerReading, SideList, SideRead, Snapshot, Wanted
from reconciler.ports import Clock

_NOT_FOUND = 404
_COUPONS = "rak_coupon_read"
_ID = re.compile(r"[A-Za-z0-9_-]+")  # anything else that a store may hold is no id, and must not become a path

_NONE: Mapping[str, Any] = MappingProxyType({})

Items = dict[str, WireList[WireItem]]


class StripeSource:
    """One Stripe account in one mode, read only, behind the port BillingSource."""

    def __init__(
        self,
        *,
        api_key: str,
        livemode: bool,
        clock: Clock,
        asking: Asking,
        url: str = API_URL,
        account: str = "",
        metadata_org_key: str = "org_id",
        connect_timeout_s: float = 10,
        read_timeout_s: float = 30,
        on_page: PageListener = unwatched,
        read_deadline_s: float = READ_DEADLINE_S,
        page_size: int = PAGE_SIZE,
    ) -> None:
        """Raise CredentialError for a key that cannot be right for `livemode`; nothing is sent yet.

        The answers come from `asking`: rate, budget and retries are its own. A read that is not done after
        `read_deadline_s` ends there and is not complete. `on_page` hears of every page (tally.Tally).
        """
        self._asking = asking
        client = self._client = StripeClient(
            url=url,
            api_key=api_key,
            livemode=livemode,
            account=account,
            asking=self._asking,
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=read_timeout_s,
        )
        self._lists = StripeLists(client, page_size=page_size)
        self._clock = clock
        self._on_page = on_page
        self._read_deadline_s = read_deadline_s
        self._metadata_org_key = metadata_org_key
        self._about = f"Stripe, {'live' if livemode else 'test'} mode, API version {API_VERSION}"
        self._invoices_forbidden = False

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
        """Every customer, and every subscription that has not ended, save those on a test clock (ports.BillingSource).

        One listing without a status, which leaves canceled ones out: of a list by cursor no row that stays is skipped.
        What was never paid and expired is in it, of all that ended. A key that may not read coupons reads the rest:
        then no amount is known where there is a discount.
        """
        self._lists.with_discounts = True
        try:
            return self._read_all(as_of)
        except CredentialError as error:
            if _COUPONS not in error.remedy:
                raise
            self._lists.with_discounts = False
        return self._read_all(as_of)

    def _read_all(self, as_of: datetime) -> Snapshot:
        tally = self._tally(Breadth(MOST_IN_FLIGHT))
        whole = read_whole(self._lists, self._asking, tally)
        rows, owners, beside, problems = whole.subscriptions.values(), whole.customers, whole.beside, whole.problems
        self._invoices_forbidden = beside.invoices_forbidden
        found = tuple(customer_of(row, metadata_org_key=self._metadata_org_key) for row in owners.values())
        held = tuple(self._mapped(rows, whole.items, as_of, owners=owners, schedules=beside.schedules))
        strange = Strange(Source.STRIPE)
        look_for_strange(strange, rows)
        return Snapshot(
            source=Source.STRIPE,
            customers=found,
            subscriptions=held,
            complete=not problems,
            proof=tally.proof(rows=population(found, held), lists=whole.proofs, read_until=self._clock.now()),
            problem="; ".join(problems) or None,
            invoices=_waiting(beside.invoices, as_of),
            side_reads=() if problems else (*beside.side_reads, self._coupons),
            ended_of=frozenset(),
            about=self._about,
            notes=strange.notes(),
        )

    def read_more(self, snapshot: Snapshot, wanted: Wanted, as_of: datetime) -> Snapshot:
        """What the lists left out (ports.BillingSource).

        Up to 50 recorded ids are looked up: no list holds a deleted customer. One that is not is told, and stays an id
        that leads nowhere. What ended is read customer by customer for up to 50 of them, else all of it in one listing.
        """
        tally = self._tally(Breadth(MOST_IN_FLIGHT))
        tally.heard_before = True
        ids = sorted(each for each in wanted.recorded_ids if _ID.fullmatch(each))
        more = More(unread=len(ids[MOST_SINGLY:]))
        try:
            with self._asking.crew(tally) as crew:
                asked = [(each, partial(self._customer, each, tally)) for each in ids[:MOST_SINGLY]]
                found = [row for _, row in do_all(crew, asked) if row is not None]
                more.customers += [customer_of(row, metadata_org_key=self._metadata_org_key) for row in found]
                there = {each.id for each in (*snapshot.customers, *more.customers)}
                if len(wanted.ended_of) <= MOST_SINGLY:
                    more.ended_of = wanted.ended_of  # who was never there has nothing that ended
                    wanted_now = sorted(wanted.ended_of & there)
                    jobs = [(each, partial(self._owned, each, tally, "canceled")) for each in wanted_now]
                    for _, (rows, items) in do_all(crew, jobs):
                        more.subscriptions += self._mapped(rows, items, as_of)
                else:
                    more.ended_of = None
                    ended = self._lists.subscriptions(
                        tally, with_invoice=not self._invoices_forbidden, status="canceled"
                    )
                    rows, items = self._whole(ended, crew, tally)
                    more.subscriptions += self._mapped(rows, items, as_of)
        except (SetupError, SourceUnavailableError, SourceRefusedError) as error:
            more.problems.append(error.problem)
        return more.added_to(snapshot, tally, read_until=self._clock.now())

    def find_customer(self, org_id: str) -> None:
        """None always (ports.BillingSource): Stripe's search by metadata lags, so the sweep of the run stands."""

    def read_customer(self, customer: Customer) -> CustomerReading:
        """One customer, its subscriptions and its unpaid invoices as they are now (ports.BillingSource).

        A customer that this account and mode never had is refused: its absence would prove nothing.
        """
        tally, as_of = self._tally(Breadth(1)), self._clock.now()
        row = self._lists.customer(customer.id, tally)
        rows, items = self._owned(customer.id, tally, "all")
        try:
            schedules = read_schedules(self._lists, schedules_set(rows), OneByOne(), tally)
        except CredentialError:
            schedules = {}
        unpaid = None if self._invoices_forbidden else unpaid_of(self._lists, customer.id, tally)
        return CustomerReading(
            customer=customer_of(row, metadata_org_key=self._metadata_org_key),
            subscriptions=tuple(self._mapped(rows, items, as_of, owners={row.id: row}, schedules=schedules)),
            invoices=None if unpaid is None else _waiting(unpaid, as_of),
        )

    @property
    def _coupons(self) -> SideRead:
        problem = "" if self._lists.with_discounts else f"The Stripe API key lacks the permission {_COUPONS}"
        return SideRead(name=SideList.COUPONS, problem=problem)

    def _customer(self, customer_id: str, tally: Tally) -> WireCustomer | None:
        """The customer as it is now, None where this account never had it."""
        try:
            return self._lists.customer(customer_id, tally)
        except SourceRefusedError as error:
            if error.status != _NOT_FOUND:
                raise
            return None

    def _owned(self, customer_id: str, tally: Tally, status: str) -> tuple[Collection[WireSubscription], Items]:
        """The customer's own subscriptions of `status`, whole, and items that a row does not show.

        Raises OutageError where that is not proven.
        """

        def read(*, with_invoice: bool) -> tuple[Collection[WireSubscription], Items]:
            own = self._lists.subscriptions(tally, with_invoice=with_invoice, status=status, customer=customer_id)
            rows, items = self._whole(own, OneByOne(), tally)
            return [row for row in rows if row.customer == customer_id], items

        if not self._invoices_forbidden:
            try:
                return read(with_invoice=True)
            except CredentialError:  # if it is not the invoices that it may not read, the next one says so
                self._invoices_forbidden = True
        return read(with_invoice=False)

    def _whole(
        self, sweep: Sweep[WireSubscription], hands: Hands, tally: Tally
    ) -> tuple[Collection[WireSubscription], Items]:
        items: Items = {}
        problems = sweep.run(hands)
        rows = sweep.rows().values()
        problems += self._lists.broken_off(rows, items, hands, tally)
        if problems:
            raise OutageError("; ".join(problems))
        return rows, items

    def _mapped(
        self,
        rows: Iterable[WireSubscription],
        items: Items,
        as_of: datetime,
        *,
        owners: Mapping[str, WireCustomer] = _NONE,
        schedules: Mapping[str, WireSchedule] = _NONE,
    ) -> Iterator[Subscription]:
        for row in rows:
            yield subscription_of(
                replace(row, items=items[row.id]) if row.id in items else row,
                customer=owners.get(row.customer),
                schedule=schedules.get(row.schedule or ""),
                metadata_org_key=self._metadata_org_key,
                as_of=as_of,
            )

    def _tally(self, breadth: Breadth) -> Tally:
        until = time.monotonic() + self._read_deadline_s
        return Tally(read_from=self._clock.now(), until=until, breadth=breadth, on_page=self._on_page)


def _waiting(rows: Iterable[WireInvoice], as_of: datetime) -> tuple[Invoice, ...]:
    return tuple(invoice for row in rows if (invoice := invoice_of(row, as_of=as_of)) is not None)

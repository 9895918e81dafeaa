"""Every fault at every page of the lists beside, and of what ended: whole and right, or it says what is missing."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from billing.billing_support import (
    NOW,
    PASSING_FAULTS,
    READ_TIMEOUT_S,
    lago_sandbox,
    lago_source,
    stripe_sandbox,
    stripe_source,
)
from billing.spoiling import Json, lying
from reconciler.billing import lago_lists, stripe_side
from reconciler.billing import lago_source as lago_module
from reconciler.billing import stripe_source as stripe_module
from reconciler.model.billing import SubscriptionStatus
from reconciler.model.observation import SideList, Snapshot, Wanted
from reconciler.sandbox.lago import LagoSandbox
from reconciler.sandbox.server import Fault, LoopbackServer
from reconciler.sandbox.stripe import Phase, StripeSandbox

ROWS, PER_PAGE, PAGES = 5, 2, 3
DAY = timedelta(days=1)
ENDED = "ended"
LISTS = {
    ("lago", SideList.OPEN_INVOICES): "payment_overdue=true",
    ("lago", SideList.LOST_DISPUTES): "payment_dispute_lost=true",
    ("lago", SideList.COUPONS): "/applied_coupons.*status=active",
    ("lago", ENDED): "/subscriptions.*terminated",
    ("stripe", SideList.OPEN_INVOICES): r"/invoices\?",
    ("stripe", SideList.SCHEDULES): r"/subscription_schedules\?",
    ("stripe", ENDED): "status=canceled",
}
EVERYWHERE = [(*place, page) for place in LISTS for page in range(1, PAGES + 1)]
MOST_REQUESTS = 80


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that lists are read, not single rows, and that what ended of Lago is left to the second step."""
    for module in (stripe_side, stripe_module, lago_module):
        monkeypatch.setattr(module, "MOST_SINGLY", 1)
    monkeypatch.setattr(lago_lists, "_LONG", 0)
    monkeypatch.setattr(lago_lists, "_MOSTLY_PAST", 1)


def lago_of() -> LagoSandbox:
    lago = lago_sandbox()
    for number in range(ROWS):
        org = f"org_{number}"
        lago.add_customer(org, created_at=NOW - DAY * (number + 1))
        lago.add_subscription(org, "professional", external_id=f"sub_{number}", started_at=NOW - DAY * 30)
        lago.add_subscription(
            org, "professional", external_id=f"old_{number}", status="terminated", started_at=NOW - DAY * (60 + number)
        )
        lago.add_invoice(org, amount_cents=100, issuing_date=date(2026, 11, number + 1), payment_overdue=True)
        lago.add_invoice(
            org, amount_cents=100, issuing_date=date(2026, 10, number + 1), payment_dispute_lost_at=NOW - DAY
        )
        lago.add_applied_coupon(org, "deal", percentage_rate="10.0", created_at=NOW - DAY * (number + 1))
    return lago


def stripe_of() -> StripeSandbox:
    stripe = stripe_sandbox()
    product = stripe.add_product("P")
    price, cheaper = stripe.add_price(product, unit_amount=9900), stripe.add_price(product, unit_amount=4900)
    for number in range(ROWS):
        made = NOW - timedelta(days=ROWS - number)
        customer = stripe.add_customer(metadata={"org_id": f"org_{number}"}, created=made)
        held = stripe.add_subscription(customer, prices=[price], created=made)
        stripe.add_subscription(customer, prices=[price], created=made - DAY, status="canceled", ended_at=NOW - DAY)
        stripe.add_invoice(amount=100, subscription=held, created=made)
        phases = [
            Phase(start=made, end=NOW + DAY, prices=[price]),
            Phase(start=NOW + DAY, end=NOW + 9 * DAY, prices=[cheaper]),
        ]
        stripe.add_schedule(phases=phases, subscription=held, created=made)
    return stripe


@pytest.fixture(scope="module")
def worlds() -> dict[str, LagoSandbox | StripeSandbox]:
    return {"lago": lago_of(), "stripe": stripe_of()}


@pytest.fixture(scope="module")
def served(worlds: dict[str, LagoSandbox | StripeSandbox]) -> Iterator[dict[str, LoopbackServer]]:
    with worlds["lago"].serve() as lago, worlds["stripe"].serve() as stripe:
        yield {"lago": lago, "stripe": stripe}


@pytest.fixture
def servers(served: dict[str, LoopbackServer]) -> dict[str, LoopbackServer]:
    for server in served.values():
        server.clear_faults()
    return served


def read(source: str, server: LoopbackServer, **changes: Any) -> Snapshot:
    """Both steps, in the second all that ended."""
    arguments = {"page_size": PER_PAGE, "read_deadline_s": 10} | changes
    opened = lago_source if source == "lago" else stripe_source
    with opened(server, **arguments) as reader:
        snapshot = reader.read_all(NOW)
        wanted = Wanted(ended_of=frozenset(each.id for each in snapshot.customers))
        return reader.read_more(snapshot, wanted, NOW) if snapshot.complete else snapshot


def missing(snapshot: Snapshot) -> set[str]:
    """What the snapshot does not hold, whatever it says."""
    live = [each for each in snapshot.subscriptions if each.status is SubscriptionStatus.ACTIVE]
    ended = [each for each in snapshot.subscriptions if each.status is SubscriptionStatus.ENDED]
    lago = snapshot.source == "lago"
    counts: dict[str, int] = {
        "live": len(live),
        ENDED: len(ended),
        SideList.OPEN_INVOICES: sum(each.overdue for each in snapshot.invoices),
        SideList.LOST_DISPUTES: sum(each.dispute_lost_at is not None for each in snapshot.invoices) if lago else ROWS,
        SideList.COUPONS: sum(bool(each.discounts) for each in live) if lago else ROWS,
        SideList.SCHEDULES: ROWS if lago else sum(each.next_item is not None for each in live),
    }
    return {name for name, count in counts.items() if count != ROWS}


def said(snapshot: Snapshot) -> set[str]:
    """What it says is missing; nothing is to be concluded from one that is not complete."""
    if not snapshot.complete:
        return {ENDED, "live", *SideList}
    return {each.name for each in snapshot.side_reads if each.problem}


def at(source: str, name: str, page: int) -> Fault:
    """Where page `page` of a list is asked for."""
    target = LISTS[source, name]
    if source == "stripe":
        return Fault(target=target, skip=page - 1)
    number = f"&page={page}&" if page > 1 else "(?!&page)"
    return Fault(target=rf"\?per_page={PER_PAGE}{number}.*" + target.rpartition(".*")[2])


def test_without_a_fault_nothing_is_missing(servers: dict[str, LoopbackServer]) -> None:
    for source, server in servers.items():
        snapshot = read(source, server)
        assert (snapshot.complete, missing(snapshot), said(snapshot)) == (True, set(), set())
        assert snapshot.proof.requests <= MOST_REQUESTS / 2


@pytest.mark.parametrize(("source", "name", "page"), EVERYWHERE)
@pytest.mark.parametrize("fault", PASSING_FAULTS)
def test_a_fault_that_passes_leaves_nothing_missing(
    servers: dict[str, LoopbackServer], source: str, name: str, page: int, fault: str
) -> None:
    changes = {"read_timeout_s": READ_TIMEOUT_S * 1.5} if fault == "hang" else {}
    place = at(source, name, page)
    servers[source].add_fault(Fault(target=place.target, skip=place.skip, **PASSING_FAULTS[fault]))
    snapshot = read(source, servers[source], **changes)
    assert (snapshot.complete, missing(snapshot), said(snapshot)) == (True, set(), set())
    assert snapshot.proof.retries >= 1
    assert snapshot.proof.requests <= MOST_REQUESTS


@pytest.mark.parametrize(("source", "name", "page"), EVERYWHERE)
@pytest.mark.parametrize("fault", ["429", "500", "502 with HTML", "reset", "cut", "other JSON"])
def test_a_fault_that_stays_is_said_of_that_list_alone_after_few_requests(
    servers: dict[str, LoopbackServer], source: str, name: str, page: int, fault: str
) -> None:
    place = at(source, name, page)
    servers[source].add_fault(Fault(target=place.target, skip=place.skip, **PASSING_FAULTS[fault] | {"times": None}))
    snapshot = read(source, servers[source])
    assert name in said(snapshot)
    assert missing(snapshot) <= said(snapshot)
    assert snapshot.complete is (name != ENDED)
    assert snapshot.proof.requests <= MOST_REQUESTS


def _empty(body: Json) -> None:
    body["data" if "data" in body else next(key for key in body if key != "meta")] = []
    if "meta" in body:
        body["meta"]["next_page"] = body["meta"]["current_page"] + 1
    else:
        body["has_more"] = True


def _end(body: Json) -> None:
    if "meta" in body:
        body["meta"]["next_page"] = None


def _never_end(body: Json) -> None:
    if "meta" in body:
        body["meta"] |= {"next_page": body["meta"]["current_page"] + 1, "total_pages": 10**6}
    else:
        body["has_more"] = True


def _fewer(body: Json) -> None:
    if "meta" in body:
        body["meta"]["total_count"] -= 3


LIES: dict[str, Callable[[Json], None]] = {
    "an empty page, and more follow": _empty,
    "an end too early": _end,
    "no end": _never_end,
    "a total too low": _fewer,
}


@pytest.mark.parametrize("times", [1, None])
@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize(("source", "name"), list(LISTS))
def test_a_lie_ends_after_few_requests_and_hides_nothing_of_another_list(
    worlds: dict[str, LagoSandbox | StripeSandbox], source: str, name: str, lie: str, times: int | None
) -> None:
    target = LISTS[source, name].replace("&", ".*").rpartition(".*")[2]
    target = r"status%5B%5D=terminated|status\[\]=terminated" if (source, name) == ("lago", ENDED) else target
    told: list[Json] = []

    def tell(body: Json) -> None:
        LIES[lie](body)
        told.append(body)

    with lying(worlds[source].application, target=target, lie=tell, times=times) as server:
        snapshot = read(source, server)
    assert told
    assert missing(snapshot) - {name} <= said(snapshot)
    # An invoice list of Lago counts late: an empty page is its end, whatever it says of further ones.
    counts_late = source == "lago" and name in (SideList.OPEN_INVOICES, SideList.LOST_DISPUTES)
    if not counts_late:
        assert missing(snapshot) <= said(snapshot)
    assert snapshot.proof.requests <= MOST_REQUESTS


@pytest.mark.slow
@pytest.mark.parametrize("where", EVERYWHERE)
@pytest.mark.parametrize("faults", list(itertools.product(PASSING_FAULTS, PASSING_FAULTS)))
def test_two_faults_at_once_leave_nothing_missing_or_say_it(
    servers: dict[str, LoopbackServer], where: tuple[str, str, int], faults: tuple[str, str]
) -> None:
    source, name, page = where
    one, other = at(source, name, page), at(source, name, min(page + 1, PAGES))
    server = servers[source]
    server.add_fault(Fault(target=one.target, skip=one.skip, **PASSING_FAULTS[faults[0]]))
    server.add_fault(Fault(target=other.target, skip=other.skip, **PASSING_FAULTS[faults[1]] | {"times": 4}))
    snapshot = read(source, server, read_timeout_s=READ_TIMEOUT_S * 1.5)
    assert missing(snapshot) <= said(snapshot)
    assert snapshot.proof.requests <= MOST_REQUESTS

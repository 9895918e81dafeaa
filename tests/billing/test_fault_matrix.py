"""Every fault at every page of every list: the snapshot is complete and right, or says that it is not; few requests."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
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
from billing.spoiling import Json, lying, moving
from reconciler.errors import NotThatSourceError
from reconciler.model.observation import Snapshot
from reconciler.sandbox.lago import LagoSandbox
from reconciler.sandbox.server import Fault, LoopbackServer
from reconciler.sandbox.stripe import StripeSandbox

ROWS, PER_PAGE = 5, 2
PAGES = 3
KINDS = ("subscriptions", "customers")
EVERYWHERE = list(itertools.product(("lago", "stripe"), KINDS, range(1, PAGES + 1)))
# Each of three walks of both lists, each page tried three times.
MOST_REQUESTS = 3 * 3 * 2 * PAGES + 10


def lago_of(rows: int = ROWS) -> LagoSandbox:
    ticks = itertools.count()
    lago = lago_sandbox(clock=lambda: NOW - timedelta(days=1) + timedelta(seconds=next(ticks)))
    for number in range(rows):
        lago.add_customer(f"org_{number}")
        lago.add_subscription(f"org_{number}", "professional", external_id=f"sub_{number}")
    return lago


def stripe_of(rows: int = ROWS) -> StripeSandbox:
    stripe = stripe_sandbox()
    price = stripe.add_price(stripe.add_product("P"), unit_amount=9900)
    for number in range(rows):
        made = NOW - timedelta(days=rows - number)
        customer = stripe.add_customer(metadata={"org_id": f"org_{number}"}, created=made)
        stripe.add_subscription(customer, prices=[price], created=made)
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
    arguments = {"page_size": PER_PAGE, "read_deadline_s": 10} | changes
    if source == "lago":
        with lago_source(server, **arguments) as lago:
            return lago.read_all(NOW)
    with stripe_source(server, **arguments) as stripe:
        return stripe.read_all(NOW)


def is_right(snapshot: Snapshot, rows: int = ROWS) -> bool:
    orgs = {each.org_key for each in snapshot.customers}
    holders = {each.customer_id for each in snapshot.subscriptions}
    return (
        orgs == {f"org_{number}" for number in range(rows)}
        and len(snapshot.customers) == len(snapshot.subscriptions) == rows
        and holders == {each.id for each in snapshot.customers}
    )


def place(source: str, kind: str, page: int) -> Fault:
    """Where page `page` of a list is asked for."""
    if source == "lago":
        number = f"&page={page}" if page > 1 else "(?!&page)"
        return Fault(target=rf"/{kind}\?per_page={PER_PAGE}{number}(&|$)")
    return Fault(target=rf"/{kind}\?limit", skip=page - 1)


@pytest.mark.parametrize(("source", "kind", "page"), EVERYWHERE)
@pytest.mark.parametrize("fault", PASSING_FAULTS)
def test_a_fault_that_passes_leaves_a_complete_and_right_snapshot(
    servers: dict[str, LoopbackServer], source: str, kind: str, page: int, fault: str
) -> None:
    at = place(source, kind, page)
    changes = {"read_timeout_s": READ_TIMEOUT_S * 1.5} if fault == "hang" else {}
    servers[source].add_fault(Fault(target=at.target, skip=at.skip, **PASSING_FAULTS[fault]))
    snapshot = read(source, servers[source], **changes)
    assert (snapshot.complete, snapshot.problem) == (True, None)
    assert is_right(snapshot)
    assert snapshot.proof.retries >= 1
    assert snapshot.proof.requests <= MOST_REQUESTS


@pytest.mark.parametrize(("source", "kind", "page"), EVERYWHERE)
@pytest.mark.parametrize("fault", ["429", "500", "502 with HTML", "reset", "cut", "other JSON"])
def test_a_fault_that_stays_is_said_and_ends_the_read_after_few_requests(
    servers: dict[str, LoopbackServer], source: str, kind: str, page: int, fault: str
) -> None:
    at = place(source, kind, page)
    servers[source].add_fault(Fault(target=at.target, skip=at.skip, **PASSING_FAULTS[fault] | {"times": None}))
    try:
        snapshot = read(source, servers[source])
    except NotThatSourceError:
        assert (kind, page) == ("subscriptions", 1)  # nothing that was ever sent made sense
        return
    assert not snapshot.complete
    assert snapshot.problem
    assert snapshot.proof.requests <= MOST_REQUESTS


def _empty(body: Json) -> None:
    body["data" if "data" in body else next(key for key in body if key != "meta")] = []
    if "meta" in body:
        body["meta"]["next_page"] = body["meta"]["current_page"] + 1
    else:
        body["has_more"] = True


def _total(change: Callable[[int], int]) -> Callable[[Json], None]:
    def lie(body: Json) -> None:
        body["meta"]["total_count"] = change(body["meta"]["total_count"])

    return lie


def _end(body: Json) -> None:
    body["meta"]["next_page"] = None


def _never_end(body: Json) -> None:
    body["meta"]["next_page"] = body["meta"]["current_page"] + 1
    body["meta"]["total_pages"] = 10**6


LAGO_LIES: dict[str, Callable[[Json], None]] = {
    "an empty page, and more follow": _empty,
    "a total too high": _total(lambda total: total + 3),
    "a total too low": _total(lambda total: total - 3),
    "a total of nothing": _total(lambda _: 0),
    "an end too early": _end,
    "no end": _never_end,
}


def honest(snapshot: Snapshot) -> bool:
    return is_right(snapshot) if snapshot.complete else bool(snapshot.problem)


@pytest.mark.parametrize("times", [1, None])
@pytest.mark.parametrize("lie", LAGO_LIES)
@pytest.mark.parametrize(("kind", "page"), list(itertools.product(KINDS, range(1, PAGES + 1))))
def test_a_lie_of_lago_is_found_out_or_does_no_harm(
    worlds: dict[str, LagoSandbox | StripeSandbox], kind: str, page: int, lie: str, times: int | None
) -> None:
    target = place("lago", kind, page).target
    with lying(worlds["lago"].application, target=target, lie=LAGO_LIES[lie], times=times) as server:
        snapshot = read("lago", server)
    assert honest(snapshot)
    assert snapshot.proof.requests <= MOST_REQUESTS


@pytest.mark.parametrize("times", [1, None])
@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_page_of_stripe_that_more_follow_is_no_end(
    worlds: dict[str, LagoSandbox | StripeSandbox], kind: str, times: int | None
) -> None:
    with lying(worlds["stripe"].application, target=f"/{kind}.*limit", lie=_empty, times=times) as server:
        snapshot = read("stripe", server)
    assert not snapshot.complete
    assert snapshot.proof.requests <= MOST_REQUESTS


@pytest.mark.parametrize("kind", KINDS)
def test_a_stripe_whose_cursor_begins_again_is_found_out(
    worlds: dict[str, LagoSandbox | StripeSandbox], kind: str
) -> None:
    first: list[Any] = []

    def repeat(body: Json) -> None:
        first.append(body["data"])
        body["data"], body["has_more"] = first[0], True

    with lying(worlds["stripe"].application, target=f"/{kind}.*limit", lie=repeat, times=None) as server:
        snapshot = read("stripe", server)
    assert not snapshot.complete
    assert snapshot.proof.requests <= MOST_REQUESTS


@pytest.mark.parametrize("before", range(1, 13))
@pytest.mark.parametrize("change", ["comes", "leaves", "one leaves, one comes"])
@pytest.mark.parametrize("source", ["lago", "stripe"])
def test_customers_that_come_and_leave_meanwhile_hide_no_other(source: str, change: str, before: int) -> None:
    lago, stripe = lago_of(ROWS), stripe_of(ROWS)
    newest = sorted(
        row["id"] for row in stripe.tables["customer"].rows.values() if row["metadata"]["org_id"] == f"org_{ROWS - 1}"
    )

    def leave() -> None:
        if source == "lago":
            lago.delete_customer(f"org_{ROWS - 1}")
        else:
            stripe.delete_customer(newest[0])

    def come() -> None:
        if source == "lago":
            lago.add_customer("org_new")
        else:
            stripe.add_customer(metadata={"org_id": "org_new"})

    def both() -> None:
        leave()
        come()

    change_it = {"comes": come, "leaves": leave, "one leaves, one comes": both}[change]
    application = lago.application if source == "lago" else stripe.application
    with moving(application, {before: change_it}) as server:
        snapshot = read(source, server)
    kept = {f"org_{number}" for number in range(ROWS - ("leave" in change))}
    assert not snapshot.complete or kept <= {each.org_key for each in snapshot.customers}
    assert snapshot.proof.requests <= MOST_REQUESTS


@pytest.mark.slow
@pytest.mark.parametrize("at", EVERYWHERE)
@pytest.mark.parametrize("faults", list(itertools.product(PASSING_FAULTS, PASSING_FAULTS)))
def test_two_faults_at_once_leave_a_right_snapshot_or_one_that_says_it_is_not_whole(
    servers: dict[str, LoopbackServer], at: tuple[str, str, int], faults: tuple[str, str]
) -> None:
    source, kind, page = at
    one, other = place(source, kind, page), place(source, kind, min(page + 1, PAGES))
    began = time.monotonic()
    server = servers[source]
    server.add_fault(Fault(target=one.target, skip=one.skip, **PASSING_FAULTS[faults[0]]))
    server.add_fault(Fault(target=other.target, skip=other.skip, **PASSING_FAULTS[faults[1]] | {"times": 4}))
    try:
        snapshot = read(source, server, read_timeout_s=READ_TIMEOUT_S * 1.5)
    except NotThatSourceError:
        return
    assert honest(snapshot)
    assert snapshot.proof.requests <= MOST_REQUESTS
    assert time.monotonic() - began < 12

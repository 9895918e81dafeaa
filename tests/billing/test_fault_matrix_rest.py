"""Faults at the pages of plans and items, which no list is, and hangs that never end, at every page of every list."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from billing import test_fault_matrix as lists
from billing import test_fault_matrix_beside as beside
from billing.billing_support import (
    NOW,
    PASSING_FAULTS,
    READ_TIMEOUT_S,
    lago_sandbox,
    lago_source,
    stripe_sandbox,
    stripe_source,
)
from reconciler.model.observation import Snapshot
from reconciler.sandbox.server import Break, Fault, LoopbackServer

PER_PAGE, PAGES, ITEMS = 2, 3, 12
TARGETS = {
    "lago": [r"/plans\?per_page=2(?!&page)", *(rf"/plans\?per_page=2&page={page}" for page in range(2, PAGES + 1))],
    "stripe": [r"/subscription_items\?"] * (ITEMS // PER_PAGE),
}
EVERYWHERE = [(source, page) for source, targets in TARGETS.items() for page in range(1, len(targets) + 1)]
MOST_REQUESTS = 60
DEADLINE_S = 1.0


@pytest.fixture(scope="module")
def served() -> Iterator[dict[str, LoopbackServer]]:
    lago, stripe = lago_sandbox(), stripe_sandbox()
    for number in range(PAGES * PER_PAGE - 2):
        lago.add_plan(f"plan_{number}", amount_cents=100)
    lago.add_customer("org_1")
    lago.add_subscription("org_1", "plan_3", external_id="sub_1")
    product = stripe.add_product("P")
    prices = [stripe.add_price(product, unit_amount=100 + number) for number in range(ITEMS)]
    customer = stripe.add_customer(metadata={"org_id": "org_1"}, created=NOW - timedelta(days=1))
    stripe.add_subscription(customer, prices=prices, created=NOW - timedelta(days=1))
    with lago.serve() as one, stripe.serve() as other:
        yield {"lago": one, "stripe": other}


def read(source: str, server: LoopbackServer, read_timeout_s: float = READ_TIMEOUT_S) -> Snapshot:
    opened = lago_source if source == "lago" else stripe_source
    with opened(server, page_size=PER_PAGE, read_deadline_s=10, read_timeout_s=read_timeout_s) as reader:
        return reader.read_all(NOW)


def is_right(snapshot: Snapshot) -> bool:
    (held,) = snapshot.subscriptions
    if snapshot.source == "lago":
        return held.items[0].unit_amount == 100
    return sorted(each.unit_amount or 0 for each in held.items) == [100 + number for number in range(ITEMS)]


def place(source: str, page: int) -> Fault:
    return Fault(target=TARGETS[source][page - 1], skip=page - 1 if source == "stripe" else 0)


@pytest.mark.parametrize(("source", "page"), EVERYWHERE)
@pytest.mark.parametrize("fault", PASSING_FAULTS)
def test_a_fault_that_passes_at_plans_or_items_leaves_a_complete_and_right_snapshot(
    served: dict[str, LoopbackServer], source: str, page: int, fault: str
) -> None:
    server, at = served[source], place(source, page)
    server.clear_faults()
    server.add_fault(Fault(target=at.target, skip=at.skip, **PASSING_FAULTS[fault]))
    snapshot = read(source, server, READ_TIMEOUT_S * 1.5 if fault == "hang" else READ_TIMEOUT_S)
    assert (snapshot.complete, snapshot.problem) == (True, None)
    assert is_right(snapshot)
    assert snapshot.proof.retries >= 1
    assert snapshot.proof.requests <= MOST_REQUESTS


@pytest.mark.parametrize(("source", "page"), EVERYWHERE)
@pytest.mark.parametrize("fault", ["429", "500", "502 with HTML", "reset", "cut", "other JSON"])
def test_a_fault_that_stays_at_plans_or_items_is_said_after_few_requests(
    served: dict[str, LoopbackServer], source: str, page: int, fault: str
) -> None:
    server, at = served[source], place(source, page)
    server.clear_faults()
    server.add_fault(Fault(target=at.target, skip=at.skip, **PASSING_FAULTS[fault] | {"times": None}))
    snapshot = read(source, server)
    assert not snapshot.complete
    assert snapshot.problem
    assert snapshot.proof.requests <= MOST_REQUESTS


def hang(at: Fault) -> Fault:
    return Fault(target=at.target, skip=at.skip, breaks=Break.HANG, delay_s=2, times=None)


@pytest.mark.parametrize(("source", "kind", "page"), lists.EVERYWHERE)
def test_a_hang_that_never_ends_ends_the_read_at_its_deadline(source: str, kind: str, page: int) -> None:
    world = lists.lago_of() if source == "lago" else lists.stripe_of()
    with world.serve() as server:
        server.add_fault(hang(lists.place(source, kind, page)))
        began = time.monotonic()
        snapshot = lists.read(source, server, read_deadline_s=DEADLINE_S, read_timeout_s=30)
        took_s = time.monotonic() - began
    assert not snapshot.complete
    assert "not read to its end in the time" in (snapshot.problem or "")
    assert took_s < DEADLINE_S + 5  # and what the machine is busy with
    assert snapshot.proof.requests <= lists.MOST_REQUESTS


@pytest.mark.parametrize(("source", "name"), [place for place in beside.LISTS if place[1] != beside.ENDED])
def test_a_hang_that_never_ends_in_a_list_beside_leaves_the_rest_whole(
    monkeypatch: pytest.MonkeyPatch, source: str, name: str
) -> None:
    monkeypatch.setattr("reconciler.billing.stripe_side.MOST_SINGLY", 1)
    world = beside.lago_of() if source == "lago" else beside.stripe_of()
    with world.serve() as server:
        server.add_fault(hang(beside.at(source, name, 1)))
        began = time.monotonic()
        snapshot = lists.read(source, server, read_deadline_s=3 * DEADLINE_S, read_timeout_s=0.3)
        took_s = time.monotonic() - began
    assert name in {each.name for each in snapshot.side_reads if each.problem} or not snapshot.complete
    assert took_s < 3 * DEADLINE_S + 5


def test_what_the_matrix_counts() -> None:
    """Cases of faults that pass or stay, by place; the slow pairs of faults and the lies come on top."""
    stays = 6
    places = len(lists.EVERYWHERE) + len(beside.EVERYWHERE) + len(EVERYWHERE)
    assert places == 12 + 21 + 9
    assert places * (len(PASSING_FAULTS) + stays) == 714
    assert len(list(itertools.product(PASSING_FAULTS, PASSING_FAULTS))) == 121

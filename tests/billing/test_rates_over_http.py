"""What a source says about the rate, over HTTP: which objections slow every thread down, and which pauses hold them."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from billing.billing_support import NOW, lago_sandbox, lago_source, network, stripe_sandbox, stripe_source
from reconciler.billing.pacing import RateBudget
from reconciler.model.billing import Source
from reconciler.model.observation import Snapshot
from reconciler.sandbox.server import Fault
from reconciler.sandbox.stripe import lock_timeout, rate_limited

RATE = 1e6


def read(source: str, budget: RateBudget, fault: Fault) -> tuple[Snapshot, float]:
    """A read that meets `fault` once, and the seconds that it took."""
    world = lago_sandbox() if source == "lago" else stripe_sandbox()
    with world.serve() as server:
        server.add_fault(fault)
        opened: Any = lago_source if source == "lago" else stripe_source
        began = time.monotonic()
        with opened(server, asking=network(Source(source), budget=budget)) as reader:
            return reader.read_all(NOW), time.monotonic() - began


@pytest.mark.parametrize(
    ("source", "fault", "halves"),
    [
        ("lago", Fault(target="customers", status=429, body="{}"), True),
        ("lago", Fault(target="customers", status=503, body="{}"), False),
        ("stripe", rate_limited(), True),
        ("stripe", rate_limited(reason="global-rate"), True),
        ("stripe", rate_limited(reason="endpoint-concurrency"), True),
        ("stripe", rate_limited(reason="resource-specific"), False),
        ("stripe", lock_timeout(), False),
        ("stripe", Fault(status=500, body="{}"), False),
    ],
)
def test_only_an_objection_to_the_rate_itself_halves_it(source: str, fault: Fault, *, halves: bool) -> None:
    budget = RateBudget(RATE)
    snapshot, _ = read(source, budget, fault)
    assert (snapshot.complete, snapshot.proof.retries) == (True, 1)
    assert (RATE / 2 < budget.requests_per_s < 0.7 * RATE) is halves


@pytest.mark.parametrize("source", ["lago", "stripe"])
def test_a_pause_that_was_asked_for_is_waited_by_every_request(source: str) -> None:
    fault = Fault(target="customers", status=429, body="{}", headers={"Retry-After": "1"})
    snapshot, took_s = read(source, RateBudget(RATE), fault)
    assert snapshot.complete
    assert took_s >= 1


def test_a_refusal_that_stripe_says_may_be_retried_is_retried() -> None:
    fault = Fault(target="customers", status=400, body='{"error": {}}', headers={"Stripe-Should-Retry": "true"})
    snapshot, _ = read("stripe", RateBudget(RATE), fault)
    assert (snapshot.complete, snapshot.proof.retries) == (True, 1)


def test_lago_that_counts_down_its_limit_is_not_asked_before_it_is_reset() -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}
    body = '{"organization": {"lago_id": "1", "name": "A"}}'
    fault = Fault(target="organizations", status=200, body=body, headers=headers)
    snapshot, took_s = read("lago", RateBudget(RATE), fault)
    assert (snapshot.complete, snapshot.proof.retries) == (True, 0)
    assert took_s >= 1


def test_reads_in_several_threads_keep_one_rate_together() -> None:
    budget = RateBudget(40)
    whole: list[bool] = []
    with (
        stripe_sandbox().serve() as server,
        stripe_source(server, asking=network(Source.STRIPE, budget=budget)) as reader,
    ):
        threads = [threading.Thread(target=lambda: whole.append(reader.read_all(NOW).complete)) for _ in range(5)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took_s = time.monotonic() - began
        requests = len(server.requests)
    assert whole == [True] * 5
    assert requests >= 10
    assert took_s >= (requests - 1) / 40


def test_a_source_that_never_stops_objecting_gives_an_incomplete_snapshot_after_few_requests() -> None:
    budget = RateBudget(RATE)
    snapshot, _ = read("stripe", budget, Fault(target="customers", status=429, body="{}", times=None))
    assert not snapshot.complete
    assert snapshot.proof.requests < 10
    assert budget.requests_per_s < RATE / 4

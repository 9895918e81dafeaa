"""Servers that answer too slowly: a whole read ends at its deadline, and an answer that drips in is given up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from werkzeug.wrappers import Request, Response

from billing.billing_support import NOW, lago_sandbox, lago_source, stripe_sandbox, stripe_source
from reconciler.billing.lago_source import LagoSource
from reconciler.billing.stripe_source import StripeSource
from reconciler.errors import SourceUnavailableError
from reconciler.model.observation import SideList
from reconciler.sandbox.server import Break, Fault, LoopbackServer

Opened = Callable[..., AbstractContextManager[LagoSource | StripeSource]]
World = tuple[LoopbackServer, Opened]


@pytest.fixture(params=["lago", "stripe"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "lago":
        lago = lago_sandbox()
        lago.add_customer("org_1")
        with lago.serve() as server:
            yield server, lago_source
    else:
        stripe = stripe_sandbox()
        stripe.add_customer()
        with stripe.serve() as server:
            yield server, stripe_source


def test_a_read_ends_at_its_deadline_and_says_so(world: World) -> None:
    server, opened = world
    server.add_fault(Fault(target="customers", delay_s=1.5, times=None))
    began = time.monotonic()
    with opened(server, read_deadline_s=0.3) as source:
        snapshot = source.read_all(NOW)
        took_s = time.monotonic() - began
    assert not snapshot.complete
    assert "not read to its end in the time" in (snapshot.problem or "")
    assert took_s < 1.4


def dripping(server: LoopbackServer, target: str) -> Callable[[Request], Response]:
    """As `server` answers, but those to `target` come in small pieces, each of them in time."""

    def answer(request: Request) -> Response:
        whole = server._application(request)
        if target not in request.full_path:
            return whole
        body = whole.get_data()

        def drops() -> Iterator[bytes]:
            for at in range(0, len(body), 16):
                time.sleep(0.04)
                yield body[at : at + 16]

        dripped = Response(drops(), status=whole.status_code, content_type=whole.content_type)
        dripped.headers["Content-Length"] = str(len(body))
        return dripped

    return answer


@contextmanager
def drip(server: LoopbackServer, target: str) -> Iterator[LoopbackServer]:
    with LoopbackServer(dripping(server, target)) as slow:
        yield slow


def test_an_answer_that_drips_in_is_given_up_and_asked_for_again(world: World) -> None:
    server, opened = world
    began = time.monotonic()
    with drip(server, "customers?") as slow, opened(slow, read_timeout_s=0.1) as source:
        snapshot = source.read_all(NOW)
    assert not snapshot.complete
    assert (snapshot.problem or "").endswith("cannot be read: it did not answer in time")
    assert snapshot.proof.retries == 2
    assert time.monotonic() - began < 3


def test_a_single_customer_that_drips_in_is_given_up_too(world: World) -> None:
    server, opened = world
    with opened(server) as source:
        (customer,) = source.read_all(NOW).customers
    with (
        drip(server, "customers/") as slow,
        opened(slow, read_timeout_s=0.1) as source,
        pytest.raises(SourceUnavailableError, match="did not answer in time"),
    ):
        source.read_customer(customer)


def test_a_side_list_that_takes_too_long_is_said_and_the_rest_is_whole(world: World) -> None:
    server, opened = world
    server.add_fault(Fault(target="/invoices", breaks=Break.HANG, delay_s=5, times=None))
    with opened(server, read_timeout_s=9, read_deadline_s=3) as reader:
        snapshot = reader.read_all(NOW)
    assert (snapshot.complete, snapshot.problem) == (True, None)
    assert not snapshot.has_read(SideList.OPEN_INVOICES)
    assert any("in the time" in each.problem for each in snapshot.side_reads)

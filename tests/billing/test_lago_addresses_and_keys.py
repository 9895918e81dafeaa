"""Addresses and keys of Lago, right and wrong: each ends in a whole read or in one clear sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from billing.billing_support import LAGO_KEY, NOW, StandingClock, lago_sandbox, lago_source, network
from reconciler.billing.asking import Retry
from reconciler.billing.lago_source import LagoSource
from reconciler.billing.read_only import WriteHeldBackError
from reconciler.errors import CredentialError, NotThatSourceError
from reconciler.model.billing import Source
from reconciler.sandbox.lago import LagoSandbox
from reconciler.sandbox.server import Fault, LoopbackServer


@pytest.fixture
def lago() -> LagoSandbox:
    sandbox = lago_sandbox()
    sandbox.add_customer("org_1")
    return sandbox


@pytest.fixture
def server(lago: LagoSandbox) -> Iterator[LoopbackServer]:
    with lago.serve() as served:
        yield served


@pytest.mark.parametrize("ending", ["", "/", "/api/v1", "/api/v1/"])
def test_an_address_is_taken_with_and_without_the_path_of_the_api(server: LoopbackServer, ending: str) -> None:
    with lago_source(server.url + ending) as source:
        assert [each.org_key for each in source.read_all(NOW).customers] == ["org_1"]
    assert "/health" in [request.target for request in server.requests]


@pytest.mark.parametrize("url", ["", "lago.example.com", "ftp://lago.example.com", "http://", "https://[::1"])
def test_what_is_no_http_address_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(NotThatSourceError, match="no http address"):
        LagoSource(url=url, api_key=LAGO_KEY, clock=StandingClock(), asking=network(Source.LAGO))


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "clé"])
def test_a_key_that_no_request_could_carry_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(CredentialError) as caught:
        LagoSource(url="http://127.0.0.1:1", api_key=key, clock=StandingClock(), asking=network(Source.LAGO))
    assert not key or key not in str(caught.value)


def test_a_wrong_key_is_refused_at_once_and_not_shown(server: LoopbackServer) -> None:
    with lago_source(server, api_key="00000000-wrong") as source, pytest.raises(CredentialError) as caught:
        source.read_all(NOW)
    assert "wrong" not in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", ["subscription", "customer", "plan"])
def test_a_key_that_lacks_a_permission_names_it(server: LoopbackServer, kind: str) -> None:
    server.add_fault(Fault(target=rf"/{kind}s\?", status=403, body='{"status":403,"error":"Forbidden"}', times=None))
    with lago_source(server) as source, pytest.raises(CredentialError, match=f"`{kind}`"):
        source.read_all(NOW)


def test_a_server_without_these_paths_is_no_lago() -> None:
    with (
        LoopbackServer(lambda _: Response("<h1>Not here</h1>", status=404, content_type="text/html")) as other,
        lago_source(other) as source,
        pytest.raises(NotThatSourceError, match="not as a Lago"),
    ):
        source.read_all(NOW)
    assert len(other.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [{"status": 404, "body": "{}"}, {"status": 403, "body": "{}"}, {"status": 200, "body": "<html>", "times": None}],
)
def test_a_lago_whose_health_check_is_not_reachable_is_read_all_the_same(
    server: LoopbackServer, answer: dict[str, Any]
) -> None:
    server.add_fault(Fault(target="/health", **answer))
    with lago_source(server) as source:
        assert source.read_all(NOW).complete


def test_a_refusal_that_is_about_something_else_than_the_page_size_is_one(server: LoopbackServer) -> None:
    body = '{"status":422,"error":"Unprocessable Entity","error_details":{"status":["value_is_invalid"]}}'
    server.add_fault(Fault(target="/subscriptions", status=422, body=body, times=None))
    with lago_source(server) as source:
        snapshot = source.read_all(NOW)
    assert (snapshot.complete, snapshot.proof.retries) == (False, 0)
    assert snapshot.problem is not None
    assert snapshot.problem.endswith("answered 422")


def test_an_address_that_sends_on_elsewhere_is_named_instead_of_followed() -> None:
    def elsewhere(request: Request) -> Response:
        return Response(status=301, headers={"Location": f"https://other.example.com{request.path}"})

    with (
        LoopbackServer(elsewhere) as moved,
        lago_source(moved) as source,
        pytest.raises(NotThatSourceError, match="another address"),
    ):
        source.read_all(NOW)


def test_a_login_in_the_address_is_never_told(server: LoopbackServer) -> None:
    server.add_fault(Fault(status=503, times=None))
    with lago_source(server.url.replace("://", "://user:hidden@")) as source:
        assert "hidden" not in (source.read_all(NOW).problem or "")


def test_nothing_but_get_leaves(server: LoopbackServer) -> None:
    with lago_source(server) as source:
        customer = source.read_all(NOW).customers[0]
        source.read_customer(customer)
    assert {request.method for request in server.requests} == {"GET"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD"])
def test_no_other_method_is_sent_even_when_asked(server: LoopbackServer, method: str) -> None:
    with lago_source(server) as source, pytest.raises(WriteHeldBackError, match=method):
        source._client._http.request(method, f"{server.url}/api/v1/customers")
    assert server.requests == []


def test_each_retry_is_told_to_whoever_listens(server: LoopbackServer) -> None:
    told: list[Retry] = []
    server.add_fault(Fault(target="/customers", status=500))
    with lago_source(server, asking=network(Source.LAGO, on_retry=told.append)) as source:
        source.read_all(NOW)
    assert [(retry.attempt, retry.reason.endswith("answered 500")) for retry in told] == [(2, True)]


def test_a_server_that_caps_the_page_size_below_ours_is_read_at_its_own(server: LoopbackServer) -> None:
    body = (
        '{"status":422,"error":"Unprocessable Entity","code":"validation_errors",'
        '"error_details":{"per_page":["value_is_out_of_range"]}}'
    )
    server.add_fault(Fault(target="per_page=100", status=422, body=body, times=None))
    with lago_source(server) as source:
        snapshot = source.read_all(NOW)
    assert (snapshot.complete, len(snapshot.customers)) == (True, 1)
    assert sum("per_page" in request.target for request in server.requests) == 1

from __future__ import annotations

import base64
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message

import pytest
import stripe

from reconciler.sandbox.server import LoopbackServer
from reconciler.sandbox.stripe import StripeSandbox, lock_timeout, rate_limited
from sandbox.stripe_over_http import KEY, NOW, get, library_client

RESTRICTED = "rk_test_customers"


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    sandbox = StripeSandbox(clock=lambda: NOW, restricted_keys={RESTRICTED: {"rak_customer_read"}})
    with sandbox.serve() as server:
        yield server


def _plain_get(url: str, headers: dict[str, str]) -> tuple[int, Message]:
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the URL of a loopback server
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - the same
            return answer.status, answer.headers
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.headers


@pytest.mark.parametrize("path", ["subscriptions/sub_none", "customers/cus_none", "prices/price_none"])
def test_an_unknown_id_is_a_404_that_names_it(server: LoopbackServer, path: str) -> None:
    with library_client(server.url) as client, pytest.raises(stripe.InvalidRequestError) as refused:
        get(client, f"/v1/{path}")
    error = refused.value
    assert (error.http_status, error.code, error.param) == (404, "resource_missing", "id")
    assert f"No such {path.split('s/', maxsplit=1)[0]}: '{path.split('/')[1]}'" in str(error)
    assert str(error.request_id).startswith("req_")


@pytest.mark.parametrize("path", ["/v1/payment_links", "/v2/subscriptions", "/v1/subscriptions/", "/api/v1/customers"])
def test_an_unknown_route_is_a_404_that_names_it(server: LoopbackServer, path: str) -> None:
    with (
        library_client(server.url) as client,
        pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL") as e,
    ):
        get(client, path)
    assert (e.value.http_status, e.value.code) == (404, None)


def test_a_write_is_no_route_at_all(server: LoopbackServer) -> None:
    with library_client(server.url) as client, pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.customers.create({"name": "Acme"})
    assert "Unrecognized request URL (POST: /v1/customers)" in str(refused.value)


def test_a_missing_key_is_a_401(server: LoopbackServer) -> None:
    status, headers = _plain_get(f"{server.url}/v1/customers", {})
    assert (status, headers["WWW-Authenticate"]) == (401, 'Basic realm="Stripe"')


def test_a_wrong_key_is_a_401_that_shows_only_its_end(server: LoopbackServer) -> None:
    with library_client(server.url, "sk_test_somebodyelses") as client:
        with pytest.raises(stripe.AuthenticationError, match=r"Invalid API Key provided: sk_test_\*+lses") as refused:
            get(client, "/v1/customers")
        assert refused.value.http_status == 401
        assert "somebody" not in str(refused.value)


def test_a_key_of_the_other_mode_is_a_401(server: LoopbackServer) -> None:
    with library_client(server.url, "sk_live_sandbox") as client, pytest.raises(stripe.AuthenticationError):
        get(client, "/v1/customers")


def test_a_publishable_key_is_refused(server: LoopbackServer) -> None:
    with library_client(server.url, "pk_test_anything") as client, pytest.raises(stripe.PermissionError) as refused:
        get(client, "/v1/customers")
    assert refused.value.error is not None
    assert refused.value.error.code == "secret_key_required"


def test_a_key_may_come_as_basic_user_name(server: LoopbackServer) -> None:
    user = base64.b64encode(f"{KEY}:".encode()).decode()
    assert _plain_get(f"{server.url}/v1/customers", {"Authorization": f"Basic {user}"})[0] == 200


@pytest.mark.parametrize("authorization", ["Basic not-base64!", "Digest x", "Bearer", "Bearer "])
def test_an_authorization_that_holds_no_key_is_a_401(server: LoopbackServer, authorization: str) -> None:
    assert _plain_get(f"{server.url}/v1/customers", {"Authorization": authorization})[0] == 401


def test_a_restricted_key_reads_what_it_may_and_learns_which_permission_it_lacks(server: LoopbackServer) -> None:
    with library_client(server.url, RESTRICTED) as client:
        assert get(client, "/v1/customers")["data"] == []
        with pytest.raises(stripe.PermissionError, match="Having the 'rak_subscription_read' permission") as refused:
            get(client, "/v1/subscriptions")
    assert refused.value.http_status == 403


def test_another_account_is_a_403(server: LoopbackServer) -> None:
    with library_client(server.url) as client, pytest.raises(stripe.PermissionError) as refused:
        client.v1.customers.list({}, {"stripe_account": "acct_other"})
    assert refused.value.error is not None
    assert refused.value.error.code == "account_invalid"


def test_keys_of_two_modes_make_no_account() -> None:
    with pytest.raises(ValueError, match="same mode"):
        StripeSandbox(api_key="sk_live_a", restricted_keys={"rk_test_b": set()})


def test_every_answer_has_its_own_request_id_and_echoes_the_version(server: LoopbackServer) -> None:
    with library_client(server.url) as client:
        first = client.raw_request("get", "/v1/customers")
        second = client.raw_request("get", "/v1/customers")
    assert first.request_id != second.request_id
    assert first.headers["Stripe-Version"] == stripe.api_version == "2026-10-28.endive"


@pytest.mark.parametrize("reason", ["global-rate", "endpoint-concurrency"])
def test_a_rate_limit_is_a_429_with_its_reason_and_is_not_tried_again_by_the_library(
    server: LoopbackServer, reason: str
) -> None:
    server.add_fault(rate_limited(reason=reason, target="/v1/customers"))
    with library_client(server.url) as client:
        with pytest.raises(stripe.RateLimitError) as refused:
            get(client, "/v1/customers")
        assert refused.value.headers is not None
        assert refused.value.headers["Stripe-Rate-Limited-Reason"] == reason
        assert refused.value.error is not None
        assert refused.value.error.code == "rate_limit"
        assert len(server.requests) == 1
        assert get(client, "/v1/customers")["data"] == []


def test_a_locked_object_is_a_429_without_a_reason(server: LoopbackServer) -> None:
    server.add_fault(lock_timeout())
    with library_client(server.url) as client, pytest.raises(stripe.RateLimitError) as refused:
        get(client, "/v1/customers")
    assert refused.value.headers is not None
    assert "Stripe-Rate-Limited-Reason" not in refused.value.headers
    assert refused.value.error is not None
    assert refused.value.error.code == "lock_timeout"

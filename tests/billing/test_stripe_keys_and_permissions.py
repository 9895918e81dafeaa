"""Keys of Stripe, right and wrong: a wrong one is named before, or at the first request, and never shown."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal

import pytest
import stripe

from billing.billing_support import NOW, STRIPE_KEY, StandingClock, network, stripe_sandbox, stripe_source
from reconciler.billing.asking import Retry
from reconciler.billing.read_only import WriteHeldBackError
from reconciler.billing.stripe_source import StripeSource
from reconciler.errors import CredentialError, NotThatSourceError
from reconciler.model.billing import Source
from reconciler.sandbox.server import Fault, LoopbackServer
from reconciler.sandbox.stripe import StripeSandbox

READS = ("rak_subscription_read", "rak_customer_read", "rak_plan_read", "rak_coupon_read")


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    sandbox = stripe_sandbox()
    sandbox.add_customer()
    with sandbox.serve() as served:
        yield served


@pytest.mark.parametrize(
    ("key", "livemode", "said"),
    [
        ("", "test", "empty"),
        ("pk_test_51publishable", "test", "publishable"),
        ("whsec_51secret", "test", "no secret or restricted key"),
        ("sk_test_two words", "test", "no secret or restricted key"),
        ("sk_live_51secret", "test", "of live mode, configured is test mode"),
        ("rk_test_51secret", "live", "of test mode, configured is live mode"),
    ],
)
def test_a_key_that_cannot_be_right_is_refused_before_any_request(key: str, livemode: str, said: str) -> None:
    with pytest.raises(CredentialError, match=said) as caught:
        StripeSource(
            api_key=key,
            livemode=livemode == "live",
            clock=StandingClock(),
            asking=network(Source.STRIPE),
            url="http://127.0.0.1:1",
        )
    assert "51" not in str(caught.value)


@pytest.mark.parametrize("key", ["sk_live_51a", "rk_live_51a", "sk_org_live_51a"])
def test_a_key_of_live_mode_is_taken_for_live_mode(key: str) -> None:
    StripeSource(
        api_key=key, livemode=True, clock=StandingClock(), asking=network(Source.STRIPE), url="http://127.0.0.1:1"
    ).close()


@pytest.mark.parametrize("url", ["", "api.stripe.com", "ftp://api.stripe.com"])
def test_what_is_no_http_address_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(NotThatSourceError, match="no http address"):
        StripeSource(api_key=STRIPE_KEY, livemode=False, clock=StandingClock(), asking=network(Source.STRIPE), url=url)


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/"])
def test_an_address_is_taken_with_and_without_the_version(server: LoopbackServer, ending: str) -> None:
    with stripe_source(server.url + ending) as source:
        assert len(source.read_all(NOW).customers) == 1


def test_a_key_that_stripe_does_not_know_is_refused_at_once_and_not_shown(server: LoopbackServer) -> None:
    with stripe_source(server, api_key="sk_test_hidden") as source, pytest.raises(CredentialError) as caught:
        source.read_all(NOW)
    assert "hidden" not in str(caught.value)
    assert len(server.requests) == 1


def read_with(permissions: Collection[str]) -> bool:
    sandbox = StripeSandbox(
        api_key=STRIPE_KEY, restricted_keys={"rk_test_reads": permissions}, clock=StandingClock().now
    )
    coupon = sandbox.add_coupon(percent_off=Decimal(10), duration="forever")
    price = sandbox.add_price(sandbox.add_product("P"), unit_amount=1)
    sandbox.add_subscription(sandbox.add_customer(coupon=coupon), prices=[price], coupons=[coupon])
    with sandbox.serve() as served, stripe_source(served, api_key="rk_test_reads") as source:
        return source.read_all(NOW).complete


def test_a_restricted_key_with_these_permissions_reads_everything() -> None:
    assert read_with(READS)


@pytest.mark.parametrize("lacking", ["rak_subscription_read", "rak_customer_read"])
def test_a_restricted_key_that_lacks_a_permission_names_it(lacking: str) -> None:
    with pytest.raises(CredentialError, match=lacking):
        read_with([each for each in READS if each != lacking])


def test_an_account_that_the_key_may_not_see_is_named(server: LoopbackServer) -> None:
    with stripe_source(server, account="acct_other") as source, pytest.raises(CredentialError, match="account"):
        source.read_all(NOW)


def test_nothing_but_get_leaves(server: LoopbackServer) -> None:
    with stripe_source(server) as source:
        source.read_customer(source.read_all(NOW).customers[0])
    assert {request.method for request in server.requests} == {"GET"}


def test_no_other_method_is_sent_even_when_asked(server: LoopbackServer) -> None:
    with stripe_source(server) as source, pytest.raises(WriteHeldBackError, match="POST"):
        source._client._stripe.v1.customers.create({"name": "Acme"})
    assert server.requests == []


def test_no_telemetry_is_sent_or_left_behind(server: LoopbackServer) -> None:
    with stripe_source(server) as source:
        source.read_all(NOW)
        source.read_all(NOW)
    headers = [request.headers for request in server.requests]
    assert not any("X-Stripe-Client-Telemetry" in each for each in headers)
    assert not any("telemetry_id" in each["X-Stripe-Client-User-Agent"] for each in headers)
    assert not stripe.enable_telemetry


def test_each_retry_is_told_to_whoever_listens(server: LoopbackServer) -> None:
    told: list[Retry] = []
    server.add_fault(Fault(target="/customers", status=500))
    with stripe_source(server, asking=network(Source.STRIPE, on_retry=told.append)) as source:
        source.read_all(NOW)
    assert [(retry.attempt, retry.reason.endswith("answered 500")) for retry in told] == [(2, True)]

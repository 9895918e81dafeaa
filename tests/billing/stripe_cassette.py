"""What is asked of localstripe while its answers are recorded, and asked again, word for word, of the recording.

localstripe 1.15 knows plans but no prices, lists oldest first and answers `created` with a 500; what it sends has the
shape of an older API version. So this is another's wire format, paging, keys and refusals, not today's Stripe.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import vcr  # type: ignore[import-untyped]  # it ships no types
import vcr.stubs  # type: ignore[import-untyped]  # as above

from billing.billing_support import NOW, QUICK
from reconciler.billing.asking import OutageError
from reconciler.billing.network import Network
from reconciler.billing.pacing import RateBudget
from reconciler.billing.stripe_client import StripeClient
from reconciler.billing.stripe_walk import walk
from reconciler.billing.stripe_wire import WireCustomer, WireList, WireSubscription
from reconciler.billing.tally import Tally
from reconciler.errors import CredentialError, SourceRefusedError
from reconciler.model.billing import Source

CASSETTE = Path(__file__).parent / "cassettes" / "localstripe_1.15.10.yaml"
URL = "http://stripe.test"
_WATCHED = ("method", "scheme", "host", "port", "path", "query", "body")
_KEPT = {"content-type", "content-length"}


class _Answer(vcr.stubs.VCRHTTPResponse):  # type: ignore[misc]  # its base has no types
    """An answer that is read in drops, as urllib3's own; vcrpy's knows no `decode_content`."""

    def read1(self, amt: int = -1, *, decode_content: bool = True) -> Any:  # noqa: ARG002 # cassettes hold plain bodies
        return super().read1(amt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Everything that was said."""

    subscriptions: dict[str, WireSubscription]
    customers: dict[str, WireCustomer]
    single: WireCustomer
    of_the_single: dict[str, WireSubscription]
    deleted: int
    unknown_status: int
    refused_key: str
    broken_list: str
    tally: Tally


def ask(url: str = URL) -> Answers:
    """Ask everything; pages of three."""
    tally = Tally(read_from=NOW)
    stripe = _client(url, "sk_test_peer")
    subscriptions: dict[str, WireSubscription] = {}
    customers: dict[str, WireCustomer] = {}
    own: dict[str, WireSubscription] = {}

    def listed(model: Any, path: str, cursor: str | None, **query: Any) -> Any:
        after = {} if cursor is None else {"starting_after": cursor}
        return stripe.read(path, model, tally, limit=3, **query, **after)

    subscription_page, customer_page = WireList[WireSubscription], WireList[WireCustomer]
    said = walk(
        lambda cursor: listed(subscription_page, "/v1/subscriptions", cursor, status="all"),
        subscriptions,
        what="subscriptions",
    )
    said += walk(lambda cursor: listed(customer_page, "/v1/customers", cursor), customers, what="customers")
    single = stripe.read(f"/v1/customers/{next(iter(customers))}", WireCustomer, tally)
    said += walk(
        lambda cursor: listed(subscription_page, "/v1/subscriptions", cursor, status="all", customer=single.id),
        own,
        what="subscriptions",
    )
    assert said == []
    gone = next(each.customer for each in subscriptions.values() if each.customer not in customers)
    with pytest.raises(SourceRefusedError) as deleted:
        stripe.read(f"/v1/customers/{gone}", WireCustomer, tally)
    with pytest.raises(SourceRefusedError) as unknown_status:
        listed(subscription_page, "/v1/subscriptions", None, status="robot")
    with pytest.raises(OutageError) as broken_list:
        listed(subscription_page, "/v1/subscriptions", None, ending_before=next(iter(subscriptions)))
    restricted = _client(url, "rk_test_peer")
    with pytest.raises(CredentialError) as refused_key:
        restricted.read("/v1/customers", customer_page, tally)
    for client in (stripe, restricted):
        client.close()
    return Answers(
        subscriptions=subscriptions,
        customers=customers,
        single=single,
        of_the_single=own,
        deleted=deleted.value.status,
        unknown_status=unknown_status.value.status,
        refused_key=str(refused_key.value),
        broken_list=broken_list.value.problem,
        tally=tally,
    )


def player(record_mode: str, *, recorded_from: str = URL) -> Any:
    """A vcrpy that keeps no key and nothing about the machine; `recorded_from` is written as URL."""

    def asked(request: Any) -> Any:
        request.uri = request.uri.replace(recorded_from, URL, 1)
        request.headers = {}
        return request

    def answered(response: Any) -> Any:
        response["headers"] = {name: value for name, value in response["headers"].items() if name.lower() in _KEPT}
        return response

    return vcr.VCR(
        record_mode=record_mode,
        match_on=_WATCHED,
        filter_headers=["authorization", "x-stripe-client-user-agent", "user-agent"],
        before_record_request=asked,
        before_record_response=answered,
        decode_compressed_response=True,
        custom_patches=((vcr.stubs, "VCRHTTPResponse", _Answer),),
    )


def _client(url: str, api_key: str) -> StripeClient:
    return StripeClient(
        url=url,
        api_key=api_key,
        livemode=False,
        account="",
        asking=Network(Source.STRIPE, RateBudget(1e6), policy=QUICK),
        connect_timeout_s=2,
        read_timeout_s=2,
    )

from __future__ import annotations

from pathlib import Path

import stripe

from sandbox.localstripe_peer import localstripe_peer
from sandbox.stripe_over_http import library_client


def _subscribed(client: stripe.StripeClient, *, times: int) -> list[str]:
    product = client.v1.products.create({"name": "Team"})
    plan = client.raw_request("post", "/v1/plans", amount=0, currency="usd", interval="month", product=product.id).data[
        "id"
    ]
    made = []
    for _ in range(times):
        customer = client.v1.customers.create({"name": "Acme"})
        subscription = client.raw_request(
            "post", "/v1/subscriptions", customer=customer.id, items=[{"plan": plan}]
        ).data
        made.append(subscription["id"])
    return made


def test_the_library_walks_every_page_of_the_peer() -> None:
    with localstripe_peer() as peer, library_client(peer.url, peer.api_key) as client:
        made = _subscribed(client, times=7)
        page = client.v1.subscriptions.list({"status": "all", "limit": 3})
        assert [subscription.id for subscription in page.auto_paging_iter()] == made


def test_an_attribute_set_in_the_store_is_what_the_peer_answers() -> None:
    with localstripe_peer() as peer, library_client(peer.url, peer.api_key) as client:
        (subscription,) = _subscribed(client, times=1)
        peer.store[f"subscription:{subscription}"].status = "trialing"
        assert client.v1.subscriptions.retrieve(subscription).status == "trialing"


def test_each_peer_starts_empty_and_writes_no_file() -> None:
    dump = Path("/tmp/localstripe.pickle")  # noqa: S108 - the one file that localstripe writes, whatever TMPDIR says
    before = dump.stat().st_mtime_ns if dump.exists() else None
    with localstripe_peer() as first, library_client(first.url, first.api_key) as client:
        _subscribed(client, times=1)
    with localstripe_peer() as second, library_client(second.url, second.api_key) as client:
        assert not client.v1.subscriptions.list({"status": "all"}).data
    assert first.store is not second.store
    assert (dump.stat().st_mtime_ns if dump.exists() else None) == before

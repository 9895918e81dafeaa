"""Records the cassette of test_stripe_recorded_answers.py anew: `make cassettes`. Everything is on loopback."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import stripe

from billing.stripe_cassette import CASSETTE, ask, player
from sandbox.localstripe_peer import Peer, localstripe_peer
from sandbox.stripe_over_http import library_client

_TITLE = "# Answers of localstripe {version}, another's Stripe and not Stripe itself; over loopback, keys left out.\n"


def main() -> None:
    """Fill a localstripe, ask it everything and write down what it says."""
    CASSETTE.unlink(missing_ok=True)
    with localstripe_peer() as peer:
        with library_client(peer.url, peer.api_key) as client:
            _fill(client, peer)
        with player("once", recorded_from=peer.url).use_cassette(str(CASSETTE)):
            ask(peer.url)
    title = _TITLE.format(version=importlib.metadata.version("localstripe"))
    CASSETTE.write_text(title + CASSETTE.read_text(encoding="utf-8"), encoding="utf-8")


def _fill(client: stripe.StripeClient, peer: Peer) -> None:
    """One subscription in each status that localstripe can reach or be told, each of a customer named after it."""
    product = client.v1.products.create({"name": "Team"})
    free, paid, yearly = (
        _made(client, "/v1/plans", amount=amount, currency="usd", interval=interval, product=product.id)
        for amount, interval in ((0, "month"), (9900, "month"), (99000, "year"))
    )
    active = _subscribed(client, "active", free)
    _subscribed(client, "active", free, customer=active["customer"])
    client.v1.subscriptions.cancel(_subscribed(client, "canceled", free)["id"])
    _subscribed(client, "incomplete", paid, card="pm_card_chargeCustomerFail")
    expired = _subscribed(client, "incomplete_expired", paid, card="pm_card_chargeCustomerFail")
    client.v1.invoices.void_invoice(expired["latest_invoice"])
    late = _subscribed(client, "past_due", paid, card="pm_card_visa")
    _pay_with(client, late["customer"], "pm_card_chargeCustomerFail")
    client.raw_request("post", f"/v1/subscriptions/{late['id']}", items=[{"id": _item(late), "plan": yearly}])
    client.v1.customers.delete(_subscribed(client, "deleted", free)["customer"])
    told = peer.store[f"subscription:{_subscribed(client, 'trialing', free)['id']}"]
    told.status = "trialing"
    told.trial_end = 1_800_000_000
    told.pause_collection = {"behavior": "void", "resumes_at": None}
    told.items._list[0].current_period_end = 1_800_000_000
    told.items._list[0].price = {
        "id": "price_team",
        "object": "price",
        "currency": "usd",
        "product": product.id,
        "lookup_key": "team",
        "unit_amount": 9900,
        "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"},
    }


def _subscribed(
    client: stripe.StripeClient, name: str, plan: str, *, card: str = "", customer: str = ""
) -> dict[str, Any]:
    owner = customer or client.v1.customers.create({"metadata": {"org_id": f"org_{name}"}}).id
    if card:
        _pay_with(client, owner, card)
    made: dict[str, Any] = client.raw_request("post", "/v1/subscriptions", customer=owner, items=[{"plan": plan}]).data
    return made


def _pay_with(client: stripe.StripeClient, customer: str, card: str) -> None:
    method = client.v1.payment_methods.attach(card, {"customer": customer})
    client.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": method.id}})


def _made(client: stripe.StripeClient, path: str, **values: Any) -> str:
    made: str = client.raw_request("post", path, **values).data["id"]
    return made


def _item(subscription: dict[str, Any]) -> str:
    item: str = subscription["items"]["data"][0]["id"]
    return item


if __name__ == "__main__":
    main()

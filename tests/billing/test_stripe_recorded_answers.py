"""The wire layer on what localstripe says, another's Stripe of an older API version; `make cassettes` records it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from billing.billing_support import NOW
from billing.stripe_cassette import CASSETTE, Answers, ask, player
from reconciler.billing.stripe_mapping import customer_of, subscription_of
from reconciler.model.billing import Subscription, SubscriptionStatus


@pytest.fixture(scope="module")
def answers() -> Answers:
    """A request that the cassette does not hold fails, and so does one of its own that is not asked."""
    with player("none").use_cassette(str(CASSETTE)) as cassette:
        said = ask()
        assert cassette.all_played
    return said


def by_org(answers: Answers) -> dict[str, Subscription]:
    """The last one of each customer, by its organisation; "" for a customer that is gone."""
    found = {}
    for row in answers.subscriptions.values():
        owner = answers.customers.get(row.customer)
        mapped = subscription_of(row, customer=owner, metadata_org_key="org_id", as_of=NOW)
        found[customer_of(owner, metadata_org_key="org_id").org_key if owner else ""] = mapped
    return found


def test_every_page_is_walked_and_every_row_kept_once(answers: Answers) -> None:
    assert (len(answers.subscriptions), len(answers.customers)) == (8, 6)
    assert len(answers.of_the_single) == 2
    assert {each.customer for each in answers.of_the_single.values()} == {answers.single.id}


def test_each_status_is_understood(answers: Answers) -> None:
    assert {org: each.status for org, each in by_org(answers).items()} == {
        "org_active": SubscriptionStatus.ACTIVE,
        "org_canceled": SubscriptionStatus.ENDED,
        "org_incomplete": SubscriptionStatus.INCOMPLETE,
        "org_incomplete_expired": SubscriptionStatus.ABANDONED,
        "org_past_due": SubscriptionStatus.PAST_DUE,
        "org_trialing": SubscriptionStatus.TRIALING,
        "": SubscriptionStatus.ACTIVE,
    }


def test_a_price_a_period_and_a_pause_are_understood(answers: Answers) -> None:
    told = by_org(answers)["org_trialing"]
    (item,) = told.items
    assert (item.lookup_key, item.unit_amount, item.currency) == ("team", 9900, "usd")
    assert item.period_end == told.trial_end == datetime.fromtimestamp(1_800_000_000, UTC)
    assert told.collection_pause is not None


def test_an_item_without_a_price_is_unpriced(answers: Answers) -> None:
    (item,) = by_org(answers)["org_active"].items
    assert (item.price_id, item.unit_amount) == ("", None)


def test_refusals_keep_their_status_and_a_broken_list_is_an_outage(answers: Answers) -> None:
    assert (answers.deleted, answers.unknown_status) == (404, 400)
    assert answers.refused_key.startswith("Stripe at stripe.test refuses the API key")
    assert answers.broken_list == "Stripe at stripe.test answered 500"
    assert answers.tally.retries == 2


def test_the_cassette_holds_no_key_no_address_and_nothing_of_the_machine() -> None:
    text = CASSETTE.read_text(encoding="utf-8")
    assert "localstripe" in text.splitlines()[0]
    assert not re.search(r"[sr]k_(test|live)|127\.0\.0\.1|@|authorization|user-agent", text, re.IGNORECASE)

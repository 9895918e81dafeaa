"""What a subscription is billed a month, and what of it the catalog does not know."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from builders import (
    brief,
    codes_of,
    decided,
    drifts_of,
    judged,
    lago_sub,
    stripe_sub,
    terms,
    world,
)
from reconciler.model.billing import Discount, Item, Source, Subscription, SubscriptionStatus
from reconciler.model.drift import Code, Decided
from reconciler.model.terms import Authority

BY_STRIPE = terms(Authority.STRIPE)
ENDED = SubscriptionStatus.ENDED


def billed(*rows: Subscription) -> int | None:
    (verdict,) = judged(world("professional", *rows), BY_STRIPE).verdicts
    assert verdict.books is not None
    return verdict.books.billed


# what is billed a month


@pytest.mark.parametrize(
    ("row", "amount"),
    [
        (stripe_sub(), 9900),
        (stripe_sub(yearly=True), 8250),
        (stripe_sub(quantity=3), 29700),
        (stripe_sub(discounts=(Discount(percent=Decimal("12.5")),)), 8662),
        (stripe_sub(discounts=(Discount(amount_minor=900, currency="usd"),)), 9000),
        (stripe_sub(discounts=(Discount(amount_minor=900, currency="eur"),)), 9900),
        (stripe_sub(yearly=True, discounts=(Discount(amount_minor=1200, currency="usd"),)), 8150),
        (stripe_sub(discounts=(Discount(percent=Decimal(50)), Discount(amount_minor=950, currency="usd"))), 4000),
        (stripe_sub(amount=None), None),
    ],
    ids=["month", "year", "quantity", "percent", "amount", "other currency", "yearly amount", "both", "unknown"],
)
def test_the_monthly_amount_after_recurring_discounts(row: Subscription, amount: int | None) -> None:
    assert billed(row) == amount


def with_items(*items: Item, **changes: Any) -> Subscription:
    return stripe_sub(**changes, extra_items=items)


BASE = Item(id="si_2", price_id="price_starter", unit_amount=4900, currency="usd")


def test_several_base_items_are_billed_together_and_the_highest_decides() -> None:
    assert billed(with_items(BASE)) == 14800
    assert codes_of(world("professional", with_items(BASE)), BY_STRIPE) == ["base_ambiguous"]


def test_an_item_discount_is_taken_off_before_the_subscription_discount() -> None:
    item = Item(
        id="si_2",
        price_id="price_starter",
        unit_amount=4900,
        currency="usd",
        discounts=(Discount(percent=Decimal(50)), Discount(amount_minor=450, currency="usd")),
    )
    assert billed(with_items(item)) == 9900 + 2000
    assert billed(with_items(item, discounts=(Discount(percent=Decimal(10)),))) == 8910 + 1800


def test_an_amount_off_the_invoice_is_taken_off_once() -> None:
    assert billed(with_items(BASE, discounts=(Discount(amount_minor=900, currency="usd"),))) == 13900


def test_an_amount_off_leaves_no_less_than_nothing_for_another_item() -> None:
    assert billed(with_items(BASE, discounts=(Discount(amount_minor=20000, currency="usd"),))) == 4900


def test_metered_parts_and_other_products_are_left_out_of_what_is_billed() -> None:
    metered = Item(id="si_2", price_id="price_starter", unit_amount=5, currency="usd", metered=True)
    seats = Item(id="si_3", price_id="price_seats", unit_amount=700, currency="usd")
    assert billed(with_items(metered, seats)) == 9900


@pytest.mark.parametrize(("automatic", "overbilled"), [(False, 0), (True, 9900)])
def test_what_two_sides_bill_is_billed_twice_only_where_both_collect_by_themselves(
    *, automatic: bool, overbilled: int
) -> None:
    observed = world("professional", lago_sub(collected_automatically=automatic), stripe_sub())
    (verdict,) = judged(observed, terms(Authority.EITHER)).verdicts
    assert verdict.books is not None
    assert (verdict.books.billed, verdict.books.overbilled) == (19800, overbilled)


def test_what_is_metered_alone_is_of_unknown_amount_and_live() -> None:
    metered = Item(id="si_1", price_id="price_professional", unit_amount=5, currency="usd", metered=True)
    row = stripe_sub(items=(metered,))
    assert billed(row) is None
    assert codes_of(world("professional", row), BY_STRIPE) == []


def test_items_of_two_currencies_have_no_sum() -> None:
    euros = Item(id="si_2", price_id="price_starter", unit_amount=4900, currency="eur")
    assert billed(with_items(euros)) is None


# what the catalog does not know

STRANGE = Item(id="si_9", price_id="price_secret", unit_amount=100, currency="usd")


def test_an_unmapped_item_beside_a_base_item_stops_lowering_only() -> None:
    row = with_items(STRANGE)
    assert brief(decided(world("enterprise", row), BY_STRIPE)) == [("tier_over", "flag", "proof")]
    assert brief(decided(world("starter", row), BY_STRIPE)) == [("tier_under", "fix", None)]
    assert codes_of(world("professional", row), BY_STRIPE) == []


def test_an_unmapped_item_beside_a_base_item_is_named_in_the_evidence() -> None:
    (drift,) = drifts_of(world("starter", with_items(STRANGE)), BY_STRIPE)
    assert drift.evidence["stripe"]["unmapped"] == ["price_secret"]


def test_an_unmapped_subscription_beside_a_live_one_stops_lowering_only() -> None:
    rows = stripe_sub(), stripe_sub(sub_id="odd", price="price_secret")
    assert brief(decided(world("enterprise", *rows), BY_STRIPE)) == [("tier_over", "flag", "proof")]
    assert brief(decided(world("starter", *rows), BY_STRIPE)) == [("tier_under", "fix", None)]


def test_an_unmapped_subscription_on_the_other_side_stops_lowering() -> None:
    rows = stripe_sub(), lago_sub(1, "secret")
    assert brief(decided(world("enterprise", *rows), BY_STRIPE)) == [("tier_over", "flag", "proof")]


def test_other_products_alone_are_no_subscription() -> None:
    assert codes_of(world("founders_friend", stripe_sub(1, "seats")), BY_STRIPE) == []
    assert codes_of(world("professional", stripe_sub(1, "seats")), BY_STRIPE) == ["paid_tier_no_billing"]


def test_an_other_product_beside_an_unmapped_item_resolves_nothing() -> None:
    row = stripe_sub(1, "seats", extra_items=[STRANGE])
    assert codes_of(world("professional", row), BY_STRIPE) == ["tier_unresolvable"]


def test_a_subscription_without_items_resolves_nothing() -> None:
    assert codes_of(world("professional", stripe_sub(items=())), BY_STRIPE) == ["tier_unresolvable"]


def test_the_own_tier_must_be_in_the_catalog() -> None:
    (decision,) = decided(world("platinum", stripe_sub()), BY_STRIPE)
    assert decision.drift.code is Code.TIER_UNRESOLVABLE
    assert decision.decided is Decided.HOLD
    assert "platinum" in decision.drift.text
    assert decision.drift.money is None


def test_an_unmapped_subscription_on_a_granting_side_is_held_whatever_the_other_says() -> None:
    rows = lago_sub(), stripe_sub(price="price_secret")
    for authority in (Authority.BOTH, Authority.EITHER):
        assert codes_of(world("starter", *rows), terms(authority)) == ["tier_unresolvable"]


def test_the_evidence_shows_each_configured_side() -> None:
    (drift,) = drifts_of(world("starter", stripe_sub()), BY_STRIPE)
    assert drift.evidence["lago"]["complete"] is True
    (live,) = drift.evidence["stripe"]["live"]
    assert (live["subscription"], live["tier"], live["monthly"], live["currency"]) == (
        "sub_1_professional",
        "professional",
        9900,
        "usd",
    )
    assert drift.evidence["stripe"]["customers"] == {
        "cus_1": ["the organisation's own id, held by the customer", "the recorded customer id"]
    }
    assert Source.LAGO.value in drift.evidence

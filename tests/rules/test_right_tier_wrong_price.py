"""The right tier at another price, what takes no money, sides that differ, and trials that are over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from builders import (
    CATALOG,
    DAY,
    NOW,
    added,
    brief,
    codes_of,
    customers,
    decided,
    drifts_of,
    lago_sub,
    linked,
    observe_world,
    stripe_sub,
    terms,
    world,
)
from reconciler.model.billing import CollectionPause, Discount, Item, Source, Subscription, SubscriptionStatus
from reconciler.model.catalog import SourceKeys
from reconciler.model.drift import Code, Decided
from reconciler.model.money import Interval, Period
from reconciler.model.observation import Observation
from reconciler.model.terms import Authority, Terms
from reconciler.rules.compare import make_world
from reconciler.rules.make_case import make_case
from reconciler.rules.price import price_override

BY_STRIPE, BY_LAGO = terms(Authority.STRIPE), terms(Authority.LAGO)


def with_tier(authority: Authority = Authority.STRIPE, **changes: object) -> Terms:
    """The terms with another `professional`."""
    changed = replace(CATALOG.tiers["professional"], **changes)  # type: ignore[arg-type]  # fields of a tier
    return terms(authority, catalog=replace(CATALOG, tiers={**CATALOG.tiers, "professional": changed}))


def residuals(observed: Observation, by: Terms) -> set[int]:
    return {each.residual for each in added(observed, by).money.values()}


# prices


def test_another_unit_amount_than_the_list_s_is_an_override_with_its_variance() -> None:
    observed = world("professional", stripe_sub(amount=9000, quantity=2))
    (decision,) = decided(observed, BY_STRIPE)
    assert (decision.drift.code, decision.decided) == (Code.PRICE_OVERRIDE, Decided.FLAG)
    assert decision.drift.id == "price_override:org_1:sub_1_professional"
    assert "sub_1_professional bills 90.00 USD instead of 99.00 USD" in decision.drift.text
    assert decision.drift.money is not None
    assert (decision.drift.money.variance, decision.drift.money.leak) == (1800, 0)
    assert residuals(observed, BY_STRIPE) == {0}


@pytest.mark.parametrize(
    "row",
    [
        stripe_sub(),
        stripe_sub(yearly=True),
        stripe_sub(amount=None),
        stripe_sub(amount=7, currency="gbp"),
        lago_sub(),
    ],
    ids=["list", "yearly list", "unknown", "no list price", "other side"],
)
def test_what_is_the_list_price_or_cannot_be_compared_is_no_override(row: Subscription) -> None:
    assert "price_override" not in codes_of(world("professional", row), BY_STRIPE)


def test_an_interval_that_is_not_listed_is_not_compared() -> None:
    row = stripe_sub(amount=5000)
    weekly = replace(row, items=(replace(row.items[0], period=Period(interval=Interval.WEEK)),))
    every_two = replace(row, items=(replace(row.items[0], period=Period(count=2)),))
    for each in (weekly, every_two):
        assert codes_of(world("professional", each), BY_STRIPE) == []


def test_twelve_months_are_compared_with_the_year() -> None:
    row = stripe_sub(amount=99000)
    twelve = replace(row, items=(replace(row.items[0], period=Period(count=12)),))
    assert codes_of(world("professional", twelve), BY_STRIPE) == []
    dear = replace(twelve, items=(replace(twelve.items[0], unit_amount=99001),))
    assert codes_of(world("professional", dear), BY_STRIPE) == ["price_override"]


def test_a_price_is_judged_only_where_the_tier_is_right() -> None:
    assert codes_of(world("starter", stripe_sub(amount=9000)), BY_STRIPE) == ["tier_under"]


def test_an_older_amount_or_price_of_the_tier_is_grandfathered() -> None:
    by_amount = with_tier(legacy_amounts={"usd": {Interval.MONTH: frozenset({7900})}})
    by_price = with_tier(legacy_keys=SourceKeys(stripe_prices=frozenset({"price_professional"})))
    by_plan = with_tier(Authority.LAGO, legacy_keys=SourceKeys(lago_plans=frozenset({"professional_monthly"})))
    for row, by in (
        (stripe_sub(amount=7900), by_amount),
        (stripe_sub(amount=7900), by_price),
        (lago_sub(amount=7900), by_plan),
    ):
        observed = world("professional", row)
        (decision,) = decided(observed, by)
        assert (decision.drift.code, decision.decided) == (Code.GRANDFATHERED, Decided.OK)
        assert decision.drift.money is not None
        assert decision.drift.money.variance == 2000
        assert residuals(observed, by) == {0}
    assert codes_of(world("professional", stripe_sub(amount=7901)), by_amount) == ["price_override"]
    assert codes_of(world("professional", stripe_sub(amount=7900, currency="eur")), by_amount) == ["price_override"]


@pytest.mark.parametrize(
    ("discount", "words", "variance"),
    [
        (Discount(percent=Decimal(20)), "20 % off sub_1_professional", 1980),
        (Discount(amount_minor=900, currency="usd"), "9.00 USD off sub_1_professional", 900),
    ],
)
def test_a_discount_that_leaves_something_is_as_it_should_be(discount: Discount, words: str, variance: int) -> None:
    (decision,) = decided(world("professional", stripe_sub(discounts=(discount,))), BY_STRIPE)
    assert (decision.drift.code, decision.decided) == (Code.DISCOUNTED, Decided.OK)
    assert words in decision.drift.text
    assert decision.drift.money is not None
    assert decision.drift.money.variance == variance


def test_a_price_is_told_without_its_money_where_no_books_are_kept() -> None:
    observed = world("professional", stripe_sub(amount=9000))
    case = make_case(observed.store.orgs[0], make_world(observed, BY_STRIPE))
    (drift,) = price_override(replace(case, books=None))
    assert (drift.code, drift.money) == (Code.PRICE_OVERRIDE, None)


@pytest.mark.parametrize(("currency", "listed", "billed"), [("jpy", 1500, 1480), ("kwd", 30125, 30120)])
def test_currencies_without_and_with_three_decimals_need_no_arithmetic_of_their_own(
    currency: str, listed: int, billed: int
) -> None:
    by = with_tier(prices={currency: {Interval.MONTH: listed}})
    observed = world("professional", stripe_sub(amount=billed, currency=currency))
    (drift,) = drifts_of(observed, by)
    assert drift.money is not None
    assert (drift.money.currency, drift.money.variance) == (currency, listed - billed)
    money = added(observed, by).money[currency]
    assert (money.billed, money.had, money.residual) == (billed, listed, 0)


# sides that differ


def test_sides_that_bill_another_amount_differ_with_the_variance_of_the_collecting_one() -> None:
    rows = lago_sub(), stripe_sub(discounts=(Discount(percent=Decimal(50)),))
    drift = drifts_of(world("professional", *rows))[0]
    assert drift.code is Code.AMOUNT_DIFFERS
    assert "99.00 USD a month on lago" in drift.text
    assert "49.50 USD a month on stripe" in drift.text
    assert drift.money is not None
    assert drift.money.variance == 4950


def test_sides_that_bill_by_another_interval_differ_in_that_alone() -> None:
    assert codes_of(world("professional", lago_sub(yearly=True), stripe_sub())) == ["interval_differs"]
    row = stripe_sub(amount=99000)
    twelve = replace(row, items=(replace(row.items[0], period=Period(count=12)),))
    assert codes_of(world("professional", lago_sub(yearly=True), twelve)) == []


def test_sides_in_two_currencies_differ_and_nothing_is_converted() -> None:
    (drift,) = drifts_of(world("professional", lago_sub(currency="eur"), stripe_sub()))
    assert (drift.code, drift.money) == (Code.CURRENCY_DIFFERS, None)
    assert "lagosub-1-professional in eur, sub_1_professional in usd" in drift.text


@pytest.mark.parametrize("authority", [Authority.LAGO, Authority.STRIPE])
def test_a_side_that_does_not_grant_may_bill_what_it_likes(authority: Authority) -> None:
    rows = lago_sub(currency="eur", yearly=True), stripe_sub()
    assert codes_of(world("professional", *rows), terms(authority)) == []


def test_two_base_items_of_two_tiers_are_told_and_those_of_one_tier_are_not() -> None:
    other = Item(id="si_2", price_id="price_starter", unit_amount=4900, currency="usd")
    (drift,) = drifts_of(world("professional", stripe_sub(extra_items=[other])), BY_STRIPE)
    assert (drift.code, drift.money) == (Code.BASE_AMBIGUOUS, None)
    same = replace(other, price_id="price_professional", unit_amount=9900)
    assert codes_of(world("professional", stripe_sub(extra_items=[same])), BY_STRIPE) == []


# what takes no money


def test_a_live_subscription_at_no_price_leaks_and_raises_nobody() -> None:
    for row in (stripe_sub(amount=0), stripe_sub(discounts=(Discount(percent=Decimal(100)),))):
        observed = world("professional", row)
        (decision,) = decided(observed, BY_STRIPE)
        assert (decision.drift.code, decision.decided) == (Code.ZERO_AMOUNT_LIVE, Decided.FLAG)
        assert decision.drift.money is not None
        assert decision.drift.money.leak == 9900
        assert residuals(observed, BY_STRIPE) == {0}
        assert brief(decided(world("starter", row), BY_STRIPE))[1] == ("tier_under", "flag", "zero_amount_live")


def test_a_trial_at_no_price_is_no_zero_amount() -> None:
    trial = stripe_sub(amount=0, status=SubscriptionStatus.TRIALING, trial_end=NOW + DAY)
    assert codes_of(world("professional", trial), BY_STRIPE) == []


def test_a_higher_tier_at_no_price_is_no_leftover_of_a_lower_paid_one() -> None:
    rows = stripe_sub(1, "starter"), stripe_sub(1, "enterprise", sub_id="comp", amount=0)
    assert set(codes_of(world("enterprise", *rows), BY_STRIPE)) == {"duplicate_subscription", "zero_amount_live"}
    assert residuals(world("enterprise", *rows), BY_STRIPE) == {0}


@pytest.mark.parametrize("higher", [{"amount": 0}, {"collection_pause": CollectionPause()}])
def test_what_takes_no_money_stops_no_raise_to_what_is_paid_for(higher: dict[str, Any]) -> None:
    rows = stripe_sub(1, "starter"), stripe_sub(1, "enterprise", sub_id="comp", **higher)
    (raised,) = [each for each in decided(world("founders_friend", *rows), BY_STRIPE) if each.decided is Decided.FIX]
    assert raised.drift.due is not None
    assert raised.drift.due.tier == "starter"
    assert residuals(world("founders_friend", *rows), BY_STRIPE) == {0}
    for has in ("starter", "professional"):  # and nothing more than that
        assert Decided.FIX not in {each.decided for each in decided(world(has, *rows), BY_STRIPE)}


@pytest.mark.parametrize(
    ("pause", "decided_as", "leak", "at_risk"),
    [
        (CollectionPause(), "flag", 9900, 0),
        (CollectionPause(resumes_at=NOW), "flag", 9900, 0),
        (CollectionPause(resumes_at=NOW + timedelta(seconds=1)), "wait", 0, 9900),
        (CollectionPause(keeps_drafts=True), "flag", 0, 9900),
    ],
    ids=["for good", "should have resumed", "until a date", "keeps drafts"],
)
def test_paused_collection_leaks_unless_money_may_still_come(
    pause: CollectionPause, decided_as: str, leak: int, at_risk: int
) -> None:
    observed = world("professional", stripe_sub(collection_pause=pause))
    (decision,) = decided(observed, BY_STRIPE)
    assert (decision.drift.code, decision.decided) == (Code.COLLECTION_PAUSED, Decided(decided_as))
    assert decision.drift.money is not None
    assert (decision.drift.money.leak, decision.drift.money.at_risk) == (leak, at_risk)
    assert residuals(observed, BY_STRIPE) == {0}
    raised = brief(decided(world("starter", stripe_sub(collection_pause=pause)), BY_STRIPE))
    assert ("tier_under", "flag", "collection_paused") in raised


def test_a_pause_on_the_side_that_does_not_collect_means_nothing() -> None:
    rows = lago_sub(), stripe_sub(collection_pause=CollectionPause())
    assert codes_of(world("professional", *rows), terms(collects=Source.LAGO)) == []


# trials


def on_trial(days: int) -> Observation:
    young = replace(linked(1, "trial"), created_at=NOW - days * DAY)
    return observe_world([young], *customers())


def test_a_tier_with_trial_days_is_overrun_when_they_are_over_and_nothing_is_live() -> None:
    tiers = {**CATALOG.tiers, "trial": replace(CATALOG.tiers["trial"], trial_days=14)}
    by = terms(Authority.STRIPE, catalog=replace(CATALOG, tiers=tiers))
    assert codes_of(on_trial(13), by) == []
    (drift,) = drifts_of(on_trial(14), by)
    assert drift.code is Code.TRIAL_OVERRUN
    assert "trial was over at 2026-11-24 12:00 UTC" in drift.text


def test_a_billing_trial_that_its_source_does_not_end_is_overrun() -> None:
    for hours, codes in ((25, []), (26, ["trial_overrun"])):
        row = stripe_sub(status=SubscriptionStatus.TRIALING, trial_end=NOW - timedelta(hours=hours))
        observed = world("professional", row)
        assert codes_of(observed, BY_STRIPE) == codes
        assert residuals(observed, BY_STRIPE) == {0}

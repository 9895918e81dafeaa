"""List prices, what a month is, which key of an item counts, and when a period ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from builders import CATALOG, NOW, lago_sub
from reconciler.model.billing import Item
from reconciler.model.catalog import Catalog, SourceKeys, Tier
from reconciler.model.money import Interval, Period, monthly
from reconciler.rules.matching import Matcher, NoTier, list_price
from reconciler.rules.periods import period_end


@pytest.mark.parametrize(
    ("amount", "period", "expected"),
    [
        (9900, Period(), 9900),
        (99000, Period(interval=Interval.YEAR), 8250),
        (6000, Period(interval=Interval.HALF_YEAR), 1000),
        (3000, Period(interval=Interval.QUARTER), 1000),
        (1200, Period(interval=Interval.WEEK), 5200),
        (1200, Period(interval=Interval.DAY), 36500),
        (3000, Period(count=3), 1000),
        (24000, Period(interval=Interval.YEAR, count=2), 1000),
        (2400, Period(interval=Interval.WEEK, count=2), 5200),
        (1, Period(count=2), 0),
        (3, Period(count=2), 2),
    ],
)
def test_an_amount_is_brought_to_a_month(amount: int, period: Period, expected: int) -> None:
    assert monthly(amount, period) == expected


TIER = Tier(
    name="pro",
    rank=1,
    prices={
        "usd": {Interval.MONTH: 9900, Interval.YEAR: 99000, Interval.QUARTER: 27000, Interval.HALF_YEAR: 51000},
        "eur": {Interval.YEAR: 96000, Interval.QUARTER: 30000},
        "chf": {},
    },
)


@pytest.mark.parametrize(
    ("currency", "period", "quantity", "expected"),
    [
        ("usd", Period(), 1, 9900),
        ("usd", Period(interval=Interval.YEAR), 1, 8250),
        ("usd", Period(count=12), 1, 8250),
        ("usd", Period(count=3), 1, 9000),
        ("usd", Period(count=6), 2, 17000),
        ("usd", Period(interval=Interval.WEEK), 3, 29700),
        ("usd", Period(interval=Interval.YEAR), 5, 41250),
        ("eur", Period(), 1, 10000),
        ("eur", Period(interval=Interval.YEAR), 1, 8000),
        ("gbp", Period(), 1, None),
        ("chf", Period(), 1, None),
    ],
)
def test_the_list_price_of_the_same_interval_counts_then_the_months_then_any(
    currency: str, period: Period, quantity: int, expected: int | None
) -> None:
    assert list_price(TIER, currency=currency, period=period, quantity=quantity) == expected


def test_an_unpaid_tier_costs_nothing_in_any_currency() -> None:
    assert list_price(replace(TIER, paid=False), currency="gbp") == 0


def catalog(**by_tier: SourceKeys) -> Catalog:
    tiers = {name: Tier(name=name, rank=rank, keys=keys) for rank, (name, keys) in enumerate(by_tier.items())}
    return Catalog(tiers=tiers, not_tiers=SourceKeys(stripe_products=frozenset({"prod_seats"})))


KEYS = catalog(
    by_price=SourceKeys(stripe_prices=frozenset({"price_1"})),
    by_lookup=SourceKeys(stripe_lookup_keys=frozenset({"look"})),
    by_metadata=SourceKeys(stripe_price_metadata=frozenset({("tier", "gold")})),
    by_product=SourceKeys(stripe_products=frozenset({"prod_1"})),
    by_plan=SourceKeys(lago_plans=frozenset({"pro"})),
)
FULL: dict[str, Any] = {
    "price_id": "price_1",
    "lookup_key": "look",
    "price_metadata": {"a": "b", "tier": "gold"},
    "product_id": "prod_1",
}


@pytest.mark.parametrize(
    ("left_out", "tier"),
    [
        ((), "by_price"),
        (("price_id",), "by_lookup"),
        (("price_id", "lookup_key"), "by_metadata"),
        (("price_id", "lookup_key", "price_metadata"), "by_product"),
    ],
)
def test_the_most_specific_key_of_a_price_counts(left_out: tuple[str, ...], tier: str) -> None:
    item = Item(id="si_1", **{name: value for name, value in FULL.items() if name not in left_out})
    assert Matcher(KEYS).match(item) is KEYS.tiers[tier]


def test_a_plan_code_counts_by_itself() -> None:
    assert Matcher(KEYS).match(Item(id="1", plan_code="pro")) is KEYS.tiers["by_plan"]


def test_a_key_of_one_kind_is_no_key_of_another() -> None:
    item = Item(id="1", plan_code="price_1", price_id="look", lookup_key="prod_1", product_id="pro")
    assert Matcher(KEYS).match(item) is NoTier.UNMAPPED


def test_another_product_is_told_from_what_nobody_knows() -> None:
    matcher = Matcher(KEYS)
    assert matcher.match(Item(id="1", product_id="prod_seats")) is NoTier.OTHER_PRODUCT
    assert matcher.match(Item(id="1", product_id="prod_2")) is NoTier.UNMAPPED
    assert matcher.match(Item(id="1")) is NoTier.UNMAPPED


def test_a_price_of_a_tier_counts_before_its_product_that_is_another() -> None:
    item = Item(id="1", price_id="price_1", product_id="prod_seats")
    assert Matcher(KEYS).match(item) is KEYS.tiers["by_price"]


def test_older_plan_codes_mean_their_tier() -> None:
    matcher = Matcher(CATALOG)
    for code in ("professional", "professional_monthly", "professional_yearly"):
        assert matcher.match(Item(id="1", plan_code=code)) is CATALOG.tiers["professional"]


def when(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("interval", "anchor", "at", "end"),
    [
        (Interval.MONTH, "2026-01-15", "2026-11-20", "2026-12-15"),
        (Interval.MONTH, "2026-01-31", "2026-02-10", "2026-02-28"),
        (Interval.MONTH, "2026-01-31", "2026-02-28", "2026-03-31"),
        (Interval.MONTH, "2026-01-15", "2026-11-15", "2026-12-15"),
        (Interval.QUARTER, "2026-01-15", "2026-11-20", "2027-01-15"),
        (Interval.HALF_YEAR, "2026-01-15", "2026-06-20", "2026-07-15"),
        (Interval.YEAR, "2024-02-29", "2025-01-01", "2025-02-28"),
        (Interval.WEEK, "2026-11-02", "2026-11-20", "2026-11-23"),
        (Interval.DAY, "2026-11-02", "2026-11-20", "2026-11-21"),
    ],
)
def test_a_period_ends_at_the_next_anniversary_in_the_last_time_zone(
    interval: Interval, anchor: str, at: str, end: str
) -> None:
    row = lago_sub(anchor_at=when(anchor))
    assert period_end(row, Period(interval=interval), when(at)) == when(end) + timedelta(hours=12)


@pytest.mark.parametrize(
    ("interval", "at", "end"),
    [
        (Interval.MONTH, "2026-11-20", "2026-12-01"),
        (Interval.QUARTER, "2026-11-20", "2027-01-01"),
        (Interval.HALF_YEAR, "2026-05-20", "2026-07-01"),
        (Interval.YEAR, "2026-11-20", "2027-01-01"),
        (Interval.WEEK, "2026-11-18", "2026-11-23"),
        (Interval.WEEK, "2026-11-23", "2026-11-30"),
    ],
)
def test_a_calendar_period_ends_with_the_calendar(interval: Interval, at: str, end: str) -> None:
    row = lago_sub(anchor_at=when("2026-02-17T09:30:15"), calendar_periods=True)
    assert period_end(row, Period(interval=interval), when(at)) == when(end) + timedelta(hours=12)


def test_periods_are_counted_from_the_anchor_else_the_start_else_the_birth() -> None:
    row = lago_sub(anchor_at=when("2026-01-03"), started_at=when("2026-01-05"), created_at=when("2026-01-07"))
    rows = row, replace(row, anchor_at=None), replace(row, anchor_at=None, started_at=None)
    ends = [period_end(each, Period(), when("2026-03-01")) - timedelta(hours=12) for each in rows]
    assert ends == [when("2026-03-03"), when("2026-03-05"), when("2026-03-07")]


def test_a_period_of_several_intervals_ends_after_all_of_them() -> None:
    row = lago_sub(anchor_at=when("2026-01-15"))
    assert period_end(row, Period(count=2), when("2026-02-20")) == when("2026-03-15") + timedelta(hours=12)
    weeks = period_end(row, Period(interval=Interval.WEEK, count=2), when("2026-01-16"))
    assert weeks == when("2026-01-29") + timedelta(hours=12)
    assert weeks < NOW

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.drift import DriftMoney
from reconciler.model.money_text import major_units, money_text
from reconciler.reports.money_words import columns_of, money_words


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123450, "usd", "1,234.50 USD"),
        (5, "usd", "0.05 USD"),
        (0, "eur", "0.00 EUR"),
        (-5, "usd", "-0.05 USD"),
        (-123456789, "usd", "-1,234,567.89 USD"),
        (1234, "jpy", "1,234 JPY"),
        (1234, "krw", "1,234 KRW"),
        (-7, "jpy", "-7 JPY"),
        (1234567, "kwd", "1,234.567 KWD"),
        (5, "bhd", "0.005 BHD"),
        (123456, "clf", "12.3456 CLF"),
        (100, "xyz", "1.00 XYZ"),
        (100, "USD", "1.00 USD"),
        (99, "JPY", "99 JPY"),
    ],
)
def test_minor_units_are_written_with_the_decimals_of_their_currency(minor: int, currency: str, text: str) -> None:
    assert money_text(minor, currency) == text


@given(st.integers(), st.sampled_from(["usd", "jpy", "kwd", "clf"]))
def test_no_unit_is_lost_in_writing(minor: int, currency: str) -> None:
    assert int(major_units(minor, currency).replace(".", "")) == minor


def test_zero_columns_say_nothing_and_unpriced_ones_do() -> None:
    assert columns_of(DriftMoney(currency="usd", leak=5, at_risk=None)) == {"leak": 5, "at_risk": None}


def test_sums_keep_currencies_apart() -> None:
    words = money_words(
        DriftMoney(currency="usd", leak=90000),
        DriftMoney(currency="jpy", leak=500),
        DriftMoney(currency="usd", leak=10000, owed=1),
    )

    assert words == ["leak 500 JPY and 1,000.00 USD a month", "owed 0.01 USD a month"]


def test_unpriced_money_is_counted_and_not_summed() -> None:
    words = money_words(DriftMoney(currency="usd", leak=None), DriftMoney(currency="usd", leak=100))

    assert words == ["leak 1.00 USD a month", "1 unpriced"]


def test_overdue_money_is_once_and_not_a_month() -> None:
    assert money_words(DriftMoney(currency="usd", overdue=100, at_risk=200)) == [
        "at risk 2.00 USD a month",
        "overdue 1.00 USD",
    ]

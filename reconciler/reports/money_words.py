"""What drifts come to, in the words of their money's columns."""

from __future__ import annotations

from reconciler.model.drift import DriftMoney
from reconciler.model.money_text import money_text


def columns_of(money: DriftMoney) -> dict[str, int | None]:
    """The columns that say something, by name, in the catalogue's order: zero is left out, unpriced (None) kept."""
    columns = {
        "leak": money.leak,
        "owed": money.owed,
        "overbilled": money.overbilled,
        "variance": money.variance,
        "at_risk": money.at_risk,
        "overdue": money.overdue,
    }
    return {name: minor for name, minor in columns.items() if minor != 0}


def money_words(*moneys: DriftMoney) -> list[str]:
    """What these come to, a phrase for each column: `leak 90,000 JPY and 900.00 USD a month`, `2 unpriced`.

    Currencies stay apart; overdue is once, not monthly.
    """
    sums: dict[str, dict[str, int]] = {}
    unpriced = 0
    for money in moneys:
        columns = columns_of(money)
        unpriced += None in columns.values()
        for name, minor in columns.items():
            if minor is not None:
                by_currency = sums.setdefault(name, {})
                by_currency[money.currency] = by_currency.get(money.currency, 0) + minor
    phrases = []
    for name, by_currency in sums.items():
        amounts = " and ".join(money_text(minor, currency) for currency, minor in sorted(by_currency.items()))
        phrases.append(f"{name.replace('_', ' ')} {amounts}{'' if name == 'overdue' else ' a month'}")
    if not unpriced:
        return phrases
    return [*phrases, "unpriced" if len(moneys) == 1 else f"{unpriced:,} unpriced"]

"""Minor units as people write money: `1,234.50 USD`, with as many decimals as the currency has."""

from __future__ import annotations

from reconciler.model.drift import DriftMoney

# ISO 4217, list one (six-group.com, "Current currency and funds code list"), column "minor unit", where it is not 2.
_DECIMALS = {
    **dict.fromkeys(("bif", "clp", "djf", "gnf", "isk", "jpy", "kmf", "krw", "pyg", "rwf"), 0),
    **dict.fromkeys(("ugx", "uyi", "vnd", "vuv", "xaf", "xof", "xpf"), 0),
    **dict.fromkeys(("bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd"), 3),
    **dict.fromkeys(("clf", "uyw"), 4),
}


def decimals_of(currency: str) -> int:
    """Decimals of a currency; one that the ISO table does not name as an exception has two."""
    return _DECIMALS.get(currency.lower(), 2)


def major_units(minor: int, currency: str, *, thousands: str = "") -> str:
    """The amount alone, `-1234.50`."""
    decimals = decimals_of(currency)
    whole, part = divmod(abs(minor), 10**decimals)
    digits = f"{whole:,}".replace(",", thousands)
    sign = "-" if minor < 0 else ""
    return f"{sign}{digits}.{part:0{decimals}d}" if decimals else f"{sign}{digits}"


def money_text(minor: int, currency: str) -> str:
    """`1,234.50 USD`."""
    return f"{major_units(minor, currency, thousands=',')} {currency.upper()}"


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

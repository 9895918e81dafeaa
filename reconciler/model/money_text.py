"""Minor units as people write money: `1,234.50 USD`, with as many decimals as the currency has."""

from __future__ import annotations

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

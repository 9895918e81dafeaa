"""Kinds of values in the configuration: durations, shares, addresses, currencies."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def parse_duration(value: object) -> timedelta:
    """A duration such as 15m, 24h, 1h30m or 7d; a unit is needed even for 0."""
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) and value.strip() else None
    if found is None:
        raise ValueError("is no duration; write one such as 30s, 15m, 24h, 1h30m or 7d")
    return timedelta(seconds=sum(int(n) * size for n, size in zip(found.groups(0), _UNITS.values(), strict=True)))


def duration_text(value: timedelta) -> str:
    """`value` as it is written in the configuration."""
    left, text = int(value.total_seconds()), ""
    for unit, size in _UNITS.items():
        count, left = divmod(left, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def _web_address(value: str) -> str:
    parts = urlsplit(value.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is no web address; write one such as https://lago.example.com")
    if parts.username or parts.password:
        raise ValueError("has a name or password in it; keys belong in the environment, a file or a credential")
    return value.strip().rstrip("/")


def _currency(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{3}", value):
        raise ValueError("is no currency; write its three letters, such as usd")
    return value.lower()


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError("is no time zone; write one such as UTC or Europe/Berlin") from None
    return value


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(duration_text)]
Share = Annotated[Decimal, Field(ge=0, le=1), PlainSerializer(float)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
OptionalWebAddress = Annotated[str, AfterValidator(lambda value: _web_address(value) if value else "")]
Currency = Annotated[str, AfterValidator(_currency)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Count = Annotated[int, Field(ge=0)]

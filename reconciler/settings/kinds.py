"""The kinds of value that a configuration holds, each read from TOML with a refusal in plain words."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field

_DURATION = re.compile(r"(?:(\d{1,5})w)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,8})m)?(?:(\d{1,9})s)?", re.ASCII)
_MAX_PORT = 65_535


def parse_duration(value: object) -> timedelta:
    """A duration such as "24h", "15m", "0s", "1h30m" or "7d". Raises ValueError."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None or not any(match.groups()):
        raise ValueError('must be a duration such as "24h", "15m", "1h30m" or "7d"')
    weeks, days, hours, minutes, seconds = (int(number or 0) for number in match.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def _ratio(value: object) -> Decimal:
    number = _number(value)
    if number is None or not 0 <= number <= 1:
        raise ValueError("must be a share from 0 to 1, such as 0.05")
    return number


def _positive(value: object) -> float:
    number = _number(value)
    if number is None or not 0 < number < 10**9:
        raise ValueError("must be a number above 0")
    return float(number)


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
        return None
    return Decimal(value)


def _not_blank(value: str) -> str:
    if not value.strip() or value != value.strip():
        raise ValueError("must be a text that is not empty, without spaces around it")
    return value


def _org_id(value: str) -> str:
    if not value.startswith("org_"):
        raise ValueError("must be an organisation's id: it begins with org_")
    return value


def _currency(value: object) -> str:
    if not isinstance(value, str) or re.fullmatch(r"[A-Za-z]{3}", value) is None:
        raise ValueError('must be a currency of three letters, such as "usd"')
    return value.lower()


def _http_url(value: str) -> str:
    """No message repeats the address: it may hold a secret."""
    address = _split(value)
    if address is None or address.scheme not in {"http", "https"} or not address.hostname:
        raise ValueError("must be an http or https address with a host, such as https://lago.example.com")
    if "@" in address.netloc:
        raise ValueError("must hold no user name and no password; keys go elsewhere")
    if address.query or address.fragment:
        raise ValueError("must end before any ? or #")
    return value


def _split(value: str) -> SplitResult | None:
    if re.search(r"[\s\x00-\x1f\x7f]", value):
        return None
    try:
        address = urlsplit(value)
        _ = address.port  # raises for a port that is none
    except ValueError:
        return None
    return address


def _ledger_url(value: str) -> str:
    if value and re.match(r"[a-z][a-z0-9+]*://", value) is None:
        raise ValueError('must be a database address such as "sqlite:////var/lib/reconciler/ledger.sqlite3", or empty')
    if re.match(r"[a-z][a-z0-9+]*://[^/@]*:[^/@]*@", value):
        raise ValueError("must hold no password; give it by PGPASSWORD or ~/.pgpass")
    return value


def _store(value: str) -> str:
    kind, _, folder = value.partition(":")
    if kind != "json" or not folder.startswith("/") or "\0" in folder:
        raise ValueError('must be "json:" and the full path of the folder with organizations.json: "json:/app/data"')
    return value


def _reference(value: str) -> str:
    if value and re.fullmatch(r"file:/\S+|credential:[A-Za-z0-9_.-]+", value) is None:
        raise ValueError(
            'must say where the URL is kept, "file:/path" or "credential:name"; the URL itself counts as a secret'
        )
    return value


def _cron(value: str) -> str:
    if value and re.fullmatch(r"[\d*/,\-A-Za-z]+(?: +[\d*/,\-A-Za-z]+){4}", value) is None:
        raise ValueError('must be five fields as in cron, such as "*/15 * * * *"')
    return value


def _timezone(value: str) -> str:
    if value != "UTC":  # known everywhere, also where the system has no time zone data
        try:
            ZoneInfo(value)
        except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError beside these
            raise ValueError(_NO_TIMEZONE) from None
        except KeyError:
            raise ValueError(_NO_TIMEZONE) from None
    return value


_NO_TIMEZONE = 'must be a time zone that this machine knows, such as "UTC" or "Europe/Berlin"'


def _listen(value: str) -> str:
    match = re.fullmatch(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})", value)
    if match is None or int(match[1]) > _MAX_PORT:
        raise ValueError('must be an address and a port, such as "127.0.0.1:9464"')
    return value


def _unfold(value: Any) -> Any:
    """`code = "flag"` is short for `code = { do = "flag" }`."""
    return {"do": value} if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Ratio = Annotated[Decimal, BeforeValidator(_ratio)]
PositiveNumber = Annotated[float, BeforeValidator(_positive)]
Count = Annotated[int, Field(ge=0)]
PositiveCount = Annotated[int, Field(ge=1)]
Name = Annotated[str, AfterValidator(_not_blank)]
Names = Annotated[tuple[Name, ...], Field(strict=False)]
OrgId = Annotated[str, AfterValidator(_org_id)]
Currency = Annotated[str, BeforeValidator(_currency)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
OptionalHttpUrl = Annotated[str, AfterValidator(lambda value: _http_url(value) if value else value)]
LedgerUrl = Annotated[str, AfterValidator(_ledger_url)]
StoreAddress = Annotated[str, AfterValidator(_store)]
Reference = Annotated[str, AfterValidator(_reference)]
Cron = Annotated[str, AfterValidator(_cron)]
TimeZone = Annotated[str, AfterValidator(_timezone)]
ListenAddress = Annotated[str, AfterValidator(_listen)]
Unfolded = BeforeValidator(_unfold)

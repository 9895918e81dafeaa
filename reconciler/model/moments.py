"""How a moment and a duration are told to people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def utc(moment: datetime, *, seconds: bool = False) -> str:
    """A moment to the minute, or to the second, in UTC, named so; `moment` knows its time zone."""
    return f"{moment.astimezone(UTC):{'%Y-%m-%d %H:%M:%S' if seconds else '%Y-%m-%d %H:%M'}} UTC"


def duration_text(duration: timedelta) -> str:
    """`1d12h`: as the configuration spells a duration and reads it back, in whole seconds."""
    left = int(duration.total_seconds())
    text = ""
    for unit, seconds in _UNITS:
        count, left = divmod(left, seconds)
        text += f"{count}{unit}" if count else ""
    return text or "0s"

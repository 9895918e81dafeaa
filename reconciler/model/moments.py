"""How a moment is told to people."""

from __future__ import annotations

from datetime import UTC, datetime


def utc(moment: datetime, *, seconds: bool = False) -> str:
    """A moment to the minute, or to the second, in UTC, named so; `moment` knows its time zone."""
    return f"{moment.astimezone(UTC):{'%Y-%m-%d %H:%M:%S' if seconds else '%Y-%m-%d %H:%M'}} UTC"

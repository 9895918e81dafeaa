"""The kinds of columns that the ledger's tables are made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Column, Dialect, Integer, String, TypeDecorator

_WIDTH = len("2026-10-01T12:00:00.000000Z")


class UtcDateTime(TypeDecorator[datetime]):
    """Keeps aware datetimes as ISO 8601 text in UTC of one width, which sorts by time on every database.

    Refuses naive ones, and gives them back aware.
    """

    impl = String(_WIDTH)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """To the database."""
        del dialect
        return None if value is None else utc_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """From the database. Raises ValueError for text that is no time."""
        del dialect
        return None if value is None else datetime.fromisoformat(value)


def utc_text(moment: datetime) -> str:
    """`2026-10-01T12:00:00.000000Z`. Raises ValueError for a naive datetime."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def number() -> Column[int]:
    """The row's own number."""
    return Column("seq", Integer, primary_key=True, autoincrement=True)


# Events are pruned before the last of their rows, so they are referred to by number and not by foreign key.


def event_number() -> Column[int]:
    """The number of a row that is an event's only one of its kind: the event's own."""
    return Column("seq", Integer, primary_key=True, autoincrement=False)


def event() -> Column[int]:
    """The event that wrote the row."""
    return Column("event", Integer, nullable=False, index=True)


def ended_by() -> Column[int]:
    """The event that ended what the row tells of; empty while it lasts."""
    return Column("ended_by", Integer, index=True)


def json(name: str, *, nullable: bool = False) -> Column[Any]:
    """Any JSON; None is NULL."""
    return Column(name, JSON(none_as_null=True), nullable=nullable)

"""The chain of events: each is hashed over the one before it and over every row that it wrote or ended.

An event's `content` is SHA-256 over its rows as canonical JSON lines, in the order of `tables.ENDINGS` and of the rows'
own keys: `[table, "new", {column: value}]` for a row that it wrote, without what may end of it, and `[table, "ended",
{...}]` for the ending of one, under its key. Values are as the database holds them, JSON as its text. Its `sha256` is
over `{"at", "body", "content", "kind", "previous", "seq", "subject"}` as canonical JSON. `previous` of the first is 64
zeros.

The body's `marks` hold a short hash of each of these rows, by table and part, so that a row that does not agree can be
named; they prove nothing by themselves.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Connection, Integer, Select, String, Table, Text, cast, insert, select
from sqlalchemy import type_coerce as as_type

from reconciler.ledger.columns import UtcDateTime, utc_text
from reconciler.ledger.tables import ENDINGS, events
from reconciler.model.run import LedgerHead

FIRST_PREVIOUS = "0" * 64
MARK = 6
"""Hex digits of the mark of a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows that events wrote, or the endings of rows; `by` is the column with the event's number."""

    table: Table
    what: str
    verb: str
    by: Column[Any]
    columns: tuple[Column[Any], ...]

    def rows(self) -> Select[Any]:
        """The values as they are hashed: the event's number first, then `columns`."""
        return select(self.by, *(raw(column) for column in self.columns)).order_by(self.by, *self.table.primary_key)

    @property
    def name(self) -> str:
        """`decisions new`, `sightings ended`."""
        return f"{self.table.name} {self.what}"

    def key(self, values: Sequence[Any]) -> str:
        """Which row it is: the value of its primary key."""
        keys = {column.name for column in self.table.primary_key}
        named = zip(self.columns, values, strict=True)
        return "/".join(str(value) for column, value in named if column.name in keys)

    def line(self, values: Sequence[Any]) -> str:
        """One row as it is hashed."""
        named = {column.name: value for column, value in zip(self.columns, values, strict=True)}
        return canonical([self.table.name, self.what, named])


@cache
def parts() -> tuple[Part, ...]:
    """Every part of every table, in the order in which an event's rows are hashed."""
    found: list[Part] = []
    for table, endings in ENDINGS.items():
        by = table.c.event if "event" in table.c else table.c.seq
        kept = tuple(column for column in table.c if column.name not in endings)
        found.append(Part(table=table, what="new", verb="wrote", by=by, columns=kept))
        if endings:
            ended = (*table.primary_key, *(table.c[name] for name in endings))
            found.append(Part(table=table, what="ended", verb="ended", by=table.c.ended_by, columns=ended))
    return tuple(found)


def canonical(value: object) -> str:
    """The one JSON text of `value`."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def event_hash(event: Mapping[Any, Any]) -> str:
    """The hash of an event by its columns, `at` as text."""
    names = ("seq", "at", "kind", "subject", "body", "content", "previous")
    return hashlib.sha256(canonical({name: event[name] for name in names}).encode()).hexdigest()


def head(connection: Connection) -> LedgerHead:
    """The number of the last event, pruned ones included, and its hash; 0 and zeros before the first."""
    last = connection.execute(select(events.c.seq, events.c.sha256).order_by(events.c.seq.desc()).limit(1)).first()
    return LedgerHead(events=last.seq, sha256=last.sha256) if last else LedgerHead(events=0, sha256=FIRST_PREVIOUS)


@contextmanager
def append(
    connection: Connection, kind: str, subject: str, at: datetime, body: Mapping[str, Any] | None = None
) -> Iterator[int]:
    """Add an event over the rows that are written and ended inside, under the number that is given there.

    Within one transaction that has the right to write, one event after the other.
    """
    before = head(connection)
    seq = before.events + 1
    yield seq
    content = Content()
    for part, _, line in lines_of(connection, seq):
        content.add(part, line)
    row: dict[str, Any] = {"seq": seq, "kind": kind, "subject": subject}
    row |= {"body": {**(body or {}), "marks": content.marks}, "content": content.sha256, "previous": before.sha256}
    row["sha256"] = event_hash({**row, "at": utc_text(at)})
    connection.execute(insert(events).values(**row, at=at))


class Content:
    """The hash over an event's rows, and the mark of each, as they are added one after the other."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.marks: dict[str, str] = {}

    def add(self, part: Part, line: str) -> None:
        """Add the next row, as it is hashed."""
        self._digest.update(line.encode())
        self._digest.update(b"\n")
        self.marks[part.name] = self.marks.get(part.name, "") + mark_of(line)

    @property
    def sha256(self) -> str:
        """The hash over all rows that were added."""
        return self._digest.hexdigest()


def mark_of(line: str) -> str:
    """The short hash of a row as it is hashed."""
    return hashlib.sha256(line.encode()).hexdigest()[:MARK]


def lines_of(connection: Connection, seq: int) -> Iterator[tuple[Part, str, str]]:
    """The rows of one event: the part, the row's own key, and the row as it is hashed."""
    for part in parts():
        for _, *values in connection.execute(part.rows().where(part.by == seq)):
            yield part, part.key(values), part.line(values)


def raw(column: Column[Any]) -> Any:
    """The column as it is hashed: as the database holds it."""
    if isinstance(column.type, JSON):
        return cast(column, Text)
    if isinstance(column.type, UtcDateTime):
        return as_type(column, String)
    if isinstance(column.type, Boolean):
        return cast(column, Integer)
    return column

"""Writes many rows at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, bindparam, insert, update

Scalar = TypeVar("Scalar", int, str)

_AT_ONCE = 500  # databases bound the number of parameters


def chunks(values: Iterable[Scalar]) -> Iterator[list[Scalar]]:
    """The distinct values in their order, in parts small enough for one IN."""
    distinct = list(dict.fromkeys(values))
    for start in range(0, len(distinct), _AT_ONCE):
        yield distinct[start : start + _AT_ONCE]


def insert_rows(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Add `rows`, all with the same columns."""
    if rows:
        connection.execute(insert(table), rows)


def insert_numbered(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Add `rows`, all with the same columns; gives their numbers in the same order."""
    if not rows:
        return []
    numbered = insert(table).returning(table.c.seq, sort_by_parameter_order=True)
    return list(connection.execute(numbered, rows).scalars())


def end_rows(connection: Connection, table: Table, seqs: Iterable[int], event: int, **ending: Any) -> None:
    """Say of the rows `seqs` that `event` ended them, and how."""
    ended = update(table).where(table.c.seq == bindparam("row")).values(ended_by=event, **ending)
    rows = [{"row": seq} for seq in sorted(seqs)]
    if rows:
        connection.execute(ended, rows)

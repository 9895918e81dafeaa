"""Sheets of typed tables: the one shape that every format of a report is written from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reconciler.model.money import Money

# Money is minor units with its currency, never a float; None is an empty cell: not known, or nothing to say.
Cell = str | int | bool | Money | datetime | None


class Kind(StrEnum):
    """What a column holds; a column of mixed facts goes by each cell's own type."""

    TEXT = "text"
    ID = "id"
    WORD = "word"  # one of a few; tables are summed up by these
    COUNT = "count"
    MONEY = "money"
    MOMENT = "moment"
    YES = "yes"
    LINK = "link"
    FACT = "fact"
    BLANK = "blank"  # for people to fill in


@dataclass(frozen=True, slots=True, kw_only=True)
class CountOf:
    """The number of drifts whose columns `by` hold what this row's columns of the same keys hold."""

    by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SumOf:
    """The sum over the column `key` of the same drifts; unpriced ones add nothing."""

    key: str
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Columns of the same row, added and taken away."""

    plus: tuple[str, ...]
    minus: tuple[str, ...]


Formula = CountOf | SumOf | Balance


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column; with a formula its cells hold what the formula gives, for readers that do not calculate."""

    key: str
    label: str
    kind: Kind = Kind.TEXT
    width: int = 14
    formula: Formula | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows as long as the columns. `about` is a sentence below the title, or what stands in place of no rows."""

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    about: str = ""

    def column(self, key: str) -> tuple[Cell, ...]:
        """Every cell of one column. Raises KeyError."""
        at = self.position(key)
        return tuple(row[at] for row in self.rows)

    @property
    def summed_by(self) -> frozenset[str]:
        """The keys by which its formulas look up drifts."""
        by = (column.formula.by for column in self.columns if isinstance(column.formula, CountOf | SumOf))
        return frozenset(key for keys in by for key in keys)

    def position(self, key: str) -> int:
        """Where a column stands, from 0. Raises KeyError."""
        for number, column in enumerate(self.columns):
            if column.key == key:
                return number
        raise KeyError(key)

    def sum_of(self, key: str, rows: Iterable[tuple[Cell, ...]], currency: str) -> Money:
        """The amounts of one column and currency in some of the rows; empty cells add nothing. Raises KeyError."""
        at = self.position(key)
        cells = (row[at] for row in rows)
        minor = sum(cell.minor for cell in cells if isinstance(cell, Money) and cell.currency == currency)
        return Money(minor=minor, currency=currency)

    def records(self) -> Iterator[dict[str, Cell]]:
        """The rows by the keys of their columns."""
        keys = [column.key for column in self.columns]
        return (dict(zip(keys, row, strict=True)) for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Tables that stand together under one name."""

    title: str
    tables: tuple[Table, ...]

    def table(self, key: str) -> Table:
        """One of them. Raises KeyError."""
        for each in self.tables:
            if each.key == key:
                return each
        raise KeyError(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A whole report: the word that counts, what it means, and the sheets in the order of reading."""

    word: str
    meaning: str
    run_id: str
    as_of: datetime
    made_at: datetime
    sheets: tuple[Sheet, ...]
    warnings: tuple[str, ...] = field(default_factory=tuple)

    def sheet(self, title: str) -> Sheet:
        """One of them. Raises KeyError."""
        for each in self.sheets:
            if each.title == title:
                return each
        raise KeyError(title)

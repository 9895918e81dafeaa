"""Formulas of a workbook that count and sum the rows of the sheet Drifts, or balance a row of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell

from reconciler.reports.tables import Balance, Cell, Column, CountOf, SumOf, Table

NONE = "none"  # what stands in a column by which drifts are looked up where there is nothing
# Criteria take these for patterns; quoting them differs between programs, so such a row keeps its value alone.
_PATTERNS = frozenset("*?~")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Where the drifts stand: `first_row` is that of the first drift, from 0."""

    table: Table
    sheet: str
    first_row: int

    def span(self, key: str) -> str:
        """The cells of one column, as an absolute range."""
        name = xl_col_to_name(self.table.position(key))
        last = self.first_row + max(len(self.table.rows), 1)
        return f"{self.sheet}!${name}${self.first_row + 1}:${name}${last}"


def formula_of(
    column: Column, table: Table, cells: Sequence[Cell], row: int, lookup: Lookup, *, look_alike: frozenset[str]
) -> str | None:
    """The formula for a cell of `column` in a row (from 0) of the workbook; None where the value must do.

    `look_alike` are words that programs, which compare without case, cannot tell from others of the same column.
    """
    match column.formula:
        case None:
            return None
        case Balance(plus=plus, minus=minus):
            parts = [f"+{_at(table, key, row)}" for key in plus] + [f"-{_at(table, key, row)}" for key in minus]
            return "=" + "".join(parts).removeprefix("+")
        case CountOf(by=by) | SumOf(by=by):
            words = [str(cells[table.position(key)] or NONE) for key in by]
            if any(_PATTERNS & set(word) or word.lower() in look_alike for word in words):
                return None
            where = ",".join(f'{lookup.span(key)},"="&{_at(table, key, row)}' for key in by)
            if isinstance(column.formula, SumOf):
                return f"=SUMIFS({lookup.span(column.formula.key)},{where})"
            return f"=COUNTIFS({where})"


def alike(table: Table) -> frozenset[str]:
    """Words of the columns that are looked up which differ in case alone, in lower case."""
    found: set[str] = set()
    for key in table.summed_by:
        words = {str(cell or NONE) for cell in table.column(key)}
        lower = [word.lower() for word in words]
        found.update(word for word in lower if lower.count(word) > 1)
    return frozenset(found)


def _at(table: Table, key: str, row: int) -> str:
    return str(xl_rowcol_to_cell(row, table.position(key), col_abs=True))

"""Cells of a workbook: each value by its own type, in the format that its column and currency ask for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from math import ceil

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from reconciler.model.money import Money
from reconciler.model.money_text import decimals_of
from reconciler.reports.safe_text import FORMULA_STARTS, shown
from reconciler.reports.tables import Balance, Cell, Column, Kind, Table
from reconciler.reports.xlsx_formulas import NONE, Lookup, alike, formula_of

_LONGEST = 32_000  # characters; a cell takes 32,767
_MOMENT = "yyyy-mm-dd hh:mm"
_LOOKED_UP = frozenset({"code", "has_tier", "currency", "age", "state"})  # columns of the drifts that formulas look in
_LOOK = ("num_format", "bold", "italic", "font_size", "font_color", "text_wrap", "quote_prefix", "align", "indent")
_WRAPS = frozenset({Kind.TEXT, Kind.FACT})
_NUMBERS = frozenset({Kind.COUNT, Kind.MONEY, Kind.MOMENT})
_LINE = 15  # points


class Cells:
    """Writes cells; formats are made once each, since a workbook keeps every one of them."""

    def __init__(self, workbook: xlsxwriter.Workbook, lookup: Lookup) -> None:
        self._workbook = workbook
        self._lookup = lookup
        self._styles: dict[tuple[object, ...], Format] = {}
        self._numbers: dict[str, str] = {}

    def style(
        self,
        *,
        number: str = "",
        bold: bool = False,
        italic: bool = False,
        size: int = 0,
        color: str = "",
        wrap: bool = False,
        quoted: bool = False,
        left: bool = False,
        apart: bool = False,
    ) -> Format:
        """The format of that look."""
        key = (number, bold, italic, size, color, wrap, quoted, "left" if left or apart else "", int(apart))
        if key not in self._styles:
            look = dict(zip(_LOOK, key, strict=True))
            said = {name: value for name, value in look.items() if value}
            self._styles[key] = self._workbook.add_format({"valign": "top", **said})
        return self._styles[key]

    def header(self, column: Column, *, apart: bool) -> Format:
        """The format of what stands above a column: numbers to the right, as below it."""
        key = ("header", column.kind in _NUMBERS, apart)
        if key not in self._styles:
            look = {"bold": True, "bg_color": "#E8EDF3", "bottom": 1, "text_wrap": True, "valign": "vcenter"}
            look |= {"align": "right"} if column.kind in _NUMBERS else {"align": "left", "indent": int(apart)}
            self._styles[key] = self._workbook.add_format(look)
        return self._styles[key]

    def label(self, column: Column) -> str:
        """What stands above a column."""
        return f"{column.label} (UTC)" if column.kind is Kind.MOMENT else column.label

    def write(self, page: Worksheet, table: Table, first: int, *, wrap: bool) -> None:
        """Write the rows of a table from the row `first` on; nothing for an empty cell.

        Without `wrap` long text runs on over the empty cells beside it, or is cut by what stands there.
        """
        looked_up = _LOOKED_UP if table is self._lookup.table else table.summed_by
        look_alike = alike(table)
        beside = apart(table)
        for row, cells in enumerate(table.rows, start=first):
            if wrap and (lines := _lines(table, cells)) > 1:
                page.set_row(row, lines * _LINE)
            for across, (value, column) in enumerate(zip(cells, table.columns, strict=True)):
                shown_value = NONE if value is None and column.key in looked_up else value
                if column.formula is not None and isinstance(value, int | Money):
                    formula = formula_of(column, table, cells, row, self._lookup, look_alike=look_alike)
                    if formula is not None:
                        page.write_formula(row, across, formula, self._number_style(value, column), _number(value))
                        continue
                self._put(page, row, across, shown_value, column, wrap=wrap, apart=beside[across])

    def _put(
        self, page: Worksheet, row: int, across: int, value: Cell, column: Column, *, wrap: bool, apart: bool
    ) -> None:
        match value:
            case None:
                pass
            case str():
                self._put_text(page, row, across, value, column, wrap=wrap, apart=apart)
            case bool():
                page.write_string(row, across, "yes" if value else "no", self.style())
            case int() | Money():
                page.write_number(row, across, _number(value), self._number_style(value, column))
            case datetime():
                naive = value.astimezone(UTC).replace(tzinfo=None)
                page.write_datetime(row, across, naive, self.style(number=_MOMENT, left=column.kind is Kind.FACT))

    def _put_text(
        self, page: Worksheet, row: int, across: int, value: str, column: Column, *, wrap: bool, apart: bool
    ) -> None:
        if column.kind is Kind.LINK:
            page.write_url(row, across, value, self.style(color="#0B57D0"), string="open")
            return
        text = shown(value)[:_LONGEST]
        quoted = text.startswith(FORMULA_STARTS)
        number = "@" if column.kind is Kind.ID else ""
        style = self.style(number=number, wrap=wrap and column.kind in _WRAPS, quoted=quoted, apart=apart)
        page.write_string(row, across, text, style)

    def _number_style(self, value: int | Money, column: Column) -> Format:
        balance = isinstance(column.formula, Balance)
        number = self._number_format(value.currency) if isinstance(value, Money) else "#,##0"
        if isinstance(value, Money) and not balance:
            number += ';"-"'  # a page of zeros hides the amounts; what is left over says its zero
        return self.style(number=number, bold=balance, left=column.kind is Kind.FACT and not balance)

    def _number_format(self, currency: str) -> str:
        if currency not in self._numbers:
            decimals = decimals_of(currency)
            digits = "#,##0" + ("." + "0" * decimals if decimals else "")
            code = "".join(each for each in currency.upper() if each.isascii() and each.isalpha())
            self._numbers[currency] = f"{digits} [${code}];[Red]-{digits} [${code}]"
        return self._numbers[currency]


def apart(table: Table) -> list[bool]:
    """Of each column, whether its text needs room to the left: numbers end where it would begin."""
    numbers = [column.kind in _NUMBERS for column in table.columns]
    return [before and not number for before, number in zip([False, *numbers], numbers, strict=False)]


def _lines(table: Table, cells: Sequence[Cell]) -> int:
    """How many lines the longest wrapped text of a row takes, as far as its length tells."""
    pairs = zip(cells, table.columns, strict=True)
    texts = ((cell, column.width) for cell, column in pairs if isinstance(cell, str) and column.kind in _WRAPS)
    return min(20, max((ceil(len(text) * 1.15 / width) for text, width in texts), default=1))


def _number(value: int | Money) -> float:
    """Major units; a workbook knows no other numbers than doubles, exact to 15 digits."""
    return value.minor / 10 ** decimals_of(value.currency) if isinstance(value, Money) else value

"""Cells of a workbook: each value by its own type, in the format that its column and currency ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from reconciler.model.money import Money
from reconciler.reports.money_text import decimals_of
from reconciler.reports.safe_text import FORMULA_STARTS, shown
from reconciler.reports.tables import Balance, Cell, Column, Kind, Table
from reconciler.reports.xlsx_formulas import NONE, Lookup, alike, formula_of

_LONGEST = 32_000  # characters; a cell takes 32,767
_MOMENT = "yyyy-mm-dd hh:mm"
_WRAPPED = 2_000  # rows up to which long text is wrapped: measuring the height of more takes programs too long
_WRAPS = frozenset({Kind.TEXT, Kind.FACT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A value with its column, and its table where it has a formula."""

    value: Cell
    column: Column
    cells: tuple[Cell, ...] = ()
    table: Table | None = None
    wrap: bool = False


class Cells:
    """Writes cells; formats are made once each, since a workbook keeps every one of them."""

    def __init__(self, workbook: xlsxwriter.Workbook, lookup: Lookup) -> None:
        self._workbook = workbook
        self._lookup = lookup
        self._styles: dict[tuple[tuple[str, object], ...], Format] = {}
        self._alike: dict[str, frozenset[str]] = {}
        self._looked_up: frozenset[str] = frozenset({"code", "has_tier", "currency", "age", "state"})

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
    ) -> Format:
        """The format of that look."""
        look = {
            "num_format": number,
            "bold": bold,
            "italic": italic,
            "font_size": size,
            "font_color": color,
            "text_wrap": wrap,
            "quote_prefix": quoted,
        }
        return self._style({"valign": "top", **{name: value for name, value in look.items() if value}})

    def header(self) -> Format:
        """The format of a table's header."""
        return self._style({"bold": True, "bg_color": "#E8EDF3", "bottom": 1, "text_wrap": True, "valign": "vcenter"})

    def label(self, column: Column) -> str:
        """What stands above a column."""
        return f"{column.label} (UTC)" if column.kind is Kind.MOMENT else column.label

    def prepared(self, table: Table) -> list[list[Place]]:
        """The cells of a table."""
        wrap = len(table.rows) <= _WRAPPED
        self._alike[table.key] = alike(table)
        return [
            [
                Place(
                    value=value,
                    column=column,
                    cells=row if column.formula else (),
                    table=table if column.formula else None,
                    wrap=wrap and column.kind in _WRAPS,
                )
                for value, column in zip(row, table.columns, strict=True)
            ]
            for row in table.rows
        ]

    def put(self, page: Worksheet, row: int, across: int, place: Place) -> None:
        """Write one cell; nothing for an empty one."""
        value, column = place.value, place.column
        if value is None and column.kind is Kind.WORD and column.key in self._looked_up:
            value = NONE
        if place.table is not None and not isinstance(value, str | datetime | bool):
            formula = formula_of(
                column, place.table, place.cells, row, self._lookup, look_alike=self._alike[place.table.key]
            )
            if formula is not None and value is not None:
                page.write_formula(row, across, formula, self._number_style(value, column), _number(value))
                return
        match value:
            case None:
                pass
            case bool():
                page.write_string(row, across, "yes" if value else "no", self.style())
            case int():
                page.write_number(row, across, value, self._number_style(value, column))
            case Money():
                page.write_number(row, across, _number(value), self._number_style(value, column))
            case datetime():
                naive = value.astimezone(UTC).replace(tzinfo=None)
                page.write_datetime(row, across, naive, self.style(number=_MOMENT))
            case str():
                self._put_text(page, row, across, value, place)

    def _put_text(self, page: Worksheet, row: int, across: int, value: str, place: Place) -> None:
        if place.column.kind is Kind.LINK:
            page.write_url(row, across, value, self.style(color="#0B57D0"), string="open")
            return
        text = shown(value)[:_LONGEST]
        quoted = text.startswith(FORMULA_STARTS)
        number = "@" if place.column.kind is Kind.ID else ""
        page.write_string(row, across, text, self.style(number=number, wrap=place.wrap, quoted=quoted))

    def _number_style(self, value: int | Money, column: Column) -> Format:
        number = "#,##0"
        if isinstance(value, Money):
            decimals = decimals_of(value.currency)
            digits = "#,##0" + ("." + "0" * decimals if decimals else "")
            code = f" [${''.join(each for each in value.currency.upper() if each.isalpha())}]"
            number = f"{digits}{code};[Red]-{digits}{code}"
        balance = isinstance(column.formula, Balance)
        return self.style(number=number, bold=balance)

    def _style(self, look: dict[str, object]) -> Format:
        key = tuple(sorted(look.items()))
        if key not in self._styles:
            self._styles[key] = self._workbook.add_format(look)
        return self._styles[key]


def _number(value: int | Money) -> float:
    """Major units; a workbook knows no other numbers than doubles, exact to 15 digits."""
    return value.minor / 10 ** decimals_of(value.currency) if isinstance(value, Money) else value

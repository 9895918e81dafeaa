"""The report as a workbook for finance: real numbers and dates, ids as text, totals as formulas with their values."""

from __future__ import annotations

import io
from datetime import UTC

import xlsxwriter

from reconciler.reports.compose import DRIFTS
from reconciler.reports.fix_sheet import FIXES
from reconciler.reports.tables import Book, Sheet
from reconciler.reports.xlsx_cells import Cells, apart
from reconciler.reports.xlsx_formulas import Lookup

_MANY = 5_000  # rows from which on the file is made row by row, not in memory
_A4, _WIDEST = 9, 60
_LAST_PRINTED = {DRIFTS: "decide_reason", FIXES: "error"}  # columns; what stands behind is for the screen
_CHOICES = ["waive", "ack", "approve"]
_TITLE_ROWS = 2
_TWO_LINES = 30  # points
_FROZEN = 2  # columns of the sheet Drifts that stay in sight: code and name
_FIRST, _SECOND, _OTHERS = 26, 24, 17  # widths where tables stand below each other


def xlsx_report(book: Book) -> bytes:
    """A workbook of the book's sheets; the same book gives the same cells, formats and properties.

    Money is in major units with the decimals of its currency; times are UTC. Nothing from outside is a formula.
    """
    file = io.BytesIO()
    drifts = book.sheet(DRIFTS).tables[0]
    options = {
        "constant_memory": len(drifts.rows) > _MANY,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": "yyyy-mm-dd hh:mm",
    }
    with xlsxwriter.Workbook(file, options) as workbook:
        made_at = book.made_at.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        workbook.set_properties(
            {
                "title": f"Billing reconciliation {book.run_id}",
                "subject": book.word,
                "author": "reconciler",
                "comments": book.meaning,
                "created": made_at,
            }
        )
        lookup = Lookup(table=drifts, sheet=DRIFTS, first_row=_TITLE_ROWS + 1)
        cells = Cells(workbook, lookup)
        for sheet in book.sheets:
            _Page(workbook, cells, book, sheet).write()
    return file.getvalue()


class _Page:
    """One sheet, written from top to bottom."""

    def __init__(self, workbook: xlsxwriter.Workbook, cells: Cells, book: Book, sheet: Sheet) -> None:
        self._cells = cells
        self._book = book
        self._sheet = sheet
        self._page = workbook.add_worksheet(sheet.title)

    def write(self) -> None:
        self._set_up()
        row = 0
        alone = len(self._sheet.tables) == 1
        for table in self._sheet.tables:
            self._page.write_string(row, 0, table.title, self._cells.style(bold=True, size=13))
            if table.about or not table.rows:
                about = table.about if table.rows or not table.about else f"None. {table.about}"
                self._page.write_string(row + 1, 0, about or "None.", self._cells.style(italic=True, color="#555555"))
            header = row + _TITLE_ROWS
            named = any(column.label for column in table.columns)
            if named:
                if any(
                    len(self._cells.label(column)) > self._width(number) for number, column in enumerate(table.columns)
                ):
                    self._page.set_row(header, _TWO_LINES)
                for number, (column, room) in enumerate(zip(table.columns, apart(table), strict=True)):
                    style = self._cells.header(column, apart=room)
                    self._page.write_string(header, number, self._cells.label(column), style)
            first = header + 1 if named else header
            self._cells.write(self._page, table, first, wrap=alone and self._sheet.title != DRIFTS)
            if alone:
                self._page.freeze_panes(header + 1, _FROZEN if self._sheet.title == DRIFTS else 0)
                self._page.repeat_rows(header)
                self._page.autofilter(header, 0, max(first, first + len(table.rows) - 1), len(table.columns) - 1)
            row = first + len(table.rows) + 2

    def _width(self, number: int) -> int:
        """Characters that fit into a column."""
        if len(self._sheet.tables) == 1:
            return min(_WIDEST, self._sheet.tables[0].columns[number].width)
        return (_FIRST, _SECOND)[number] if number < len((_FIRST, _SECOND)) else _OTHERS

    def _set_up(self) -> None:
        page, tables = self._page, self._sheet.tables
        if len(tables) == 1:
            for number in range(len(tables[0].columns)):
                page.set_column(number, number, self._width(number))
        else:
            page.set_column(0, 0, _FIRST)
            page.set_column(1, 1, _SECOND)
            page.set_column(2, max(len(table.columns) for table in tables), _OTHERS)
        page.hide_gridlines(2)
        page.set_landscape()
        page.set_paper(_A4)
        page.fit_to_pages(1, 0)
        page.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
        page.set_header(f"&L{_header_text(self._book.word)}&R{_header_text(self._sheet.title)}")
        page.set_footer(f"&LRun {_header_text(self._book.run_id)}, times are UTC&RPage &P of &N")
        if self._sheet.title in _LAST_PRINTED:
            last = _TITLE_ROWS + max(1, len(tables[0].rows))
            page.print_area(0, 0, last, tables[0].position(_LAST_PRINTED[self._sheet.title]))
        if self._sheet.title == DRIFTS:
            self._set_up_drifts()

    def _set_up_drifts(self) -> None:
        (table,) = self._sheet.tables
        first = _TITLE_ROWS + 1
        last = max(first, first + len(table.rows) - 1)
        decide, until = table.position("decide"), table.position("decide_until")
        self._page.data_validation(
            first,
            decide,
            last,
            decide,
            {"validate": "list", "source": _CHOICES, "error_message": "waive, ack, approve"},
        )
        self._page.set_column(until, until, 12, self._cells.style(number="yyyy-mm-dd"))


def _header_text(text: str) -> str:
    return text.replace("&", "&&")

"""The money of a run as a table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model.run import RunRecord
from reconciler.reports.money_table import LABELS, left_over, money_columns, money_heading
from reconciler.reports.page import Page

_INDENT = 2
_GAP = 2


def write_money(run: RunRecord, page: Page) -> None:
    """Every currency and whether it ties out; currencies stand beside each other while they fit, then below."""
    columns = money_columns(run)
    if not columns:
        return
    page.heading(money_heading(run))
    while columns:
        fitting = columns[: _fitting(columns, page.width - _INDENT - _width(LABELS))]
        columns = columns[len(fitting) :]
        for label, *amounts in zip(LABELS, *fitting, strict=True):
            padded = (amount.rjust(_width(column) + _GAP) for amount, column in zip(amounts, fitting, strict=True))
            page.line(label.ljust(_width(LABELS)), *padded, indent=_INDENT)
        if columns:
            page.blank()
    for amount in left_over(run):
        page.line(("DOES NOT TIE OUT", "bold red"), f": {amount} is left over.", indent=_INDENT)
    if not left_over(run):
        page.line("Every currency ties out (without what is held or unpriced).", indent=_INDENT)


def _width(column: Sequence[str]) -> int:
    return max(len(cell) for cell in column)


def _fitting(columns: Sequence[Sequence[str]], room: int) -> int:
    """How many of the first columns fit, at least one."""
    used = 0
    for number, column in enumerate(columns):
        used += _width(column) + _GAP
        if used > room and number:
            return number
    return len(columns)

"""The listed drifts as CSV for a spreadsheet: a row each, amounts in minor and in major units, no name a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime

from reconciler.model.money import Money
from reconciler.model.money_text import major_units
from reconciler.reports.compose import DRIFTS
from reconciler.reports.document import instant
from reconciler.reports.drift_table import AMOUNTS
from reconciler.reports.safe_text import FORMULA_STARTS, shown
from reconciler.reports.tables import Book, Cell

_BOM = "\ufeff"
_FIRST = ("code", "severity", "decision", "org_id", "org_name", "primary", "blocked_by")
_STATES = ("has_tier", "has_status", "due_tier", "due_status", "currency")
_REST = ("effective_at", "first_seen", "runs_seen", "text", "remedy", "reason", "drift_id")
_LATER = ("state", "age_days", "age", "fix", "fate", "stripe_link", "lago_link")
_TO_FILL_IN = ("decide", "decide_until", "decide_reason")
COLUMNS = (
    *_FIRST,
    *_STATES,
    *(f"{amount}_minor" for amount in AMOUNTS),
    *AMOUNTS,
    *_REST,
    "accrued_minor",
    "accrued",
    *_LATER,
    *_TO_FILL_IN,
    "run_id",
)


def csv_report(book: Book, *, bom: bool = False) -> bytes:
    """UTF-8, CRLF, a header row, then the drifts in the order of the JSON report; with `bom` as some programs need it.

    Amounts are plain numbers, the monthly ones per month; an empty cell is unpriced, or no money at all. Text that a
    spreadsheet would take for a formula begins with an apostrophe.
    """
    file = io.StringIO()
    file.write(_BOM if bom else "")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for record in book.sheet(DRIFTS).table("drifts").records():
        writer.writerow(_cells({**record, "run_id": book.run_id}))
    return file.getvalue().encode()


def _cells(record: dict[str, Cell]) -> Iterator[str]:
    for name in COLUMNS:
        key = name.removesuffix("_minor")
        value = record[key]
        yield str(value.minor) if key != name and isinstance(value, Money) else _cell(value)


def _cell(value: Cell) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Money():
            return major_units(value.minor, value.currency)
        case datetime():
            return instant(value)
        case str():
            return ("'" if value.startswith(FORMULA_STARTS) else "") + shown(value)

"""The drifts as the page's own script reads them: plain JSON, packed where there are many."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from reconciler.model.money import Money
from reconciler.model.money_text import decimals_of
from reconciler.model.run import RunRecord
from reconciler.reports.document import instant, listed, plain
from reconciler.reports.safe_text import shown
from reconciler.reports.tables import Cell, Kind, Table

_PACKED_FROM = 200_000  # characters
_LEVEL = 6


def data_of(run: RunRecord, drifts: Table) -> str:
    """JSON without any `<`: columns, rows, evidence beside each row, decimals by currency."""
    shown_columns = [column for column in drifts.columns if column.kind is not Kind.BLANK]
    places = [drifts.position(column.key) for column in shown_columns]
    currencies = sorted({cell.currency for row in drifts.rows for cell in row if isinstance(cell, Money)})
    data = {
        "columns": [column.key for column in shown_columns],
        "rows": [[_value(row[place]) for place in places] for row in drifts.rows],
        "evidence": [_safe(plain(decision.drift.evidence)) for decision in listed(run)],
        "decimals": {currency: decimals_of(currency) for currency in currencies},
    }
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def packed(text: str) -> str:
    """Gzip in base64, the same for the same text; empty where it is short enough to stand as it is."""
    if len(text) < _PACKED_FROM:
        return ""
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=_LEVEL, mtime=0)).decode("ascii")


def _value(cell: Cell) -> str | int | None:
    """Money as its minor units: the currency stands in a column of its own."""
    match cell:
        case Money():
            return cell.minor
        case bool():
            return "yes" if cell else "no"
        case datetime():
            return instant(cell.replace(microsecond=0))
        case str():
            return shown(cell)
        case _:
            return cell


def _safe(value: Any) -> Any:
    match value:
        case str():
            return shown(value)
        case Mapping():
            return {shown(key): _safe(inner) for key, inner in value.items()}
        case list():
            return [_safe(each) for each in value]
        case _:
            return value

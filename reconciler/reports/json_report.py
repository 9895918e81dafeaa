"""The JSON report as bytes, safe to show on a terminal and the same for the same run."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from reconciler.model.money import Money
from reconciler.model.private import without_email
from reconciler.model.run import RunRecord
from reconciler.reports.compose import DRIFTS
from reconciler.reports.document import document, instant
from reconciler.reports.safe_text import is_unsafe
from reconciler.reports.tables import Book, Cell

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, indent=2)
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
# What the table of drifts knows beyond the document's own keys.
_BESIDE = ("state", "age_days", "age", "accrued", "fix", "fate", "stripe_link", "lago_link")


def json_report(run: RunRecord, book: Book) -> bytes:
    """UTF-8, indented by two, ending with a newline; a JSON reader gets names back exactly, e-mail addresses apart.

    The document, with what the tables of `book` add: to each drift its state, age, accrued minor units and links, and
    to the run `tables` by their keys. Letters of every script stand as they are; what could act on a terminal or cannot
    be encoded stands as its escape.
    """
    written = bytearray()
    for part in _ENCODER.iterencode(_whole(run, book)):  # never the whole text at once: it may be large
        harmless = part if part.isascii() else _BEYOND_ASCII.sub(_harmless, part)
        written += harmless.replace("\x7f", "\\u007f").encode()
    return bytes(written + b"\n")


def _harmless(found: re.Match[str]) -> str:
    character = found.group()
    return json.dumps(character)[1:-1] if is_unsafe(character) else character


def _whole(run: RunRecord, book: Book) -> dict[str, Any]:
    said = document(run)
    rows = book.sheet(DRIFTS).table("drifts").records()
    for drift, row in zip(said["drifts"], rows, strict=True):
        accrued = row["accrued"]
        beside = {**row, "accrued": accrued.minor if isinstance(accrued, Money) else None}
        drift.update({key: _value(beside[key]) for key in _BESIDE})
    # Within the run: some of them tell of the run itself and of the ledger beside it, not of what was judged.
    said["run"]["tables"] = {
        table.key: [{key: _value(cell) for key, cell in record.items()} for record in table.records()]
        for sheet in book.sheets
        if sheet.title != DRIFTS
        for table in sheet.tables
    }
    return said


def _value(cell: Cell) -> Any:
    match cell:
        case Money():
            return {"currency": cell.currency, "minor": cell.minor}
        case datetime():
            return instant(cell)
        case str():
            return without_email(cell)
        case _:
            return cell

"""Reads what people decided out of a report that they filled in: the xlsx, also as LibreOffice saves it, or the csv."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from reconciler.errors import UsageError
from reconciler.reports.compose import DRIFTS
from reconciler.reports.control_sheet import CONTROL

NOT_DONE = "Nothing was taken over"
_LARGEST = 64 * 1024 * 1024
_LARGEST_UNPACKED = 1024 * 1024 * 1024
_HEADER_WITHIN = 20  # rows
_DAY_ZERO = date(1899, 12, 30)  # of spreadsheets
_DAYS = range(36_526, 109_575)  # serials of the years 2000 to 2199
# What each column is called in the workbook and in the csv.
_NAMES = {
    "drift_id": ("Drift", "drift_id"),
    "decide": ("Decision", "decide"),
    "until": ("Until", "decide_until"),
    "reason": ("Reason", "decide_reason"),
    "fix": ("Fix", "fix"),
}

Value = str | int | float | bool | date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A row in which a person wrote something; `row` is its number in the file, as a spreadsheet counts.

    `until` is a day, None where the cell is empty; `problem` says why a cell cannot be read, empty where all can.
    """

    row: int
    drift_id: str
    decision: str
    until: date | None
    reason: str
    fix: str
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionFile:
    """The rows that were filled in, in their order, and the run that the report was made of."""

    run_id: str
    rows: tuple[Filled, ...]


def read_decisions(path: Path) -> DecisionFile:
    """What people wrote into the report at `path`. Raises UsageError where it cannot be read or is no such report."""
    try:
        content = path.read_bytes() if path.stat().st_size <= _LARGEST else None
    except OSError as error:
        raise _refused(f"{path} cannot be read: {error.strerror}") from error
    if content is None:
        raise _refused(f"{path} is larger than any report")
    if content.startswith(b"PK"):
        return _from_workbook(path, content)
    return _from_csv(path, content)


def _from_workbook(path: Path, content: bytes) -> DecisionFile:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(each.file_size for each in archive.infolist()) > _LARGEST_UNPACKED:
                raise _refused(f"{path} unpacks to more than any report")
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        rows = list(book[DRIFTS].iter_rows(values_only=True))
        control = [row[:2] for row in book[CONTROL].iter_rows(max_row=60, max_col=2, values_only=True)]
    except (zipfile.BadZipFile, InvalidFileException, ParseError, KeyError, ValueError, OSError) as error:
        raise _refused(f"{path} is no report of this version, or damaged") from error
    run_id = next((str(row[1]) for row in control if len(row) > 1 and row[0] == "Run" and row[1]), "")
    return _file(path, rows, run_id)


def _from_csv(path: Path, content: bytes) -> DecisionFile:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(f"{path} is not UTF-8; save it as csv in UTF-8, or as xlsx") from error
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise _refused(f"{path} is no csv: {error}") from error
    at = rows[0].index("run_id") if rows and "run_id" in rows[0] else None
    runs = {row[at] for row in rows[1:] if at is not None and len(row) > at and row[at]}
    if len(runs) > 1:
        raise _refused(f"{path} holds rows of more than one run")
    return _file(path, rows, runs.pop() if runs else "")


def _file(path: Path, rows: Sequence[Sequence[object]], run_id: str) -> DecisionFile:
    for number, row in enumerate(rows[:_HEADER_WITHIN]):
        places = _places(row)
        if places is not None:
            filled = tuple(_filled(rows, number + 1, places))
            if filled and not run_id:
                raise _refused(f"{path} does not say of which run it is")
            return DecisionFile(run_id=run_id, rows=filled)
    names = ", ".join(workbook for workbook, _ in _NAMES.values())
    raise _refused(f"{path} has no header row with the columns {names}")


def _places(header: Sequence[object]) -> dict[str, int] | None:
    """Where each column stands; None for a row that is not the header."""
    places: dict[str, int] = {}
    for name, words in _NAMES.items():
        found = [place for place, cell in enumerate(header) if cell in words]
        if len(found) != 1:
            return None
        places[name] = found[0]
    return places


def _filled(rows: Sequence[Sequence[object]], first: int, places: dict[str, int]) -> Iterator[Filled]:
    for number, row in enumerate(rows[first:], start=first + 1):
        cells = {name: row[place] if place < len(row) else None for name, place in places.items()}
        texts = {name: _text(cell) for name, cell in cells.items()}
        if not (texts["decide"] or texts["until"] or texts["reason"]):
            continue
        until, problem = _day(cells["until"])
        yield Filled(
            row=number,
            drift_id=texts["drift_id"],
            decision=texts["decide"].lower(),
            until=until,
            reason=texts["reason"],
            fix=texts["fix"],
            problem=problem,
        )


def _text(cell: object) -> str:
    """A cell as text: without the apostrophe that keeps a csv from being a formula, and without space around it."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip().removeprefix("'").strip()


def _day(cell: object) -> tuple[date | None, str]:
    """The day that a cell says, by its type or as text, and why it says none."""
    match cell:
        case None:
            return None, ""
        case datetime():
            return cell.date(), ""
        case date():
            return cell, ""
        case bool():
            return None, "Until is no day"
        case int() | float():
            return _of_serial(cell)
        case _:
            return _of_text(_text(cell))


def _of_serial(number: float) -> tuple[date | None, str]:
    if int(number) in _DAYS:
        return _DAY_ZERO + timedelta(days=int(number)), ""
    return None, f"Until is {number:g}, no day"


def _of_text(text: str) -> tuple[date | None, str]:
    if not text:
        return None, ""
    if text.replace(".", "", 1).isdigit() and text.count(".") <= 1 and len(text) <= len("109575.99"):
        return _of_serial(float(text))
    for form in ("%Y-%m-%d", "%d.%m.%Y", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"):
        try:
            return datetime.strptime(text, form).date(), ""  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None, f"Until is {text[:40]!r}: say the day as 2026-12-31"


def _refused(problem: str) -> UsageError:
    return UsageError(problem, not_done=NOT_DONE, remedy="Give the xlsx or csv of reconcile report, filled in")

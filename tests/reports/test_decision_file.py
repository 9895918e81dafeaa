from __future__ import annotations

import csv
import io
import shutil
import subprocess
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from reconciler.errors import UsageError
from reconciler.reports.compose import book_of
from reconciler.reports.csv_report import csv_report
from reconciler.reports.decision_file import read_decisions
from reconciler.reports.xlsx_report import xlsx_report
from run_builders import decision, drift, run_record

RUN = run_record(decisions=[decision(drift(f"org_{number}")) for number in range(1, 5)])
SOFFICE = shutil.which("soffice")


def workbook(folder: Path, rows: dict[int, tuple[Any, Any, Any]]) -> Path:
    """The report's workbook with Decision, Until and Reason of some drifts, counted from 0, filled in."""
    book = openpyxl.load_workbook(io.BytesIO(xlsx_report(book_of(RUN))))
    page = book["Drifts"]
    columns = {cell.value: cell.column for cell in page[3]}
    for number, cells in rows.items():
        for name, value in zip(("Decision", "Until", "Reason"), cells, strict=True):
            page.cell(4 + number, columns[name]).value = value
    path = folder / "filled.xlsx"
    book.save(path)
    return path


def table(folder: Path, rows: dict[int, tuple[str, str, str]], *, delimiter: str = ",", bom: bool = False) -> Path:
    """The report's csv, filled in and saved with another delimiter."""
    found = list(csv.reader(io.StringIO(csv_report(book_of(RUN)).decode(), newline="")))
    for number, cells in rows.items():
        for name, value in zip(("decide", "decide_until", "decide_reason"), cells, strict=True):
            found[number + 1][found[0].index(name)] = value
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows(found)
    path = folder / "filled.csv"
    path.write_bytes(file.getvalue().encode("utf-8-sig" if bom else "utf-8"))
    return path


def test_filled_rows_come_back_with_their_number_and_the_run_and_empty_ones_do_not(tmp_path: Path) -> None:
    path = workbook(tmp_path, {1: ("Waive", date(2026, 12, 31), " agreed "), 3: ("ack", None, None)})
    read = read_decisions(path)
    assert read.run_id == "run-1"
    assert [(each.row, each.drift_id, each.decision, each.until, each.reason) for each in read.rows] == [
        (5, "tier_over:org_2", "waive", date(2026, 12, 31), "agreed"),
        (7, "tier_over:org_4", "ack", None, ""),
    ]


@pytest.mark.parametrize(
    "until",
    [
        datetime(2026, 12, 31),  # noqa: DTZ001 - a workbook's times have no zone
        date(2026, 12, 31),
        46387,
        46387.0,
        "2026-12-31",
        "31.12.2026",
        "46387",
        "2026-12-31 00:00:00",
    ],
)
def test_a_day_is_read_whatever_type_a_program_gave_it(tmp_path: Path, until: Any) -> None:
    (row,) = read_decisions(workbook(tmp_path, {0: ("waive", until, "why")})).rows
    assert (row.until, row.problem) == (date(2026, 12, 31), "")


@pytest.mark.parametrize("until", ["12/31/26", "soon", "7", 7, True, "2026-13-01"])
def test_a_day_that_may_mean_another_is_a_problem_of_its_row(tmp_path: Path, until: Any) -> None:
    (row,) = read_decisions(workbook(tmp_path, {0: ("waive", until, "why")})).rows
    assert row.until is None
    assert "Until" in row.problem


@pytest.mark.parametrize(("delimiter", "bom"), [(",", False), (";", True), ("\t", False)])
def test_a_csv_is_read_with_any_delimiter_and_with_or_without_its_mark(
    tmp_path: Path, delimiter: str, *, bom: bool
) -> None:
    path = table(tmp_path, {2: ("approve", "", "")}, delimiter=delimiter, bom=bom)
    read = read_decisions(path)
    assert (read.run_id, [(each.row, each.drift_id, each.decision) for each in read.rows]) == (
        "run-1",
        [(4, "tier_over:org_3", "approve")],
    )


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04 no workbook", b"a,b\r\n1,2\r\n", b"\xff\xfe\x00", "drift_id,decide\r\n".encode("utf-16")],
)
def test_a_file_that_is_no_report_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.xlsx"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"other\.xlsx"):
        read_decisions(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_decisions(tmp_path / "none.xlsx")


def test_rows_of_two_runs_are_refused(tmp_path: Path) -> None:
    path = table(tmp_path, {0: ("ack", "", "")})
    text = path.read_text()
    path.write_text(text + text.splitlines()[1].replace("run-1", "run-2") + "\n")
    with pytest.raises(UsageError, match="more than one run"):
        read_decisions(path)


@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed")
@pytest.mark.parametrize(("suffix", "fill"), [("xlsx", workbook), ("csv", table)])
def test_a_workbook_and_a_csv_are_read_as_libreoffice_saves_them(
    tmp_path: Path, suffix: str, fill: Callable[..., Path]
) -> None:
    filled = fill(tmp_path, {0: ("waive", "2026-12-31", "=agreed"), 2: ("ack", "", "")})
    saved = tmp_path / "saved"
    profile = (tmp_path / "profile").as_uri()
    subprocess.run(  # noqa: S603 - the program that the test is about
        [
            *(str(SOFFICE), f"-env:UserInstallation={profile}", "--headless", "--convert-to", suffix),
            *("--outdir", str(saved), str(filled)),
        ],
        check=True,
        capture_output=True,
        timeout=180,
    )
    read = read_decisions(saved / filled.name)
    assert read.run_id == "run-1"
    assert [(each.drift_id, each.decision, each.until, each.problem) for each in read.rows] == [
        ("tier_over:org_1", "waive", date(2026, 12, 31), ""),
        ("tier_over:org_3", "ack", None, ""),
    ]

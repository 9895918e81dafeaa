"""The formats a report can have, and one function that makes any of them."""

from __future__ import annotations

import io
from enum import StrEnum

from rich.console import Console

from reconciler.errors import UsageError
from reconciler.model.run import RunRecord
from reconciler.reports.background import NO_BACKGROUND, Background
from reconciler.reports.compose import book_of
from reconciler.reports.csv_report import csv_report
from reconciler.reports.html_report import html_report
from reconciler.reports.json_report import json_report
from reconciler.reports.markdown_report import markdown_report
from reconciler.reports.tables import Book
from reconciler.reports.terminal import Verbosity, print_report
from reconciler.reports.xlsx_report import xlsx_report

_FILE_WIDTH = 100


class ReportFormat(StrEnum):
    """What this version writes; the value is what `--format` takes."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    CSV = "csv"
    HTML = "html"
    XLSX = "xlsx"


def report_format(word: str) -> ReportFormat:
    """The format of that name. Raises UsageError, which names those there are."""
    try:
        return ReportFormat(word)
    except ValueError:
        raise UsageError(
            f"{word!r} is no format that this version writes", remedy=f"Ask for one of {', '.join(ReportFormat)}"
        ) from None


def render(
    run: RunRecord,
    form: ReportFormat,
    *,
    beside: Background = NO_BACKGROUND,
    verbosity: Verbosity = Verbosity.NORMAL,
    bom: bool = False,
    book: Book | None = None,
) -> bytes:
    """The whole report, the same bytes for the same run and background, UTF-8 where it is text.

    `verbosity` is for the format text alone, which has no colour; `bom` for csv. `book` is that of the run and the
    background where it is made already: it is the same for every format.
    """

    def made() -> Book:
        return book or book_of(run, beside)

    match form:
        case ReportFormat.TEXT:
            return _text(run, verbosity)
        case ReportFormat.JSON:
            return json_report(run, made())
        case ReportFormat.MARKDOWN:
            return markdown_report(run, made())
        case ReportFormat.CSV:
            return csv_report(made(), bom=bom)
        case ReportFormat.HTML:
            return html_report(run, made())
        case ReportFormat.XLSX:
            return xlsx_report(made())


def _text(run: RunRecord, verbosity: Verbosity) -> bytes:
    file = io.StringIO()
    console = Console(file=file, width=_FILE_WIDTH, color_system=None, force_terminal=False)
    print_report(run, console, verbosity=verbosity)
    return file.getvalue().encode()

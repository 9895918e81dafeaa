"""Writes every run's reports into one folder, a file per format, named by the run."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from reconciler.errors import ReportError, SettingsError
from reconciler.model.run import RunRecord
from reconciler.reports.background import NO_BACKGROUND, Background
from reconciler.reports.compose import book_of
from reconciler.reports.render import ReportFormat, render
from reconciler.reports.report_file import point_latest, write_report

SUFFIXES = {
    ReportFormat.TEXT: "txt",
    ReportFormat.JSON: "json",
    ReportFormat.MARKDOWN: "md",
    ReportFormat.CSV: "csv",
    ReportFormat.HTML: "html",
    ReportFormat.XLSX: "xlsx",
}


class FolderReports:
    """A ReportWriter: `<folder>/<run id>.<suffix>` for each format; the folder is made, with mode 0750, if missing.

    `latest.<suffix>` is a link to the last one written.

    A report that cannot be written stops no run: `problem` says what went wrong, None where nothing did.
    """

    problem: str | None = None

    def __init__(
        self,
        folder: Path,
        formats: Iterable[ReportFormat],
        *,
        beside: Callable[[RunRecord], Background] = lambda _: NO_BACKGROUND,
    ) -> None:
        """Nothing is made before `prepare` or the first run that is written; `beside` tells what stands beside it."""
        self._folder = folder
        self._formats = tuple(formats)
        self._beside = beside

    def paths(self, run: RunRecord) -> tuple[Path, ...]:
        """Where the reports of `run` are."""
        return tuple(self._folder / f"{run.id}.{SUFFIXES[form]}" for form in self._formats)

    def prepare(self) -> None:
        """Make the folder, before anything is judged. Raises SettingsError where it could not be written to."""
        try:
            self._make()
            if not os.access(self._folder, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise SettingsError(
                f"The folder for reports, {self._folder}, cannot be written: {error.strerror}",
                remedy="Name one that can in [reports] folder, or judge without one: --dry-run --no-record",
            ) from error

    def write(self, run: RunRecord) -> None:
        """Make every report of `run`, or keep in `problem` why one could not be."""
        try:
            self._make()
            book = book_of(run, self._beside(run)) if self._formats else None
            for form, path in zip(self._formats, self.paths(run), strict=True):
                write_report(path, render(run, form, book=book))
                point_latest(path)
        except OSError as error:
            self.problem = f"The folder for reports, {self._folder}, cannot be made: {error.strerror}"
        except ReportError as error:
            self.problem = str(error)

    def _make(self) -> None:
        if self._formats:
            self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)

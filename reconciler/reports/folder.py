"""Writes every run's reports into one folder, a file per format, named by the run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from reconciler.errors import ReportError
from reconciler.model.run import RunRecord
from reconciler.reports.render import ReportFormat, render
from reconciler.reports.report_file import write_report

_SUFFIXES = {
    ReportFormat.TEXT: "txt",
    ReportFormat.JSON: "json",
    ReportFormat.MARKDOWN: "md",
    ReportFormat.CSV: "csv",
}


class FolderReports:
    """A ReportWriter: `<folder>/<run id>.<suffix>` for each format; the folder is made, with mode 0750, if missing."""

    def __init__(self, folder: Path, formats: Iterable[ReportFormat]) -> None:
        """Nothing is made before the first run is written."""
        self._folder = folder
        self._formats = tuple(formats)

    def paths(self, run: RunRecord) -> tuple[Path, ...]:
        """Where the reports of `run` are."""
        return tuple(self._folder / f"{run.id}.{_SUFFIXES[form]}" for form in self._formats)

    def write(self, run: RunRecord) -> None:
        """Make every report of `run`. Raises ReportError."""
        try:
            self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        except OSError as error:
            raise ReportError(
                f"The folder for reports, {self._folder}, cannot be made: {error.strerror}",
                not_done="The run itself is done, but it has no report",
                remedy="Name a folder that can be written in [reports] folder",
            ) from error
        for form, path in zip(self._formats, self.paths(run), strict=True):
            write_report(path, render(run, form))

"""Makes what tells people of a run: the reports in their folder, and what they were told in messages."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.bootstrap.machine import reports_folder, state_folder
from reconciler.gather import background_at_hand
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model.run import RunRecord
from reconciler.notify.memory import Memory
from reconciler.ports import ReportWriter
from reconciler.reports.folder import FolderReports
from reconciler.reports.render import ReportFormat
from reconciler.settings import Settings


class Writers:
    """A ReportWriter of any number of others, also of none: then the run is told on the terminal only."""

    def __init__(self, *writers: ReportWriter) -> None:
        """They are given each run in this order."""
        self._writers = writers

    def write(self, run: RunRecord) -> None:
        """Have every one of them put the run before people."""
        for writer in self._writers:
            writer.write(run)


def folder_reports(settings: Settings, environ: Mapping[str, str], ledger: SqlLedger) -> FolderReports:
    """The folder of the settings; each report is told with what the ledger knows beside the run."""
    return FolderReports(
        reports_folder(settings, environ),
        [ReportFormat(form) for form in settings.reports.formats],
        beside=lambda run: background_at_hand(run, settings, ledger),
    )


def run_memory(environ: Mapping[str, str]) -> Memory:
    """What people were told of runs."""
    return Memory(state_folder(environ) / "told.json")


def alarm_memory(environ: Mapping[str, str]) -> Memory:
    """What people were told of the daemon's own troubles."""
    return Memory(state_folder(environ) / "told_troubles.json")

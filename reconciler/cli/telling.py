"""Tells a finished run where it was asked for: on the terminal, in a file, to a pipe whose reader may have left."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from reconciler.cli.called import near
from reconciler.errors import ReportError, UsageError
from reconciler.logs import redact
from reconciler.model.run import RunRecord, RunResult
from reconciler.reports.background import NO_BACKGROUND, Background
from reconciler.reports.render import ReportFormat, render
from reconciler.reports.report_file import write_report
from reconciler.reports.terminal import Verbosity, print_report
from reconciler.reports.words import result_words


def tell(
    run: RunRecord,
    form: ReportFormat,
    *,
    output: Path | None,
    verbosity: Verbosity,
    files: Sequence[Path] = (),
    beside: Background = NO_BACKGROUND,
    bom: bool = False,
) -> None:
    """Put the report of `run` before whoever asked; `files` are those of the reports folder, which are named.

    Never raises for a report: a run that wrote must be told. Where `output` cannot be written the terminal gets the
    text report and standard error the reason; a reader that left gets no more.
    """
    if form is ReportFormat.CSV and run.result in {RunResult.INCOMPLETE, RunResult.REFUSED}:
        complain(f"This CSV is not the whole picture: {run.result.value.upper()}. {run.refusal or result_words(run)}")
    try:
        written = _put(run, form, output, verbosity, beside, bom=bom)
        if verbosity is not Verbosity.QUIET:
            named = (*written, *(files if form is ReportFormat.TEXT else ()))
            sys.stdout.write("".join(f"Report: {near(path)}\n" for path in named))
        sys.stdout.flush()
    except BrokenPipeError:
        leave_stdout()


def refuse_to_print(form: ReportFormat, output: Path | None) -> None:
    """Raise UsageError for a workbook that would go to a terminal."""
    if form is ReportFormat.XLSX and output is None and sys.stdout.isatty():
        raise UsageError("A workbook cannot be shown on a terminal", remedy="Name a file with --output")


def complain(line: str) -> None:
    """One line on standard error, as the command's own, without anything secret or personal."""
    sys.stderr.write(f"reconcile: {redact(line)}\n")


def leave_stdout() -> None:
    """Send whatever is still to be said to nowhere: its reader has left."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _put(
    run: RunRecord, form: ReportFormat, output: Path | None, verbosity: Verbosity, beside: Background, *, bom: bool
) -> tuple[Path, ...]:
    """The files that were written for `output`."""
    if output is None:
        _print(run, form, verbosity, beside, bom=bom)
        return ()
    try:
        write_report(output, render(run, form, beside=beside, verbosity=verbosity))
    except ReportError as error:
        _print(run, ReportFormat.TEXT, verbosity, beside)
        complain(str(error))
        return ()
    return (output,)


def _print(run: RunRecord, form: ReportFormat, verbosity: Verbosity, beside: Background, *, bom: bool = False) -> None:
    if form is ReportFormat.TEXT:
        print_report(run, _Terminal(), verbosity=verbosity)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(render(run, form, beside=beside, verbosity=verbosity, bom=bom))
    sys.stdout.buffer.flush()


class _Terminal(Console):
    """A console that lets a closed pipe be handled by whoever prints; Rich's own would end the process with 1."""

    def on_broken_pipe(self) -> None:
        """Raise what Rich caught."""
        raise  # noqa: PLE0704 - Rich calls this while it handles the BrokenPipeError

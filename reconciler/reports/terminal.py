"""The report as text for a person at a terminal: the word that counts first, the exit code and its meaning last."""

from __future__ import annotations

from collections import Counter
from datetime import UTC
from enum import StrEnum

from rich.console import Console

from reconciler.model.drift import Decided
from reconciler.model.moments import utc
from reconciler.model.run import RunRecord, RunResult, SourceRead
from reconciler.reports.fates import fates_of
from reconciler.reports.page import Page
from reconciler.reports.terminal_drifts import write_drifts
from reconciler.reports.terminal_money import write_money
from reconciler.reports.terminal_plan import tallied, write_plan
from reconciler.reports.words import (
    EXIT_CODES,
    NOT_KEPT,
    counted,
    counts,
    mode_words,
    read_problem,
    reads_of,
    result_words,
)

_STYLES = {
    RunResult.CLEAN: "bold green",
    RunResult.DRIFT: "bold yellow",
    RunResult.INCOMPLETE: "bold red",
    RunResult.REFUSED: "bold red",
    RunResult.FAILED: "bold red",
}
_NAME_WIDTH = len("organisations") + 2


class Verbosity(StrEnum):
    """How much a text report says: headline and counts; the report; the report uncut, with evidence and reasons."""

    QUIET = "quiet"
    NORMAL = "normal"
    VERBOSE = "verbose"


def print_report(run: RunRecord, console: Console, *, verbosity: Verbosity = Verbosity.NORMAL) -> None:
    """Write the whole report to `console`, at its width and with colour where it has any.

    Nothing essential is cut at 80 columns: only names are, and long lists, which say how many they left out.
    """
    page = Page(console)
    _write_headline(run, page)
    if verbosity is Verbosity.QUIET:
        for note in run.notes:
            if note.startswith(NOT_KEPT):
                page.line("Note: ", note)
        page.line(tallied(fates_of(run)) if run.plan.fixes else "No fix is planned.")
    else:
        verbose = verbosity is Verbosity.VERBOSE
        _write_sources(run, page)
        write_plan(run, page, verbose=verbose)
        write_drifts(run, page, verbose=verbose)
        write_money(run, page)
        page.heading("In the end")
    _write_counts(run, page)


def _write_headline(run: RunRecord, page: Page) -> None:
    page.line((run.result.value.upper(), _STYLES[run.result]), "  ", result_words(run))
    if run.refusal:
        page.line((run.refusal, "red"))
    page.line(f"Run {run.id} as of {utc(run.as_of)}: {mode_words(run)}.")
    if run.partial:
        page.line("Only some organisations or codes were looked at; later runs do not build on this one.")
    for name, read in reads_of(run):
        if not read.complete:
            problem, to_do = read_problem(name, read)
            page.line((problem, "red"))
            page.line(to_do)


def _write_sources(run: RunRecord, page: Page) -> None:
    page.heading("What was read")
    for name, read in reads_of(run):
        _write_source(name, read, page)
    for note in run.notes:
        page.line("Note: ", note, indent=2)


def _write_source(name: str, read: SourceRead, page: Page) -> None:
    whole = ", whole" if read.complete else (", NOT WHOLE", "bold red")
    how = ""
    if read.proof is not None:
        start, end = (f"{moment.astimezone(UTC):%H:%M:%S}" for moment in (read.proof.read_from, read.proof.read_until))
        retried = f", {read.proof.retries:,} retried" if read.proof.retries else ""
        how = f", {counted(read.proof.requests, 'request')}{retried}, {start} to {end} UTC"
    page.line(name.ljust(_NAME_WIDTH), counted(read.rows, "row"), whole, how, indent=2)


def _write_counts(run: RunRecord, page: Page) -> None:
    for line in counts(run):
        page.line(line)
    meant = Counter(decision.drift.code.value for decision in run.decisions if decision.decided is Decided.OK)
    if meant:
        page.line("As meant to be: ", ", ".join(f"{number:,} {code}" for code, number in sorted(meant.items())))
    hidden = sum(decision.decided is Decided.IGNORE for decision in run.decisions)
    if hidden:
        page.line(f"Hidden by policy: {counted(hidden, 'drift')}, listed by reconcile --format json")
    page.line(f"Exit code {run.exit_code}: ", EXIT_CODES.get(run.exit_code, "not one that this version knows."))

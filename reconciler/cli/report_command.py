"""`reconcile report`: a recorded run, a month or a range once more, in any format."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from reconciler.bootstrap.stores import open_ledger
from reconciler.cli.ledger_access import LATEST, run_named
from reconciler.cli.telling import refuse_to_print, tell
from reconciler.errors import UsageError
from reconciler.gather import Period, background_of, midnight, month_period, signed_lines
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model.run import RunRecord
from reconciler.reports.render import render, report_format
from reconciler.reports.report_file import refuse_place, write_report
from reconciler.reports.terminal import Verbosity
from reconciler.settings import Settings, load_settings

_NOTHING = "No report was made"
_MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")


def report(
    run: Annotated[
        str, typer.Argument(metavar="[RUN]", help="A run's id, how it begins, or latest (the default).")
    ] = "",
    latest: Annotated[bool, typer.Option("--latest", help="The last recorded run.")] = False,
    month: Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="A month, by its last complete run.")] = "",
    since: Annotated[str, typer.Option("--since", metavar="DATE", help="From this day on, with --until.")] = "",
    until: Annotated[str, typer.Option("--until", metavar="DATE", help="Up to this day, it included.")] = "",
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="text, json, markdown, csv, html or xlsx.")
    ] = "text",
    output: Annotated[Path | None, typer.Option("--output", metavar="PATH", help="A file, not the terminal.")] = None,
    bom: Annotated[bool, typer.Option("--bom", help="Begin a csv with the mark that some programs need.")] = False,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The configuration (TOML).")] = None,
) -> int:
    """Tell a recorded run, a month or a range once more, in any format."""
    wanted = report_format(form)
    refuse_to_print(wanted, output)
    if output is not None:
        refuse_place(output)
    settings = load_settings(config, os.environ)
    asked = Asked(run=run, latest=latest, month=month, since=since, until=until)
    with open_ledger(settings, os.environ) as ledger:
        found, period = find_run(asked, ledger, settings)
        signed = signed_lines(ledger, month) if month else ()
        beside = background_of(found, settings, ledger, period=period, signed=signed)
    if output is not None:
        write_report(output, render(found, wanted, beside=beside, bom=bom))
        typer.echo(f"Report: {output}")
    else:
        tell(found, wanted, output=None, verbosity=Verbosity.NORMAL, beside=beside, bom=bom)
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which run or range, in the words of the command line; empty where nothing was said."""

    run: str = ""
    latest: bool = False
    month: str = ""
    since: str = ""
    until: str = ""


def find_run(asked: Asked, ledger: SqlLedger, settings: Settings) -> tuple[RunRecord, Period | None]:
    """The run that answers what was asked, and the period it stands for. Raises UsageError where there is none."""
    ways = [asked.run, asked.latest, asked.month, asked.since or asked.until]
    if sum(map(bool, ways)) > 1:
        raise UsageError(
            "RUN, --latest, --month and --since with --until exclude each other", not_done=_NOTHING, remedy="Give one"
        )
    if asked.month or asked.since or asked.until:
        period = period_of(asked, settings.reports.timezone)
        last = ledger.last_complete_run(period.until)
        if last is None or last.started_at < period.since:
            raise UsageError(
                f"There is no complete run in {period.words}", not_done=_NOTHING, remedy="See reconcile runs"
            )
        return run_named(ledger, last.id, not_done=_NOTHING), period
    if not ledger.runs(1):
        raise UsageError("No run is recorded yet", not_done=_NOTHING, remedy="Run a pass first: reconcile --dry-run")
    return run_named(ledger, asked.run or LATEST, not_done=_NOTHING), None


def period_of(asked: Asked, timezone: str) -> Period:
    """The month or range, from midnight to midnight in that time zone. Raises UsageError."""
    if asked.month:
        if not _MONTH.fullmatch(asked.month):
            raise UsageError(f"{asked.month!r} is no month", not_done=_NOTHING, remedy="Say it as 2026-10")
        return month_period(date.fromisoformat(f"{asked.month}-01"), timezone)
    if not (asked.since and asked.until):
        raise UsageError("--since and --until go together", not_done=_NOTHING, remedy="Give both, as 2026-10-01")
    first, following = _day(asked.since), _day(asked.until) + timedelta(days=1)
    if first >= following:
        raise UsageError("--since is after --until", not_done=_NOTHING, remedy="Give the earlier day first")
    words = f"{asked.since} to {asked.until} ({timezone})"
    return Period(since=midnight(first, timezone), until=midnight(following, timezone), words=words)


def _day(word: str) -> date:
    try:
        return date.fromisoformat(word)
    except ValueError:
        raise UsageError(f"{word!r} is no day", not_done=_NOTHING, remedy="Say it as 2026-10-01") from None

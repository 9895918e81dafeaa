"""`reconcile replay`: judges a recorded run again from the snapshot file that it left, and says where it differs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from reconciler.bootstrap.line import line_from_snapshot
from reconciler.bootstrap.machine import snapshots_folder
from reconciler.bootstrap.stores import open_ledger
from reconciler.cli.ledger_access import run_named
from reconciler.cli.pass_command import log_level, perform
from reconciler.cycle.line import Pass
from reconciler.errors import UsageError
from reconciler.kept.writing import kept_name
from reconciler.logs import configure_logs
from reconciler.model.moments import utc
from reconciler.model.run import RunMode, RunRecord
from reconciler.reports.render import report_format
from reconciler.reports.report_file import refuse_place
from reconciler.reports.safe_text import shown
from reconciler.reports.terminal import Verbosity
from reconciler.rules.compare_runs import differences
from reconciler.settings import Settings, load_settings

_TOLD = 50
_NOTHING = "Nothing was judged"


def replay(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, how it begins, or latest.")],
    snapshot: Annotated[
        Path | None, typer.Option("--snapshot", metavar="FILE", help="What it kept by --save-snapshot.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The configuration (TOML).")] = None,
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help="As of reconcile itself.")] = "text",
    output: Annotated[Path | None, typer.Option("--output", metavar="PATH", help="A file, not the terminal.")] = None,
) -> int:
    """Judge RUN again from its snapshot file, under the configuration of now; nobody is asked and nothing is written.

    Standard error says whether it comes to the same decisions, and where not.
    """
    asked_form = report_format(form)
    if output is not None:
        refuse_place(output)
    settings = load_settings(config, os.environ)
    configure_logs(settings.log.format, log_level(settings.log.level, Verbosity.QUIET))
    recorded = _recorded(run, settings)
    file = snapshot or snapshots_folder(os.environ) / kept_name(recorded.as_of)
    if not file.is_file():
        raise UsageError(
            f"{file} is missing, in which the run {recorded.id} would have kept what it read",
            not_done=_NOTHING,
            remedy="Name the file with --snapshot; or set [ledger] keep_snapshots, and later runs can be replayed",
        )
    with line_from_snapshot(settings, file) as made:
        if made.line.clock.now() != recorded.as_of:
            raise UsageError(
                f"{file} holds what another run read, at {utc(made.line.clock.now(), seconds=True)}",
                not_done=_NOTHING,
                remedy=f"Name the file of the run {recorded.id}, of {utc(recorded.as_of, seconds=True)}",
            )
        again = perform(
            made,
            Pass(mode=RunMode.DRY_RUN, notes=made.notes),
            asked_form,
            output=output,
            verbosity=Verbosity.NORMAL,
        )
    _tell(recorded, again)
    return again.exit_code


def _recorded(run: str, settings: Settings) -> RunRecord:
    with open_ledger(settings, os.environ) as ledger:
        return run_named(ledger, run, not_done=_NOTHING)


def _tell(recorded: RunRecord, again: RunRecord) -> None:
    lines = differences(recorded, again)
    if recorded.config_sha256 != again.config_sha256:
        _say(f"The run {recorded.id} was judged under other settings than these")
    if not lines:
        _say(f"Judged again, the run {recorded.id} comes to the same decisions")
        return
    _say(f"Judged again, the run {recorded.id} comes to other decisions about {len(lines)} drifts:")
    for line in lines[:_TOLD]:
        _say(f"  {line}")
    if len(lines) > _TOLD:
        _say(f"  and {len(lines) - _TOLD} more")


def _say(line: str) -> None:
    sys.stderr.write(f"reconcile: {shown(line)}\n")

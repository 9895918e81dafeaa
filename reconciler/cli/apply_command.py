"""`reconcile apply`: writes the fixes of a plan that a person approved, each judged anew."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from reconciler.bootstrap.line import make_line
from reconciler.cli.pass_command import log_level, perform
from reconciler.cli.progress import watcher_of
from reconciler.cycle.approving import refuse_plan
from reconciler.cycle.line import Approval, Pass
from reconciler.cycle.plan_file import read_plan
from reconciler.ledger.saying import named
from reconciler.logs import configure_logs
from reconciler.model.run import RunMode
from reconciler.reports.render import report_format
from reconciler.reports.report_file import refuse_place
from reconciler.reports.terminal import Verbosity
from reconciler.settings import load_settings


def apply(
    planfile: Annotated[Path, typer.Argument(metavar="PLANFILE", help="A file made by reconcile --plan-out.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who approves it.")],
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The configuration (TOML).")] = None,
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help="As of reconcile itself.")] = "text",
    output: Annotated[Path | None, typer.Option("--output", metavar="PATH", help="A file, not the terminal.")] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Only the headline and the counts.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Evidence and reasons too.")] = False,
) -> int:
    """Write the fixes of PLANFILE that still hold, once; everything is read and judged anew before.

    A plan is valid for 24 hours, for the store and the configuration it was made with. The limits hold: above them,
    reconcile breaker ack first.
    """
    if quiet and verbose:
        raise typer.BadParameter("-q and -v say the opposite of each other")
    name, _ = named(by, not_done="Nothing was written")
    asked_form = report_format(form)
    if output is not None:
        refuse_place(output)
    approval = Approval(plan=read_plan(planfile), by=name)
    settings = load_settings(config, os.environ)
    verbosity = Verbosity.QUIET if quiet else Verbosity.VERBOSE if verbose else Verbosity.NORMAL
    configure_logs(settings.log.format, log_level(settings.log.level, verbosity))
    watcher = watcher_of(settings.log.format, quiet=quiet)
    with make_line(settings, os.environ, dry_run=False, record=True, watcher=watcher) as made:
        refuse_plan(approval, made.line)
        asked = Pass(mode=RunMode.FIX, approval=approval, notes=made.notes)
        return perform(made, asked, asked_form, output=output, verbosity=verbosity).exit_code

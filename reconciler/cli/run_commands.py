"""`reconcile runs`, `show` and `diff`: the runs of the ledger, told again and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.ledger_access import Config, minute, opened, run_named, say, say_whole
from reconciler.cli.telling import tell
from reconciler.gather import background_of
from reconciler.ledger.run_diff import Difference, Differs, differences
from reconciler.reports.render import report_format
from reconciler.reports.report_file import refuse_place
from reconciler.reports.terminal import Verbosity

_Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, how it begins, or latest.")]


def runs(
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="At most so many.")] = 20,
    config: Config = None,
) -> int:
    """List the latest runs: id, when, result, mode, exit code and how many organisations drift."""
    with opened(config) as at:
        found = at.ledger.runs(limit)
        for run in found:
            counts = "" if run.counts else " (not counted)"
            say(
                f"{run.id}  {minute(run.started_at)}  {run.result:<10} {run.mode:<7} exit {run.exit_code}  "
                f"{run.totals.drift} drift{counts}",
                indent="    ",
            )
        if not found:
            say("No run is recorded yet.")
    return 0


def show(
    run: _Run,
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help="As of reconcile itself.")] = "text",
    output: Annotated[Path | None, typer.Option("--output", metavar="PATH", help="A file, not the terminal.")] = None,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Evidence and reasons too.")] = False,
    config: Config = None,
) -> int:
    """Tell a recorded run again, in any format."""
    asked = report_format(form)
    if output is not None:
        refuse_place(output)
    with opened(config) as at:
        found = run_named(at.ledger, run)
        beside = background_of(found, at.settings, at.ledger)
    much = Verbosity.VERBOSE if verbose else Verbosity.NORMAL
    tell(found, asked, output=output, verbosity=much, beside=beside)
    return 0


def diff(before: _Run, after: _Run, config: Config = None) -> int:
    """Explain every drift that is new, gone or changed from one run to another, and by whom."""
    with opened(config) as at:
        one, other = run_named(at.ledger, before), run_named(at.ledger, after)
        if one.started_at > other.started_at:
            one, other = other, one
        until = max(other.finished_at, one.finished_at)
        rows = differences(
            one,
            other,
            at.ledger.outcomes_between(one.started_at, until),
            at.ledger.acts_between(one.started_at, until),
        )
    say(f"From {one.id} ({one.result}) to {other.id} ({other.result}):")
    for row in rows:
        _tell(row)
    said = ", ".join(f"{sum(row.how is how for row in rows)} {how}" for how in Difference)
    say(f"{said}." if rows else "Nothing moved.")
    return 0


def _tell(row: Differs) -> None:
    say_whole(f"{row.how:<8} {row.drift_id}")
    for name, (before, after) in row.changes.items():
        say(f"    {name}: {before} -> {after}", indent="      ")
    decision = row.after or row.before
    if row.how is not Difference.CHANGED and decision is not None:
        say(f"    {decision.decided}: {decision.drift.text}", indent="      ")
    for why in row.why:
        say(f"    {why}", indent="      ")

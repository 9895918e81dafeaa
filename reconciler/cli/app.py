"""The command's words: `reconcile` itself, which runs one pass, and its sub-commands."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from reconciler.bootstrap.machine import VERSION
from reconciler.cli.apply_command import apply
from reconciler.cli.audit_command import audit_app
from reconciler.cli.breaker_command import breaker_app
from reconciler.cli.close_command import close, sign_month
from reconciler.cli.config_command import config_app
from reconciler.cli.contract_command import contract_app
from reconciler.cli.daemon_command import daemon
from reconciler.cli.decide_command import decide
from reconciler.cli.demo_command import demo
from reconciler.cli.doctor_command import doctor
from reconciler.cli.drift_commands import ack, drifts, note, unwaive, waive
from reconciler.cli.explain_command import explain
from reconciler.cli.help_text import epilog
from reconciler.cli.link_command import link
from reconciler.cli.orgs_command import orgs_app
from reconciler.cli.pass_command import PassArguments, run_one_pass
from reconciler.cli.replay_command import replay
from reconciler.cli.report_command import report
from reconciler.cli.run_commands import diff, runs, show
from reconciler.reports.terminal import Verbosity

app = typer.Typer(
    help="Keeps organisations true to what their customers pay for in Lago and Stripe.",
    add_completion=False,
    no_args_is_help=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(config_app, name="config")
app.add_typer(orgs_app, name="orgs")
app.add_typer(audit_app, name="audit")
app.add_typer(breaker_app, name="breaker")
app.add_typer(contract_app, name="contract")
for _command in (drifts, ack, waive, unwaive, note, link, runs, show, diff):
    app.command()(_command)
app.command("daemon")(daemon)
app.command("apply")(apply)
app.command("demo")(demo)
app.command("doctor")(doctor)
app.command("explain")(explain)
app.command("replay")(replay)
app.command("report")(report)
app.command("decide")(decide)
app.command("close")(close)
app.command("sign")(sign_month)

ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The configuration (TOML).")]


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"reconcile {VERSION}\n")
        raise typer.Exit


@app.callback(invoke_without_command=True, epilog=epilog())
def reconcile(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge, and write nothing to the store.")] = False,
    config: ConfigOption = None,
    org: Annotated[list[str] | None, typer.Option("--org", metavar="ID", help="Only this organisation.")] = None,
    code: Annotated[list[str] | None, typer.Option("--code", metavar="CODE", help="Only drift of this code.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=0, metavar="N", help="At most this many fixes.")] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="text, json, markdown, csv, html, xlsx.")
    ] = "text",
    output: Annotated[Path | None, typer.Option("--output", metavar="PATH", help="A file, not the terminal.")] = None,
    plan_out: Annotated[
        Path | None, typer.Option("--plan-out", metavar="FILE", help="Write what is left to fix, for reconcile apply.")
    ] = None,
    save_snapshot: Annotated[
        Path | None, typer.Option("--save-snapshot", metavar="FILE", help="Keep all that was read, raw, in this file.")
    ] = None,
    from_snapshot: Annotated[
        Path | None,
        typer.Option("--from-snapshot", metavar="FILE", help="Judge such a file instead; a dry run, nobody is asked."),
    ] = None,
    no_record: Annotated[
        bool, typer.Option("--no-record", help="With --dry-run: judge only, and keep nothing of it.")
    ] = False,
    exit_zero_on_drift: Annotated[
        bool, typer.Option("--exit-zero-on-drift", help="End with 0 where drift remains.")
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Only the headline and the counts.")] = False,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Evidence and reasons too; logs of each step.")
    ] = False,
    version: Annotated[  # noqa: ARG001 - its callback has answered before
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version.")
    ] = False,
) -> int:
    """Run one pass: compare the store with Lago and Stripe, repair what is proven, flag the rest."""
    if context.invoked_subcommand is not None:
        return 0
    if quiet and verbose:
        raise typer.BadParameter("-q and -v say the opposite of each other")
    if save_snapshot and from_snapshot:
        raise typer.BadParameter("--save-snapshot keeps what is read, and with --from-snapshot nothing is read")
    return run_one_pass(
        PassArguments(
            dry_run=dry_run,
            config=config,
            org_ids=tuple(org or ()),
            codes=tuple(code or ()),
            limit=limit,
            form=form,
            output=output,
            record=not no_record,
            plan_out=plan_out,
            save_snapshot=save_snapshot,
            from_snapshot=from_snapshot,
            exit_zero_on_drift=exit_zero_on_drift,
            verbosity=Verbosity.QUIET if quiet else Verbosity.VERBOSE if verbose else Verbosity.NORMAL,
        ),
        os.environ,
    )

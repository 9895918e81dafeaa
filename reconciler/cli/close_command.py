"""`reconcile close` and `reconcile sign`: a month's data and reports frozen by one person, reviewed by another."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from reconciler.bootstrap.machine import reports_folder
from reconciler.bootstrap.stores import open_ledger
from reconciler.cli.report_command import Asked, find_run, period_of
from reconciler.errors import ReportError, UsageError
from reconciler.gather import acts_about, background_of, month_data
from reconciler.ledger.acts import os_user
from reconciler.ledger.saying import named
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model.acts import Act, ActKind, RecordedAct
from reconciler.reports.closing import (
    SIGNATURE,
    Manifest,
    Person,
    Signature,
    Statement,
    data_bytes,
    folder_of,
    freeze,
    person,
    read_statement,
    same_name,
    sign,
)
from reconciler.reports.compose import book_of
from reconciler.reports.folder import SUFFIXES
from reconciler.reports.render import ReportFormat, render
from reconciler.settings import Settings, load_settings

_NOT_CLOSED, _NOT_SIGNED = "The month was not closed", "The month was not signed"
_FORMS = (ReportFormat.XLSX, ReportFormat.HTML, ReportFormat.CSV, ReportFormat.JSON, ReportFormat.MARKDOWN)

MonthArgument = Annotated[str, typer.Argument(metavar="MONTH", help="As 2026-10.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The configuration (TOML).")]


def close(
    month: MonthArgument,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who prepared it.")] = "",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why a closed month is restated.")] = "",
    verify: Annotated[bool, typer.Option("--verify", help="Only say whether what was closed still stands.")] = False,
    config: ConfigOption = None,
) -> int:
    """Freeze the data and reports of a month that is over, told by its last complete run.

    A month that is closed already is restated, with a number and a --reason. --verify hashes every file anew, holds
    them against the manifest, the signature and the ledger, and ends with 1 where the statement is void.
    """
    settings = load_settings(config, os.environ)
    period = period_of(Asked(month=month), settings.reports.timezone)
    folder = reports_folder(settings, os.environ)
    with open_ledger(settings, os.environ) as ledger:
        if verify:
            return _verify(_last(folder, month, ledger))
        name, _ = named(by, not_done=_NOT_CLOSED)
        now = datetime.now(UTC)
        if period.until > now:
            raise UsageError(f"{period.words} is not over", not_done=_NOT_CLOSED, remedy="Close it once it is")
        closed = acts_about(ledger, ActKind.CLOSE, month)
        if closed and not reason.strip():
            raise UsageError(f"{month} is closed already", not_done=_NOT_CLOSED, remedy="Restate it with --reason TEXT")
        prepared = person(name, now, os_user=os_user(), host=socket.gethostname())
        manifest, files = _statement(ledger, settings, month, prepared, closed, reason)
        at = folder_of(folder, month, manifest.number)
        digest = freeze(at, files, manifest)
        body = {"number": manifest.number, "manifest_sha256": digest, "run_id": manifest.run_id, "uid": os.getuid()}
        said = Act(kind=ActKind.CLOSE, subject=month, by=name, at=now, reason=reason.strip(), body=body)
        _say(ledger, said, or_else=lambda: shutil.rmtree(at))
    what = f"restatement {manifest.number}" if manifest.number else "the first statement"
    typer.echo(f"Closed {month}, {what}, by run {manifest.run_id}: {at}")
    typer.echo(f"Manifest SHA-256 {digest}")
    typer.echo(f"Another person signs it: reconcile sign {month} --by NAME")
    return 0


def sign_month(
    month: MonthArgument,
    by: Annotated[str, typer.Option("--by", metavar="OTHER", help="Who reviewed it.")],
    config: ConfigOption = None,
) -> int:
    """Sign the last statement of a closed month over the hashes of its files; void as soon as one of them changes.

    The reviewer has another name than the preparer. Were both the same user of the system, the names are not verified.
    """
    name, _ = named(by, not_done=_NOT_SIGNED)
    settings = load_settings(config, os.environ)
    period_of(Asked(month=month), settings.reports.timezone)
    with open_ledger(settings, os.environ) as ledger:
        statement = _last(reports_folder(settings, os.environ), month, ledger)
        _refuse_to_sign(statement, name)
        now = datetime.now(UTC)
        reviewed = person(name, now, os_user=os_user(), host=socket.gethostname())
        prepared = statement.manifest.prepared
        signature = Signature(
            manifest_sha256=statement.manifest_sha256,
            reviewed=reviewed,
            names_verified=(reviewed.os_user, reviewed.host) != (prepared.os_user, prepared.host),
        )
        digest = sign(statement.folder, signature)
        body = {
            "number": statement.manifest.number,
            "manifest_sha256": statement.manifest_sha256,
            "signature_sha256": digest,
            "names_verified": signature.names_verified,
            "uid": os.getuid(),
        }
        said = Act(kind=ActKind.SIGN, subject=month, by=name, at=now, body=body)
        _say(ledger, said, or_else=(statement.folder / SIGNATURE).unlink)
    typer.echo(f"Signed {month}: prepared by {prepared.words}, reviewed by {reviewed.words}.")
    typer.echo(f"{signature.verified_words.capitalize()}.")
    return 0


def _say(ledger: SqlLedger, said: Act, *, or_else: Callable[[], None]) -> None:
    """Keep the act; where the ledger does not take it, nothing that was written for it stays."""
    try:
        ledger.act([said])
    except BaseException:
        or_else()
        raise


def _statement(
    ledger: SqlLedger, settings: Settings, month: str, prepared: Person, closed: list[RecordedAct], reason: str
) -> tuple[Manifest, dict[str, bytes]]:
    run, period = find_run(Asked(month=month), ledger, settings)
    beside = background_of(run, settings, ledger, period=period, signed=(f"Prepared by {prepared.words}",))
    head = ledger.head()
    book = book_of(run, beside)
    files = {f"report.{SUFFIXES[form]}": render(run, form, book=book) for form in _FORMS}
    files["data.json"] = data_bytes(month_data(ledger, period)) if period else b""
    manifest = Manifest(
        month=month,
        number=len(closed),
        reason=reason.strip(),
        run_id=run.id,
        ledger_events=head.events,
        ledger_head=head.sha256,
        prepared=prepared,
        restates=str(closed[-1].body.get("manifest_sha256", "")) if closed else "",
        files={},
    )
    return manifest, files


def _last(folder: Path, month: str, ledger: SqlLedger) -> Statement:
    """The last statement of the month, with what the ledger says against it among its problems."""
    closed = acts_about(ledger, ActKind.CLOSE, month)
    if not closed:
        raise UsageError(f"{month} is not closed", not_done="Nothing was signed", remedy="Close it first")
    statement = read_statement(folder_of(folder, month, len(closed) - 1))
    problems = list(statement.problems)
    if closed[-1].body.get("manifest_sha256") != statement.manifest_sha256:
        problems.append("the manifest is not the one that the ledger knows")
    signed = [
        each.body
        for each in acts_about(ledger, ActKind.SIGN, month)
        if each.body.get("manifest_sha256") == closed[-1].body.get("manifest_sha256")
    ]
    if bool(signed) != (statement.signature is not None):
        problems.append("the ledger and the folder do not agree on whether it is signed")
    return replace(statement, problems=tuple(problems))


def _verify(statement: Statement) -> int:
    if statement.problems:
        _void(statement, "Nothing was changed")
    signature = statement.signature
    typer.echo(f"{statement.folder} stands as it was closed by {statement.manifest.prepared.words}.")
    if signature is None:
        typer.echo("It is not signed.")
    else:
        typer.echo(f"It was reviewed by {signature.reviewed.words}; {signature.verified_words}.")
    return 0


def _refuse_to_sign(statement: Statement, name: str) -> None:
    if statement.problems:
        _void(statement, _NOT_SIGNED)
    if statement.signature is not None:
        raise UsageError("It is signed already", not_done=_NOT_SIGNED, remedy="Verify it with reconcile close --verify")
    if same_name(name, statement.manifest.prepared.name):
        raise UsageError(f"{name} prepared it", not_done=_NOT_SIGNED, remedy="Have another person review and sign it")


def _void(statement: Statement, not_done: str) -> None:
    raise ReportError(
        f"The statement {statement.folder} is void: {'; '.join(statement.problems)}",
        not_done=not_done,
        remedy="Restore its files, or restate the month: reconcile close MONTH --by NAME --reason TEXT",
    )

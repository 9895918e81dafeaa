"""One pass from the command line: what would make it pointless is refused first, then the pass, then it is told."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from reconciler.bootstrap.line import Made, line_from_snapshot, make_line
from reconciler.cli.called import near
from reconciler.cli.progress import watcher_of
from reconciler.cli.telling import complain, refuse_to_print, tell
from reconciler.cycle.line import Pass
from reconciler.cycle.plan_file import plan_bytes
from reconciler.cycle.run import run_pass
from reconciler.errors import ReportError, UsageError
from reconciler.logs import configure_logs
from reconciler.model.drift import Code
from reconciler.model.moments import utc
from reconciler.model.run import RunMode, RunRecord
from reconciler.model.terms import Mode
from reconciler.ports import OrgManager
from reconciler.reports.background import NO_BACKGROUND
from reconciler.reports.render import ReportFormat, report_format
from reconciler.reports.report_file import refuse_place, write_report
from reconciler.reports.terminal import Verbosity
from reconciler.rules.decide import Scope
from reconciler.rules.sealing import seal_plan
from reconciler.settings import Settings, load_settings

_DRIFT_REMAINS = 2
_OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class PassArguments:
    """What the command line asked for."""

    dry_run: bool = False
    config: Path | None = None
    org_ids: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    limit: int | None = None
    form: str = "text"
    output: Path | None = None
    record: bool = True
    exit_zero_on_drift: bool = False
    verbosity: Verbosity = Verbosity.NORMAL
    plan_out: Path | None = None
    save_snapshot: Path | None = None
    from_snapshot: Path | None = None


def run_one_pass(asked: PassArguments, environ: Mapping[str, str]) -> int:
    """Run a pass and report it; returns the exit code. Raises ReconcilerError where nothing could be judged."""
    form = report_format(asked.form)
    scope = Scope(org_ids=frozenset(asked.org_ids), codes=_codes(asked.codes), limit=asked.limit)
    refuse_to_print(form, asked.output)
    for place in (asked.output, asked.plan_out, asked.save_snapshot):
        if place is not None:
            refuse_place(place)
    settings = load_settings(asked.config, environ)
    configure_logs(settings.log.format, log_level(settings.log.level, asked.verbosity))
    dry_run = asked.dry_run or asked.from_snapshot is not None
    mode = RunMode.DRY_RUN if dry_run else RunMode.FIX if settings.policy.mode is Mode.FIX else RunMode.FLAG
    with _line(asked, settings, environ, dry_run=dry_run) as made:
        _refuse_unknown(asked.org_ids, made.line.store)
        run = perform(
            made,
            Pass(mode=mode, scope=scope, notes=made.notes),
            form,
            output=asked.output,
            verbosity=asked.verbosity,
        )
        if asked.plan_out is not None:
            _write_plan(run, made.line.store_at, asked.plan_out)
        _tell_kept(made, form, asked.verbosity)
    if run.exit_code == _DRIFT_REMAINS and asked.exit_zero_on_drift:
        return 0
    return run.exit_code


def perform(made: Made, asked: Pass, form: ReportFormat, *, output: Path | None, verbosity: Verbosity) -> RunRecord:
    """Run the pass on what was made and tell it."""
    if made.reports is not None:
        made.reports.prepare()
    try:
        run = run_pass(made.line, asked)
    finally:
        made.line.watcher.done()
    problem = made.reports.problem if made.reports else None
    files = made.reports.paths(run) if made.reports and not problem else ()
    beside = NO_BACKGROUND if form is ReportFormat.TEXT else made.beside(run)
    tell(run, form, output=output, verbosity=verbosity, files=files, beside=beside)
    if problem:
        complain(problem)
    return run


def _line(
    asked: PassArguments, settings: Settings, environ: Mapping[str, str], *, dry_run: bool
) -> AbstractContextManager[Made]:
    if asked.from_snapshot is not None:
        return line_from_snapshot(settings, asked.from_snapshot)
    watcher = watcher_of(settings.log.format, quiet=asked.verbosity is Verbosity.QUIET)
    return make_line(
        settings,
        environ,
        dry_run=dry_run,
        record=asked.record,
        save_snapshot=asked.save_snapshot,
        watcher=watcher,
    )


def _tell_kept(made: Made, form: ReportFormat, verbosity: Verbosity) -> None:
    """Where the snapshot file is, for people; why there is none, in any case."""
    if made.keeper is None:
        return
    if made.keeper.problem is not None:
        complain(made.keeper.problem)
    elif form is ReportFormat.TEXT and verbosity is not Verbosity.QUIET:
        sys.stdout.write("".join(f"Snapshot: {near(path)}\n" for path in made.keeper.kept_at))


def _write_plan(run: RunRecord, store_at: str, path: Path) -> None:
    if run.refusal:
        complain(f"No plan was written to {path}, since nothing was planned: the whole run was refused")
        return
    plan = seal_plan(run, store_at=store_at)
    try:
        write_report(path, plan_bytes(plan), mode=_OWNER_ONLY)
    except ReportError as error:
        complain(str(error))
        return
    until = utc(plan.expires_at)
    complain(f"{len(plan.fixes)} fixes are in the plan {path}, which reconcile apply takes until {until}")


def log_level(configured: str, verbosity: Verbosity) -> str:
    """-v wants at least every step; -q, and a terminal that has the report before it, only what went wrong."""
    levels = logging.getLevelNamesMapping()
    if verbosity is Verbosity.VERBOSE:
        return min(configured, "info", key=lambda level: levels[level.upper()])
    if verbosity is Verbosity.QUIET or sys.stderr.isatty():
        return max(configured, "warning", key=lambda level: levels[level.upper()])
    return configured


def _codes(words: tuple[str, ...]) -> frozenset[Code]:
    known = {code.value: code for code in Code}
    for word in words:
        if word not in known:
            close = get_close_matches(word, known, n=1)
            hint = f"; the nearest is {close[0]}" if close else ""
            raise UsageError(f"{word!r} is no drift code of this version{hint}", remedy="Ask for codes that it judges")
    return frozenset(known[word] for word in words)


def _refuse_unknown(org_ids: tuple[str, ...], store: OrgManager) -> None:
    """A misspelt id must not look like an organisation that is in order."""
    if not org_ids:
        return
    held = store.snapshot()
    known = {*held.organizations, *(record.key for record in held.invalid)}
    unknown = [org_id for org_id in org_ids if org_id not in known]
    if unknown:
        names = ", ".join(unknown)
        raise UsageError(
            f"There is no organisation {names} in the store", remedy="Name one that reconcile orgs list shows"
        )

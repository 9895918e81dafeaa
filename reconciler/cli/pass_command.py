"""One pass from the command line: what would make it pointless is refused first, then the pass, then it is told."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from reconciler.bootstrap import make_line
from reconciler.cli.telling import complain, tell
from reconciler.cycle.line import Pass
from reconciler.cycle.run import run_pass
from reconciler.errors import UsageError
from reconciler.logs import configure_logs
from reconciler.model.drift import Code
from reconciler.model.run import RunMode
from reconciler.model.terms import Mode
from reconciler.ports import OrgManager
from reconciler.reports.render import report_format
from reconciler.reports.report_file import refuse_place
from reconciler.reports.terminal import Verbosity
from reconciler.rules.decide import Scope
from reconciler.settings import load_settings

_DRIFT_REMAINS = 2


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


def run_one_pass(asked: PassArguments, environ: Mapping[str, str]) -> int:
    """Run a pass and report it; returns the exit code. Raises ReconcilerError where nothing could be judged."""
    form = report_format(asked.form)
    scope = Scope(org_ids=frozenset(asked.org_ids), codes=_codes(asked.codes), limit=asked.limit)
    if asked.output is not None:
        refuse_place(asked.output)
    settings = load_settings(asked.config, environ)
    configure_logs(settings.log.format, _log_level(settings.log.level, asked.verbosity))
    mode = RunMode.DRY_RUN if asked.dry_run else RunMode.FIX if settings.policy.mode is Mode.FIX else RunMode.FLAG
    with make_line(settings, environ, dry_run=asked.dry_run, record=asked.record) as made:
        _refuse_unknown(asked.org_ids, made.line.store)
        if made.reports is not None:
            made.reports.prepare()
        run = run_pass(made.line, Pass(mode=mode, scope=scope, notes=made.notes))
        problem = made.reports.problem if made.reports else None
        files = made.reports.paths(run) if made.reports and not problem else ()
        tell(run, form, output=asked.output, verbosity=asked.verbosity, files=files)
        if problem:
            complain(problem)
    if run.exit_code == _DRIFT_REMAINS and asked.exit_zero_on_drift:
        return 0
    return run.exit_code


def _log_level(configured: str, verbosity: Verbosity) -> str:
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
            near = get_close_matches(word, known, n=1)
            hint = f"; the nearest is {near[0]}" if near else ""
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

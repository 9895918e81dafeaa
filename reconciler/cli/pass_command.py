"""One pass from the command line: settings, the pass itself, its report to the terminal or a file."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from rich.console import Console

from reconciler.bootstrap import make_line
from reconciler.cycle.line import Pass
from reconciler.cycle.run import run_pass
from reconciler.errors import UsageError
from reconciler.logs import configure_logs
from reconciler.model.drift import Code
from reconciler.model.run import RunMode, RunRecord
from reconciler.model.terms import Mode
from reconciler.reports.render import ReportFormat, render, report_format
from reconciler.reports.report_file import write_report
from reconciler.reports.terminal import Verbosity, print_report
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
    settings = load_settings(asked.config, environ)
    told = asked.verbosity is Verbosity.VERBOSE or not sys.stderr.isatty()
    configure_logs(settings.log.format, settings.log.level if told else "warning")
    mode = RunMode.DRY_RUN if asked.dry_run else RunMode.FIX if settings.policy.mode is Mode.FIX else RunMode.FLAG
    with make_line(settings, environ, dry_run=asked.dry_run, record=asked.record) as made:
        run = run_pass(made.line, Pass(mode=mode, scope=scope, notes=made.notes))
        _tell(run, form, asked)
        if made.reports is not None and form is ReportFormat.TEXT and asked.verbosity is not Verbosity.QUIET:
            sys.stdout.write("".join(f"Report: {path}\n" for path in made.reports.paths(run)))
    if run.exit_code == _DRIFT_REMAINS and asked.exit_zero_on_drift:
        return 0
    return run.exit_code


def _codes(words: tuple[str, ...]) -> frozenset[Code]:
    known = {code.value: code for code in Code}
    for word in words:
        if word not in known:
            near = get_close_matches(word, known, n=1)
            hint = f"; the nearest is {near[0]}" if near else ""
            raise UsageError(f"{word!r} is no drift code of this version{hint}", remedy="Ask for codes that it judges")
    return frozenset(known[word] for word in words)


def _tell(run: RunRecord, form: ReportFormat, asked: PassArguments) -> None:
    if asked.output is not None:
        write_report(asked.output, render(run, form, verbosity=asked.verbosity))
    elif form is ReportFormat.TEXT:
        print_report(run, Console(), verbosity=asked.verbosity)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(render(run, form, verbosity=asked.verbosity))
        sys.stdout.buffer.flush()

"""`reconcile explain`: the whole chain for one organisation, read afresh, or what the catalogue says of a code."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from reconciler.bootstrap.line import make_line
from reconciler.bootstrap.stores import open_ledger
from reconciler.cli.pass_command import log_level
from reconciler.cycle.line import Line
from reconciler.cycle.observe import observe
from reconciler.errors import LedgerMissingError, UsageError
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.logs import configure_logs
from reconciler.model.drift import Code
from reconciler.model.moments import utc
from reconciler.reports.background import Background
from reconciler.reports.explanation import print_code, print_explanation
from reconciler.reports.terminal import Verbosity
from reconciler.rules.explaining import explain_org
from reconciler.settings import load_settings

_EVER = datetime(1970, 1, 1, tzinfo=UTC)


def explain(
    what: Annotated[str, typer.Argument(metavar="ORG_ID | CODE", help="An organisation, or a drift code.")],
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The configuration (TOML).")] = None,
) -> int:
    """Tell everything about one organisation, or what a drift code means.

    Store, Lago and Stripe are read as a pass reads them, the rules are tried in their order, and nothing is written
    anywhere.
    """
    console = Console(highlight=False)
    if what in {code.value for code in Code}:
        print_code(Code(what), console)
        return 0
    settings = load_settings(config, os.environ)
    configure_logs(settings.log.format, log_level(settings.log.level, Verbosity.QUIET))
    with ExitStack() as stack:
        made = stack.enter_context(make_line(settings, os.environ, dry_run=True, record=False))
        ledger = None
        with suppress(LedgerMissingError):
            ledger = stack.enter_context(open_ledger(settings, os.environ))
        line = replace(made.line, ledger=ledger)
        _refuse_unknown(what, line)
        observation = observe(line)
        said = explain_org(what, observation, terms=line.terms, policy=line.policy, limits=line.limits)
        beside = Background(
            lago_app_url=settings.lago.app_url if settings.lago else "",
            stripe_account=settings.stripe.account if settings.stripe else "",
            livemode=settings.billing.livemode,
        )
        history = _history(what, ledger, observation.as_of) if ledger is not None else []
    print_explanation(said, history, console, beside=beside)
    return 0


def _refuse_unknown(what: str, line: Line) -> None:
    held = line.store.snapshot()
    known = [*held.organizations, *(record.key for record in held.invalid)]
    if what not in known:
        near = get_close_matches(what, [*(code.value for code in Code), *known], n=1)
        hint = f"; the nearest is {near[0]}" if near else ""
        raise UsageError(
            f"{what!r} is no organisation of the store and no drift code{hint}",
            not_done="Nothing was read",
            remedy="Name one that reconcile orgs list shows, or a code",
        )


def _history(org_id: str, ledger: SqlLedger, now: datetime) -> list[tuple[datetime, str]]:
    """What the ledger tells of the organisation, earliest first."""
    told: list[tuple[datetime, str]] = []
    drifts = [drift for drift in ledger.drifts(now) if drift.org_id == org_id]
    for drift in drifts:
        last = f"last seen {utc(drift.last_seen)}, {drift.state}"
        told.append((drift.first_ever_seen, f"{drift.code} first seen; {last}"))
    for recorded in ledger.outcomes_between(_EVER, now):
        fix, outcome = recorded.outcome.fix, recorded.outcome
        if fix.org_id == org_id:
            arguments = " ".join(f"{name}={value}" for name, value in sorted(fix.arguments.items()))
            by = f", approved by {recorded.approved_by}" if recorded.approved_by else ""
            why = f": {outcome.error}" if outcome.error else ""
            told.append((outcome.at, f"{fix.call} {arguments} {outcome.result}{by}, run {recorded.run_id}{why}"))
    about = {org_id, *(drift.id for drift in drifts)}
    told.extend(
        (act.at, f"{act.kind} of {act.subject} by {act.by}: {act.reason}")
        for act in ledger.acts_between(_EVER, now)
        if act.subject in about
    )
    return sorted(told)

"""`reconcile drifts`, `ack`, `waive`, `unwaive` and `note`: the drifts of the ledger, and what people say of them."""

from __future__ import annotations

from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated

import typer

from reconciler.cli.ledger_access import By, Config, Opened, Reason, day, lasted, minute, opened, say
from reconciler.errors import UsageError
from reconciler.ledger import saying
from reconciler.ledger.states import DriftState, RecordedDrift, WaiverState
from reconciler.model.acts import Act
from reconciler.model.drift import Code
from reconciler.reports.money_words import money_words
from reconciler.settings.kinds import parse_duration

_Drift = Annotated[str, typer.Argument(metavar="DRIFT", help="The drift's id, as reports name it.")]


def drifts(
    only_open: Annotated[bool, typer.Option("--open", help="Only those that are not over.")] = False,
    state: Annotated[str, typer.Option("--state", metavar="STATE", help="Only those in this state.")] = "",
    code: Annotated[str, typer.Option("--code", metavar="CODE", help="Only drift of this code.")] = "",
    org: Annotated[str, typer.Option("--org", metavar="ID", help="Only of this organisation.")] = "",
    older_than: Annotated[str, typer.Option("--older-than", metavar="AGE", help="Only older ones: 12h, 7d.")] = "",
    config: Config = None,
) -> int:
    """List the drifts that complete runs saw: state, age, what was decided, and what each is worth."""
    every_state = [each.value for each in DriftState]
    states = {_word(state, every_state, "state", f"Ask for one of {', '.join(every_state)}")} if state else set()
    codes = {_word(code, [each.value for each in Code], "drift code", "docs/codes.md has them all")} if code else set()
    least = _age(older_than)
    with opened(config) as at:
        found = [
            each
            for each in at.ledger.drifts(at.now, open_only=only_open)
            if (not states or each.state.value in states)
            and (not codes or each.code.value in codes)
            and (not org or each.org_id == org)
            and each.age(at.now) >= least
        ]
        for each in found:
            _tell(each, at)
        for told in at.ledger.waivers(at.now):
            if told.state in {WaiverState.UNUSED, WaiverState.EXPIRED, WaiverState.CHANGED} and not org:
                say(f"Waiver {told.state}: {told.waiver.drift_id}, until {minute(told.waiver.until)} UTC")
        say(f"{len(found)} {'drift' if len(found) == 1 else 'drifts'}.")
    return 0


def ack(
    drift: _Drift,
    by: By,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="What is being done.")] = "looked after",
    config: Config = None,
) -> int:
    """Say that a drift is known and being looked after; holds until it is over."""
    with opened(config, says=True) as at:
        found = saying.open_drift(drift, at.ledger.drifts(at.now))
        _keep(at, saying.acknowledge(found, by=by, reason=reason, now=at.now))
        say(f"Acknowledged: {found.id}")
    return 0


def waive(
    drift: _Drift,
    until: Annotated[str, typer.Option("--until", metavar="DATE", help="The last day, at most 90 days ahead.")],
    by: By,
    reason: Reason,
    config: Config = None,
) -> int:
    """Accept a drift with the values that it has now; with other values it is open again."""
    last = day(until, "--until")
    with opened(config, says=True) as at:
        found = saying.open_drift(drift, at.ledger.drifts(at.now))
        _keep(at, saying.waive(found, last, by=by, reason=reason, now=at.now))
        say(f"Waived to the end of {last} UTC: {found.id}")
        pinned = ", ".join(f"{name} {value}" for name, value in sorted(found.decision.drift.values.items()))
        say(f"It accepts: {pinned or 'the drift as such'}", indent="  ")
    return 0


def unwaive(drift: _Drift, by: By, reason: Reason, config: Config = None) -> int:
    """Take a waiver back."""
    with opened(config, says=True) as at:
        waived = [each.waiver.drift_id for each in at.ledger.waivers(at.now)]
        _keep(at, saying.unwaive(drift, waived, by=by, reason=reason, now=at.now))
        say(f"No longer waived: {drift}")
    return 0


def note(
    subject: Annotated[str, typer.Argument(metavar="DRIFT|ORG_ID", help="What the note is about.")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The note.")],
    by: By,
    config: Config = None,
) -> int:
    """Leave a note on a drift or an organisation, for its history."""
    with opened(config, says=True) as at:
        orgs = at.ledger.history(at.now).orgs
        _keep(at, saying.note(subject, text, at.ledger.drifts(at.now), orgs, by=by, now=at.now))
        say(f"Noted on {subject}.")
    return 0


def _tell(drift: RecordedDrift, at: Opened) -> None:
    say(drift.id)
    said = drift.decision
    worth = "; ".join(money_words(said.drift.money)) if said.drift.money is not None else "no money"
    say(f"  {drift.state}, {lasted(drift.age(at.now))} old, {said.decided}: {worth or 'no money'}", indent="    ")
    say(f"  {said.drift.text}", indent="    ")
    if drift.waiver is not None and drift.state is DriftState.WAIVED:
        say(f"  until {minute(drift.waiver.until)} UTC by {drift.waiver.by}: {drift.waiver.reason}", indent="    ")


def _keep(at: Opened, act: Act) -> None:
    at.ledger.act([act])


def _word(said: str, known: list[str], what: str, remedy: str) -> str:
    if said not in known:
        near = get_close_matches(said, known, n=1)
        hint = f"; the nearest is {near[0]}" if near else ""
        raise UsageError(f"{said!r} is no {what}{hint}", not_done="Nothing was shown", remedy=remedy)
    return said


def _age(text: str) -> timedelta:
    if not text:
        return timedelta(0)
    try:
        return parse_duration(text)
    except ValueError:
        raise UsageError(
            f"--older-than is {text!r}, which is no age",
            not_done="Nothing was shown",
            remedy="Say it as 90m, 12h or 7d",
        ) from None

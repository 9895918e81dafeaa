"""`reconcile breaker`: what limits refused, and a person's word for it."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli.ledger_access import By, Config, Reason, minute, opened, say
from reconciler.ledger.saying import named

breaker_app = typer.Typer(help="What limits refused, and a person's word for it.", rich_markup_mode=None)

_LOOKED_AT = 50
_LATCHED = 2


@breaker_app.command()
def status(config: Config = None) -> int:
    """Say which directions stay refused, and what is released; ends with 2 where one stays refused."""
    with opened(config) as at:
        latches = at.ledger.latches()
        for direction, latch in latches.items():
            say(f"Fixes that {direction} are refused since {minute(latch.since)} UTC by [limits] {latch.rule}")
            say(f"    {latch.digest}", indent="    ")
        latest = next(iter(at.ledger.runs(_LOOKED_AT)), None)
        if latest is not None and latest.refusal_digest is not None:
            say(f"The latest run, {latest.id}, was refused: {latest.refusal or 'see its report'}", indent="  ")
            say(f"    {latest.refusal_digest}", indent="    ")
        for release in at.ledger.acts(at.now).releases:
            if release.until > at.now:
                what = f"{len(release.fixes)} fixes" if release.fixes else "the population"
                say(f"Released until {minute(release.until)} UTC by {release.by}: {what} of {release.digest}")
        if not latches:
            say("No direction stays refused.")
        else:
            say("After looking at them: reconcile breaker ack --plan DIGEST --by NAME --reason TEXT")
    return _LATCHED if latches else 0


@breaker_app.command()
def ack(
    plan: Annotated[str, typer.Option("--plan", metavar="DIGEST", help="As the report of the refused run names it.")],
    by: By,
    reason: Reason,
    config: Config = None,
) -> int:
    """Release for 24 hours the fixes recorded under a digest, as far as they still hold with the same values."""
    name, why = named(by, reason)
    with opened(config, says=True) as at:
        digest = plan if plan.startswith("sha256:") else f"sha256:{plan}"
        release = at.ledger.release(digest, by=name, reason=why, at=at.now)
        what = f"{len(release.fixes)} fixes are released"
        if release.population is not None:
            what = f"A store of {release.population} organisations is released"
        say(f"{what} until {minute(release.until)} UTC.")
    return 0

"""`reconcile contract`: tiers that were agreed outside billing."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Annotated

import typer

from reconciler.bootstrap.stores import open_store
from reconciler.cli.ledger_access import By, Config, Opened, Reason, day, opened, say
from reconciler.errors import UsageError
from reconciler.ledger import contracts
from reconciler.model.money_text import money_text
from reconciler.reports.safe_text import shown

contract_app = typer.Typer(help="Tiers that were agreed outside billing.", rich_markup_mode=None)

_UNSAID = "agreed outside billing"


@contract_app.command()
def add(
    org_id: Annotated[str, typer.Argument(metavar="ORG_ID", help="The organisation.")],
    tier: Annotated[str, typer.Option("--tier", metavar="TIER", help="What it grants.")],
    amount: Annotated[str, typer.Option("--amount", metavar="MINOR", help="Minor units a period; 0 for a comp.")],
    currency: Annotated[str, typer.Option("--currency", metavar="CODE", help="Like usd.")],
    start: Annotated[str, typer.Option("--start", metavar="DATE", help="The first day.")],
    approver: Annotated[str, typer.Option("--approver", metavar="NAME", help="Who agreed to it.")],
    reference: Annotated[str, typer.Option("--reference", metavar="TEXT", help="Where it is written down.")],
    by: By,
    end: Annotated[str, typer.Option("--end", metavar="DATE", help="The last day; without it until ended.")] = "",
    period: Annotated[str, typer.Option("--period", metavar="PERIOD", help="month, year and so on.")] = "month",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")] = _UNSAID,
    config: Config = None,
) -> int:
    """Add one contract; it grants its tier by itself from its first day to its last."""
    said = {"org_id": org_id, "tier": tier, "amount_minor": amount, "currency": currency, "start": start, "end": end}
    said |= {"period": period, "approver": approver, "reference": reference}
    with opened(config, says=True) as at:
        act = contracts.add(said, _known(at), _new_id(), by=by, reason=reason, now=at.now)
        at.ledger.act([act])
        say(f"Contract {act.body['id']} is added.")
    return 0


@contract_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="With a header; see contract import --help.")],
    by: By,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")] = _UNSAID,
    config: Config = None,
) -> int:
    """Add every contract of a CSV file, or none where any row is refused.

    Its header: org_id,tier,amount_minor,currency,start,end,period,approver,reference (end and period may be empty).
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(
            f"{file} cannot be read: {why}", not_done="Nothing was recorded", remedy="Name a CSV file in UTF-8"
        ) from error
    with opened(config, says=True) as at:
        acts, refused = contracts.import_csv(text, _known(at), _new_ids(), by=by, reason=reason, now=at.now)
        if refused:
            for line in refused:
                sys.stderr.write(f"reconcile: {file.name}, {shown(line)}\n")
            raise UsageError(
                f"{len(refused)} of {len(acts) + len(refused)} rows are refused",
                not_done="No contract was added",
                remedy="Correct them, and import the whole file again",
            )
        at.ledger.act(acts)
        say(f"{len(acts)} contracts are added.")
    return 0


@contract_app.command("list")
def list_(config: Config = None) -> int:
    """List every contract, ended ones too."""
    with opened(config) as at:
        today = at.now.astimezone(UTC).date()
        for each in at.ledger.contracts():
            until = f"to {each.end}" if each.end else "until ended"
            over = ", ENDED" if each.end is not None and each.end < today else ""
            amount = "comp" if each.amount_minor == 0 else money_text(each.amount_minor, each.currency)
            per = "" if each.amount_minor == 0 else f" a {each.period.interval.value.replace('_', ' ')}"
            say(f"{each.id}  {each.org_id}", indent="    ")
            say(f"    {each.tier}, {amount}{per}, {each.start} {until}{over}", indent="      ")
            say(f"    agreed by {each.approver}, {each.reference}", indent="      ")
        if not at.ledger.contracts():
            say("There is no contract.")
    return 0


@contract_app.command()
def end(
    contract: Annotated[str, typer.Argument(metavar="CONTRACT", help="Its id, as contract list names it.")],
    by: By,
    reason: Reason,
    on: Annotated[str, typer.Option("--on", metavar="DATE", help="The last day; today without it.")] = "",
    config: Config = None,
) -> int:
    """End a contract with a day, which still counts."""
    with opened(config, says=True) as at:
        last = day(on, "--on") if on else at.now.astimezone(UTC).date()
        at.ledger.act([contracts.end(contract, last, at.ledger.contracts(), by=by, reason=reason, now=at.now)])
        say(f"Contract {contract} ends with {last}.")
    return 0


def _known(at: Opened) -> contracts.Known:
    orgs = open_store(at.settings, read_only=True).snapshot().organizations
    return contracts.Known(orgs=orgs.keys(), tiers=at.settings.tiers.keys(), contracts=at.ledger.contracts())


def _new_id() -> str:
    return f"contract-{secrets.token_hex(4)}"


def _new_ids() -> Iterator[str]:
    while True:
        yield _new_id()

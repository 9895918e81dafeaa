"""`reconcile link`: billing ids set by a person, through the store's own update method."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from reconciler.bootstrap.sources import open_sides
from reconciler.bootstrap.stores import open_store
from reconciler.cli.ledger_access import By, Config, Reason, opened, say
from reconciler.cycle.linking import link as link_org
from reconciler.errors import UsageError
from reconciler.ledger.saying import named
from reconciler.model.acts import Act, ActKind
from reconciler.model.billing import Source
from reconciler.one_ledger import hold_to


def link(
    org_id: Annotated[str, typer.Argument(metavar="ORG_ID", help="The organisation.")],
    by: By,
    reason: Reason,
    lago: Annotated[str, typer.Option("--lago", metavar="ID", help="The Lago customer's external id.")] = "",
    stripe: Annotated[str, typer.Option("--stripe", metavar="ID", help="The Stripe customer, cus_...")] = "",
    config: Config = None,
) -> int:
    """Link an organisation to its customers; an id that another organisation claims is refused."""
    name, why = named(by, reason)
    ids = {source: word.strip() for source, word in ((Source.LAGO, lago), (Source.STRIPE, stripe)) if word.strip()}
    if not ids:
        raise UsageError("No id is given", not_done="Nothing was linked", remedy="Say --lago ID, --stripe ID or both")
    with opened(config) as at, open_sides(at.settings, os.environ) as sources:
        store = open_store(at.settings, read_only=False)
        hold_to(at.ledger, at.settings.orgs.folder, not_done="Nothing was linked")
        done = link_org(
            org_id,
            ids,
            store=store,
            sources=sources,
            said=Act(kind=ActKind.LINK, subject=org_id, by=name, reason=why, at=at.now),
            keep=lambda act: at.ledger.act([act]),
        )
    for field, new in done.after.items():
        say(f"{org_id}: {field} {done.before[field] or 'none'} -> {new}")
    for note in done.notes:
        say(note)
    return 0

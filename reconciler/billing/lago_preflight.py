"""Gets to know a Lago before it is read: version, organisation, plans, and what its version does not tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.billing.asking import OutageError
from reconciler.billing.lago_client import LagoClient
from reconciler.billing.lago_lists import LagoLists, Version
from reconciler.billing.lago_walk import walk
from reconciler.billing.lago_wire import Page, WirePlan
from reconciler.billing.tally import Tally

# What an older server does not do, with the release that does (facts of Lago's releases).
_LACKS = (
    ((1, 42, 0), "does not tell the amounts of subscriptions, which may be overridden: they count as not known"),
    ((1, 30, 0), "shows any of several ended subscriptions under one id"),
    ((1, 17, 3), "has no stable order in its lists, so that a row may be missed"),
    ((1, 6, 0), "does not say which invoices are overdue"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What is known of one Lago: who it is, its lists, its plans by code, and what must be told of its version."""

    about: str
    lists: LagoLists
    plans: Mapping[str, WirePlan]
    notes: tuple[str, ...] = ()


def get_to_know(client: LagoClient, tally: Tally) -> Server:
    """Ask it. Raises SetupError where key or address is at fault, OutageError where its plans are not read whole."""
    organization = client.organization(tally).name
    version = client.version(tally)
    plans: dict[str, WirePlan] = {}
    problems = walk(
        lambda number: client.page("/plans", Page[WirePlan], tally, number=number),
        plans,
        key=lambda row: row.code,
        what="plans",
    )
    if problems:
        raise OutageError("; ".join(problems))
    said = f"v{'.'.join(map(str, version))}" if any(version) else "of a version that it does not say"
    return Server(
        about=f"Lago {said}, organisation {organization}",
        lists=LagoLists(client, version),
        plans=plans,
        notes=tuple(_warnings(version)),
    )


def _warnings(version: Version) -> Iterator[str]:
    name = (
        f"Lago v{'.'.join(map(str, version))}" if any(version) else "Lago does not say its version and, if it is old,"
    )
    for since, lack in _LACKS:
        if version < since:
            yield f"{name} {lack}; v{'.'.join(map(str, since))} and later do"

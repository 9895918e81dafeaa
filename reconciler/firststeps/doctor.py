"""Goes through everything that a pass stands on, and says of each whether it holds and what to do; writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from reconciler.errors import CredentialError, ReconcilerError, StoreError
from reconciler.firststeps.catalog_check import check_found, check_mapped, check_tiers
from reconciler.firststeps.charged_twice import check_charged_twice
from reconciler.firststeps.checked import Checked, Verdict, counted, good, look, stops
from reconciler.firststeps.ledger_check import check_ledger
from reconciler.firststeps.needs import CatalogSource, Side
from reconciler.firststeps.store_check import check_store, places, unreadable
from reconciler.model.account import Offer
from reconciler.model.billing import Source
from reconciler.model.catalog import Catalog
from reconciler.model.observation import Snapshot, StoreReading
from reconciler.model.orgs import Org
from reconciler.model.terms import Mode

# Grace, settle times and paid-through dates are counted in hours and days; this much may be the network's fault.
_SKEW = timedelta(seconds=60)

OpenSide = Callable[[], AbstractContextManager[Side]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What is examined: the store's folder and how to read it, each configured side, and what the settings say.

    `user` is who runs this; `ledger_url` is where a pass keeps its history.
    """

    folder: Path
    read_store: Callable[[], StoreReading]
    sides: Mapping[Source, OpenSide]
    catalog: Catalog
    mode: Mode
    ledger_url: str
    user: str
    now: datetime


def examine(patient: Patient) -> Iterator[Checked]:
    """One line each, as soon as it is known; the sides one after the other, each read whole once."""
    found = places(patient.folder)
    orgs: tuple[Org, ...] | None = None
    try:
        reading = patient.read_store()
    except StoreError as error:
        yield unreadable(error, patient.folder, user=patient.user, found=found)
    else:
        orgs = reading.orgs
        yield from check_store(reading, patient.folder, user=patient.user, mode=patient.mode, found=found)
        yield from check_tiers(orgs, patient.catalog)
    yield check_ledger(patient.ledger_url, user=patient.user)
    snapshots: dict[Source, Snapshot] = {}
    for source, opened in patient.sides.items():
        try:
            with opened() as side:
                yield from _side(side, patient, snapshots)
        except ReconcilerError as error:
            yield stops(source.capitalize(), error)
    if orgs is not None and len(snapshots) == len(Source):
        yield from check_charged_twice(orgs, snapshots)


def _side(side: Side, patient: Patient, snapshots: dict[Source, Snapshot]) -> Iterator[Checked]:
    catalog, source = side.catalog, side.catalog.source
    name = source.capitalize()
    permissions = catalog.permissions()
    refused = [each for each in permissions if not each.held]
    for each in refused:
        yield Checked(
            verdict=Verdict.STOPS if each.required else Verdict.LOOK,
            subject=name,
            text=f"The key lacks the permission {each.name}" + ("" if each.required else f": {each.missing}"),
            remedy=each.remedy,
        )
    if not any(each.required for each in refused):
        yield good(name, f"It answers: {catalog.introduce()}")
        held = ", ".join(each.name for each in permissions if each.held)
        yield good(name, f"The key may read {held}")
    if catalog.key_too_strong:
        yield look(
            name,
            "The key is a secret key: whoever gets hold of it can do everything",
            f"Make a restricted key with read on {', '.join(each.name for each in permissions)}, and nothing else",
        )
    yield _clock(name, catalog.clock_skew())
    if any(each.required for each in refused):
        return
    snapshot = side.billing.read_all(patient.now)
    if not snapshot.complete:
        yield Checked(
            verdict=Verdict.STOPS,
            subject=name,
            text=f"It was not read whole: {snapshot.problem}",
            remedy="See whether it is up and how it answers; nothing is lowered and nothing called missing until then",
        )
        return
    snapshots[source] = snapshot
    customers, subscriptions = len(snapshot.customers), len(snapshot.subscriptions)
    yield good(name, f"Read whole: {counted(customers, 'customer')}, {counted(subscriptions, 'subscription')}")
    offers = _offers(catalog)
    if offers is not None:
        yield from check_found(source, patient.catalog, offers, snapshot)
    yield from check_mapped(source, patient.catalog, snapshot)


def _offers(catalog: CatalogSource) -> tuple[Offer, ...] | None:
    """None where the key may not read them, which was said with its permissions."""
    try:
        return catalog.offers()
    except CredentialError:
        return None


def _clock(name: str, skew: timedelta | None) -> Checked:
    if skew is None:
        return good(name, "It does not say what time it has; clocks are not compared")
    seconds = round(abs(skew).total_seconds())
    if abs(skew) <= _SKEW:
        return good(name, f"Its clock and ours agree ({seconds} s apart)")
    return look(
        name,
        f"Its clock is {seconds:,} s {'ahead of' if skew > timedelta(0) else 'behind'} ours: dates are misjudged",
        "See which of the two is wrong; here timedatectl tells, and set-ntp true mends it",
    )

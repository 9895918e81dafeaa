"""Drafts a first configuration from the store and what both sources sell, and names what a person must still decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reconciler.errors import CredentialError
from reconciler.firststeps.authority_draft import AuthorityDraft, collecting_side, suggest_authority
from reconciler.firststeps.checked import counted
from reconciler.firststeps.live import Snapshots, key_of, live_counts, payers, with_unlisted
from reconciler.firststeps.needs import Side
from reconciler.firststeps.tier_draft import DraftTier, TierDraft, draft_tiers
from reconciler.model.account import Offer
from reconciler.model.billing import Source
from reconciler.model.observation import StoreReading
from reconciler.model.orgs import DELETED


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the person named: the store's folder by its full path, and the address of each side that is to be read."""

    store: Path
    urls: Mapping[Source, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Everything the file will say. `read` tells what was read, `open_points` what must still be decided."""

    asked: Asked
    livemode: bool
    made_at: datetime
    read: tuple[str, ...]
    tiers: TierDraft
    authority: AuthorityDraft
    open_points: tuple[str, ...]


def make_draft(
    asked: Asked, *, store: StoreReading, sides: Mapping[Source, Side], livemode: bool, now: datetime
) -> Draft:
    """Read the sides and draft; nothing is written. Raises SetupError or SourceUnavailableError."""
    notes: list[str] = []
    offers: dict[Source, tuple[Offer, ...]] = {}
    read: list[str] = []
    for source, side in sides.items():
        read.append(f"{source.capitalize()}: {side.catalog.introduce()}")
        try:
            offers[source] = side.catalog.offers()
        except CredentialError as error:
            notes.append(f"{error.problem}: only what is subscribed to is listed here. {error.remedy}, then start anew")
    snapshots = {source: side.billing.read_all(now) for source, side in sides.items()}
    orgs = [org for org in store.orgs if org.status != DELETED]
    collects = collecting_side(snapshots)
    tiers = draft_tiers(
        with_unlisted(offers, snapshots),
        live=live_counts(snapshots),
        store_tiers=Counter(org.tier for org in orgs if org.tier.strip()),
        collects=collects,
    )
    free = frozenset(
        key_of(each.offer.source, each.offer.item) for tier in tiers.tiers if not tier.paid for each in tier.sold
    )
    authority = suggest_authority(payers(orgs, snapshots, free=free), collects=collects)
    read.append(f"Store: {counted(len(store.orgs), 'organisation')}")
    return Draft(
        asked=asked,
        livemode=livemode,
        made_at=now,
        read=tuple(read),
        tiers=tiers,
        authority=authority,
        open_points=(*_open_points(tiers, authority), *_gaps(store, snapshots), *notes),
    )


def _open_points(tiers: TierDraft, authority: AuthorityDraft) -> Iterator[str]:
    yield f'Is [billing] authority = "{authority.authority}" right? It decides who grants a tier'
    for tier in tiers.tiers:
        yield from _about(tier, tiers.unpaid_tier)
    live = [each for each in tiers.unmatched if each.live]
    if live:
        count = counted(sum(each.live for each in live), "live subscription")
        yield f"Which tier do the plans and prices near the end of the file mean? They are in {count}"
    if authority.open_point:
        yield authority.open_point


def _about(tier: DraftTier, unpaid_tier: str) -> Iterator[str]:
    if tier.made_up:
        yield f"No tier looks unpaid, so [tiers.{tier.name}] is made up: what does an organisation fall to?"
    elif not tier.orgs:
        yield f"No organisation has the tier {tier.name}: does the application know it? Else remove its section"
    if tier.paid and not tier.prices:
        yield f"What does {tier.name} cost, and is it the highest tier? No plan or price tells"
    if tier.other_prices:
        yield f"{tier.name} is sold at several prices: is the one under price its list price?"
    if not tier.paid and not tier.made_up and tier.name != unpaid_tier:
        yield f"Is {tier.name} a tier that nobody pays for?"


def _gaps(store: StoreReading, snapshots: Snapshots) -> Iterator[str]:
    for source, snapshot in snapshots.items():
        if not snapshot.complete:
            yield f"{source.capitalize()} was not read whole ({snapshot.problem}): the counts here are too low"
    if store.invalid:
        count = counted(len(store.invalid), "record")
        yield f"The application refuses {count} of the store, and so sees an EMPTY store: see reconcile doctor"

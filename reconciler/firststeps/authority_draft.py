"""Suggests which side grants and which collects, from the organisations that are live on each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.firststeps.live import Payers, Snapshots, live_subscriptions
from reconciler.model.billing import Source
from reconciler.model.terms import Authority

# From this share on that is live on both sides, the sides can contradict each other, and the stricter answer is right.
_BOTH_FROM = 0.2
# A side with less than this share of those who are live grants nothing that the other does not.
_STRAY = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityDraft:
    """The suggestion; `why` gives the counts in sentences, `open_point` what a person must see to, if anything."""

    authority: Authority
    collects: Source
    why: tuple[str, ...]
    open_point: str = ""


def collecting_side(snapshots: Snapshots) -> Source:
    """The side where more live subscriptions take their money by themselves; Stripe where that is even."""
    automatic = {
        source: sum(each.collected_automatically for each in live_subscriptions(snapshot))
        for source, snapshot in snapshots.items()
    }
    return max(automatic, key=lambda source: (automatic[source], source is Source.STRIPE), default=Source.STRIPE)


def suggest_authority(payers: Payers, *, collects: Source) -> AuthorityDraft:
    """At least one side must have been read."""
    open_point = _unlinked(payers.unlinked)
    if len(payers.orgs) == 1:
        side, orgs = next(iter(payers.orgs.items()))
        return AuthorityDraft(
            authority=Authority(side.value),
            collects=side,
            why=(f"Only {side.capitalize()} was read; organisations that are live there and pay: {len(orgs):,}.",),
            open_point=open_point,
        )
    lago, stripe = payers.orgs[Source.LAGO], payers.orgs[Source.STRIPE]
    counts = (
        f"Organisations that are live and pay: {len(lago & stripe):,} on both sides, {len(lago - stripe):,} in Lago "
        f"only, {len(stripe - lago):,} in Stripe only."
    )
    authority, reason = _suggest(len(lago), len(stripe), len(lago & stripe))
    return AuthorityDraft(authority=authority, collects=collects, why=(counts, reason), open_point=open_point)


def _suggest(lago: int, stripe: int, both: int) -> tuple[Authority, str]:
    anywhere = lago + stripe - both
    if not anywhere:
        return Authority.BOTH, "That suggests no side; under both, nothing is written unless they agree."
    if both >= _BOTH_FROM * anywhere:
        return Authority.BOTH, "Hence both: they must agree, and who is live on one side only is shown."
    if stripe < _STRAY * anywhere:
        return Authority.LAGO, "Hence lago: it knows nearly all who pay."
    if lago < _STRAY * anywhere:
        return Authority.STRIPE, "Hence stripe: it knows nearly all who pay."
    return Authority.EITHER, "Hence either: most pay on one side only, and whichever side is live grants."


def _unlinked(unlinked: Mapping[Source, int]) -> str:
    said = [f"{count:,} in {source.capitalize()}" for source, count in sorted(unlinked.items()) if count]
    if not said:
        return ""
    return (
        f"Live paid subscriptions of customers that no organisation leads to: {' and '.join(said)}. They count for "
        "nobody until the customer's metadata (Stripe) or external_id (Lago) holds the organisation's id, or the store "
        "records the customer's id"
    )

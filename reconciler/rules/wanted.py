"""What a pass must still ask a source once its lists are read: ids that no list held, and ended subscriptions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model.billing import Source, Subscription, SubscriptionStatus
from reconciler.model.catalog import Tier
from reconciler.model.observation import Snapshot, Wanted
from reconciler.model.orgs import ACTIVE, SUSPENDED, Org
from reconciler.model.terms import Authority, Terms
from reconciler.rules.amounts import billed_monthly
from reconciler.rules.identity import BillingIndex, Link, link_of
from reconciler.rules.matching import Matcher

_LIVE = frozenset({SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING})


def wanted_of(orgs: Iterable[Org], snapshots: Mapping[Source, Snapshot], terms: Terms) -> dict[Source, Wanted]:
    """What is wanted of each source.

    Recorded ids of organisations that are judged, where no list held them. Ended subscriptions of every customer of an
    organisation on a paid tier whose tier no live subscription grants: only there can an ended one decide something.
    In doubt a customer is wanted, which costs one request.
    """
    index, matcher = BillingIndex.of(snapshots), Matcher(terms.catalog)
    ids: dict[Source, set[str]] = {source: set() for source in snapshots}
    ended: dict[Source, set[str]] = {source: set() for source in snapshots}
    for org in orgs:
        if org.status not in {ACTIVE, SUSPENDED} or org.id in terms.exclude:
            continue
        links = {source: link_of(org, source, index) for source in snapshots}
        for source, link in links.items():
            if link.recorded is not None and not link.by_record:
                ids[source].add(link.recorded)
        has = terms.catalog.tiers.get(org.tier)
        if has is None or not has.paid:
            continue
        granted = {source: _grants(has, link, index, matcher, terms) for source, link in links.items()}
        authority = terms.authority_for(org.id)
        if authority is not Authority.BOTH and any(granted.get(source) for source in authority.sides):
            continue
        for source, link in links.items():
            if not granted[source]:
                ended[source].update(_left_out(link, snapshots[source]))
    return {
        source: Wanted(recorded_ids=frozenset(ids[source]), ended_of=frozenset(ended[source])) for source in snapshots
    }


def _left_out(link: Link, snapshot: Snapshot) -> Iterable[str]:
    """Customers whose ended rows are not read; a recorded one that no list held may be deleted, and have some too."""
    if snapshot.ended_of is None:
        return ()
    unheld = () if link.recorded is None or link.by_record else (link.recorded,)
    return {*link.customers, *unheld} - snapshot.ended_of


def _grants(has: Tier, link: Link, index: BillingIndex, matcher: Matcher, terms: Terms) -> bool:
    """Whether a live subscription, beyond doubt, grants at least `has`."""
    for customer in link.customers:
        for subscription in index.of_customer(link.source, customer):
            live = subscription.status in _LIVE and subscription.collection_pause is None
            if live and any(rank >= has.rank for rank in _ranks(subscription, matcher, terms)):
                return True
    return False


def _ranks(subscription: Subscription, matcher: Matcher, terms: Terms) -> list[int]:
    """Of the tiers that it grants."""
    matched = [(matcher.match(item), item) for item in subscription.items if item.unit_amount != 0]
    base = [(tier.rank, item) for tier, item in matched if isinstance(tier, Tier)]
    ranks = [rank for rank, _ in base]
    trialing, on_trial = terms.statuses.trialing, subscription.status is SubscriptionStatus.TRIALING
    if ranks and trialing and on_trial:
        return [terms.catalog.tiers[trialing].rank]
    if not on_trial and billed_monthly(subscription, [item for _, item in base]) == 0:
        return []
    return ranks

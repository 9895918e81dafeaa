"""Compares the configured catalog with what is sold and what is live: a slip of the hand and a forgotten price show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from reconciler.firststeps.checked import Checked, counted, good, look
from reconciler.firststeps.live import live_subscriptions
from reconciler.model.account import Offer
from reconciler.model.billing import Item, Source
from reconciler.model.catalog import Catalog, SourceKeys
from reconciler.model.observation import Snapshot
from reconciler.model.orgs import ACTIVE, Org
from reconciler.rules.matching import Matcher, NoTier

_NAMED = 10
_Named = tuple[str, str]  # the list of the configuration that a key stands in, and the key


def check_found(source: Source, catalog: Catalog, offers: Iterable[Offer], snapshot: Snapshot) -> Iterator[Checked]:
    """Whether every key of the catalog on this side is there, among what is sold or in a subscription."""
    there: set[_Named] = set()
    for item in (*(offer.item for offer in offers), *_items(snapshot)):
        there.update(_names(item))
    named = [
        (section, key)
        for section, keys in (
            *((f"tiers.{name}", tier.keys) for name, tier in catalog.tiers.items()),
            ("catalog", catalog.not_tiers),
        )
        for key in _keys(source, keys)
    ]
    missing = [(section, key) for section, key in named if key not in there]
    for section, (kind, key) in missing[:_NAMED]:
        near = get_close_matches(key, [other for its_kind, other in there if its_kind == kind], n=1)
        hint = f"; the nearest is {near[0]}" if near else ""
        yield look(
            source.capitalize(),
            f"{kind} of [{section}] names {key}, which this {source.capitalize()} does not have{hint}",
            "Correct it, or take it out",
        )
    if len(missing) > _NAMED:
        yield look(source.capitalize(), f"{len(missing) - _NAMED:,} more keys that are not there", "Correct them too")
    if not missing:
        yield good(source.capitalize(), f"All {len(named):,} keys of the catalog are there")


def check_mapped(source: Source, catalog: Catalog, snapshot: Snapshot) -> Iterator[Checked]:
    """Whether every plan or price that is live means a tier or is named as another product."""
    matcher = Matcher(catalog)
    counts: Counter[str] = Counter()
    live = list(live_subscriptions(snapshot))
    for subscription in live:
        counts.update({item.label for item in subscription.items if matcher.match(item) is NoTier.UNMAPPED})
    place = "lago_plans" if source is Source.LAGO else "stripe_prices"
    for label, count in counts.most_common(_NAMED):
        yield look(
            source.capitalize(),
            f"{label} is in no tier, but in {counted(count, 'live subscription')}: what means no tier is held",
            f"Add it to {place} of its tier, or to [catalog] not_tiers",
        )
    if len(counts) > _NAMED:
        yield look(source.capitalize(), f"{len(counts) - _NAMED:,} more live ones in no tier", "Add them too")
    if not counts:
        yield good(source.capitalize(), f"All {len(live):,} live subscriptions mean a tier or another product")


def check_tiers(orgs: Iterable[Org], catalog: Catalog) -> Iterator[Checked]:
    """Whether every tier that an active organisation has is in the catalog."""
    unknown = Counter(org.tier for org in orgs if org.status == ACTIVE and org.tier not in catalog.tiers)
    for tier, count in unknown.most_common(_NAMED):
        yield look(
            "Store",
            f"The tier {tier} of {counted(count, 'organisation')} is not in the catalog: who has it is held",
            f"Add a section [tiers.{tier}], or correct them",
        )
    if not unknown:
        yield good("Store", "Every tier in it is in the catalog")


def _items(snapshot: Snapshot) -> Iterator[Item]:
    return (item for subscription in snapshot.subscriptions for item in subscription.items)


def _names(item: Item) -> Iterator[_Named]:
    yield "lago_plans", item.plan_code
    yield "stripe_prices", item.price_id
    yield "stripe_lookup_keys", item.lookup_key
    yield "stripe_products", item.product_id
    yield from (("stripe_price_metadata", f"{name} = {value}") for name, value in item.price_metadata.items())


def _keys(source: Source, keys: SourceKeys) -> Iterator[_Named]:
    match source:
        case Source.LAGO:
            yield from (("lago_plans", key) for key in sorted(keys.lago_plans))
        case Source.STRIPE:
            yield from (("stripe_prices", key) for key in sorted(keys.stripe_prices))
            yield from (("stripe_lookup_keys", key) for key in sorted(keys.stripe_lookup_keys))
            yield from (("stripe_products", key) for key in sorted(keys.stripe_products))
            pairs = sorted(keys.stripe_price_metadata)
            yield from (("stripe_price_metadata", f"{name} = {value}") for name, value in pairs)

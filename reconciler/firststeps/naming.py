"""Recognises a tier by the names that people give plans and prices: professional_monthly, "Professional (yearly)"."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from reconciler.model.account import Offer

_CYCLES = frozenset(
    {
        "day", "daily", "week", "weekly", "month", "monthly", "quarter", "quarterly", "semiannual", "half", "year",
        "yearly", "annual", "annually",
    }
)  # fmt: skip  # one word a line would be longer than the module
_NOISE = frozenset({"plan", "price", "tier", "prod", "subscription"})
_VERSION = re.compile(r"v\d+|20\d\d")
_TELLING = frozenset({"tier", "tier_id", "tier_name", "plan", "plan_id", "plan_name", "plan_tier"})
_UNPAID = re.compile(r"free|friend|trial|demo|hobby|community", re.IGNORECASE)


def names_of(offer: Offer) -> Iterable[str]:
    """What may tell the tier of an offer, the surest first."""
    item = offer.item
    yield item.plan_code
    yield item.lookup_key
    for metadata in (item.price_metadata, offer.metadata):
        yield from (value for key, value in sorted(metadata.items()) if key.lower() in _TELLING)
    yield from offer.names
    yield item.product_id
    yield item.price_id  # of a plan older than prices, whose id was chosen


def tier_among(tiers: Collection[str], offer: Offer) -> str | None:
    """The one of `tiers` that a name of `offer` means; None where none does, or two might."""
    for name in filter(None, names_of(offer)):
        exact = [tier for tier in tiers if tier.casefold() == name.casefold()]
        meant = stem(name, currency=offer.item.currency)
        found = exact or [tier for tier in tiers if meant and stem(tier) == meant]
        if len(found) == 1:
            return found[0]
    return None


def tier_named_by(offer: Offer) -> str | None:
    """The tier that a plan code or lookup key such as `starter_monthly` was made from."""
    name = offer.item.plan_code or offer.item.lookup_key
    words = _words(name)
    return stem(name, currency=offer.item.currency) if _CYCLES.intersection(words) and len(words) > 1 else None


def stem(name: str, *, currency: str = "") -> str:
    """`name` in lower case without how often it is charged, its currency, its version and words without meaning."""
    words = _words(name)
    kept = [word for word in words if word not in _CYCLES | _NOISE | {currency} and not _VERSION.fullmatch(word)]
    return "_".join(kept or words)


def sounds_unpaid(tier: str) -> bool:
    """Whether its name says that nobody pays for it."""
    return _UNPAID.search(tier) is not None


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W_]+", name.lower())

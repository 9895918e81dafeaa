"""Writes a draft as TOML that a person can read from top to bottom and finish."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from reconciler.firststeps.checked import counted
from reconciler.firststeps.draft import Draft
from reconciler.firststeps.tier_draft import DraftTier, Sold
from reconciler.firststeps.wrapping import plain, wrapped
from reconciler.model.account import Offer
from reconciler.model.billing import Source
from reconciler.model.moments import utc

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_WIDTH = 100
_LISTS = {Source.LAGO: "lago_plans", Source.STRIPE: "stripe_prices"}


def draft_toml(draft: Draft) -> str:
    """The file's text. Whatever came from outside is escaped; it holds no secret."""
    return "\n".join([*_head(draft), *_billing(draft), *_tiers(draft), *_unmatched(draft), *_rest(draft)]) + "\n"


def _head(draft: Draft) -> Iterator[str]:
    yield f"# Drafted by `reconcile config init`, {utc(draft.made_at)}, from"
    for line in draft.read:
        yield from _comment(line, indent="  ")
    yield "#"
    yield "# A person must still decide:"
    for number, point in enumerate(draft.open_points, start=1):
        yield from _comment(f"{number}. {point}", indent="  ", hanging="     ")
    yield "#"
    yield "# Every key there is, with its default: config/reconciler.toml. What is wrong: reconcile doctor."
    yield ""
    yield "[orgs]"
    yield f"store = {_text(f'json:{draft.asked.store}')}"
    yield ""


def _billing(draft: Draft) -> Iterator[str]:
    said = draft.authority
    yield "[billing]"
    for line in said.why:
        yield from _comment(line)
    yield "# lago | stripe: that side grants. both: they must agree. either: the one that is live."
    yield f"authority = {_text(said.authority)}"
    if len(draft.asked.urls) > 1:
        yield f"collects = {_text(said.collects)}".ljust(36) + " # under both: the side that takes the money"
    mode = "live" if draft.livemode else "test"
    if Source.STRIPE in draft.asked.urls:
        yield f"livemode = {_bool(draft.livemode)}".ljust(36) + f" # the key is of {mode} mode"
    yield f"currency = {_text(draft.tiers.currency)}".ljust(36) + " # prices of organisations without a subscription"
    yield ""
    for source, url in sorted(draft.asked.urls.items()):
        yield f"[{source}]"
        yield f"url = {_text(url)}"
        yield ""


def _tiers(draft: Draft) -> Iterator[str]:
    yield "# The tiers, from the lowest to the highest; amounts are in minor units."
    for place, tier in enumerate(draft.tiers.tiers):
        yield f"[tiers.{_key(tier.name)}]".ljust(36) + f" # in the store: {counted(tier.orgs, 'organisation')}"
        yield f"rank = {10 * place}"
        if not tier.paid:
            yield "paid = false"
        for source in Source:
            yield from _keys(source, [each for each in tier.sold if each.offer.source is source])
        yield from _prices(tier)
        yield ""


def _keys(source: Source, sold: list[Sold]) -> Iterator[str]:
    if sold:
        yield f"{_LISTS[source]} = ["
        for each in sold:
            yield f"  {_text(each.offer.key)},".ljust(36) + f" # {_told(each)}"
        yield "]"


def _prices(tier: DraftTier) -> Iterator[str]:
    if tier.prices:
        amounts = ", ".join(
            f"{currency} = {{ {', '.join(f'{interval} = {amount}' for interval, amount in by_interval.items())} }}"
            for currency, by_interval in sorted(tier.prices.items())
        )
        yield f"price = {{ {amounts} }}  # list price in minor units"
    elif tier.paid:
        yield f"# price = {{ usd = {{ month = 9900 }} }}  # DECIDE: what {plain(tier.name)} costs, in minor units"
    for each in tier.other_prices:
        yield from _comment(
            f"Sold at another price too: {each.offer.key}, {_told(each)}. An older one goes under legacy"
        )


def _unmatched(draft: Draft) -> Iterator[str]:
    if not draft.tiers.unmatched:
        return
    yield "# In no tier by its name. DECIDE: add each to the list of its tier, or here if it is another product."
    for each in draft.tiers.unmatched:
        why = f"; {each.why_not}" if each.why_not else ""
        yield f"#   {_LISTS[each.offer.source]}: {_text(each.offer.key)}, {_told(each)}{plain(why)}"
    yield "[catalog]"
    yield "not_tiers = { lago_plans = [], stripe_prices = [] }"
    yield ""


def _rest(draft: Draft) -> Iterator[str]:
    yield "[statuses]"
    yield f"unpaid_tier = {_text(draft.tiers.unpaid_tier)}".ljust(36) + " # what an organisation falls to"
    yield ""
    yield "[policy]"
    yield 'mode = "flag"'.ljust(36) + ' # writes nothing; "fix" once you trust what you see'


def _told(sold: Sold) -> str:
    offer = sold.offer
    names = ", ".join(dict.fromkeys(filter(None, (offer.item.lookup_key, *offer.names))))
    archived = ", archived or not listed" if offer.archived else ""
    return plain(f"{names + ': ' if names else ''}{_price(offer)}, {sold.live:,} live{archived}")


def _price(offer: Offer) -> str:
    item = offer.item
    if item.unit_amount is None:
        return "no fixed amount"
    every = item.period.interval if item.period.count == 1 else f"{item.period.count} {item.period.interval}s"
    return f"{item.unit_amount} {item.currency} a {every}"


def _comment(text: str, *, indent: str = "", hanging: str = "") -> list[str]:
    return wrapped(text, first=f"# {indent}", rest=f"# {hanging or indent}", width=_WIDTH)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    """As JSON writes it, which TOML reads; what JSON would leave invisible stands as its number."""
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(each if each.isprintable() else f"\\U{ord(each):08X}" for each in quoted)


def _bool(value: bool) -> str:  # noqa: FBT001 - the one thing it is about
    return "true" if value else "false"

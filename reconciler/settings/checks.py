"""What must hold between the parts of a configuration, beyond each value being of its kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from difflib import get_close_matches

from reconciler.model.billing import Source
from reconciler.model.drift import Code
from reconciler.model.terms import Do
from reconciler.rules.catalogue import fixable
from reconciler.settings.sections import Keys
from reconciler.settings.settings import Settings


def problems_of(settings: Settings) -> Iterator[str]:
    """Every contradiction, each in words that name its keys."""
    yield from _tiers(settings)
    yield from _statuses(settings)
    yield from _sides(settings)
    yield from _policy(settings)
    if settings.schedule.cron and settings.schedule.every is not None:
        yield "[schedule] every and cron exclude one another"
    for number, url in enumerate([*settings.notify.urls, settings.notify.ping_url]):
        if url and not url.startswith(("file:", "credential:")):
            place = "ping_url" if number == len(settings.notify.urls) else "urls"
            yield f'[notify] {place} holds secrets: name it as "file:/path" or "credential:name"'


def _tiers(settings: Settings) -> Iterator[str]:
    if not any(tier.paid for tier in settings.tiers.values()):
        yield "[tiers] has no paid tier"
    ranks: dict[int, list[str]] = defaultdict(list)
    claims: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, tier in settings.tiers.items():
        ranks[tier.rank].append(name)
        legacy = Keys(lago_plans=tier.legacy.lago_plans, stripe_prices=tier.legacy.stripe_prices)
        for key in {*_claimed(tier), *_claimed(legacy)}:
            claims[key].append(f"[tiers.{name}]")
    for key in _claimed(settings.catalog.not_tiers):
        claims[key].append("[catalog] not_tiers")
    for rank, names in sorted(ranks.items()):
        if len(names) > 1:
            yield f"[tiers] {' and '.join(names)} have the same rank {rank}"
    for (kind, claimed), claimants in sorted(claims.items()):
        if len(claimants) > 1:
            yield f"{' and '.join(claimants)} both claim {kind} {claimed}"


def _claimed(keys: Keys) -> Iterator[tuple[str, str]]:
    for kind in ("lago_plans", "stripe_prices", "stripe_lookup_keys", "stripe_products"):
        yield from ((kind, key) for key in dict.fromkeys(getattr(keys, kind)))
    yield from (("stripe_price_metadata", f"{name}={value}") for name, value in keys.stripe_price_metadata.items())


def _statuses(settings: Settings) -> Iterator[str]:
    unpaid = settings.tiers.get(settings.statuses.unpaid_tier)
    if unpaid is None:
        yield f"[statuses] unpaid_tier names {settings.statuses.unpaid_tier}, which is no tier"
    elif unpaid.paid or unpaid.price:
        yield f"[statuses] unpaid_tier names {settings.statuses.unpaid_tier}, which has a price or is not paid = false"
    if settings.statuses.trialing and settings.statuses.trialing not in settings.tiers:
        yield f"[statuses] trialing names {settings.statuses.trialing}, which is no tier"
    if settings.statuses.flagged or settings.statuses.flagged_codes:
        yield "[statuses] flagged is not part of this version: leave it empty"


def _sides(settings: Settings) -> Iterator[str]:
    granting = {
        side for each in (settings.billing.authority, *settings.billing.authority_of.values()) for side in each.sides
    }
    for side in Source:
        if side in granting and getattr(settings, side.value) is None:
            yield f"[{side}] is missing, but [billing] lets {side} grant tiers"


def _policy(settings: Settings) -> Iterator[str]:
    known = [code.value for code in Code]
    fixed = fixable()
    for code, said in settings.policy.codes.items():
        if code not in known:
            near = get_close_matches(code, known, n=1)
            hint = f"; the nearest is {near[0]}" if near else ""
            yield f"[policy] codes names {code}, which is no code of this version{hint}"
        elif said.do is Do.FIX and Code(code) not in fixed:
            yield f"[policy] codes.{code} cannot be fix: policy makes a code stricter, never looser"
        if said.do is Do.IGNORE and not said.reason:
            yield f"[policy] codes.{code} needs a reason to be ignored"

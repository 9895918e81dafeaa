"""What must hold between keys and sections of a configuration, beyond the kind of each value."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from reconciler.model.billing import Source
from reconciler.model.terms import Do
from reconciler.settings import codes
from reconciler.settings.problems import Problem, nearest
from reconciler.settings.sections import BillingSection, CodeSection, StatusesSection
from reconciler.settings.settings import Settings
from reconciler.settings.tiers import CatalogSection, Claim, TierSection


def check(settings: Settings, sound: Collection[str]) -> list[Problem]:
    """Every problem between the sections named in `sound`; other sections of `settings` are not looked at."""
    checks: list[tuple[set[str], Callable[[], Iterator[Problem]]]] = [
        ({"tiers"}, lambda: _ranks(settings.tiers)),
        ({"tiers", "catalog"}, lambda: _claims(settings.tiers, settings.catalog)),
        ({"tiers", "statuses"}, lambda: _status_tiers(settings.statuses, settings.tiers)),
        ({"statuses"}, lambda: _flagged(settings.statuses)),
        ({"billing", "lago"}, lambda: _side(settings.billing, Source.LAGO, configured=settings.lago is not None)),
        ({"billing", "stripe"}, lambda: _side(settings.billing, Source.STRIPE, configured=settings.stripe is not None)),
        ({"policy"}, lambda: check_codes(settings.policy.codes, codes.KNOWN, codes.FIXABLE)),
    ]
    return [problem for needs, find in checks if needs <= set(sound) for problem in find()]


def _ranks(tiers: Mapping[str, TierSection]) -> Iterator[Problem]:
    if not tiers:
        yield Problem(("tiers",), "names no tier: add a [tiers.NAME] section for each")
    holders: dict[int, str] = {}
    for name, tier in tiers.items():
        holder = holders.setdefault(tier.rank, name)
        if not name.strip():
            yield Problem(("tiers", name), "has no name")
        if holder != name:
            yield Problem(("tiers", name, "rank"), f"is {tier.rank}, as [tiers.{holder}] rank is: each needs its own")


def _claims(tiers: Mapping[str, TierSection], catalog: CatalogSection) -> Iterator[Problem]:
    claimed: dict[Claim, str] = dict.fromkeys(catalog.not_tiers.claims(), "[catalog] not_tiers")
    for name, tier in tiers.items():
        for claim in dict.fromkeys(tier.claims()):
            holder = claimed.setdefault(claim, f"[tiers.{name}]")
            if holder != f"[tiers.{name}]":
                yield Problem(("tiers", name, claim[0]), f"claims {claim[1]!r}, which {holder} claims too")


def _status_tiers(statuses: StatusesSection, tiers: Mapping[str, TierSection]) -> Iterator[Problem]:
    path = ("statuses", "unpaid_tier")
    unpaid = tiers.get(statuses.unpaid_tier)
    if unpaid is None:
        yield _no_such_tier(path, statuses.unpaid_tier, tiers)
    else:
        if unpaid.paid:
            yield Problem(path, f"is {statuses.unpaid_tier!r}, whose section does not say paid = false")
        if any(amount for by_interval in unpaid.price.values() for amount in by_interval.values()):
            yield Problem(path, f"is {statuses.unpaid_tier!r}, which has a price: a tier that costs is refused here")
    if statuses.trialing and statuses.trialing not in tiers:
        yield _no_such_tier(("statuses", "trialing"), statuses.trialing, tiers)


def _no_such_tier(path: tuple[str, ...], name: str, tiers: Mapping[str, TierSection]) -> Problem:
    hint = f"; the nearest is {nearest(name, tiers)}" if tiers else ""
    return Problem(path, f"is {name!r}, but there is no [tiers.{name}]{hint}")


def _flagged(statuses: StatusesSection) -> Iterator[Problem]:
    for place, code in enumerate(statuses.flagged_codes):
        if code not in codes.KNOWN:
            yield Problem(
                ("statuses", "flagged_codes", place),
                f"is {code!r}, which is no drift code; the nearest is {nearest(code, codes.KNOWN)}",
            )
        elif code not in codes.LEAKING:
            yield Problem(
                ("statuses", "flagged_codes", place),
                f"is {code!r}, but only a code whose money is leak may change a status",
            )


def _side(billing: BillingSection, side: Source, *, configured: bool) -> Iterator[Problem]:
    """A side that grants must be read."""
    if configured:
        return
    need = "its url" if side is Source.LAGO else "it may be empty"
    if side in billing.authority.sides:
        yield Problem((side.value,), f'is missing, but [billing] authority = "{billing.authority}" needs it ({need})')
    for org_id, authority in billing.authority_of.items():
        if side in authority.sides and side not in billing.authority.sides:
            text = f'is "{authority}", which needs the section [{side}] ({need})'
            yield Problem(("billing", "authority_of", org_id), text)


def check_codes(said: Mapping[str, CodeSection], known: Collection[str], fixable: Collection[str]) -> Iterator[Problem]:
    """Policy names codes that exist and makes none looser than the catalogue; to ignore one needs a reason."""
    for code, policy in said.items():
        path = ("policy", "codes", code)
        if code not in known:
            yield Problem(path, f"is no drift code; the nearest is {nearest(code, known)}")
        elif policy.do is Do.FIX and code not in fixable:
            yield Problem(path, 'is "fix", but the catalogue never fixes it: say flag or ignore')
        elif policy.do is Do.IGNORE and not policy.reason.strip():
            yield Problem(path, 'is ignored without a reason: { do = "ignore", reason = "..." }')

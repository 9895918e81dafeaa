"""The limits over a rolling day: which of them refuses a direction of a plan before anything of it is written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from reconciler.model.drift import Direction, Fix
from reconciler.model.history import DoneFix, History
from reconciler.model.moments import utc
from reconciler.model.money_text import money_text
from reconciler.model.orgs import DELETED
from reconciler.model.run import Explained, Shows
from reconciler.model.terms import Limits, Terms
from reconciler.rules.compare import Judgement
from reconciler.rules.matching import list_price

LATCHED = "latched"

_VERB = {Direction.RAISE: "raise", Direction.LOWER: "lower", Direction.LINK: "link"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """What shares are taken of: organisations not deleted, those of them on a paid tier, and what these tiers list.

    `monthly` is minor units a month by currency; what has no list price is not in it. An organisation of which nothing
    was concluded is in it with its tier's price in every currency.
    """

    kept: int
    paid: int
    monthly: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The limit that refuses a direction, and the figures in a sentence."""

    rule: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    count: int
    ratio: Decimal
    population: int
    of: str


def population_of(judgement: Judgement, terms: Terms) -> Population:
    """The whole store's, whatever part of it a pass looks at."""
    kept = [verdict for verdict in judgement.verdicts if verdict.org.status != DELETED]
    paid = 0
    monthly: dict[str, int] = defaultdict(int)
    for verdict in kept:
        tier = terms.catalog.tiers.get(verdict.org.tier)
        if tier is None or not tier.paid:
            continue
        paid += 1
        if verdict.books is not None:
            monthly[verdict.books.currency] += verdict.books.had or 0
            continue
        # Held: in which currency it pays is not known. A source that is away must not make raises look too dear.
        for currency in {*tier.prices, terms.currency}:
            monthly[currency] += list_price(tier, currency=currency) or 0
    return Population(kept=len(kept), paid=paid, monthly=dict(monthly))


def refuse_directions(
    fixes: Iterable[Fix],
    population: Population,
    *,
    limits: Limits,
    history: History,
    explained: Sequence[Explained] = (),
) -> Mapping[Direction, Refused]:
    """What refuses each direction of `fixes`, those that no person released; a direction goes whole or not at all.

    What was done in the last 24 hours counts in, save what a person had released then and what the store shows that a
    broken-off run did not write. A latched direction is refused whatever is planned. Links have no limit: they change
    neither tier nor status, and record only whose customer its own key says it is.
    """
    planned = list(fixes)
    done = tuple(_counting(history, explained))
    bounds = {
        Direction.RAISE: _Bounds(
            count=limits.max_raise_count,
            ratio=limits.max_raise_ratio,
            population=population.kept,
            of="organisations",
        ),
        Direction.LOWER: _Bounds(
            count=limits.max_lower_count,
            ratio=limits.max_lower_ratio,
            population=population.paid,
            of="organisations on a paid tier",
        ),
    }
    refused: dict[Direction, Refused] = {}
    for direction, bound in bounds.items():
        ours = [fix for fix in planned if fix.direction is direction]
        before = [each for each in done if each.direction is direction]
        if not ours:
            continue
        refusal = (
            _latched(direction, history)
            or _too_many(direction, len(ours), len(before), bound, limits)
            or _too_dear(direction, ours, before, population, limits)
        )
        if refusal is not None:
            refused[direction] = refusal
    return refused


def _counting(history: History, explained: Sequence[Explained]) -> Iterable[DoneFix]:
    """The fixes of the last day that count: `history.done` has every fix of a run that was broken off."""
    not_written = Counter(
        (fix.key, told.at) for told in explained for fix, shows in told.fixes if shows is Shows.NOT_WRITTEN
    )
    for each in history.done:
        if not_written[each.key, each.at]:
            not_written[each.key, each.at] -= 1
        elif not any(
            each.key in release.fixes and release.at <= each.at < release.until for release in history.releases
        ):
            yield each


def _latched(direction: Direction, history: History) -> Refused | None:
    latch = history.latches.get(direction)
    if latch is None:
        return None
    text = f"latched since {utc(latch.since)}, when {latch.rule} refused {latch.digest}"
    return Refused(rule=LATCHED, text=text)


def _too_many(direction: Direction, planned: int, done: int, bound: _Bounds, limits: Limits) -> Refused | None:
    total = planned + done
    figures = f"{planned} to {_VERB[direction]} and {done} in the last 24 hours"
    if total > bound.count:
        return Refused(rule=f"max_{direction}_count", text=f"{figures}, at most {bound.count} are allowed")
    if total > limits.always_allowed and total > bound.ratio * bound.population:
        text = f"{figures} of {bound.population} {bound.of}, at most a share of {bound.ratio} is allowed"
        return Refused(rule=f"max_{direction}_ratio", text=text)
    return None


def _too_dear(
    direction: Direction, planned: Sequence[Fix], done: Sequence[DoneFix], population: Population, limits: Limits
) -> Refused | None:
    """By the list value given or taken, in each currency by itself; what has none counts by number and share only."""
    if len(planned) + len(done) <= limits.always_allowed:
        return None
    moved: Counter[str] = Counter()
    for fix in planned:
        if fix.worth is not None:
            moved[fix.worth.currency] += abs(fix.worth.minor)
    for each in done:
        moved[each.currency] += abs(each.monthly or 0)
    for currency, minor in sorted(moved.items()):
        of = population.monthly.get(currency, 0)
        if minor > limits.max_monthly_value_ratio * of:
            text = (
                f"{money_text(minor, currency)} a month to {_VERB[direction]}, the last 24 hours included, of "
                f"{money_text(of, currency)} that paid tiers list, at most a share of "
                f"{limits.max_monthly_value_ratio} is allowed"
            )
            return Refused(rule="max_monthly_value_ratio", text=text)
    return None

"""The limits: when a whole run is refused before judging, and when a direction of a plan is refused before writing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.model.drift import Direction, Fix
from reconciler.model.history import History
from reconciler.model.observation import Observation
from reconciler.model.orgs import DELETED, Org
from reconciler.model.terms import Limits, Terms

_UNREADABLE_RATIO_PERCENT = 1
_UNREADABLE_COUNT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a whole run is refused: the rule's name and a sentence with what to do."""

    rule: str
    text: str


def refuse_run(observation: Observation, limits: Limits) -> Refusal | None:
    """A store that reads as empty, that lost too many organisations, or holds too many bad records refuses the run."""
    orgs, invalid = observation.store.orgs, observation.store.invalid
    # One bad record alone never refuses, or no store of under a hundred organisations could have one.
    bad = {each.key for each in invalid}
    records = bad | {org.id for org in orgs}
    if len(bad) > 1 and (len(bad) > _UNREADABLE_COUNT or len(bad) * 100 > _UNREADABLE_RATIO_PERCENT * len(records)):
        return Refusal(
            rule="invalid_records",
            text=f"{len(bad)} records of the store are refused by the application's own validation, the first is "
            f"{invalid[0].key} ({invalid[0].problem}). Nothing was judged or written. Correct them by hand first: the "
            "application sees an EMPTY store",
        )
    if not orgs:
        return Refusal(
            rule="zero_organisations",
            text="The store holds no organisation that can be read, which is more likely a lost store than an empty "
            "business. Nothing was judged or written. Check [orgs] store, and restore the store if it was lost",
        )
    before, now = observation.history.population, len(orgs)
    if before is not None and before - now > limits.max_population_drop_ratio * before:
        return Refusal(
            rule="max_population_drop_ratio",
            text=f"The store holds {now} organisations, {before - now} fewer than at the last complete run. Nothing "
            "was judged or written. Check the store; if it is right, raise [limits] max_population_drop_ratio for one "
            "run",
        )
    return None


def refuse_directions(
    fixes: Iterable[Fix], orgs: Iterable[Org], *, terms: Terms, limits: Limits, history: History
) -> Mapping[Direction, str]:
    """The limit that refuses each direction, fixes of the last 24 hours counted in; a direction goes whole or not."""
    planned = Counter(fix.direction for fix in fixes)
    kept = [org for org in orgs if org.status != DELETED]
    paid = sum(org.tier in terms.catalog.tiers and terms.catalog.tiers[org.tier].paid for org in kept)
    refused: dict[Direction, str] = {}
    for direction, most, ratio, population in (
        (Direction.RAISE, limits.max_raise_count, limits.max_raise_ratio, len(kept)),
        (Direction.LOWER, limits.max_lower_count, limits.max_lower_ratio, paid),
    ):
        total = planned[direction] + sum(each.direction is direction for each in history.done)
        if not planned[direction]:
            continue
        if total > most:
            refused[direction] = f"max_{direction}_count"
        elif total > limits.always_allowed and total > ratio * population:
            refused[direction] = f"max_{direction}_ratio"
    return refused

"""When a whole run is refused before anything is judged, and by which digest a person may acknowledge that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.model.observation import Observation
from reconciler.model.terms import Limits, Terms
from reconciler.rules.digests import digest

_UNREADABLE_RATIO_PERCENT = 1
_UNREADABLE_COUNT = 10
_OTHER_MODE_COUNT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a whole run is refused: the rule's name, a sentence with what to do, and what to acknowledge it by."""

    rule: str
    text: str
    digest: str


def refuse_run(observation: Observation, terms: Terms, limits: Limits) -> Refusal | None:
    """The first rule that refuses the run and that no person has acknowledged for the time being.

    A store that reads as empty, that lost too many organisations or holds too many bad records; a source with objects
    of the other mode.
    """
    return _bad_records(observation) or _population(observation, limits) or _other_mode(observation, terms)


def _bad_records(observation: Observation) -> Refusal | None:
    orgs, invalid = observation.store.orgs, observation.store.invalid
    # One bad record alone never refuses, or no store of under a hundred organisations could have one.
    bad = {each.key for each in invalid}
    records = bad | {org.id for org in orgs}
    if len(bad) > 1 and (len(bad) > _UNREADABLE_COUNT or len(bad) * 100 > _UNREADABLE_RATIO_PERCENT * len(records)):
        return _refusal(
            observation,
            "invalid_records",
            f"{len(bad)} records of the store are refused by the application's own validation, the first is "
            f"{invalid[0].key} ({invalid[0].problem}). Nothing was judged or written. Correct them by hand first: the "
            "application sees an EMPTY store",
            facts=sorted(bad),
        )
    return None


def _population(observation: Observation, limits: Limits) -> Refusal | None:
    """Held against the smallest of the last complete run's and those that a person acknowledged since."""
    now = len(observation.store.orgs)
    acknowledged = [
        each.population
        for each in observation.history.releases
        if each.until > observation.as_of and each.population is not None
    ]
    before = min((each for each in (observation.history.population, *acknowledged) if each is not None), default=None)
    if not now and before != 0:
        return _refusal(
            observation,
            "zero_organisations",
            "The store holds no organisation that can be read, which is more likely a lost store than an empty "
            "business. Nothing was judged or written. Check [orgs] store, and restore the store if it was lost",
            facts=[before or 0],
        )
    if before is not None and before - now > limits.max_population_drop_ratio * before:
        return _refusal(
            observation,
            "max_population_drop_ratio",
            f"The store holds {now} organisations, {before - now} fewer than at the last complete run. Nothing was "
            "judged or written. Check the store",
            facts=[before, now],
        )
    return None


def _other_mode(observation: Observation, terms: Terms) -> Refusal | None:
    for source, snapshot in sorted(observation.snapshots.items()):
        modes = [(each.id, each.livemode) for each in snapshot.customers]
        modes += [(each.id, each.livemode) for each in snapshot.subscriptions]
        strange = [row for row, livemode in modes if livemode is not None and livemode != terms.livemode]
        if len(strange) > _OTHER_MODE_COUNT:
            return _refusal(
                observation,
                "livemode_differs",
                f"{source} gave {len(strange)} objects of the other mode. Nothing was judged or written. Check "
                "[billing] livemode and the key",
                facts=sorted(strange),
            )
    return None


def _refusal(observation: Observation, rule: str, text: str, *, facts: Sequence[str | int]) -> Refusal | None:
    told = digest([rule, *facts])
    releases = observation.history.releases
    if any(each.digest == told and each.until > observation.as_of for each in releases):
        return None
    words = f"{text}; if all is right, run reconcile breaker ack --plan {told} --by NAME --reason WHY"
    return Refusal(rule=rule, text=words, digest=told)

"""Decides what is to be done about each drift, and says which rule decided and which was the first to stop a fix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.drift import Code, Decided, Decision, Drift
from reconciler.model.history import Sighting
from reconciler.model.moments import utc
from reconciler.model.observation import Observation
from reconciler.model.terms import Do, Policy
from reconciler.rules.catalogue import CATALOGUE, default_of
from reconciler.rules.compare import Judgement
from reconciler.rules.stops import By, Question, Scope, Tried, rules_tried, waiver_of

__all__ = ["Scope", "decide", "explain_decisions"]


_NO_KEY = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A drift where it stands among those of its organisation."""

    drift: Drift
    primary: bool
    sighting: Sighting
    key: str
    question: Question


def decide(judgement: Judgement, observation: Observation, policy: Policy, scope: Scope) -> tuple[Decision, ...]:
    """One decision per drift in scope, in the order of the judgement, each organisation's primary one first.

    Only where every source was read whole, and nothing was left out, does this run count as one that saw a drift.
    """
    return tuple(_decision(place) for place in _places(judgement, observation, policy, scope))


def explain_decisions(
    judgement: Judgement, observation: Observation, policy: Policy, scope: Scope
) -> Iterator[tuple[Decision, tuple[Tried, ...]]]:
    """Each decision with every rule that was tried on its fix, for whoever wants to know why."""
    for place in _places(judgement, observation, policy, scope):
        yield _decision(place), tuple(rules_tried(place.question))


def _places(judgement: Judgement, observation: Observation, policy: Policy, scope: Scope) -> Iterator[_Place]:
    history, now = observation.history, observation.as_of
    groups: list[tuple[Drift, ...]] = [verdict.drifts for verdict in judgement.verdicts]
    groups.extend((each.drift,) for each in judgement.unclaimed)
    groups.extend((drift,) for drift in judgement.unreadable)
    counts = observation.complete and not scope.partial
    for drifts in groups:
        for place, drift in enumerate(drifts):
            if not scope.takes(drift):
                continue
            key = drift.fix.key if drift.fix is not None else _NO_KEY
            yield _Place(
                drift=drift,
                primary=place == 0,
                sighting=_seen_again(history.open_drifts.get(drift.id), now, counts=counts),
                key=key,
                question=Question(
                    drift=drift,
                    others=[other for other in drifts if other is not drift],
                    confirmed=_seen_again(history.confirmations.get(key), now, counts=counts),
                    policy=policy,
                    scope=scope,
                    now=now,
                    complete=observation.complete,
                    failures=history.failures.get(key),
                    waivers=history.waivers,
                ),
            )


def _seen_again(earlier: Sighting | None, now: datetime, *, counts: bool) -> Sighting:
    return Sighting(
        first_seen=earlier.first_seen if earlier else now,
        runs_seen=(earlier.runs_seen if earlier else 0) + (1 if counts else 0),
    )


def _decision(place: _Place) -> Decision:
    drift, asked = place.drift, place.question
    row, default = CATALOGUE[drift.code], default_of(drift)
    stop = next((tried for tried in rules_tried(asked) if tried.stops), None)
    decided, reason = default, f"{drift.code} is {default} by the catalogue"
    blocked_by, confirms = stop.rule if stop else None, place.key
    waiver, lapsed = waiver_of(drift, asked.waivers, asked.now)
    said = asked.policy.codes.get(drift.code)
    if said is not None and said.do is Do.IGNORE:
        decided, reason = Decided.IGNORE, f"policy ignores {drift.code}: {said.reason}"
        waiver, stop, blocked_by, confirms = None, None, None, ""
    elif waiver is not None and default is not Decided.OK:
        until = utc(waiver.until)
        decided, reason = Decided.WAIT, f"waived by {waiver.by} until {until}: {waiver.reason}"
        stop, confirms = None, ""
        blocked_by = "waiver" if default is Decided.FIX else None
    else:
        waiver = None
        if stop is not None:
            decided = Decided.WAIT if stop.rule == Code.IN_FLIGHT else Decided.FLAG
            reason = stop.words
        if lapsed:
            reason = f"{reason}; {lapsed}"
        if default is not Decided.FIX or (stop is not None and stop.by is By.SAFETY):
            confirms = ""
    return Decision(
        drift=drift,
        decided=decided,
        severity=row.severity,
        primary=place.primary,
        reason=reason,
        first_seen=place.sighting.first_seen,
        runs_seen=place.sighting.runs_seen,
        blocked_by=blocked_by,
        needs_approval=stop is not None and stop.by is By.POLICY,
        confirms=confirms,
        waived_until=waiver.until if waiver else None,
    )

"""Decides what is to be done about each drift, and says which rule decided and which was the first to stop a fix."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.drift import Code, Decided, Decision, Direction, Drift
from reconciler.model.history import Sighting
from reconciler.model.observation import Observation
from reconciler.model.terms import Do, Mode, Policy
from reconciler.rules.catalogue import CATALOGUE, default_of, stops_of
from reconciler.rules.compare import Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a pass looks at; empty means everything. A partial pass never lowers and counts as no complete run."""

    org_ids: frozenset[str] = frozenset()
    codes: frozenset[Code] = frozenset()
    limit: int | None = None

    @property
    def partial(self) -> bool:
        """Whether anything is left out."""
        return bool(self.org_ids or self.codes) or self.limit is not None

    def takes(self, drift: Drift) -> bool:
        """Whether the pass looks at `drift`."""
        return (not self.org_ids or drift.org_id in self.org_ids) and (not self.codes or drift.code in self.codes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stop:
    rule: str
    words: str
    by_policy: bool = False
    by_time: bool = False


def decide(judgement: Judgement, observation: Observation, policy: Policy, scope: Scope) -> tuple[Decision, ...]:
    """One decision per drift in scope, in the order of the judgement, each organisation's primary one first.

    Only where every source was read whole, and nothing was left out, does this run count as one that saw a drift.
    """
    history, now = observation.history, observation.as_of
    groups: list[tuple[Drift, ...]] = [verdict.drifts for verdict in judgement.verdicts]
    groups.extend((each.drift,) for each in judgement.unclaimed)
    groups.extend((drift,) for drift in judgement.unreadable)
    counts = observation.complete and not scope.partial
    decisions: list[Decision] = []
    for drifts in groups:
        for place, drift in enumerate(drifts):
            if not scope.takes(drift):
                continue
            sighting = _seen_again(history.open_drifts.get(drift.id), now, counts=counts)
            key = drift.fix.key if drift.fix is not None else ""
            confirmed = _seen_again(history.confirmations.get(key), now, counts=counts)
            others = [other for other in drifts if other is not drift]
            stop = _stop(drift, others, policy=policy, confirmed=confirmed, now=now, scope=scope)
            decisions.append(_decision(drift, stop, policy=policy, sighting=sighting, primary=place == 0, key=key))
    return tuple(decisions)


def _seen_again(earlier: Sighting | None, now: datetime, *, counts: bool) -> Sighting:
    return Sighting(
        first_seen=earlier.first_seen if earlier else now,
        runs_seen=(earlier.runs_seen if earlier else 0) + (1 if counts else 0),
    )


def _decision(
    drift: Drift, stop: _Stop | None, *, policy: Policy, sighting: Sighting, primary: bool, key: str
) -> Decision:
    decided = default_of(drift)
    reason = f"{drift.code} is {decided} by the catalogue"
    said = policy.codes.get(drift.code)
    if said is not None and said.do is Do.IGNORE:
        decided, reason, stop = Decided.IGNORE, f"policy ignores {drift.code}: {said.reason}", None
    elif stop is not None:
        decided, reason = Decided.FLAG, stop.words
    return Decision(
        drift=drift,
        decided=decided,
        severity=CATALOGUE[drift.code].severity,
        primary=primary,
        reason=reason,
        first_seen=sighting.first_seen,
        runs_seen=sighting.runs_seen,
        blocked_by=stop.rule if stop else None,
        needs_approval=stop is not None and stop.by_policy,
        confirms=key if decided is Decided.FIX or (stop and (stop.by_policy or stop.by_time)) else "",
    )


def _stop(
    drift: Drift, others: Iterable[Drift], *, policy: Policy, confirmed: Sighting, now: datetime, scope: Scope
) -> _Stop | None:
    """The first rule that keeps `drift` from being fixed by this pass: safety before policy."""
    fix = drift.fix
    if fix is None or default_of(drift) is not Decided.FIX:
        return None
    if drift.stopped_by:
        return _Stop(rule="proof", words=drift.stopped_by)
    for other in others:
        if fix.direction in stops_of(other):
            return _Stop(rule=other.code, words=f"{other.code} forbids it: {other.text}")
    match fix.direction:
        case Direction.LOWER:
            stop = _not_lowered_yet(policy, confirmed, now, scope)
        case Direction.RAISE if now - confirmed.first_seen < policy.settle_raise:
            words = f"seen for less than settle_raise ({policy.settle_raise})"
            stop = _Stop(rule="settle_raise", words=words, by_time=True)
        case Direction.RAISE | Direction.LINK:
            stop = None
    return stop or _policy_stop(drift, fix.direction, policy)


def _not_lowered_yet(policy: Policy, confirmed: Sighting, now: datetime, scope: Scope) -> _Stop | None:
    if scope.partial:
        return _Stop(rule="partial", words="a run over some organisations or codes lowers nothing")
    if confirmed.runs_seen < policy.confirm_runs:
        words = f"seen in {confirmed.runs_seen} of the {policy.confirm_runs} complete runs in a row that it needs"
        return _Stop(rule="confirm_runs", words=words, by_time=True)
    if now - confirmed.first_seen < policy.settle_lower:
        words = f"seen for less than settle_lower ({policy.settle_lower})"
        return _Stop(rule="settle_lower", words=words, by_time=True)
    return None


def _policy_stop(drift: Drift, direction: Direction, policy: Policy) -> _Stop | None:
    said = policy.codes.get(drift.code)
    if said is not None and said.do is Do.FLAG:
        return _Stop(rule=f"policy.codes.{drift.code}", words=f"policy flags {drift.code}", by_policy=True)
    does = {Direction.RAISE: policy.raising, Direction.LOWER: policy.lowering, Direction.LINK: policy.linking}[
        direction
    ]
    if does is not Do.FIX:
        return _Stop(rule=f"policy.{direction}", words=f"policy flags every fix to {direction}", by_policy=True)
    if policy.mode is Mode.FLAG:
        return _Stop(rule="policy.mode", words="policy flags everything (mode)", by_policy=True)
    return None

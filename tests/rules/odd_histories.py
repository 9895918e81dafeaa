"""Generated histories: what earlier runs and people left about the very drifts that a world has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from builders import DAY, FIX_ALL, NOW, WIDE
from reconciler.model.acts import Contract, Release, Waiver
from reconciler.model.drift import Call, Code, Direction, Drift, Fix
from reconciler.model.history import (
    DoneFix,
    Failures,
    Latch,
    OrgState,
    Sighting,
    SubscriptionState,
    TierChange,
    UnfinishedRun,
)
from reconciler.model.orgs import Org
from reconciler.model.terms import CodePolicy, Do, Limits, Mode, Policy
from reconciler.rules.changes import subscription_digest
from reconciler.rules.compare import find_drifts
from reconciler.rules.decide import Scope
from rules.odd_rows import HOUR, TIERS
from rules.odd_worlds import OddWorld
from rules.rule_worlds import Pick


def with_history(pick: Pick, world: OddWorld) -> OddWorld:
    """The world with a history of the drifts that it has without one."""
    if pick((True, False, False)):
        return world
    drifts = find_drifts(world.observation, world.terms).drifts
    changes: dict[str, Any] = {}
    for told in (_seen, _said, _written):
        if pick((True, True, False)):
            changes |= told(pick, world, drifts)
    for found in (_changed, _limited):
        if pick((True, True, False)):
            changes |= found(pick, world)
    return replace(world, history=replace(world.history, **changes))


def a_policy(pick: Pick) -> Policy:
    """What is fixed by itself."""
    strict = Policy()
    codes: dict[str, CodePolicy] = {}
    for code in (Code.TIER_UNDER, Code.TIER_OVER, Code.PAID_TIER_NO_BILLING, Code.ENDED_STILL_ENTITLED):
        if pick((False, False, False, True)):
            codes[code] = pick((CodePolicy(do=Do.FLAG), CodePolicy(do=Do.IGNORE, reason="it is known")))
    policy = pick((FIX_ALL, FIX_ALL, strict, replace(strict, mode=Mode.FIX, lowering=Do.FIX)))
    return replace(policy, codes=codes, raising=pick((Do.FIX, Do.FIX, Do.FLAG)), linking=pick((Do.FIX, Do.FLAG)))


def some_limits(pick: Pick) -> Limits:
    """How much may be written."""
    return pick((WIDE, WIDE, Limits(), Limits(always_allowed=0), replace(WIDE, max_raise_count=0)))


def a_scope(pick: Pick) -> Scope:
    """What is looked at: nearly always everything."""
    everything = Scope()
    odd = (
        Scope(limit=0),
        Scope(limit=1),
        Scope(org_ids=frozenset({"org_1"})),
        Scope(codes=frozenset({Code.TIER_OVER})),
    )
    return pick((everything,) * 8 + odd)


def _seen(pick: Pick, world: OddWorld, drifts: Sequence[Drift]) -> dict[str, Any]:
    """Which drifts, and which of their fixes, were there before."""
    return {
        "open_drifts": {each.id: _sighting(pick) for each in drifts if pick((True, True, False))}
        | _flagged(pick, world),
        "confirmations": {each.fix.key: _sighting(pick) for each in drifts if each.fix and pick((True, True, False))},
    }


def _sighting(pick: Pick) -> Sighting:
    ago = pick((timedelta(0), HOUR, DAY, 20 * DAY))
    return Sighting(first_seen=NOW - ago, runs_seen=pick((0, 1, 2, 3)))


def _flagged(pick: Pick, world: OddWorld) -> dict[str, Sighting]:
    """What an organisation's status may have been set for."""
    codes = (Code.PAID_TIER_NO_BILLING, Code.PAUSED, Code.ZERO_AMOUNT_LIVE, Code.PAST_DUE_BEYOND_GRACE)
    ids = {f"{pick(codes)}:{each.id}{pick(('', ':sub_1'))}" for each in world.orgs}
    return {each: _sighting(pick) for each in sorted(ids) if pick((True, False))}


def _said(pick: Pick, world: OddWorld, drifts: Sequence[Drift]) -> dict[str, Any]:
    """What people waived, agreed and released."""
    waived = [each for each in drifts if pick((True, False, False))]
    return {
        "waivers": {each.id: _waiver(pick, each) for each in waived},
        "contracts": (*world.history.contracts, *(_contract(pick, each) for each in world.orgs if pick((True, False)))),
        "releases": tuple(_release(pick, drifts) for _ in range(pick((0, 1, 2)))),
    }


def _waiver(pick: Pick, drift: Drift) -> Waiver:
    return Waiver(
        drift_id=drift.id,
        pinned=pick((drift.values, drift.values, drift.values, {**drift.values, "has.tier": "trial"})),
        until=pick((NOW + DAY, NOW + DAY, NOW, NOW - DAY)),
        by="Ann",
        reason="it is agreed",
        at=NOW - DAY,
    )


def _contract(pick: Pick, org: Org) -> Contract:
    return Contract(
        id=pick((f"k_{org.id}", "k_0")),
        org_id=org.id,
        tier=pick((*TIERS, "platinum")),
        amount_minor=pick((0, 4000)),
        currency=pick(("usd", "eur")),
        start=pick((date(2026, 1, 1), date(2026, 11, 25), date(2026, 11, 24))),
        end=pick((None, date(2026, 11, 1), date(2026, 11, 23), date(2026, 11, 24), date.max)),
        approver="Ann",
        reference="2026-18",
    )


def _release(pick: Pick, drifts: Sequence[Drift]) -> Release:
    return Release(
        digest="sha256:0",
        until=pick((NOW + HOUR, NOW)),
        by="Ann",
        reason="it is right",
        at=NOW - HOUR,
        fixes=frozenset(each.fix.key for each in drifts if each.fix and pick((True, False))),
        population=pick((None, 1, 40)),
    )


def _written(pick: Pick, world: OddWorld, drifts: Sequence[Drift]) -> dict[str, Any]:
    """What our own writes came to."""
    fixes = [each.fix for each in drifts if each.fix]
    return {
        "failures": {each.key: _failures(pick) for each in fixes if pick((True, False))},
        "fixed_at": {
            each.key: tuple(NOW - number * DAY for number in range(pick((1, 2, 3, 4)), 0, -1))
            for each in fixes
            if pick((True, False))
        },
        "done": tuple(_done(pick, each) for each in fixes if pick((True, False))),
        "own_status": {each.id: pick((each.status, "active")) for each in world.orgs if pick((True, True, False))},
        "status_set": {each.id: pick((each.status, "flagged")) for each in world.orgs if pick((True, False))},
        "unfinished": tuple(
            UnfinishedRun(run_id=f"run_{number}", at=NOW - number * HOUR, fixes=tuple(fixes))
            for number in range(pick((0, 0, 1, 2)))
        ),
    }


def _failures(pick: Pick) -> Failures:
    last = NOW - pick((timedelta(minutes=4), timedelta(minutes=16), HOUR, DAY))
    return Failures(count=pick((0, 1, 2, 3, 5, 13)), last_at=last, error="the store is locked")


def _done(pick: Pick, fix: Fix) -> DoneFix:
    at = NOW - pick((timedelta(0), HOUR))
    return DoneFix(key=fix.key, direction=fix.direction, at=at, currency="usd", monthly=pick((4900, None)))


def _changed(pick: Pick, world: OddWorld) -> dict[str, Any]:
    """What the last complete run saw of organisations and subscriptions."""
    since = (None, NOW - HOUR, NOW - 3 * HOUR, NOW - 2 * DAY)
    paid = pick(("starter", "professional"))
    return {
        "orgs": {
            each.id: OrgState(
                tier=pick((each.tier, each.tier, paid)),
                status=pick((each.status, each.status, "active")),
                lago_id=each.lago_id,
                stripe_id=each.stripe_id,
                since=pick(since),
            )
            for each in world.orgs
            if pick((True, True, True, False))
        },
        "subscriptions": {
            each.id: SubscriptionState(
                digest=pick((subscription_digest(each),) * 4 + ("other",)),
                since=pick(since),
                next_at=pick((None, each.next_at, NOW - 3 * DAY)),
            )
            for each in world.rows()
            if pick((True, True, True, False))
        },
        "tier_changes": {
            each.id: TierChange(
                before=pick((paid, "trial")),
                after=pick((each.tier, "trial")),
                seen_at=NOW - DAY,
                our_own=pick((False, False, True)),
                before_our_own=pick((False, False, True)),
            )
            for each in world.orgs
            if pick((True, False))
        },
        "fixed_at": {_tier_write(each, paid).key: (NOW - DAY,) for each in world.orgs if pick((True, False))},
    }


def _tier_write(org: Org, before: str) -> Fix:
    return Fix(
        org_id=org.id,
        drift_id=f"tier_over:{org.id}",
        call=Call.PLAN,
        arguments={"plan_tier": org.tier},
        expects={"plan_tier": before, "status": org.status},
        direction=Direction.LOWER,
    )


def _limited(pick: Pick, _: OddWorld) -> dict[str, Any]:
    """What the limits look at."""
    latch = Latch(digest="sha256:1", rule="max_lower_count", since=NOW - DAY)
    return {
        "population": pick((None, 2, 3, 50)),
        "latches": pick(({}, {}, {Direction.LOWER: latch}, {Direction.RAISE: latch})),
    }

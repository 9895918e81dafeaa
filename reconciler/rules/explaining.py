"""Puts together the whole chain for one organisation: what each side says, what follows, and which rules were tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.model.billing import Source, Subscription
from reconciler.model.drift import Decision
from reconciler.model.observation import Observation, Snapshot
from reconciler.model.orgs import Org
from reconciler.model.run import Plan, PlannedFix
from reconciler.model.terms import Limits, Policy, Terms
from reconciler.rules.case import Verdict
from reconciler.rules.compare import faults_of, find_drifts, make_world
from reconciler.rules.decide import decide, explain_decisions
from reconciler.rules.identity import Link
from reconciler.rules.make_case import make_case
from reconciler.rules.planning import build_plan
from reconciler.rules.refusals import refuse_run
from reconciler.rules.stops import Scope, Tried


@dataclass(frozen=True, slots=True, kw_only=True)
class SideSaid:
    """What one configured side says of one organisation: where it leads there, and everything that is billed to it.

    `standing` is what follows from that, as plain values (Standing.evidence).
    """

    snapshot: Snapshot
    link: Link
    subscriptions: tuple[Subscription, ...]
    standing: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One organisation from what was read to what would be written. `org` is None for a record that cannot be read.

    `decisions` come with every rule that was tried on their fix; `fixes` are its own of `plan`, which is that of the
    whole store. `excluded` says why it is not judged, `refused` what would refuse a whole pass; both may be empty.
    """

    as_of: datetime
    key: str
    org: Org | None
    fault: str
    excluded: str
    refused: str
    grants: str
    sides: tuple[SideSaid, ...]
    verdict: Verdict | None
    decisions: tuple[tuple[Decision, tuple[Tried, ...]], ...]
    plan: Plan
    fixes: tuple[PlannedFix, ...]


def explain_org(key: str, observation: Observation, *, terms: Terms, policy: Policy, limits: Limits) -> Explanation:
    """The chain of the organisation `key`, exactly as a pass over the whole store judges it now."""
    judgement, everything = find_drifts(observation, terms), Scope()
    refusal = refuse_run(observation, terms, limits)
    plan = build_plan(
        decide(judgement, observation, policy, everything),
        judgement,
        observation,
        terms=terms,
        limits=limits,
        scope=everything,
    )
    org = next((org for org in observation.store.orgs if org.id == key), None)
    return Explanation(
        as_of=observation.as_of,
        key=key,
        org=org,
        fault=faults_of(observation).get(key, ""),
        excluded=terms.exclude.get(key, ""),
        refused=refusal.text if refusal else "",
        grants=terms.authority_for(key).value,
        sides=_sides(org, observation, terms) if org is not None else (),
        verdict=next((each for each in judgement.verdicts if each.org.id == key), None),
        decisions=tuple(
            explained
            for explained in explain_decisions(judgement, observation, policy, everything)
            if explained[0].drift.org_id == key
        ),
        plan=plan,
        fixes=tuple(each for each in plan.fixes if each.fix.org_id == key),
    )


def _sides(org: Org, observation: Observation, terms: Terms) -> tuple[SideSaid, ...]:
    world = make_world(observation, terms)
    case = make_case(org, world)
    return tuple(
        SideSaid(
            snapshot=observation.snapshots[source],
            link=case.links[source],
            subscriptions=tuple(
                row
                for customer in case.links[source].customers
                for row in sorted(world.index.of_customer(source, customer), key=lambda each: each.created_at)
            ),
            standing=case.standings[source].evidence(),
        )
        for source in Source
        if source in case.links
    )

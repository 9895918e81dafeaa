"""Odd worlds that add something to each other, and all that is judged, decided and planned in each of them, as text.

    python -m rules.approved_worlds

from the project's folder, with `tests` on the path, writes the text anew: `make approve`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders import NOW
from reconciler.model.drift import Decision, State
from reconciler.model.orgs import Org
from reconciler.model.run import Plan
from reconciler.model.terms import Limits, Policy
from reconciler.rules.compare import Judgement, find_drifts
from reconciler.rules.conclude import conclude
from reconciler.rules.decide import Scope, explain_decisions
from reconciler.rules.planning import build_plan
from reconciler.rules.refusals import refuse_run
from reconciler.rules.stops import Tried
from reconciler.rules.totals import add_up
from reconciler.rules.waivers import over_or_unused
from reconciler.rules.wanted import wanted_of
from rules.odd_histories import a_policy, a_scope, some_limits, with_history
from rules.odd_worlds import OddWorld, an_odd_world
from rules.plain_text import lines_of

FOLDER = Path(__file__).parent / "approved"
SEEDS = FOLDER / "seeds.txt"
WORLDS_A_FILE = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A world and by which policy, limits and scope it is decided."""

    world: OddWorld
    policy: Policy
    limits: Limits
    scope: Scope


def setting_of(seed: int) -> Setting:
    """The same for the same seed."""
    pick = random.Random(seed).choice  # noqa: S311 - a choice of worlds, no secret
    world = with_history(pick, an_odd_world(pick))
    return Setting(world=world, policy=a_policy(pick), limits=some_limits(pick), scope=a_scope(pick))


def seeds() -> list[int]:
    """Those of the worlds that are approved."""
    return [int(seed) for seed in SEEDS.read_text(encoding="utf-8").split()]


def approved_files() -> dict[Path, list[int]]:
    """Each file of approved text with the seeds of its worlds."""
    every = seeds()
    shares = [every[start : start + WORLDS_A_FILE] for start in range(0, len(every), WORLDS_A_FILE)]
    return {FOLDER / f"worlds_{number:02}.txt": share for number, share in enumerate(shares, start=1)}


def text_of(worlds: list[int]) -> str:
    """What comes of the worlds of these seeds."""
    return "\n".join(line for seed in worlds for line in _outcome(seed, setting_of(seed))) + "\n"


def _outcome(seed: int, setting: Setting) -> Iterator[str]:
    world, terms, limits = setting.world, setting.world.terms, setting.limits
    observation = world.observation
    judgement = find_drifts(observation, terms)
    explained = list(explain_decisions(judgement, observation, setting.policy, setting.scope))
    decisions = [decision for decision, _ in explained]
    plan = build_plan(decisions, judgement, observation, terms=terms, limits=limits, scope=setting.scope)
    orgs = {verdict.org.id: verdict.org for verdict in judgement.verdicts}
    yield f"WORLD {seed}: {terms.authority}, collected by {terms.collects}"
    yield from _books(judgement)
    shown: object = None
    for decision, tried in explained:
        yield from _decided(decision, tried, orgs.get(decision.drift.org_id or ""))
        if decision.drift.evidence != shown:
            shown = decision.drift.evidence
            yield from lines_of({"evidence": shown}, "    ")
    yield from lines_of(_telling({"refused": refuse_run(observation, terms, limits)}), "  ")
    yield from lines_of(_telling(_planned(plan)), "  ")
    yield from lines_of(_telling(_concluded(judgement, decisions, plan, setting)), "  ")
    yield ""


def _books(judgement: Judgement) -> Iterator[str]:
    for verdict in judgement.verdicts:
        org = verdict.org
        yield f"  {org.id} has {org.tier}, {org.status}{', excluded' if verdict.excluded else ''}"
        yield from lines_of(_telling({"books": verdict.books, "charged twice": verdict.charged_twice}), "    ")
    for each in judgement.unclaimed:
        yield from lines_of({f"unclaimed {each.drift.id}": each.books}, "  ")


def _decided(decision: Decision, tried: tuple[Tried, ...], org: Org | None) -> Iterator[str]:
    drift = decision.drift
    yield f"  {'PRIMARY' if decision.primary else 'BESIDE'} {drift.id}: {decision.decided}, {decision.severity}"
    known = set()
    if org is not None:
        same = State(tier=org.tier, status=org.status)
        theirs = {"org_id": org.id, "org_name": org.name, "has": same}
        known = {name for name, said in theirs.items() if getattr(drift, name) == said}
    usual = {"first_seen": NOW, "runs_seen": 1, "reason": f"{drift.code} is {decision.decided} by the catalogue"}
    known |= {name for name, said in usual.items() if getattr(decision, name) == said}
    said = _fields(decision, {"drift", "decided", "severity", "primary", *known})
    said |= _fields(drift, {"id", "code", "remedy", "evidence", *known})
    yield from lines_of(_telling(said), "    ")
    if tried:
        yield f"    tried: {', '.join(each.rule for each in tried)}"
    for each in tried:
        if each.stops:
            yield f"    {each.rule} STOPS it ({each.by}): {each.words}"


def _fields(value: Any, left_out: AbstractSet[str]) -> dict[str, object]:
    return {name: getattr(value, name) for name in value.__slots__ if name not in left_out}


def _telling(said: Mapping[str, object]) -> dict[str, object]:
    return {name: each for name, each in said.items() if each not in (None, "", False, (), [], {})}


def _planned(plan: Plan) -> dict[str, object]:
    fixes = [
        f"{each.fix.direction} {each.fix.drift_id}, approval {each.approval}{', released' if each.released else ''}"
        for each in plan.fixes
    ]
    return {"plan": plan.digest, "fixes": fixes, "limits refuse": plan.refused_by, "plan says": plan.notes}


def _concluded(judgement: Judgement, decisions: list[Decision], plan: Plan, setting: Setting) -> dict[str, object]:
    world = setting.world
    observation = world.observation
    seen, whole = [drift.id for drift in judgement.drifts], observation.complete
    return {
        "totals": add_up(judgement, decisions),
        "other products": judgement.other_products,
        "result": conclude(refused=False, complete=whole, decisions=decisions, plan=plan, outcomes=()),
        "wanted": wanted_of(world.orgs, observation.snapshots, world.terms),
        "notes": list(over_or_unused(world.history, seen=seen, whole=whole, now=NOW)),
    }


if __name__ == "__main__":
    for old in FOLDER.glob("worlds_*.txt"):
        old.unlink()
    for path, worlds in approved_files().items():
        path.write_text(text_of(worlds), encoding="utf-8")

"""The whole chain of one organisation is what a pass over the whole store reads, judges, decides and plans of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders import DAY, EVERYTHING, FIX_ALL, NOW, WIDE, customers, lago_sub, linked, observe_world, stripe_sub, terms
from reconciler.model.billing import Source
from reconciler.model.history import Sighting
from reconciler.model.observation import Observation
from reconciler.model.orgs import InvalidRecord
from reconciler.model.terms import Authority, Limits, Policy
from reconciler.rules.compare import find_drifts
from reconciler.rules.decide import decide
from reconciler.rules.explaining import Explanation, explain_org
from reconciler.rules.planning import build_plan
from reconciler.rules.stops import Question, rules_tried

YOUNGER = lago_sub(2, "starter", sub_id="a-younger", created_at=NOW - DAY)
TERMS = terms(exclude={"org_3": "a partner"}, authority_of={"org_2": Authority.LAGO})
WORLD = observe_world(
    [linked(1, "starter"), linked(2, "enterprise"), linked(3)],
    *(customer for number in (1, 2, 3) for customer in customers(number)),
    *(lago_sub(1), stripe_sub(1), YOUNGER, lago_sub(2, "professional"), stripe_sub(2, "enterprise")),
    invalid=[
        InvalidRecord(key="org_2", problem="its name is blank", readable=True),
        InvalidRecord(key="org_9", problem="it has no plan", readable=False),
    ],
)


def explained(key: str, observation: Observation = WORLD, policy: Policy = FIX_ALL) -> Explanation:
    return explain_org(key, observation, terms=TERMS, policy=policy, limits=WIDE)


@pytest.mark.parametrize("policy", [FIX_ALL, Policy()])
@pytest.mark.parametrize("key", ["org_1", "org_2", "org_3"])
def test_it_is_judged_decided_and_planned_as_a_pass_over_the_whole_store_does(key: str, policy: Policy) -> None:
    found = explained(key, policy=policy)
    judgement = find_drifts(WORLD, TERMS)
    decisions = decide(judgement, WORLD, policy, EVERYTHING)
    plan = build_plan(decisions, judgement, WORLD, terms=TERMS, limits=WIDE, scope=EVERYTHING)
    assert (found.key, found.as_of, found.plan) == (key, NOW, plan)
    assert found.org in WORLD.store.orgs
    assert found.verdict == next(each for each in judgement.verdicts if each.org.id == key)
    assert [each for each, _ in found.decisions] == [each for each in decisions if each.drift.org_id == key]
    assert found.fixes == tuple(each for each in plan.fixes if each.fix.org_id == key)


def test_the_rules_that_were_tried_on_a_fix_come_with_its_decision() -> None:
    ((decision, tried),) = explained("org_1").decisions
    asked = Question(
        drift=decision.drift,
        others=[],
        confirmed=Sighting(first_seen=NOW, runs_seen=1),
        policy=FIX_ALL,
        scope=EVERYTHING,
        now=NOW,
        complete=True,
    )
    assert tried == tuple(rules_tried(asked))
    assert len(tried) > 1


def test_each_side_says_where_it_leads_and_what_is_billed_oldest_first() -> None:
    lago, stripe = explained("org_2").sides
    assert (lago.snapshot, stripe.snapshot) == (WORLD.snapshots[Source.LAGO], WORLD.snapshots[Source.STRIPE])
    assert (list(lago.link.customers), list(stripe.link.customers)) == (["lago-2"], ["cus_2"])
    assert [each.id for each in lago.subscriptions] == ["lagosub-2-professional", "a-younger"]
    assert [each.id for each in stripe.subscriptions] == ["sub_2_enterprise"]
    assert [each["tier"] for each in lago.standing["live"]] == ["professional", "starter"]
    assert [each["tier"] for each in stripe.standing["live"]] == ["enterprise"]


def test_a_side_that_is_not_configured_says_nothing() -> None:
    alone = observe_world([linked()], *customers()[1:], stripe_sub(), sides=[Source.STRIPE])
    found = explain_org("org_1", alone, terms=terms(Authority.STRIPE), policy=FIX_ALL, limits=WIDE)
    assert [each.snapshot.source for each in found.sides] == [Source.STRIPE]


def test_who_grants_what_is_wrong_with_the_record_and_why_it_is_left_out_are_told() -> None:
    assert [explained(f"org_{number}").grants for number in (1, 2, 3)] == ["both", "lago", "both"]
    assert [explained(f"org_{number}").fault for number in (1, 2, 3)] == ["", "its name is blank", ""]
    assert [explained(f"org_{number}").excluded for number in (1, 2, 3)] == ["", "", "a partner"]


def test_what_would_refuse_a_whole_pass_is_told() -> None:
    assert "2 records of the store are refused" in explained("org_1").refused
    sound = replace(WORLD, store=replace(WORLD.store, invalid=()))
    assert explained("org_1", sound).refused == ""


def test_a_limit_that_refuses_shows_in_the_plan() -> None:
    found = explain_org("org_1", WORLD, terms=TERMS, policy=FIX_ALL, limits=Limits(max_raise_count=0))
    assert list(found.plan.refused_by.values()) == ["max_raise_count"]


def test_a_record_that_cannot_be_read_is_told_by_its_key_alone() -> None:
    found = explained("org_9")
    assert (found.org, found.verdict, found.sides, found.fault) == (None, None, (), "it has no plan")
    assert [each.drift.code.value for each, _ in found.decisions] == ["record_invalid"]

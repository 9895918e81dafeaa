"""What the store shows of a fix, and of the fixes of runs that left no record."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from builders import FIX_ALL, NOW, customers, decided, lago_sub, linked, observe_world, planned, stripe_sub
from reconciler.model.drift import Call, Direction, Fix
from reconciler.model.history import DoneFix, History, UnfinishedRun
from reconciler.model.observation import Observation
from reconciler.model.orgs import Org
from reconciler.model.run import Explained, Shows
from reconciler.model.terms import Limits
from reconciler.rules.written import after, explain, shows

ORG = linked(1, "starter")
RAISE = Fix(
    org_id="org_1",
    drift_id="tier_under:org_1",
    call=Call.PLAN,
    arguments={"plan_tier": "professional"},
    expects={"plan_tier": "starter", "status": "active"},
    direction=Direction.RAISE,
)
LINK = Fix(
    org_id="org_1",
    drift_id="link_missing:org_1:stripe",
    call=Call.BILLING_IDS,
    arguments={"stripe_id": "cus_1"},
    expects={"stripe_customer_id": None},
    direction=Direction.LINK,
)


def test_a_fix_changes_its_own_field_alone() -> None:
    assert after(ORG, RAISE) == replace(ORG, tier="professional")
    assert after(replace(ORG, stripe_id=None), LINK) == ORG


@pytest.mark.parametrize(
    ("org", "fix", "shown"),
    [
        (replace(ORG, tier="professional"), RAISE, Shows.WRITTEN),
        (ORG, RAISE, Shows.NOT_WRITTEN),
        (replace(ORG, tier="enterprise"), RAISE, Shows.NEITHER),
        (replace(ORG, status="suspended"), RAISE, Shows.NEITHER),
        (None, RAISE, Shows.NEITHER),
        (ORG, LINK, Shows.WRITTEN),
        (replace(ORG, stripe_id=None), LINK, Shows.NOT_WRITTEN),
        (replace(ORG, stripe_id=""), LINK, Shows.NOT_WRITTEN),
        (replace(ORG, stripe_id="cus_2"), LINK, Shows.NEITHER),
    ],
)
def test_what_the_store_shows_of_a_fix(org: Org | None, fix: Fix, shown: Shows) -> None:
    assert shows(org, fix) is shown


def killed(*runs: UnfinishedRun, done: tuple[DoneFix, ...] = (), tier: str = "starter") -> Observation:
    history = History(unfinished=runs, done=done)
    org = linked(1, tier)
    return observe_world([org], *customers(), lago_sub(), stripe_sub(), history=history)


def test_of_each_run_without_a_record_every_fix_is_told() -> None:
    run = UnfinishedRun(run_id="run_1", at=NOW, fixes=(RAISE, LINK))
    told = Explained(run_id="run_1", at=NOW, fixes=((RAISE, Shows.NOT_WRITTEN), (LINK, Shows.WRITTEN)))
    assert explain(killed(run)) == (told,)
    assert explain(killed()) == ()


def test_of_runs_that_meant_the_same_only_the_last_can_have_written_it() -> None:
    first = UnfinishedRun(run_id="run_1", at=NOW - timedelta(hours=1), fixes=(RAISE,))
    last = UnfinishedRun(run_id="run_2", at=NOW, fixes=(RAISE,))
    told = [each.fixes[0][1] for each in explain(killed(first, last, tier="professional"))]
    assert told == [Shows.NOT_WRITTEN, Shows.WRITTEN]


def test_what_was_not_written_does_not_count_against_the_limits() -> None:
    done = DoneFix(key=RAISE.key, direction=Direction.RAISE, at=NOW)
    run = UnfinishedRun(run_id="run_1", at=NOW, fixes=(RAISE,))
    one = Limits(max_raise_count=1, always_allowed=5)
    assert planned(killed(run, done=(done,)), limits=one).refused_by == {}
    assert planned(killed(done=(done,)), limits=one).refused_by == {Direction.RAISE: "max_raise_count"}


def test_with_approvals_only_the_fixes_that_were_approved_are_planned() -> None:
    observed = killed()
    (decision,) = decided(observed, policy=FIX_ALL)
    assert decision.drift.fix is not None
    assert [each.fix for each in planned(observed, approved=frozenset({decision.drift.fix.key})).fixes] == [
        decision.drift.fix
    ]
    assert planned(observed, approved=frozenset({"another"})).fixes == ()

"""What is remembered of an organisation's tier and drifts, and whose writes they were."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders import CATALOG, DAY, NOW, lago_sub, linked
from reconciler.model.billing import Item
from reconciler.model.drift import Call, Direction, Fix
from reconciler.model.history import DoneFix, History, OrgState, Sighting, TierChange
from reconciler.rules.changes import subscription_digest
from reconciler.rules.past import Past

ORG = linked(1, "founders_friend")
BEFORE = OrgState(tier="professional", status="active", lago_id=None, stripe_id=None, since=None)


def lowering(after: str) -> DoneFix:
    """A fix of ours that took the organisation from professional."""
    fix = Fix(
        org_id="org_1",
        drift_id="tier_over:org_1",
        call=Call.PLAN,
        arguments={"plan_tier": after},
        expects={"plan_tier": "professional", "status": "active"},
        direction=Direction.LOWER,
    )
    return DoneFix(key=fix.key, direction=Direction.LOWER, at=NOW)


def earlier(after: str, *, our_own: bool) -> TierChange:
    return TierChange(before="starter", after=after, seen_at=NOW - DAY, our_own=our_own, before_our_own=False)


@pytest.mark.parametrize(
    ("done", "last", "our_own", "before_our_own"),
    [
        ((), None, False, False),
        ((lowering("founders_friend"),), None, True, False),
        ((lowering("starter"),), None, False, True),
        ((), earlier("professional", our_own=True), False, True),
        ((), earlier("professional", our_own=False), False, False),
        ((), earlier("enterprise", our_own=True), False, False),
        ((lowering("starter"),), earlier("professional", our_own=True), False, True),
    ],
)
def test_a_change_since_the_last_run_is_told_with_whose_it_was(
    done: tuple[DoneFix, ...], last: TierChange | None, *, our_own: bool, before_our_own: bool
) -> None:
    history = History(orgs={"org_1": BEFORE}, tier_changes={"org_1": last} if last else {}, done=done)
    assert Past.of(history).tier_change(ORG, CATALOG.tiers, NOW) == TierChange(
        before="professional",
        after="founders_friend",
        seen_at=NOW,
        our_own=our_own,
        before_our_own=before_our_own,
    )


def test_without_a_change_since_the_last_run_the_last_one_is_told() -> None:
    last = earlier("founders_friend", our_own=True)
    for history in (
        History(tier_changes={"org_1": last}),
        History(tier_changes={"org_1": last}, orgs={"org_1": replace(BEFORE, tier="founders_friend")}),
    ):
        assert Past.of(history).tier_change(ORG, CATALOG.tiers, NOW) == last


def test_a_drift_that_was_never_seen_has_no_run_and_no_beginning() -> None:
    past = Past.of(History(open_drifts={"one": Sighting(first_seen=NOW, runs_seen=3)}))
    assert (past.runs_seen("one"), past.first_seen("one")) == (3, NOW)
    assert (past.runs_seen("other"), past.first_seen("other")) == (0, None)


def test_the_period_of_what_comes_next_is_no_part_of_a_digest() -> None:
    coming = Item(id="next", plan_code="starter_monthly", unit_amount=4900, currency="usd")
    moved = replace(coming, period_start=NOW, period_end=NOW + DAY)
    one, other = (lago_sub(next_item=each, next_at=NOW + DAY) for each in (coming, moved))
    assert subscription_digest(one) == subscription_digest(other)

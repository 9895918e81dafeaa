"""Every status of an organisation against every tier relation, every status of both sides and every authority."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest

from builders import DAY, NOW, customers, decided, lago_sub, linked, observe_world, planned, stripe_sub, terms
from reconciler.model.billing import Source, Subscription, SubscriptionStatus
from reconciler.model.drift import Code, Decided, Direction
from reconciler.model.observation import Observation
from reconciler.model.terms import Authority

NONE = "none"
STATES = (NONE, *(status.value for status in SubscriptionStatus))
ENTITLED = {"active", "trialing"}
UNDECIDED = {"past_due", "unpaid", "paused", "incomplete", "unknown"}
TIERS = ("founders_friend", "starter", "professional", "enterprise")
ORG_STATUSES = ("active", "suspended", "deleted", "frozen")


def rows(lago: str, stripe: str) -> list[Subscription]:
    """What both sides have for `professional`, ended ones long paid out."""
    held = []
    if lago != NONE:
        held.append(lago_sub(status=SubscriptionStatus(lago), ended_at=NOW - 9 * DAY if lago == "ended" else None))
    if stripe != NONE:
        period_end = NOW - DAY if stripe == "ended" else NOW + 20 * DAY
        held.append(stripe_sub(status=SubscriptionStatus(stripe), period_end=period_end))
    return held


def cell(status: str, tier: str, lago: str, stripe: str) -> Observation:
    return observe_world([linked(1, tier, status=status)], *customers(), *rows(lago, stripe))


CELLS = list(product(TIERS, STATES, STATES))


@pytest.mark.parametrize("authority", list(Authority))
@pytest.mark.parametrize("status", ORG_STATUSES)
def test_every_cell_has_one_primary_verdict_or_none(status: str, authority: Authority) -> None:
    for tier, lago, stripe in CELLS:
        decisions = decided(cell(status, tier, lago, stripe), terms(authority))
        assert sum(each.primary for each in decisions) == bool(decisions), (tier, lago, stripe)


@pytest.mark.parametrize("authority", list(Authority))
@pytest.mark.parametrize("status", ["suspended", "deleted", "frozen"])
def test_only_active_organisations_are_fixed(status: str, authority: Authority) -> None:
    for tier, lago, stripe in CELLS:
        assert planned(cell(status, tier, lago, stripe), terms(authority)).fixes == (), (tier, lago, stripe)


def granted(authority: Authority, lago: str, stripe: str) -> bool | None:
    """Whether `professional` is due to an active organisation; None where that is not for the rules to say."""
    sides = {Source.LAGO: lago, Source.STRIPE: stripe}
    states = [sides[source] for source in authority.sides]
    if authority is Authority.BOTH:
        return (
            True if set(states) <= ENTITLED else None if set(states) & (ENTITLED | UNDECIDED | {"pending"}) else False
        )
    if any(state in ENTITLED for state in states):
        return None if {"unknown", "past_due"} & set(states) else True
    others = set(sides.values()) & (ENTITLED | UNDECIDED | {"pending"})
    return None if others else False


@pytest.mark.parametrize("authority", list(Authority))
def test_an_active_organisation_is_raised_exactly_where_a_higher_tier_is_granted(authority: Authority) -> None:
    for tier, lago, stripe in CELLS:
        plan = planned(cell("active", tier, lago, stripe), terms(authority))
        raised = [each.fix.arguments["plan_tier"] for each in plan.fixes if each.fix.direction is Direction.RAISE]
        higher = TIERS.index("professional") > TIERS.index(tier)
        expected = ["professional"] if granted(authority, lago, stripe) is True and higher else []
        assert raised == expected, (tier, lago, stripe)


@pytest.mark.parametrize("authority", list(Authority))
def test_an_active_organisation_is_lowered_only_with_nothing_open_on_any_side(authority: Authority) -> None:
    for tier, lago, stripe in CELLS:
        plan = planned(cell("active", tier, lago, stripe), terms(authority))
        lowered = [each.fix.arguments["plan_tier"] for each in plan.fixes if each.fix.direction is Direction.LOWER]
        if lowered == ["professional"]:
            assert tier == "enterprise", (tier, lago, stripe)
            assert granted(authority, lago, stripe) is True, (tier, lago, stripe)
        elif lowered:
            assert (lowered, tier) == (["founders_friend"], "professional"), (tier, lago, stripe)
            assert granted(authority, lago, stripe) is False, (tier, lago, stripe)
        if lowered:
            assert not {lago, stripe} & (UNDECIDED | {"pending"}), (tier, lago, stripe)


@pytest.mark.parametrize("authority", list(Authority))
def test_an_active_organisation_in_sync_has_just_what_is_granted(authority: Authority) -> None:
    for tier, lago, stripe in CELLS:
        decisions = decided(cell("active", tier, lago, stripe), terms(authority))
        if not decisions:
            due = granted(authority, lago, stripe)
            if tier == "founders_friend":
                quiet = {lago if side is Source.LAGO else stripe for side in authority.sides}
                assert not quiet & (ENTITLED | UNDECIDED), (tier, lago, stripe)
            else:
                assert (tier, due) == ("professional", True), (tier, lago, stripe)


def test_what_the_table_comes_to() -> None:
    """The sum of all cells: any change of a rule shows here first."""
    counts = Counter(
        (decision.drift.code, decision.decided)
        for authority in Authority
        for status in ORG_STATUSES
        for tier, lago, stripe in CELLS
        for decision in decided(cell(status, tier, lago, stripe), terms(authority))
    )
    judged_codes = {code for code, _ in counts}
    assert judged_codes == {
        Code.TIER_UNDER,
        Code.PAID_NOT_REFLECTED,
        Code.TIER_OVER,
        Code.ENDED_STILL_ENTITLED,
        Code.PAID_TIER_NO_BILLING,
        Code.SIDE_MISSING,
        Code.UNEXPECTED_SIDE,
        Code.SUSPENDED_BUT_PAYING,
        Code.UNCLASSIFIED,
    }
    assert {code for code, decided_as in counts if decided_as is Decided.FIX} == {
        Code.TIER_UNDER,
        Code.PAID_NOT_REFLECTED,
        Code.TIER_OVER,
        Code.ENDED_STILL_ENTITLED,
    }

"""What is concluded, and what is not, from a side that was not read whole."""

from __future__ import annotations

from typing import Any

import pytest

from builders import (
    DAY,
    NOW,
    brief,
    codes_of,
    decided,
    lago_sub,
    stripe_sub,
    terms,
    world,
)
from reconciler.model.billing import Source, Subscription, SubscriptionStatus
from reconciler.model.drift import Code, Decided
from reconciler.model.terms import Authority

ENDED = SubscriptionStatus.ENDED
OVER: dict[str, Any] = {"status": ENDED, "ended_at": NOW - 9 * DAY}


def ended(side: Source, tier: str = "professional") -> Subscription:
    if side is Source.LAGO:
        return lago_sub(1, tier, **OVER)
    return stripe_sub(1, tier, period_end=NOW - DAY, **OVER)


@pytest.mark.parametrize("authority", list(Authority))
@pytest.mark.parametrize("broken", [(Source.LAGO,), (Source.STRIPE,), tuple(Source)])
@pytest.mark.parametrize("tier", ["professional", "enterprise"])
def test_nothing_is_taken_after_an_incomplete_read(authority: Authority, broken: tuple[Source, ...], tier: str) -> None:
    for rows in ((lago_sub(), stripe_sub()), (ended(Source.LAGO), ended(Source.STRIPE))):
        observed = world(tier, *rows, incomplete=broken)
        for decision in decided(observed, terms(authority)):
            assert decision.decided in {Decided.HOLD, Decided.FLAG}


@pytest.mark.parametrize("authority", list(Authority))
def test_absence_on_a_granting_side_that_was_not_read_whole_is_held(authority: Authority) -> None:
    observed = world("professional", incomplete=authority.sides)
    (decision,) = decided(observed, terms(authority))
    assert (decision.drift.code, decision.decided) == (Code.SNAPSHOT_INCOMPLETE, Decided.HOLD)
    assert " and ".join(authority.sides) in decision.drift.text
    assert decision.drift.money is None


@pytest.mark.parametrize("authority", list(Authority))
def test_rows_that_were_seen_raise_after_an_incomplete_read(authority: Authority) -> None:
    observed = world("starter", lago_sub(), stripe_sub(), incomplete=authority.sides)
    assert brief(decided(observed, terms(authority))) == [("tier_under", "fix", None)]


def test_only_the_sides_that_grant_must_be_read_to_find_an_end() -> None:
    observed = world("professional", ended(Source.LAGO), incomplete=[Source.STRIPE])
    assert brief(decided(observed, terms(Authority.LAGO))) == [("ended_still_entitled", "flag", "proof")]


def test_an_unpaid_tier_is_held_too_where_a_granting_side_was_not_read_whole() -> None:
    assert codes_of(world("founders_friend", incomplete=[Source.STRIPE]), terms()) == ["snapshot_incomplete"]


@pytest.mark.parametrize("authority", list(Authority))
def test_a_lower_tier_seen_in_an_incomplete_read_is_held_not_found(authority: Authority) -> None:
    observed = world("enterprise", lago_sub(), stripe_sub(), incomplete=authority.sides)
    assert codes_of(observed, terms(authority)) == ["snapshot_incomplete"]


def test_an_incomplete_read_is_said_before_anything_that_follows_from_absence() -> None:
    for odd in (stripe_sub(status=SubscriptionStatus.UNPAID), stripe_sub(status=SubscriptionStatus.PAUSED)):
        assert codes_of(world("professional", odd, incomplete=[Source.STRIPE]), terms(Authority.STRIPE)) == [
            "snapshot_incomplete"
        ]


def test_a_late_payment_is_told_though_the_read_was_not_whole() -> None:
    late = stripe_sub(status=SubscriptionStatus.PAST_DUE)
    assert codes_of(world("professional", late, incomplete=[Source.STRIPE]), terms(Authority.STRIPE)) == [
        "past_due_in_grace"
    ]

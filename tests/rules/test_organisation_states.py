"""Organisations that are suspended, deleted, excluded or of an unknown status."""

from __future__ import annotations

from typing import Any

import pytest

from builders import (
    DAY,
    NOW,
    codes_of,
    customers,
    decided,
    drifts_of,
    judged,
    lago_customer,
    lago_sub,
    linked,
    observe_world,
    org,
    stripe_customer,
    stripe_sub,
    terms,
)
from reconciler.model.billing import Source, Subscription, SubscriptionStatus
from reconciler.model.drift import Code, Decided
from reconciler.model.observation import Observation
from reconciler.model.terms import Authority

ENDED = SubscriptionStatus.ENDED
OVER: dict[str, Any] = {"status": ENDED, "ended_at": NOW - 9 * DAY}


def ended(side: Source, tier: str = "professional") -> Subscription:
    if side is Source.LAGO:
        return lago_sub(1, tier, **OVER)
    return stripe_sub(1, tier, period_end=NOW - DAY, **OVER)


def paid_until(days: int, side: Source, tier: str = "professional") -> Subscription:
    if side is Source.LAGO:
        return lago_sub(1, tier, keeps_paid_period=True, anchor_at=NOW - (30 - days) * DAY, **OVER)
    return stripe_sub(1, tier, period_end=NOW + days * DAY, **OVER)


# suspended organisations


def suspended(*rows: Subscription, **changes: Any) -> Observation:
    return observe_world([linked(1, status="suspended")], *customers(), *rows, **changes)


@pytest.mark.parametrize("authority", list(Authority))
def test_a_suspended_payer_is_flagged_and_owed(authority: Authority) -> None:
    (decision,) = decided(suspended(lago_sub(), stripe_sub()), terms(authority))
    assert (decision.drift.code, decision.decided) == (Code.SUSPENDED_BUT_PAYING, Decided.FLAG)
    assert decision.drift.fix is None
    assert decision.drift.due is not None
    assert (decision.drift.due.tier, decision.drift.due.status) == ("professional", "active")
    assert decision.drift.money is not None
    assert (decision.drift.money.owed, decision.drift.money.leak) == (9900, 0)


def test_a_suspended_organisation_that_is_paid_for_until_a_date_is_owed_too() -> None:
    observed = suspended(paid_until(3, Source.STRIPE))
    assert codes_of(observed, terms(Authority.STRIPE)) == ["suspended_but_paying"]


@pytest.mark.parametrize(
    "rows",
    [(), (ended(Source.STRIPE),), (stripe_sub(status=SubscriptionStatus.UNPAID),), (lago_sub(),)],
    ids=["nothing", "ended", "unpaid", "other side"],
)
def test_a_suspended_organisation_that_does_not_pay_is_in_sync(rows: tuple[Subscription, ...]) -> None:
    assert codes_of(suspended(*rows), terms(Authority.STRIPE)) == []


def test_absence_for_a_suspended_organisation_is_held_where_it_was_not_read_whole() -> None:
    assert codes_of(suspended(incomplete=[Source.STRIPE]), terms(Authority.STRIPE)) == ["snapshot_incomplete"]
    assert codes_of(suspended(incomplete=[Source.LAGO]), terms(Authority.STRIPE)) == []


def test_the_links_and_duplicates_of_a_suspended_organisation_are_judged() -> None:
    observed = observe_world(
        [org(1, status="suspended", lago_id="org_1")],
        lago_customer(),
        stripe_customer(),
        stripe_sub(),
        stripe_sub(sub_id="again"),
    )
    assert codes_of(observed, terms(Authority.STRIPE)) == [
        "duplicate_subscription",
        "suspended_but_paying",
        "link_missing",
    ]


# deleted, excluded and others


@pytest.mark.parametrize("row", [lago_sub(), stripe_sub(status=SubscriptionStatus.PAST_DUE)], ids=["live", "past due"])
def test_a_deleted_organisation_that_is_still_billed_is_flagged(row: Subscription) -> None:
    observed = observe_world([linked(1, status="deleted")], *customers(), row)
    (decision,) = decided(observed)
    assert (decision.drift.code, decision.decided) == (Code.DELETED_STILL_BILLED, Decided.FLAG)
    assert row.id in decision.drift.text
    assert decision.drift.effective_at == row.started_at
    assert judged(observed).verdicts[0].books is None


def test_what_a_deleted_organisation_is_billed_is_overbilled_by_the_collecting_side() -> None:
    rows = lago_sub(amount=1000), stripe_sub(amount=9000)
    observed = observe_world([linked(1, status="deleted")], *customers(), *rows)
    for authority, overbilled in ((Authority.LAGO, 1000), (Authority.STRIPE, 9000), (Authority.EITHER, 10000)):
        (drift,) = drifts_of(observed, terms(authority))
        assert drift.money is not None
        assert (drift.money.overbilled, drift.money.currency) == (overbilled, "usd")


@pytest.mark.parametrize(
    "row",
    [ended(Source.STRIPE), stripe_sub(status=SubscriptionStatus.UNPAID), lago_sub(1, "founders_friend")],
    ids=["ended", "unpaid", "free"],
)
def test_a_deleted_organisation_that_is_billed_no_longer_is_in_sync(row: Subscription) -> None:
    (verdict,) = judged(observe_world([linked(1, status="deleted")], *customers(), row)).verdicts
    assert (verdict.drifts, verdict.books) == ((), None)


def test_an_excluded_organisation_is_not_judged() -> None:
    observed = observe_world([linked(1, "starter"), linked(2, "starter")], *customers(1), *customers(2), lago_sub())
    first, second = judged(observed, terms(Authority.LAGO, exclude={"org_1": "a partner"})).verdicts
    assert (first.excluded, first.drifts, first.books) == (True, (), None)
    assert not second.excluded


def test_a_status_outside_the_vocabulary_is_held() -> None:
    observed = observe_world([linked(1, "starter", status="frozen")], *customers(), lago_sub(), stripe_sub())
    (decision,) = decided(observed)
    assert (decision.drift.code, decision.decided) == (Code.STATUS_UNKNOWN, Decided.HOLD)
    assert "frozen" in decision.drift.text

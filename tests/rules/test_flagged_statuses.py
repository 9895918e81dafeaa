"""The one status that a flag may set: for whom it is set, for whom never, and what becomes of it afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from builders import CATALOG, DAY, NOW, customers, drifts_of, lago_sub, linked, observe_world, stripe_sub, terms
from reconciler.model.acts import Contract
from reconciler.model.billing import Customer, Subscription, SubscriptionStatus
from reconciler.model.drift import Decided, Direction, Drift, State
from reconciler.model.history import History, Sighting
from reconciler.model.terms import Authority, StatusTerms, Terms
from reconciler.rules.catalogue import CATALOGUE

CODES = frozenset(
    {"paid_tier_no_billing", "unexpected_side", "collection_paused", "trial_overrun", "zero_amount_live", "link_dead"}
)


def by(authority: Authority = Authority.STRIPE, **changes: Any) -> Terms:
    said = {"unpaid_tier": "founders_friend", "flagged": "flagged", "flagged_codes": CODES, **changes}
    return terms(authority, statuses=StatusTerms(**said))


def found(
    tier: str, *rows: Subscription | Customer, terms_: Terms | None = None, history: History | None = None
) -> list[Drift]:
    observed = observe_world([linked(1, tier)], *customers(), *rows, history=history)
    return list(drifts_of(observed, terms_ or by()))


def lowered(drifts: list[Drift]) -> list[str]:
    """The codes for which the status is set."""
    return [each.code.value for each in drifts if each.fix is not None and "status" in each.fix.arguments]


def contract(tier: str) -> Contract:
    return Contract(
        id="c_1",
        org_id="org_1",
        tier=tier,
        amount_minor=0,
        currency="usd",
        start=date(2026, 1, 1),
        approver="Ann",
        reference="1",
    )


def test_it_is_set_for_a_leak_that_nothing_pays_for() -> None:
    (drift,) = found("professional")
    assert lowered([drift]) == ["paid_tier_no_billing"]
    assert drift.due == State(tier="professional", status="flagged")
    assert (drift.default, drift.stopped_by) == (Decided.FIX, "")
    assert drift.fix is not None
    assert (drift.fix.drift_id, drift.fix.direction) == (drift.id, Direction.LOWER)


PAID_AHEAD = stripe_sub(1, "starter", status=SubscriptionStatus.ENDED)


@pytest.mark.parametrize(
    ("tier", "rows", "code"),
    [
        ("enterprise", (lago_sub(1, "starter"),), "unexpected_side"),
        ("enterprise", (PAID_AHEAD,), "paid_tier_no_billing"),
    ],
    ids=["something is paid for", "something is paid ahead"],
)
def test_it_is_not_set_where(tier: str, rows: tuple[Subscription, ...], code: str) -> None:
    drifts = found(tier, *rows)
    assert code in {each.code for each in drifts}
    assert lowered(drifts) == []


def test_it_is_not_set_over_a_contract_of_whatever_tier() -> None:
    drifts = found("professional", history=History(contracts=(contract("platinum"),)))
    assert [each.code.value for each in drifts] == ["paid_tier_no_billing"]
    assert lowered(drifts) == []


def test_it_is_not_set_where_nothing_leaks() -> None:
    trial = replace(CATALOG.tiers["trial"], trial_days=30)
    said = replace(by(), catalog=replace(CATALOG, tiers={**CATALOG.tiers, "trial": trial}))
    drifts = found("trial", terms_=said)
    assert [each.code.value for each in drifts] == ["trial_overrun"]
    assert lowered(drifts) == []


def test_it_is_not_set_for_what_is_meant_to_be() -> None:
    observed = observe_world([linked(1, lago_id="lago-1")], *customers())
    drifts = list(drifts_of(observed, by(flagged_codes=frozenset({"link_other_form"}))))
    assert [each.code.value for each in drifts] == ["paid_tier_no_billing", "link_other_form"]
    assert lowered(drifts) == []


def test_no_status_is_set_where_none_is_named() -> None:
    assert lowered(found("professional", terms_=by(flagged=""))) == []


def test_no_status_is_set_that_the_organisation_has() -> None:
    (drift,) = found("professional", terms_=by(flagged="active"))
    assert (drift.default, drift.fix) == (None, None)


def test_only_who_has_the_status_of_the_entitled_may_lose_it() -> None:
    assert lowered(found("professional", terms_=by(entitled="trusted"))) == []


def suspended(open_drift: str, *rows: Subscription, stripe_id: str = "cus_1", **changes: Any) -> list[Drift]:
    history = History(
        own_status={"org_1": "suspended"}, open_drifts={open_drift: Sighting(first_seen=NOW - DAY, runs_seen=2)}
    )
    org = linked(1, status="suspended", stripe_id=stripe_id)
    held = customers() if stripe_id == "cus_1" else customers()[:1]
    observed = observe_world([org], *held, *rows, history=history)
    return list(drifts_of(observed, by(flagged="suspended", **changes)))


def test_while_the_drift_lasts_it_is_told_under_its_own_name() -> None:
    (drift,) = suspended("zero_amount_live:org_1:sub_9", stripe_sub(amount=0))
    assert drift.id == "zero_amount_live:org_1:sub_9"
    assert (drift.default, drift.fix) == (Decided.FLAG, None)
    row = CATALOGUE[drift.code]
    assert drift.text == row.text.format(org="org_1", has="professional", due="", detail="the status was set for it")


def test_what_would_be_fixed_is_for_a_person_while_the_status_is_set() -> None:
    over = stripe_sub(status=SubscriptionStatus.ENDED, period_end=NOW - 9 * DAY)
    (drift,) = suspended("ended_still_entitled:org_1", over, flagged_codes=frozenset({"ended_still_entitled"}))
    assert (drift.code.value, drift.default) == ("ended_still_entitled", Decided.FLAG)


def test_once_the_drift_is_gone_the_status_is_taken_back_under_its_name() -> None:
    gone = "zero_amount_live:org_1:sub_9"
    (drift,) = suspended(gone)
    assert (drift.id, drift.code.value, drift.default) == (gone, "zero_amount_live", Decided.FIX)
    assert drift.due == State(tier="professional", status="active")
    assert drift.text == (
        "What zero_amount_live was flagged for is gone: the status suspended, which was set for it, is taken back."
    )
    assert drift.fix is not None
    assert (drift.fix.drift_id, drift.fix.direction) == (gone, Direction.RAISE)
    assert dict(drift.fix.arguments) == {"status": "active"}


def test_where_the_status_that_was_set_is_that_of_the_entitled_nothing_is_written() -> None:
    (drift,) = suspended("zero_amount_live:org_1:sub_9", entitled="suspended")
    assert (drift.id, drift.fix) == ("zero_amount_live:org_1:sub_9", None)


def test_a_drift_of_identity_that_lasts_is_told_once() -> None:
    drifts = suspended("link_dead:org_1:stripe", stripe_id="cus_gone")
    assert [(each.id, each.fix) for each in drifts] == [("link_dead:org_1:stripe", None)]


def test_a_status_that_was_set_for_nothing_known_is_left() -> None:
    assert suspended("zero_amount_live:org_12") == []

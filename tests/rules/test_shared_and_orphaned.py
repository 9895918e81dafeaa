"""Customers that several organisations claim, and payers whom none claims."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders import (
    DAY,
    NOW,
    added,
    brief,
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
from reconciler.model.billing import Customer, Source, Subscription, SubscriptionStatus
from reconciler.model.drift import Code, Decided
from reconciler.model.history import History
from reconciler.model.observation import Observation
from reconciler.model.terms import Authority

BY_STRIPE = terms(Authority.STRIPE)


def test_a_shared_customer_vetoes_every_fix_on_every_organisation_it_touches() -> None:
    observed = observe_world(
        [linked(1, "starter", stripe_id="cus_3"), linked(2, "enterprise", stripe_id="cus_3"), linked(4, "starter")],
        *(lago_customer(each) for each in (1, 2, 4)),
        stripe_customer(3, org_key=""),
        stripe_customer(4),
        stripe_sub(3),
        stripe_sub(4),
    )
    assert brief(decided(observed, BY_STRIPE)) == [
        ("id_shared", "flag", None),
        ("id_shared", "flag", None),
        ("tier_under", "fix", None),
    ]


def test_what_a_shared_customer_is_billed_is_at_risk_once_and_in_no_ones_books() -> None:
    observed = observe_world(
        [linked(1, stripe_id="cus_3"), linked(2, stripe_id="cus_3")], stripe_customer(3, org_key=""), stripe_sub(3)
    )
    shared = [drift.money for drift in drifts_of(observed, BY_STRIPE) if drift.code is Code.ID_SHARED]
    assert [(money.at_risk, money.leak, money.owed) for money in shared if money] == [(9900, 0, 0), (0, 0, 0)]
    assert [verdict.books.priced for verdict in judged(observed, BY_STRIPE).verdicts if verdict.books] == [False, False]


def test_what_a_shared_customer_is_billed_is_at_risk_where_the_first_organisation_is_excluded() -> None:
    observed = observe_world(
        [linked(1, stripe_id="cus_3"), linked(2, stripe_id="cus_3")], stripe_customer(3, org_key=""), stripe_sub(3)
    )
    (drift,) = drifts_of(observed, terms(Authority.STRIPE, exclude={"org_1": "a partner"}))
    assert drift.code is Code.ID_SHARED
    assert drift.money is not None
    assert drift.money.at_risk == 9900


def test_two_shared_customers_put_only_their_own_amounts_at_risk() -> None:
    observed = observe_world(
        [linked(1, stripe_id="cus_3"), linked(2, stripe_id="cus_4")],
        stripe_customer(3, org_key="org_2"),
        stripe_customer(4, org_key="org_1"),
        stripe_sub(3),
        stripe_sub(4, "starter"),
    )
    shared = {drift.id: drift.money.at_risk for drift in drifts_of(observed, BY_STRIPE) if drift.money}
    assert shared == {
        "id_shared:org_1:cus_3": 9900,
        "id_shared:org_1:cus_4": 4900,
        "id_shared:org_2:cus_3": 0,
        "id_shared:org_2:cus_4": 0,
    }


def test_subscriptions_that_name_their_organisations_tell_a_shared_customer_apart() -> None:
    observed = observe_world(
        [linked(1, "starter", stripe_id="cus_3"), linked(2, "starter", stripe_id="cus_3")],
        *(lago_customer(each) for each in (1, 2)),
        stripe_customer(3, org_key=""),
        stripe_sub(3, sub_id="a", org_key="org_1"),
        stripe_sub(3, "enterprise", sub_id="b", org_key="org_2"),
        stripe_sub(3, sub_id="c", status=SubscriptionStatus.ENDED, period_end=NOW),
    )
    fixes = [(each.drift.code.value, each.drift.due) for each in decided(observed, BY_STRIPE)]
    assert [(code, due.tier if due else None) for code, due in fixes] == [
        ("tier_under", "professional"),
        ("tier_under", "enterprise"),
    ]


@pytest.mark.parametrize("named", ["", "org_9"])
def test_one_live_subscription_that_names_none_of_the_sharers_leaves_the_customer_shared(named: str) -> None:
    observed = observe_world(
        [linked(1, stripe_id="cus_3"), linked(2, stripe_id="cus_3")],
        *(lago_customer(each) for each in (1, 2)),
        stripe_customer(3, org_key=""),
        stripe_sub(3, sub_id="a", org_key="org_1"),
        stripe_sub(3, sub_id="b", org_key=named),
    )
    assert codes_of(observed, BY_STRIPE) == ["id_shared", "id_shared"]


def test_a_shared_customer_with_nothing_live_is_shared_all_the_same() -> None:
    observed = observe_world(
        [linked(1, stripe_id="cus_3"), linked(2, stripe_id="cus_3")],
        *(lago_customer(each) for each in (1, 2)),
        stripe_customer(3, org_key=""),
    )
    assert codes_of(observed, BY_STRIPE) == ["id_shared", "id_shared"]


def test_a_deleted_organisation_shares_nothing() -> None:
    observed = observe_world(
        [linked(1), org(2, status="deleted", stripe_id="cus_1", lago_id="org_1")],
        *customers(),
        lago_sub(),
        stripe_sub(),
    )
    assert [each.drift.org_id for each in decided(observed) if each.drift.code is Code.ID_SHARED] == []


def test_an_excluded_organisation_still_claims_its_customer() -> None:
    observed = observe_world([linked(1), linked(2, stripe_id="cus_1")], *customers(), lago_customer(2), stripe_sub())
    by = terms(Authority.STRIPE, exclude={"org_2": "a partner"})
    assert codes_of(observed, by) == ["id_shared"]


# what nobody claims


@pytest.mark.parametrize(
    ("authority", "lago_owed", "stripe_owed"),
    [(Authority.LAGO, 9900, 0), (Authority.STRIPE, 0, 4900), (Authority.BOTH, 0, 4900), (Authority.EITHER, 9900, 4900)],
)
def test_a_payer_whom_no_organisation_claims_is_flagged_on_either_side(
    authority: Authority, lago_owed: int, stripe_owed: int
) -> None:
    observed = observe_world(
        [linked(1, "founders_friend")],
        *customers(),
        lago_customer(8, org_key="acme"),
        lago_sub(8),
        stripe_customer(9, org_key=""),
        stripe_sub(9, "starter"),
    )
    lago, stripe = decided(observed, terms(authority))
    assert {each.drift.code for each in (lago, stripe)} == {Code.ORPHAN_PAYER}
    assert {each.decided for each in (lago, stripe)} == {Decided.FLAG}
    assert [each.drift.org_id for each in (lago, stripe)] == [None, None]
    assert [each.drift.money.owed for each in (lago, stripe) if each.drift.money] == [lago_owed, stripe_owed]
    assert lago.drift.id == "orphan_payer:lago-8:lagosub-8-professional"


def test_each_live_subscription_of_an_unclaimed_customer_is_one_drift() -> None:
    rows = stripe_sub(9), stripe_sub(9, "starter", currency="eur")
    found = judged(observe_world([linked(1, "founders_friend")], *customers(), stripe_customer(9, org_key=""), *rows))
    money = {each.drift.money.currency: each.drift.money.owed for each in found.unclaimed if each.drift.money}
    assert money == {"usd": 9900, "eur": 4900}


def test_an_unclaimed_payer_of_a_yearly_price_is_owed_a_twelfth_and_the_quantity_of_it() -> None:
    observed = observe_world(
        [linked(1, "founders_friend")],
        *customers(),
        stripe_customer(9, org_key=""),
        stripe_sub(9, yearly=True, quantity=2),
    )
    (drift,) = drifts_of(observed, BY_STRIPE)
    assert drift.money is not None
    assert drift.money.owed == 16500


def test_an_unclaimed_payer_in_a_currency_without_list_price_is_unpriced() -> None:
    observed = observe_world(
        [linked(1, "founders_friend")], *customers(), stripe_customer(9, org_key=""), stripe_sub(9, currency="gbp")
    )
    (drift,) = drifts_of(observed, BY_STRIPE)
    assert drift.money is not None
    assert (drift.money.currency, drift.money.owed) == ("gbp", None)


@pytest.mark.parametrize(
    "row",
    [
        stripe_sub(9, "seats"),
        stripe_sub(9, "founders_friend"),
        stripe_sub(9, amount=0),
        stripe_sub(9, status=SubscriptionStatus.ENDED),
        stripe_sub(9, status=SubscriptionStatus.INCOMPLETE),
    ],
    ids=["other product", "unpaid tier", "no price", "ended", "incomplete"],
)
def test_who_pays_for_no_tier_is_no_orphan(row: object) -> None:
    observed = observe_world([linked(1, "founders_friend")], *customers(), stripe_customer(9, org_key=""), row)  # type: ignore[arg-type]  # a row by the parameters
    assert codes_of(observed, BY_STRIPE) == []


def test_no_orphan_is_named_from_a_side_that_was_not_read_whole() -> None:
    observed = observe_world(
        [linked(1, "founders_friend")],
        *customers(),
        stripe_customer(9, org_key=""),
        stripe_sub(9),
        incomplete=[Source.STRIPE],
    )
    assert "orphan_payer" not in codes_of(observed, BY_STRIPE)


@pytest.mark.parametrize("status", ["suspended", "deleted"])
def test_a_customer_of_an_organisation_that_is_not_active_is_no_orphan(status: str) -> None:
    observed = observe_world([linked(1, status=status)], *customers(), stripe_sub())
    assert "orphan_payer" not in codes_of(observed, BY_STRIPE)


def test_an_unclaimed_subscription_past_due_is_an_orphan_and_an_unknown_one_is_held() -> None:
    rows = [
        stripe_sub(9, status=SubscriptionStatus.PAST_DUE),
        stripe_sub(9, sub_id="odd", status=SubscriptionStatus.UNKNOWN),
    ]
    observed = observe_world([org(1, "founders_friend")], stripe_customer(9, org_key=""), *rows)
    late, unknown = drifts_of(observed)
    assert late.code is Code.ORPHAN_PAYER
    assert (unknown.code, unknown.org_id, unknown.money) == (Code.STATUS_UNKNOWN, None, None)


def test_live_subscriptions_of_other_products_that_nobody_claims_are_counted() -> None:
    observed = observe_world(
        [linked(1, "founders_friend")],
        *customers(),
        stripe_sub(1, price="price_seats"),
        stripe_customer(9, org_key=""),
        stripe_sub(9, price="price_seats"),
        stripe_sub(9, sub_id="over", price="price_seats", status=SubscriptionStatus.ENDED),
        stripe_sub(9, sub_id="unmapped", price="price_secret"),
    )
    assert judged(observed, BY_STRIPE).other_products == 1


def test_what_a_shared_customer_paid_ahead_without_naming_anybody_keeps_every_sharers_tier() -> None:
    ahead = stripe_sub(3, sub_id="c", status=SubscriptionStatus.ENDED, period_end=NOW + 90 * DAY)
    held: tuple[Customer | Subscription, ...] = (
        *(lago_customer(each) for each in (1, 2)),
        stripe_customer(3, org_key=""),
        stripe_sub(3, "starter", sub_id="a", org_key="org_1"),
        stripe_sub(3, "starter", sub_id="b", org_key="org_2"),
    )
    orgs = [linked(1, "professional", stripe_id="cus_3"), linked(2, "starter", stripe_id="cus_3")]
    assert brief(decided(observe_world(orgs, *held, ahead), BY_STRIPE)) == [("canceled_paid_through", "wait", None)]
    for other in (replace(ahead, org_key="org_2"), replace(ahead, org_key="org_9")):
        assert brief(decided(observe_world(orgs, *held, other), BY_STRIPE)) == [("tier_over", "fix", None)]


def test_what_a_shared_customer_ended_without_naming_anybody_proves_no_end() -> None:
    observed = observe_world(
        [linked(1, "professional", stripe_id="cus_3"), linked(2, "starter", stripe_id="cus_3")],
        *(lago_customer(each) for each in (1, 2)),
        stripe_customer(3, org_key=""),
        stripe_sub(3, "starter", sub_id="b", org_key="org_2"),
        stripe_sub(3, sub_id="c", status=SubscriptionStatus.ENDED, period_end=NOW - DAY),
    )
    assert codes_of(observed, BY_STRIPE) == ["paid_tier_no_billing"]


def sharing(*rows: Subscription, status: str = "active", history: History | None = None) -> Observation:
    """Two organisations on one tier, of whom the second alone is named by what lives."""
    return observe_world(
        [linked(1, stripe_id="cus_3", status=status), linked(2, stripe_id="cus_3")],
        *(lago_customer(each) for each in (1, 2)),
        stripe_customer(3, org_key=""),
        stripe_sub(3, "founders_friend", sub_id="b", org_key="org_2"),
        *rows,
        history=history,
    )


AHEAD = stripe_sub(3, sub_id="c", status=SubscriptionStatus.ENDED, period_end=NOW + 90 * DAY)


def test_what_was_paid_ahead_for_nobody_in_particular_is_in_no_ones_books() -> None:
    observed = sharing(AHEAD)
    assert codes_of(observed, BY_STRIPE) == ["canceled_paid_through", "canceled_paid_through"]
    money = added(observed, BY_STRIPE).money["usd"]
    assert (money.billed, money.had, money.at_risk, money.unpriced, money.residual) == (0, 0, 0, 2, 0)


def test_what_may_have_been_paid_ahead_for_another_gives_no_status_back() -> None:
    ours = History(own_status={"org_1": "suspended"})
    told, _ = decided(sharing(AHEAD, status="suspended", history=ours), BY_STRIPE)
    assert (told.drift.code.value, told.decided.value, told.blocked_by) == ("suspended_but_paying", "flag", "proof")
    named = sharing(AHEAD, stripe_sub(3, sub_id="d", org_key="org_1"), status="suspended", history=ours)
    assert ("suspended_but_paying", "fix", None) in brief(decided(named, BY_STRIPE))


def test_what_names_nobody_and_ended_at_an_unknown_date_stops_a_lowering() -> None:
    over = stripe_sub(3, sub_id="a", status=SubscriptionStatus.ENDED, period_end=NOW - DAY, org_key="org_1")
    assert brief(decided(sharing(over), BY_STRIPE))[0] == ("ended_still_entitled", "fix", None)
    undated = replace(AHEAD, items=tuple(replace(item, period_end=None) for item in AHEAD.items))
    first = decided(sharing(over, undated), BY_STRIPE)[0]
    assert (first.drift.org_id, first.decided, first.blocked_by) == ("org_1", Decided.FLAG, "proof")
    assert first.reason == "until when c was paid is not known"


def test_a_payer_of_nobodys_for_an_unmapped_price_is_told() -> None:
    observed = observe_world([org()], lago_customer(), stripe_customer(7, org_key=""), stripe_sub(7, price="price_new"))
    (found,) = judged(observed, BY_STRIPE).unclaimed
    assert (found.drift.code, found.drift.org_id, found.books) == (Code.TIER_UNRESOLVABLE, None, None)
    assert "price_new" in found.drift.text
    assert "cus_7" in found.drift.text

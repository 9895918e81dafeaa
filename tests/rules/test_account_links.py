"""Which customers an organisation leads to, by which id, and where two claims collide."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders import (
    NOW,
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
from reconciler.model.billing import Customer, Source, SubscriptionStatus
from reconciler.model.drift import Call, Code, Decided, Direction
from reconciler.model.terms import Authority

BY_LAGO = terms(Authority.LAGO)
BY_STRIPE = terms(Authority.STRIPE)


# the readings of lago_customer_id


@pytest.mark.parametrize("recorded", ["lago-1", "org_1", "lagosub-1-professional", "lagosub-old"])
def test_every_form_of_a_lago_id_leads_to_the_customer(recorded: str) -> None:
    rows = lago_sub(), lago_sub(sub_id="lagosub-old", status=SubscriptionStatus.ENDED, ended_at=NOW)
    observed = observe_world([linked(1, "starter", lago_id=recorded)], *customers(), *rows)
    (primary, *beside) = decided(observed, BY_LAGO)
    assert (primary.drift.code, primary.decided) == (Code.TIER_UNDER, Decided.FIX)
    assert [each.drift.code.value for each in beside] == ([] if recorded == "org_1" else ["link_other_form"])


def test_an_external_id_of_another_form_is_the_usual_link_too() -> None:
    customer = lago_customer(org_key="acme")
    observed = observe_world([linked(1, lago_id="acme")], customer, stripe_customer(), lago_sub())
    assert codes_of(observed, BY_LAGO) == []


@pytest.mark.parametrize("recorded", [None, ""])
def test_an_absent_lago_id_is_found_by_the_own_id_and_recorded(recorded: str | None) -> None:
    observed = observe_world([linked(1, lago_id=recorded)], *customers(), lago_sub())
    (decision,) = decided(observed, BY_LAGO)
    assert (decision.drift.code, decision.decided) == (Code.LINK_MISSING, Decided.FIX)
    fix = decision.drift.fix
    assert fix is not None
    assert (fix.call, fix.direction) == (Call.BILLING_IDS, Direction.LINK)
    assert fix.arguments == {"lago_id": "org_1"}
    assert fix.expects == {"lago_customer_id": recorded}
    assert decision.drift.id == fix.drift_id == "link_missing:org_1:lago"


def test_an_absent_stripe_id_is_found_by_the_metadata_and_recorded() -> None:
    observed = observe_world([linked(1, stripe_id=None)], *customers(), stripe_sub())
    (decision,) = decided(observed, BY_STRIPE)
    assert (decision.drift.code, decision.decided) == (Code.LINK_MISSING, Decided.FIX)
    assert decision.drift.fix is not None
    assert decision.drift.fix.arguments == {"stripe_id": "cus_1"}
    assert decision.drift.fix.expects == {"stripe_customer_id": None}


def test_a_missing_link_is_judged_by_the_customer_found_all_the_same() -> None:
    observed = observe_world([org(1, "starter")], *customers(), lago_sub(), stripe_sub())
    assert codes_of(observed) == ["tier_under", "link_missing", "link_missing"]


def test_a_link_is_not_recorded_where_the_key_leads_to_two_customers() -> None:
    observed = observe_world([linked(1, stripe_id=None)], *customers(), stripe_customer(2, org_key="org_1"))
    assert codes_of(observed, BY_STRIPE) == ["paid_tier_no_billing"]


def test_a_link_is_not_recorded_from_a_side_that_was_not_read_whole() -> None:
    observed = observe_world([linked(1, stripe_id=None)], *customers(), stripe_sub(), incomplete=[Source.STRIPE])
    assert codes_of(observed, BY_STRIPE) == []


def test_a_link_is_not_recorded_for_a_customer_that_another_organisation_claims() -> None:
    observed = observe_world(
        [linked(1, stripe_id=None), org(2, stripe_id="cus_1")],
        *customers(),
        stripe_sub(sub_id="a", org_key="org_1"),
        stripe_sub(sub_id="b", org_key="org_2"),
    )
    assert "link_missing" not in codes_of(observed, BY_STRIPE)


def test_a_link_is_not_recorded_beside_an_identity_drift() -> None:
    observed = observe_world([org(1, stripe_id="cus_gone")], *customers(), lago_sub())
    assert brief(decided(observed, BY_LAGO)) == [("unclassified", "hold", None)]


def test_a_recorded_id_of_no_known_form_is_another_form_where_the_own_id_is_held() -> None:
    observed = observe_world([linked(1, lago_id="whatever")], *customers(), lago_sub())
    (decision,) = decided(observed, BY_LAGO)
    assert (decision.drift.code, decision.decided) == (Code.LINK_OTHER_FORM, Decided.OK)


# links that lead nowhere, to the dead or to somebody else


@pytest.mark.parametrize("tier", ["professional", "founders_friend"])
def test_a_recorded_id_that_leads_nowhere_is_held(tier: str) -> None:
    dead_lago = observe_world([linked(1, tier, lago_id="gone")], stripe_customer(), stripe_sub())
    dead_stripe = observe_world([linked(1, tier, stripe_id="cus_gone")], lago_customer(), lago_sub())
    assert codes_of(dead_lago) == ["unclassified"]
    assert codes_of(dead_stripe) == ["unclassified"]


def test_a_recorded_stripe_id_that_leads_nowhere_is_held_though_the_metadata_leads_somewhere() -> None:
    observed = observe_world([linked(1, stripe_id="cus_gone")], *customers(), stripe_sub())
    assert codes_of(observed, BY_STRIPE) == ["unclassified"]


def test_a_recorded_id_unseen_in_a_read_that_is_not_whole_is_held_as_incomplete() -> None:
    observed = observe_world(
        [linked(1, "starter", stripe_id="cus_unseen")], *customers(), stripe_sub(), incomplete=[Source.STRIPE]
    )
    assert codes_of(observed, BY_STRIPE) == ["snapshot_incomplete"]


def test_a_recorded_id_unseen_on_a_side_that_does_not_grant_holds_no_raise() -> None:
    observed = observe_world([linked(1, "starter")], lago_customer(), lago_sub(), incomplete=[Source.STRIPE])
    assert brief(decided(observed, BY_LAGO)) == [("tier_under", "fix", None)]


def test_a_customer_unseen_in_a_read_that_is_not_whole_is_not_taken_for_deleted() -> None:
    observed = observe_world(
        [linked(1, lago_id="lagosub-1-professional")], stripe_customer(), lago_sub(), incomplete=[Source.LAGO]
    )
    assert "deleted" not in "".join(drift.text for drift in drifts_of(observed, BY_LAGO))


@pytest.mark.parametrize("tier", ["professional", "founders_friend"])
@pytest.mark.parametrize("source", list(Source))
def test_a_deleted_customer_is_held(tier: str, source: Source) -> None:
    both = [replace(each, deleted=each.source is source) for each in customers()]
    observed = observe_world([linked(1, tier, lago_id="lago-1")], *both, lago_sub(), stripe_sub())
    (decision,) = decided(observed)
    assert (decision.drift.code, decision.decided) == (Code.UNCLASSIFIED, Decided.HOLD)
    assert "is deleted" in decision.drift.text


def test_a_customer_gone_from_lago_whose_subscription_is_recorded_is_held() -> None:
    observed = observe_world([linked(1, lago_id="lagosub-1-professional")], stripe_customer(), lago_sub())
    assert codes_of(observed, BY_LAGO) == ["unclassified"]


@pytest.mark.parametrize(
    "customer", [stripe_customer(org_key="org_7"), stripe_customer(org_key="team_7")], ids=["org", "other word"]
)
def test_a_stripe_customer_that_names_another_organisation_is_held(customer: Customer) -> None:
    observed = observe_world([linked(1, "starter")], lago_customer(), customer, stripe_sub())
    assert codes_of(observed, BY_STRIPE) == ["unclassified"]


def test_a_lago_customer_that_names_another_organisation_is_held() -> None:
    observed = observe_world([linked(1, "starter", lago_id="lago-7")], lago_customer(7), lago_sub(7))
    assert codes_of(observed, BY_LAGO) == ["unclassified"]


def test_two_live_customers_of_one_source_are_held() -> None:
    observed = observe_world(
        [linked(1, "starter")],
        *customers(),
        stripe_customer(2, org_key="org_1"),
        stripe_sub(),
        stripe_sub(2, "enterprise"),
    )
    assert codes_of(observed, BY_STRIPE) == ["unclassified"]


def test_a_recorded_customer_with_nothing_live_beside_a_live_one_is_held() -> None:
    observed = observe_world(
        [linked(1, "starter")], *customers(), stripe_customer(2, org_key="org_1"), stripe_sub(2, "enterprise")
    )
    assert codes_of(observed, BY_STRIPE) == ["unclassified"]


def test_a_second_customer_with_nothing_live_changes_nothing() -> None:
    observed = observe_world(
        [linked(1, "starter")],
        *customers(),
        stripe_customer(2, org_key="org_1"),
        stripe_sub(),
        stripe_sub(2, "enterprise", status=SubscriptionStatus.ENDED, period_end=NOW),
    )
    assert codes_of(observed, BY_STRIPE) == ["tier_under"]


# one customer on several organisations


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
        stripe_sub(9, price="price_secret"),
    ],
    ids=["other product", "unpaid tier", "no price", "ended", "incomplete", "unmapped"],
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

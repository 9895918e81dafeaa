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

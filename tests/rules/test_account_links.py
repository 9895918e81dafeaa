"""Which customers an organisation leads to, by which id, and where two claims collide."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders import (
    DAY,
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
from reconciler.model.history import History, Sighting
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
    assert brief(decided(observed, BY_LAGO)) == [
        ("link_dead", "hold", None),
        ("link_missing", "flag", "link_dead"),
    ]


def test_a_recorded_id_of_no_known_form_is_another_form_where_the_own_id_is_held() -> None:
    observed = observe_world([linked(1, lago_id="whatever")], *customers(), lago_sub())
    (decision,) = decided(observed, BY_LAGO)
    assert (decision.drift.code, decision.decided) == (Code.LINK_OTHER_FORM, Decided.OK)


# links that lead nowhere, to the dead or to somebody else


@pytest.mark.parametrize("tier", ["professional", "founders_friend"])
def test_a_recorded_id_that_leads_nowhere_is_held(tier: str) -> None:
    dead_lago = observe_world([linked(1, tier, lago_id="gone")], stripe_customer(), stripe_sub())
    dead_stripe = observe_world([linked(1, tier, stripe_id="cus_gone")], lago_customer(), lago_sub())
    assert codes_of(dead_lago) == ["link_dead"]
    assert codes_of(dead_stripe) == ["link_dead"]


def test_a_recorded_stripe_id_that_leads_nowhere_is_stale_where_the_metadata_leads_to_a_payer() -> None:
    observed = observe_world([linked(1, stripe_id="cus_gone")], *customers(), stripe_sub())
    assert codes_of(observed, BY_STRIPE) == ["link_stale"]


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


@pytest.mark.parametrize("source", list(Source))
def test_a_deleted_customer_is_told_and_forbids_lowering(source: Source) -> None:
    both = [replace(each, deleted=each.source is source) for each in customers()]
    observed = observe_world([linked(1, "enterprise", lago_id="lago-1")], *both, lago_sub(), stripe_sub())
    told = brief(decided(observed))
    assert ("customer_deleted", "flag", None) in told
    assert ("tier_over", "flag", "customer_deleted") in told


def test_a_deleted_customer_with_nothing_live_left_leaks_and_one_that_is_live_is_at_risk() -> None:
    gone = lago_customer(), stripe_customer(deleted=True)
    dead = observe_world([linked()], *gone)
    live = observe_world([linked()], *gone, stripe_sub())
    money = [drifts_of(each, BY_STRIPE)[0].money for each in (dead, live)]
    assert [(each.leak, each.at_risk) for each in money if each] == [(9900, 0), (0, 9900)]


def test_a_deleted_customer_that_only_the_own_id_would_lead_to_is_nobody() -> None:
    observed = observe_world([org(1, "founders_friend")], lago_customer(deleted=True), stripe_customer(deleted=True))
    assert codes_of(observed) == []


def test_a_new_customer_of_the_same_external_id_takes_the_place_of_a_deleted_one() -> None:
    observed = observe_world(
        [linked()], lago_customer(9, org_key="org_1", deleted=True), *customers(), lago_sub(), stripe_sub()
    )
    assert codes_of(observed) == []


def test_a_customer_gone_from_lago_whose_subscription_is_recorded_is_deleted() -> None:
    observed = observe_world([linked(1, lago_id="lagosub-1-professional")], stripe_customer(), lago_sub())
    assert codes_of(observed, BY_LAGO)[0] == "customer_deleted"


@pytest.mark.parametrize(
    "customer", [stripe_customer(org_key="org_7"), stripe_customer(org_key="team_7")], ids=["org", "other word"]
)
def test_a_stripe_customer_that_names_another_organisation_is_crossed(customer: Customer) -> None:
    observed = observe_world([linked(1, "starter")], lago_customer(), customer, stripe_sub())
    (drift,) = drifts_of(observed, BY_STRIPE)
    assert (drift.code, drift.id) == (Code.ID_CROSSED, "id_crossed:org_1:cus_1")
    assert drift.money is not None
    assert (drift.money.at_risk, drift.money.leak, drift.money.owed) == (9900, 0, 0)


def test_a_lago_customer_that_names_another_organisation_is_crossed() -> None:
    observed = observe_world([linked(1, "starter", lago_id="lago-7")], lago_customer(7), lago_sub(7))
    assert codes_of(observed, BY_LAGO) == ["id_crossed"]


def test_two_live_customers_of_one_source_raise_nobody_and_bill_twice() -> None:
    observed = observe_world(
        [linked(1, "starter")],
        *customers(),
        stripe_customer(2, org_key="org_1"),
        stripe_sub(),
        stripe_sub(2, "enterprise"),
    )
    decisions = decided(observed, BY_STRIPE)
    assert brief(decisions) == [
        ("duplicate_customer", "flag", None),
        ("tier_under", "flag", "duplicate_customer"),
    ]
    assert [each.drift.money.overbilled for each in decisions if each.drift.money] == [9900, 0]


def test_two_subscriptions_of_one_customer_beside_another_customer_are_told_without_counting_twice() -> None:
    observed = observe_world(
        [linked(1, "enterprise")],
        *customers(),
        stripe_customer(2, org_key="org_1"),
        stripe_sub(),
        stripe_sub(1, "starter"),
        stripe_sub(2, "enterprise"),
    )
    told = {each.code.value: each.money.overbilled for each in drifts_of(observed, BY_STRIPE) if each.money}
    assert told == {"duplicate_customer": 14800, "duplicate_subscription": 0}


def test_a_recorded_customer_with_nothing_live_beside_a_live_one_is_stale() -> None:
    observed = observe_world(
        [linked(1, "starter")], *customers(), stripe_customer(2, org_key="org_1"), stripe_sub(2, "enterprise")
    )
    assert brief(decided(observed, BY_STRIPE)) == [
        ("link_stale", "flag", None),
        ("tier_under", "flag", "link_stale"),
    ]


def test_a_link_is_not_called_stale_from_a_side_that_was_not_read_whole() -> None:
    observed = observe_world(
        [linked(1, "starter")],
        *customers(),
        stripe_customer(2, org_key="org_1"),
        stripe_sub(2, "enterprise"),
        incomplete=[Source.STRIPE],
    )
    assert "link_stale" not in codes_of(observed, BY_STRIPE)


def test_a_dead_link_is_held_until_two_complete_runs_saw_it_and_then_leaks() -> None:
    dead = observe_world([linked(1, stripe_id="cus_gone")], lago_customer())
    seen = {"link_dead:org_1:stripe": Sighting(first_seen=NOW, runs_seen=2)}
    once = {"link_dead:org_1:stripe": Sighting(first_seen=NOW, runs_seen=1)}
    assert brief(decided(replace(dead, history=History(open_drifts=once)), BY_STRIPE)) == [("link_dead", "hold", None)]
    decisions = decided(replace(dead, history=History(open_drifts=seen)), BY_STRIPE)
    assert brief(decisions) == [("link_dead", "flag", None), ("paid_tier_no_billing", "flag", None)]
    assert [each.drift.money.leak for each in decisions if each.drift.money] == [9900, 0]


def test_a_dead_link_that_is_sure_stops_no_raise() -> None:
    dead = observe_world([linked(1, "starter", stripe_id="cus_gone")], lago_customer(), lago_sub())
    seen = {"link_dead:org_1:stripe": Sighting(first_seen=NOW, runs_seen=2)}
    assert ("tier_under", "fix", None) in brief(decided(replace(dead, history=History(open_drifts=seen)), BY_LAGO))


@pytest.mark.parametrize(
    ("charged", "codes"),
    [("cus_1", []), ("", []), ("cus_2", ["provider_link_differs"]), ("cus_unknown", ["provider_link_differs"])],
)
def test_lago_must_charge_the_organisation_s_own_stripe_customer(charged: str, codes: list[str]) -> None:
    rows = lago_customer(provider_customer_id=charged), stripe_customer(), stripe_customer(2, org_key="")
    assert codes_of(observe_world([linked()], *rows, lago_sub(), stripe_sub())) == codes


@pytest.mark.parametrize(("names", "stops"), [("", None), ("org_1", None), ("org_7", "provider_link_differs")])
def test_another_provider_customer_forbids_a_raise_only_where_it_names_another_organisation(
    names: str, stops: str | None
) -> None:
    rows = lago_customer(provider_customer_id="cus_2"), stripe_customer(), stripe_customer(2, org_key=names)
    observed = observe_world([linked(1, "starter")], *rows, lago_sub(), stripe_sub())
    told = {code: blocked_by for code, _, blocked_by in brief(decided(observed)) if code == "tier_under"}
    if names == "org_1":  # then it is the organisation's own second customer
        assert told == {"tier_under": None}
    else:
        assert told == {"tier_under": stops}


@pytest.mark.parametrize("authority", [Authority.EITHER, Authority.LAGO])
@pytest.mark.parametrize(("live", "stops"), [(True, "link_weak"), (False, None)])
def test_who_pays_as_the_stripe_customer_that_lago_charges_is_not_lowered(
    authority: Authority, *, live: bool, stops: str | None
) -> None:
    observed = observe_world(
        [org(1, lago_id="org_1")],
        lago_customer(provider_customer_id="cus_9"),
        stripe_customer(9, org_key=""),
        lago_sub(status=SubscriptionStatus.ENDED, ended_at=NOW - 40 * DAY),
        stripe_sub(9, status=SubscriptionStatus.ACTIVE if live else SubscriptionStatus.ENDED),
    )
    told = {code: blocked_by for code, _, blocked_by in brief(decided(observed, terms(authority)))}
    assert told["ended_still_entitled"] == stops
    assert ("link_weak" in told) is live


@pytest.mark.parametrize(("names", "stops"), [("org_1", "link_weak"), ("org_7", None), ("", None)])
def test_who_pays_by_a_subscription_that_names_it_under_another_customer_is_not_lowered(
    names: str, stops: str | None
) -> None:
    observed = observe_world(
        [org(1, stripe_id="cus_1")],
        stripe_customer(),
        stripe_customer(2, org_key=""),
        stripe_sub(status=SubscriptionStatus.ENDED, ended_at=NOW - 40 * DAY, period_end=NOW - 40 * DAY),
        stripe_sub(2, org_key=names),
    )
    told = {code: blocked_by for code, _, blocked_by in brief(decided(observed, BY_STRIPE))}
    assert told["ended_still_entitled"] == stops
    assert ("link_weak" in told) is (stops is not None)


@pytest.mark.parametrize(("charged", "stops"), [("cus_1", "link_weak"), ("cus_7", None)])
def test_who_pays_by_a_lago_customer_for_which_its_own_stripe_customer_is_charged_is_not_lowered(
    charged: str, stops: str | None
) -> None:
    observed = observe_world(
        [org(1, stripe_id="cus_1")],
        lago_customer(9, org_key="acme", provider_customer_id=charged),
        lago_sub(9),
        stripe_customer(),
        stripe_sub(status=SubscriptionStatus.ENDED, ended_at=NOW - 40 * DAY, period_end=NOW - 40 * DAY),
    )
    told = {code: blocked_by for code, _, blocked_by in brief(decided(observed, terms(Authority.EITHER)))}
    assert told["ended_still_entitled"] == stops


def test_objects_of_the_other_mode_grant_nothing_and_are_told() -> None:
    observed = observe_world([linked(1, "founders_friend")], *customers(), stripe_sub(livemode=False))
    (drift,) = drifts_of(observed, BY_STRIPE)
    assert (drift.code, drift.id) == (Code.LIVEMODE_DIFFERS, "livemode_differs:org_1:stripe")
    assert "sub_1_professional on stripe" in drift.text


def test_a_customer_of_the_other_mode_is_told_with_its_subscriptions_or_without() -> None:
    test_mode = stripe_customer(livemode=False)
    assert codes_of(observe_world([linked(1, "founders_friend")], lago_customer(), test_mode), BY_STRIPE) == [
        "livemode_differs"
    ]


def test_subscriptions_of_the_other_mode_that_nobody_claims_are_told_and_no_orphans() -> None:
    stray = stripe_sub(9, livemode=False)
    observed = observe_world([linked(1, "founders_friend")], *customers(), stripe_customer(9, org_key=""), stray)
    (drift,) = drifts_of(observed, BY_STRIPE)
    assert (drift.id, drift.org_id) == ("livemode_differs:cus_9", None)


def test_a_second_customer_with_nothing_live_changes_nothing() -> None:
    observed = observe_world(
        [linked(1, "starter")],
        *customers(),
        stripe_customer(2, org_key="org_1"),
        stripe_sub(),
        stripe_sub(2, "enterprise", status=SubscriptionStatus.ENDED, period_end=NOW),
    )
    assert codes_of(observed, BY_STRIPE) == ["tier_under"]

"""Whole drifts, ids, evidence and seals as outside readers get them: a change here changes what others rely on."""

from __future__ import annotations

from dataclasses import replace

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
    planned,
    stripe_customer,
    stripe_sub,
    terms,
)
from reconciler.model.billing import Source, SubscriptionStatus
from reconciler.model.drift import Call, Code, Direction, DriftMoney, Fix, State
from reconciler.model.money import Money, Period
from reconciler.model.orgs import InvalidRecord
from reconciler.model.terms import Authority
from reconciler.rules.periods import period_end

ENDED = SubscriptionStatus.ENDED
BY_STRIPE = terms(Authority.STRIPE)
BY_LAGO = terms(Authority.LAGO)


def test_a_fix_says_which_method_is_called_with_what_and_what_it_expects() -> None:
    (drift,) = drifts_of(observe_world([linked(1, "starter")], *customers(), stripe_sub()), BY_STRIPE)
    assert drift.fix == Fix(
        org_id="org_1",
        drift_id="tier_under:org_1",
        call=Call.PLAN,
        arguments={"plan_tier": "professional"},
        expects={"plan_tier": "starter", "status": "active"},
        direction=Direction.RAISE,
    )
    assert drift.id == drift.fix.drift_id


def test_the_seal_of_a_known_plan_never_changes() -> None:
    observed = observe_world(
        [linked(1, "starter"), org(2, lago_id="org_2")], *customers(1), *customers(2), stripe_sub()
    )
    assert planned(observed, BY_STRIPE).digest == (
        "sha256:509cb5aeed271fb2aa9b5931a169cc93145b941b7b582da052609edd59106f70"
    )


def test_the_evidence_of_an_organisation_is_whole() -> None:
    observed = observe_world(
        [linked(1, "enterprise", lago_id="lago-1")],
        *customers(),
        lago_sub(1, "founders_friend"),
        lago_sub(sub_id="over", status=ENDED, ended_at=NOW - 9 * DAY),
        stripe_sub(cancel_at=NOW + DAY),
        stripe_sub(sub_id="kept", status=ENDED),
        stripe_sub(sub_id="odd", price="price_secret"),
        stripe_sub(sub_id="open", status=SubscriptionStatus.UNPAID),
        stripe_sub(sub_id="strange", status=SubscriptionStatus.UNKNOWN),
    )
    drift = drifts_of(observed, BY_STRIPE)[0]
    row = {"tier": "professional", "currency": "usd"}
    assert drift.evidence == {
        "lago": {
            "recorded_id": "lago-1",
            "customers": {
                "lago-1": ["the organisation's own id, held by the customer", "the recorded customer id"],
            },
            "complete": True,
            "free": [
                {
                    "subscription": "lagosub-1-founders_friend",
                    "customer": "lago-1",
                    "tier": "founders_friend",
                    "price": "founders_friend_monthly",
                    "status": "active",
                    "monthly": 0,
                    "currency": "usd",
                    "until": None,
                }
            ],
            "ended": [
                {
                    **row,
                    "subscription": "over",
                    "customer": "lago-1",
                    "price": "professional_monthly",
                    "status": "ended",
                    "monthly": 9900,
                    "until": NOW - 9 * DAY,
                }
            ],
        },
        "stripe": {
            "recorded_id": "cus_1",
            "customers": {
                "cus_1": ["the organisation's own id, held by the customer", "the recorded customer id"],
            },
            "complete": True,
            "live": [
                {
                    **row,
                    "subscription": "sub_1_professional",
                    "customer": "cus_1",
                    "price": "price_professional",
                    "status": "active",
                    "monthly": 9900,
                    "until": NOW + DAY,
                }
            ],
            "paid_through": [
                {
                    **row,
                    "subscription": "kept",
                    "customer": "cus_1",
                    "price": "price_professional",
                    "status": "ended",
                    "monthly": 9900,
                    "until": NOW + 20 * DAY,
                }
            ],
            "open": [
                {
                    **row,
                    "subscription": "open",
                    "customer": "cus_1",
                    "price": "price_professional",
                    "status": "unpaid",
                    "monthly": 9900,
                    "until": None,
                }
            ],
            "unknown": ["strange is unknown"],
            "unresolved": ["odd"],
            "unmapped": ["price_secret"],
        },
    }


def test_an_orphan_is_told_whole() -> None:
    observed = observe_world(
        [linked(1, "founders_friend")], *customers(), stripe_customer(9, org_key=""), stripe_sub(9)
    )
    (drift,) = drifts_of(observed, BY_STRIPE)
    assert (drift.id, drift.org_id, drift.org_name) == ("orphan_payer:cus_9:sub_9_professional", None, "")
    assert (drift.has, drift.due) == (State(), State(tier="professional"))
    assert drift.effective_at == NOW - 300 * DAY
    assert drift.money == DriftMoney(currency="usd", owed=9900)
    assert list(drift.evidence) == ["stripe"]
    assert drift.evidence["stripe"]["complete"] is True
    assert [each["subscription"] for each in drift.evidence["stripe"]["live"]] == ["sub_9_professional"]
    assert drift.remedy.startswith("Support: find the organisation and record the customer's id there")


def test_what_nobody_claims_in_an_unknown_state_is_told_whole() -> None:
    row = stripe_sub(9, status=SubscriptionStatus.UNKNOWN, raw_status="frozen")
    observed = observe_world([linked(1, "founders_friend")], *customers(), stripe_customer(9, org_key=""), row)
    (drift,) = drifts_of(observed, BY_STRIPE)
    assert (drift.id, drift.code) == ("status_unknown:cus_9:sub_9_professional", Code.STATUS_UNKNOWN)
    assert (drift.org_id, drift.org_name, drift.has, drift.due, drift.money) == (None, "", State(), None, None)
    assert drift.text == (
        "A status is not known, so nothing was concluded: no organisation claims stripe customer cus_9, whose "
        "sub_9_professional is 'frozen'."
    )
    assert drift.remedy == "Whoever runs the reconciler: see what that status means; a newer version may know it."


def test_a_record_that_cannot_be_read_is_told_whole() -> None:
    bad = InvalidRecord(key="org_lost", problem="it has no id", readable=False)
    (drift,) = drifts_of(observe_world([linked(1)], *customers(), stripe_sub(), invalid=[bad]), BY_STRIPE)
    assert (drift.org_name, drift.has, drift.due, drift.money, drift.fix) == ("", State(), None, None, None)
    assert "it has no id" in drift.text
    assert drift.remedy.startswith("At once, whoever runs the application")


def test_a_mirror_that_nobody_claims_is_billed_nothing() -> None:
    observed = observe_world([linked(1, "founders_friend")], *customers(), lago_customer(9, org_key="x"), lago_sub(9))
    money = added(observed).money["usd"]
    assert (money.billed, money.variance, money.owed) == (0, 0, 0)


def test_a_side_that_was_not_read_whole_hides_no_orphan_of_the_other() -> None:
    observed = observe_world(
        [linked(1, "founders_friend")],
        *customers(),
        stripe_customer(9, org_key=""),
        stripe_sub(9),
        incomplete=[Source.LAGO],
    )
    assert codes_of(observed, BY_STRIPE) == ["orphan_payer"]


def test_a_shared_customer_names_at_most_ten_organisations() -> None:
    sharers = [linked(number, stripe_id="cus_99") for number in range(12)]
    lago = [lago_customer(number) for number in range(12)]
    observed = observe_world(sharers, *lago, stripe_customer(99, org_key=""), stripe_sub(99))
    text = drifts_of(observed, BY_STRIPE)[0].text
    assert text.endswith(
        "stripe customer cus_99 by org_0, org_1, org_10, org_11, org_2, org_3, org_4, org_5, org_6, org_7 and 2 more."
    )


# drifts beside others


def test_the_tier_drift_alone_carries_the_money_of_the_tier() -> None:
    observed = observe_world(
        [linked(1, "starter", lago_id="lago-1", stripe_id=None)],
        *customers(),
        stripe_sub(sub_id="a"),
        stripe_sub(sub_id="b"),
        stripe_sub(1, "founders_friend", sub_id="c"),
        lago_sub(collected_automatically=True),
    )
    owed = {drift.id: drift.money.owed for drift in drifts_of(observed, BY_STRIPE) if drift.money}
    assert owed == {
        "double_billed:org_1": 0,
        "duplicate_subscription:org_1:stripe": 0,
        "tier_under:org_1": 5000,
        "link_missing:org_1:stripe": 0,
        "leftover_free_subscription:org_1:stripe": 0,
        "link_other_form:org_1:lago": 0,
    }


def test_a_shared_customer_carries_no_money_of_a_tier() -> None:
    observed = observe_world(
        [linked(number, "enterprise", stripe_id="cus_3") for number in (1, 2)],
        *(lago_customer(number) for number in (1, 2)),
        stripe_customer(3, org_key=""),
        stripe_sub(3),
    )
    assert [drift.money for drift in drifts_of(observed, BY_STRIPE)] == [
        DriftMoney(currency="usd", at_risk=9900),
        DriftMoney(currency="usd"),
    ]


def test_a_side_without_a_customer_hides_no_link_of_the_other() -> None:
    observed = observe_world([org(1)], stripe_customer(), stripe_sub())
    assert codes_of(observed, BY_STRIPE) == ["link_missing"]


def test_a_customer_unseen_hides_no_fault_of_one_that_was_seen() -> None:
    observed = observe_world(
        [linked(1, stripe_id="cus_1", lago_id="lagosub-1-professional")],
        lago_sub(customer_id="lago-0"),
        lago_customer(1, org_key="org_1", deleted=True),
        lago_sub(sub_id="b"),
        stripe_customer(1, deleted=True),
        incomplete=[Source.LAGO],
    )
    assert [drift.id for drift in drifts_of(observed, BY_STRIPE) if drift.code is Code.CUSTOMER_DELETED] == [
        "customer_deleted:org_1:cus_1"
    ]


def test_a_deleted_organisation_leaves_its_customer_to_another() -> None:
    former = org(2, status="deleted", stripe_id="cus_1")
    observed = observe_world([linked(1, "starter"), former], *customers(), stripe_sub())
    assert brief(each for each in decided(observed, BY_STRIPE) if each.drift.org_id == "org_1") == [
        ("tier_under", "fix", None)
    ]


# which of several rows counts


def test_a_downgrade_that_waits_forbids_no_lowering_to_the_row_that_runs() -> None:
    rows = (
        lago_sub(external_id="chain"),
        lago_sub(1, "starter", external_id="chain", status=SubscriptionStatus.PENDING),
    )
    observed = observe_world([linked(1, "enterprise")], *customers(), *rows)
    assert brief(decided(observed, BY_LAGO)) == [("tier_over", "fix", None)]


def test_every_ended_row_is_looked_at() -> None:
    for first, second in (("a", "b"), ("b", "a")):
        rows = (
            stripe_sub(sub_id=first, status=ENDED, period_end=NOW - DAY),
            stripe_sub(1, "starter", sub_id=second, status=ENDED, period_end=NOW - DAY),
        )
        observed = observe_world([linked(1)], *customers(), *rows)
        assert codes_of(observed, BY_STRIPE) == ["ended_still_entitled"]


def test_of_two_rows_for_a_tier_the_dearer_counts() -> None:
    rows = (
        stripe_sub(sub_id="a", amount=8000, started_at=NOW - 3 * DAY),
        stripe_sub(sub_id="b", amount=9000, started_at=NOW - 7 * DAY),
    )
    observed = observe_world([linked(1, "starter")], *customers(), *rows)
    assert drifts_of(observed, BY_STRIPE)[-1].effective_at == NOW - 7 * DAY


def test_the_list_price_is_multiplied_by_the_quantity() -> None:
    observed = observe_world([linked(1, "enterprise")], *customers(), stripe_sub(quantity=3))
    (drift,) = drifts_of(observed, BY_STRIPE)
    assert drift.money is not None
    assert drift.money.leak == 3 * 40000


def test_a_tier_that_is_kept_is_not_called_unexpected_elsewhere() -> None:
    rows = stripe_sub(status=ENDED), lago_sub(1, "starter")
    assert codes_of(observe_world([linked(1)], *customers(), *rows), BY_STRIPE) == ["canceled_paid_through"]


def test_what_is_left_of_one_side_names_its_tier_where_the_other_differs() -> None:
    rows = lago_sub(1, "enterprise", status=ENDED, ended_at=NOW - DAY, keeps_paid_period=True), stripe_sub()
    (drift,) = drifts_of(observe_world([linked(1)], *customers(), *rows))
    assert drift.code is Code.BILLING_DISAGREES
    assert "enterprise on lago, professional on stripe" in drift.text


def test_an_end_without_periods_is_paid_until_it_ended() -> None:
    row = stripe_sub(status=ENDED, ended_at=NOW - 4 * DAY)
    bare = replace(row, items=tuple(replace(item, period_end=None) for item in row.items))
    (drift,) = drifts_of(observe_world([linked(1)], *customers(), bare), BY_STRIPE)
    assert (drift.code, drift.effective_at) == (Code.ENDED_STILL_ENTITLED, NOW - 4 * DAY)


def test_a_calendar_period_ends_on_the_second() -> None:
    row = lago_sub(anchor_at=NOW.replace(microsecond=123456), calendar_periods=True)
    assert period_end(row, Period(), NOW).microsecond == 0


def test_a_single_side_never_bills_twice() -> None:
    observed = observe_world([linked(1)], stripe_customer(), stripe_sub(), sides=[Source.STRIPE])
    assert codes_of(observed, BY_STRIPE) == []


def test_an_excluded_organisation_is_told_by_its_own_record() -> None:
    observed = observe_world([linked(1)], *customers())
    (verdict,) = judged(observed, terms(exclude={"org_1": "a partner"})).verdicts
    assert verdict.org == linked(1)


def test_what_ended_or_waits_without_a_tier_means_nothing() -> None:
    rows = [
        stripe_sub(sub_id=status, price="price_secret", status=SubscriptionStatus(status))
        for status in ("ended", "abandoned")
    ]
    observed = observe_world([linked(1, "founders_friend")], *customers(), *rows)
    assert codes_of(observed, BY_STRIPE) == []


def test_an_unmapped_subscription_past_due_is_held_and_one_that_does_not_run_explains_nothing() -> None:
    for status, code in (("past_due", "tier_unresolvable"), ("unpaid", "paid_tier_no_billing")):
        row = stripe_sub(price="price_secret", status=SubscriptionStatus(status))
        assert codes_of(observe_world([linked(1)], *customers(), row), BY_STRIPE) == [code]


def test_a_whole_organisation_is_named_with_what_to_do() -> None:
    (drift,) = drifts_of(observe_world([linked(1, "starter")], *customers(), stripe_sub()), BY_STRIPE)
    assert drift.org_name == "Company 1"
    assert drift.remedy == "Nothing to do where fixing is on; else set the tier to professional in the application."


def test_exactly_ten_sharers_are_all_named() -> None:
    sharers = [linked(number, stripe_id="cus_99") for number in range(10)]
    lago = [lago_customer(number) for number in range(10)]
    observed = observe_world(sharers, *lago, stripe_customer(99, org_key=""), stripe_sub(99))
    assert drifts_of(observed, BY_STRIPE)[0].text.endswith("by " + ", ".join(f"org_{each}" for each in range(10)) + ".")


def test_a_held_organisation_hides_no_money_of_the_next() -> None:
    observed = observe_world(
        [linked(1, "platinum", stripe_id=None), linked(2)], *customers(1), *customers(2), stripe_sub(1), stripe_sub(2)
    )
    assert added(observed, BY_STRIPE).money["usd"].had == 9900


def test_a_fix_says_what_it_is_worth_a_month_by_list() -> None:
    worth = [
        drift.fix.worth
        for tier, row in (
            ("starter", stripe_sub(yearly=True)),
            ("enterprise", stripe_sub(quantity=2, currency="eur")),
            ("starter", stripe_sub(currency="gbp")),
        )
        for drift in drifts_of(observe_world([linked(1, tier)], *customers(), row), BY_STRIPE)
        if drift.fix
    ]
    assert worth == [Money(minor=8250 - 4083, currency="usd"), Money(minor=80000, currency="eur"), None]

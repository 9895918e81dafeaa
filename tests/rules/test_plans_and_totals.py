"""The plan of a run, its order and its seal; what a run adds up to and the word it ends with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builders import (
    FIX_ALL,
    NOW,
    WIDE,
    added,
    customers,
    decided,
    judged,
    lago_sub,
    linked,
    observe_world,
    planned,
    stripe_customer,
    stripe_sub,
    terms,
)
from reconciler.model.billing import Item, SubscriptionStatus
from reconciler.model.catalog import SourceKeys
from reconciler.model.drift import Direction
from reconciler.model.observation import Observation
from reconciler.model.orgs import InvalidRecord, Org
from reconciler.model.run import Approval, CurrencyTotals, Plan
from reconciler.model.terms import Authority, CodePolicy, Do, Mode, Terms
from reconciler.rules.decide import Scope
from reconciler.rules.planning import NO_PLAN
from reconciler.rules.totals import add_up

BY_STRIPE = terms(Authority.STRIPE)


def busy(*orders: int) -> Observation:
    """Organisations 1 and 4 to raise, 2 to lower, 3 to link, in the order asked for."""
    made: dict[int, Org] = {
        1: linked(1, "starter"),
        2: linked(2, "enterprise"),
        3: linked(3, stripe_id=None),
        4: linked(4, "founders_friend"),
    }
    numbers = orders or tuple(made)
    held = [each for number in numbers for each in (*customers(number), stripe_sub(number))]
    return observe_world([made[number] for number in numbers], *held)


def test_a_plan_raises_first_then_links_and_lowers_last() -> None:
    plan = planned(busy(), BY_STRIPE)
    assert [(each.fix.direction.value, each.fix.org_id) for each in plan.fixes] == [
        ("raise", "org_1"),
        ("raise", "org_4"),
        ("link", "org_3"),
        ("lower", "org_2"),
    ]
    assert plan.to_write == tuple(each.fix for each in plan.fixes)


def test_a_plan_is_the_same_whatever_the_order_of_the_input() -> None:
    assert planned(busy(), BY_STRIPE) == planned(busy(4, 2, 3, 1), BY_STRIPE)


def test_the_digest_is_a_sha256_that_never_changes_for_the_same_facts() -> None:
    digest = planned(busy(), BY_STRIPE).digest
    assert digest.startswith("sha256:")
    assert len(digest) == len("sha256:") + 64
    assert digest == planned(replace(busy(), as_of=NOW.replace(hour=1)), BY_STRIPE).digest


def changed(**changes: Any) -> Plan:
    return planned(observe_world([replace(linked(1, "starter"), **changes)], *customers(), stripe_sub()), BY_STRIPE)


def test_the_digest_knows_every_value_of_a_fix() -> None:
    usual = changed()
    other_value = planned(observe_world([linked(1, "starter")], *customers(), stripe_sub(1, "enterprise")), BY_STRIPE)
    other_expectation = changed(tier="founders_friend")
    other_org = planned(observe_world([linked(2, "starter")], *customers(2), stripe_sub(2)), BY_STRIPE)
    digests = {each.digest for each in (usual, other_value, other_expectation, other_org, NO_PLAN)}
    assert len(digests) == 5


def test_the_digest_knows_nothing_but_the_fixes() -> None:
    assert changed().digest == changed(name="Another Name").digest
    observed = observe_world([linked(1, "starter")], *customers(), stripe_sub())
    assert planned(observed, BY_STRIPE, replace(FIX_ALL, raising=Do.FLAG)).digest == changed().digest


def test_a_fix_that_policy_holds_back_is_in_the_plan_and_not_to_be_written() -> None:
    plan = planned(busy(), BY_STRIPE, replace(FIX_ALL, raising=Do.FLAG))
    assert {each.fix.org_id: each.approval for each in plan.fixes} == {
        "org_1": Approval.NEEDED,
        "org_4": Approval.NEEDED,
        "org_3": Approval.GIVEN,
        "org_2": Approval.GIVEN,
    }
    assert [fix.org_id for fix in plan.to_write] == ["org_3", "org_2"]


def test_a_fix_that_a_safety_rule_stops_is_not_in_the_plan() -> None:
    assert [each.fix.org_id for each in planned(busy(), BY_STRIPE, replace(FIX_ALL, confirm_runs=2)).fixes] == [
        "org_1",
        "org_4",
        "org_3",
    ]


def test_an_ignored_fix_is_not_in_the_plan() -> None:
    quiet = replace(FIX_ALL, codes={"tier_over": CodePolicy(do=Do.IGNORE, reason="known")})
    assert Direction.LOWER not in {each.fix.direction for each in planned(busy(), BY_STRIPE, quiet).fixes}


def test_a_refused_direction_is_written_not_at_all_and_the_other_whole() -> None:
    plan = planned(busy(), BY_STRIPE, limits=replace(WIDE, max_raise_count=1))
    assert plan.refused_by == {Direction.RAISE: "max_raise_count"}
    assert [fix.org_id for fix in plan.to_write] == ["org_3", "org_2"]
    assert len(plan.fixes) == 4


def test_fixes_that_wait_for_approval_do_not_count_against_the_limits() -> None:
    plan = planned(busy(), BY_STRIPE, replace(FIX_ALL, mode=Mode.FLAG), replace(WIDE, max_raise_count=0))
    assert plan.refused_by == {}


def test_a_cut_plan_keeps_the_first_fixes_and_the_limits_of_the_whole() -> None:
    plan = planned(busy(), BY_STRIPE, limits=replace(WIDE, max_raise_count=1), scope=Scope(limit=1))
    assert [each.fix.org_id for each in plan.fixes] == ["org_1"]
    assert plan.refused_by == {Direction.RAISE: "max_raise_count"}
    assert planned(busy(), BY_STRIPE, scope=Scope(limit=0)).digest == NO_PLAN.digest


# totals


def mixed() -> tuple[Observation, Terms]:
    """One organisation of every fate."""
    ended = stripe_sub(2, status=SubscriptionStatus.ENDED)
    observed = observe_world(
        [
            linked(1),
            linked(2),
            linked(3, "starter"),
            linked(4),
            linked(5, "platinum"),
            linked(6),
            linked(7, status="deleted"),
            linked(8, "starter"),
        ],
        *(each for number in range(1, 9) for each in customers(number)),
        stripe_customer(9, org_key=""),
        *(stripe_sub(number) for number in (1, 3, 5, 8, 9)),
        ended,
        invalid=[InvalidRecord(key="org_lost", problem="it has no id", readable=False)],
    )
    return observed, terms(Authority.STRIPE, exclude={"org_6": "a partner"})


def test_every_organisation_is_counted_once_in_the_first_place_that_applies() -> None:
    totals = added(*mixed())
    assert (totals.orgs, totals.in_sync, totals.waiting, totals.drift, totals.held, totals.excluded) == (
        9,
        2,
        1,
        3,
        2,
        1,
    )
    assert (totals.unclaimed, totals.waived) == (1, 0)


def test_every_drift_is_counted_by_its_code_in_the_order_of_the_alphabet() -> None:
    assert list(added(*mixed()).by_code.items()) == [
        ("canceled_paid_through", 1),
        ("orphan_payer", 1),
        ("paid_tier_no_billing", 1),
        ("record_invalid", 1),
        ("tier_under", 2),
        ("tier_unresolvable", 1),
    ]


def test_money_ties_out_over_judged_organisations_and_unclaimed_subscriptions() -> None:
    assert added(*mixed()).money == {
        "usd": CurrencyTotals(leak=9900, owed=5000 * 2 + 9900, at_risk=9900, billed=9900 * 5, had=9900 * 3 + 4900 * 2)
    }


def test_held_outweighs_drift_and_drift_outweighs_waiting() -> None:
    rows = [stripe_sub(sub_id=each, status=SubscriptionStatus.ENDED) for each in ("a", "b")]
    waiting = observe_world([linked(1, stripe_id=None)], *customers(), rows[0])
    held = observe_world(
        [linked(1, "platinum", stripe_id=None)], *customers(), stripe_sub(sub_id="a"), stripe_sub(sub_id="b")
    )
    assert (added(waiting, BY_STRIPE).drift, added(waiting, BY_STRIPE).waiting) == (1, 0)
    assert (added(held, BY_STRIPE).held, added(held, BY_STRIPE).drift) == (1, 0)


def test_what_is_ok_or_hidden_counts_as_in_sync() -> None:
    observed = observe_world([linked(1, "starter", lago_id="lago-1")], *customers(), stripe_sub())
    hidden = replace(FIX_ALL, codes={"tier_under": CodePolicy(do=Do.IGNORE, reason="known")})
    totals = add_up(judged(observed, BY_STRIPE), decided(observed, BY_STRIPE, hidden))
    assert (totals.in_sync, totals.by_code) == (1, {"link_other_form": 1, "tier_under": 1})


def test_currencies_stand_beside_each_other() -> None:
    observed = observe_world(
        [linked(1, "enterprise"), linked(2, "enterprise")],
        *customers(1),
        *customers(2),
        stripe_sub(1),
        stripe_sub(2, "starter", currency="eur", yearly=True, amount=45000),
    )
    had = 499000 / 12
    assert added(observed, BY_STRIPE).money == {
        "eur": CurrencyTotals(leak=round(had) - 4083, billed=3750, variance=333, had=round(had)),
        "usd": CurrencyTotals(leak=40000, billed=9900, had=49900),
    }


def test_duplicates_are_billed_and_overbilled_and_tie_out() -> None:
    rows = (
        stripe_sub(sub_id="a"),
        stripe_sub(1, "starter", sub_id="b"),
        stripe_sub(1, "starter", sub_id="c", amount=4000),
    )
    totals = added(observe_world([linked(1)], *customers(), *rows), BY_STRIPE)
    assert totals.money == {"usd": CurrencyTotals(overbilled=8900, billed=18800, had=9900)}


@pytest.mark.parametrize("authority", [Authority.BOTH, Authority.EITHER, Authority.LAGO])
def test_whose_money_both_sides_may_take_is_counted_with_what_each_takes(authority: Authority) -> None:
    rows = stripe_sub(), lago_sub(amount=8000, collected_automatically=True), stripe_sub(2), lago_sub(2)
    observed = observe_world([linked(1), linked(2)], *customers(), *customers(2), *rows)
    (twice,) = added(observed, terms(authority)).charged_twice or ()
    assert (twice.org_id, twice.currency, twice.lago, twice.stripe) == ("org_1", "usd", 8000, 9900)


def test_live_subscriptions_of_nothing_but_other_products_are_counted_by_source() -> None:
    catalog = replace(BY_STRIPE.catalog, not_tiers=SourceKeys(stripe_products=frozenset({"prod_training"})))
    training = Item(id="si_1", product_id="prod_training", unit_amount=100, currency="usd")
    over = replace(stripe_sub(1, sub_id="over", status=SubscriptionStatus.ENDED), items=(training,))
    rows = stripe_sub(), replace(stripe_sub(1, sub_id="other"), items=(training,)), over
    observed = observe_world([linked(1)], *customers(), *rows)
    assert added(observed, replace(BY_STRIPE, catalog=catalog)).other_products == {"lago": 0, "stripe": 1}
    assert added(observed, BY_STRIPE).other_products == {"lago": 0, "stripe": 0}


def test_duplicates_of_a_mirror_are_never_summed() -> None:
    rows = stripe_sub(), lago_sub(sub_id="a"), lago_sub(sub_id="b")
    assert added(observe_world([linked(1)], *customers(), *rows)).money == {
        "usd": CurrencyTotals(billed=9900, had=9900)
    }


def test_billing_on_both_sides_is_billed_and_overbilled_and_ties_out() -> None:
    rows = stripe_sub(), lago_sub(amount=8000, collected_automatically=True)
    totals = added(observe_world([linked(1)], *customers(), *rows), terms(Authority.EITHER))
    assert totals.money == {"usd": CurrencyTotals(overbilled=8000, billed=17900, had=9900)}


def test_variance_is_summed_for_organisations_in_sync_too() -> None:
    totals = added(observe_world([linked(1)], *customers(), stripe_sub(amount=9000)), BY_STRIPE)
    assert totals.money == {"usd": CurrencyTotals(billed=9000, variance=900, had=9900)}


@pytest.mark.parametrize("row", [stripe_sub(amount=None), stripe_sub(currency="gbp")], ids=["amount", "list price"])
def test_what_has_no_known_price_is_counted_and_not_summed(row: Any) -> None:
    (money,) = added(observe_world([linked(1, "starter")], *customers(), row), BY_STRIPE).money.values()
    assert money == CurrencyTotals(unpriced=1)


def test_what_is_shared_is_counted_as_unpriced_and_its_risk_once() -> None:
    observed = observe_world(
        [linked(1, stripe_id="cus_3"), linked(2, stripe_id="cus_3")], stripe_customer(3, org_key=""), stripe_sub(3)
    )
    assert added(observed, BY_STRIPE).money == {"usd": CurrencyTotals(at_risk=9900, unpriced=2)}


def test_what_is_held_is_in_no_sum() -> None:
    observed = observe_world([linked(1)], *customers(), stripe_sub(status=SubscriptionStatus.UNKNOWN))
    assert added(observed, BY_STRIPE).money == {}


def test_a_suspended_organisation_has_nothing_and_is_owed_what_it_pays_for() -> None:
    observed = observe_world([linked(1, status="suspended")], *customers(), stripe_sub())
    assert added(observed, BY_STRIPE).money == {"usd": CurrencyTotals(owed=9900, billed=9900)}


def test_an_organisation_without_a_subscription_has_the_monthly_price_in_the_usual_currency() -> None:
    observed = observe_world([linked(1)], *customers())
    assert added(observed, terms(Authority.STRIPE, currency="eur")).money == {
        "eur": CurrencyTotals(leak=9900, had=9900)
    }


def test_the_mirror_gives_the_currency_where_the_collecting_side_has_nothing() -> None:
    observed = observe_world([linked(1)], *customers(), lago_sub(currency="eur"))
    assert added(observed).money == {"eur": CurrencyTotals(leak=9900, had=9900)}

"""What is told of customers that no organisation claims, in its very words, and what is counted only."""

from __future__ import annotations

from builders import (
    NOW,
    customers,
    drifts_of,
    judged,
    lago_sub,
    linked,
    observe_world,
    org,
    stripe_customer,
    stripe_sub,
)
from reconciler.model.billing import Item, Source, SubscriptionStatus
from reconciler.model.drift import Drift
from reconciler.model.orgs import InvalidRecord
from reconciler.rules.catalogue import CATALOGUE

CLAIMED = (linked(1), *customers(1))


def unclaimed(*rows: object) -> list[Drift]:
    seen = observe_world([linked(1)], *customers(1), lago_sub(1), stripe_sub(1), *rows)  # type: ignore[arg-type]
    return [each.drift for each in judged(seen).unclaimed]


def test_a_payer_is_told_with_all_that_is_known() -> None:
    (drift,) = unclaimed(stripe_sub(7))
    assert drift.text == CATALOGUE[drift.code].text.format(
        due="professional", detail="stripe customer cus_7, subscription sub_7_professional"
    )
    assert (drift.org_name, drift.remedy) == ("", CATALOGUE[drift.code].remedy)
    assert drift.evidence["stripe"]["complete"] is True


def test_customers_before_and_after_a_claimed_one_are_told() -> None:
    told = unclaimed(stripe_sub(0), stripe_sub(7))
    assert [each.id for each in told] == [
        "orphan_payer:cus_0:sub_0_professional",
        "orphan_payer:cus_7:sub_7_professional",
    ]


def test_only_the_other_mode_is_told_as_such() -> None:
    ours, first, second = (
        stripe_sub(7, livemode=True),
        stripe_sub(7, sub_id="sub_b", livemode=False),
        stripe_sub(7, sub_id="sub_a", livemode=False),
    )
    other, payer = unclaimed(ours, first, second)
    assert other.id == "livemode_differs:cus_7"
    assert other.text == CATALOGUE[other.code].text.format(detail="sub_a, sub_b of stripe customer cus_7")
    assert payer.id == "orphan_payer:cus_7:sub_7_professional"


def test_an_unknown_status_is_told_with_the_word_that_is_not_known() -> None:
    (drift,) = unclaimed(stripe_sub(7, status=SubscriptionStatus.UNKNOWN, raw_status="frozen"))
    detail = "no organisation claims stripe customer cus_7, whose sub_7_professional is 'frozen'"
    assert drift.text == CATALOGUE[drift.code].text.format(detail=detail)
    assert (drift.org_name, drift.remedy) == ("", CATALOGUE[drift.code].remedy)


def test_of_each_subscription_its_own_unmapped_items_are_told() -> None:
    more = Item(id="si_2", price_id="price_b", unit_amount=1, currency="usd")
    first = stripe_sub(7, sub_id="sub_1", price="price_c", extra_items=[more])
    told = unclaimed(first, stripe_sub(7, sub_id="sub_2", price="price_a"))
    where = "stripe customer cus_7 that no organisation claims"
    assert [each.text for each in told] == [
        CATALOGUE[each.code].text.format(detail=detail)
        for each, detail in zip(
            told, (f"price_b, price_c of sub_1, {where}", f"price_a of sub_2, {where}"), strict=True
        )
    ]


def test_other_products_are_counted_for_each_source_and_those_of_nobody_by_themselves() -> None:
    seats = lago_sub(9, items=(Item(id="plan", plan_code="seats", unit_amount=500, currency="usd"),))
    seen = observe_world(
        [linked(1)],
        *customers(1),
        *(stripe_sub(1, "seats"), stripe_sub(7, "seats"), stripe_sub(8, "seats"), seats),
    )
    judgement = judged(seen)
    assert judgement.other_products == 3
    assert judgement.other_by_source == {Source.LAGO: 1, Source.STRIPE: 3}


def test_every_fault_of_a_record_is_told() -> None:
    faults = [InvalidRecord(key="org_1", problem=each, readable=True) for each in ("no name", "no plan")]
    drift = drifts_of(observe_world([linked(1)], *customers(1), invalid=faults))[0]
    assert drift.text == CATALOGUE[drift.code].text.format(detail="no name; no plan")
    lost = [InvalidRecord(key="org_9", problem="no id", readable=False)]
    (drift,) = drifts_of(observe_world([], invalid=lost))
    assert (drift.org_name, drift.remedy) == ("", CATALOGUE[drift.code].remedy)


def test_what_an_unreadable_record_is_known_to_hold_is_nobody_elses() -> None:
    lost = [InvalidRecord(key="org_7", problem="no plan", readable=False)]
    seen = observe_world([org(1)], stripe_customer(7), stripe_sub(7), invalid=lost, as_of=NOW)
    assert judged(seen).unclaimed == ()

"""The catalog against what is sold and live, and organisations that may be charged twice."""

from __future__ import annotations

from dataclasses import replace

from builders import CATALOG, customers, lago_customer, lago_sub, linked, observe_world, org, stripe_sub
from firststeps.offers import plan, price
from reconciler.firststeps.catalog_check import check_found, check_mapped, check_tiers
from reconciler.firststeps.charged_twice import check_charged_twice
from reconciler.firststeps.checked import Checked, Verdict
from reconciler.model.account import Offer
from reconciler.model.billing import Source, SubscriptionStatus
from reconciler.model.catalog import Catalog, SourceKeys, Tier

NOTHING = observe_world([]).snapshots


def texts(lines: list[Checked]) -> str:
    return "\n".join(line.text for line in lines)


def catalog(**keys: frozenset[object]) -> Catalog:
    return Catalog(tiers={"pro": Tier(name="pro", rank=1, keys=SourceKeys(**keys))})  # type: ignore[arg-type]  # by name


def found(source: Source, made: Catalog, *offers: Offer) -> list[Checked]:
    return list(check_found(source, made, offers, NOTHING[source]))


def test_a_plan_code_that_is_not_there_is_named_with_the_nearest() -> None:
    (line,) = found(Source.LAGO, catalog(lago_plans=frozenset({"pro_montly"})), plan("pro_monthly"), plan("seats"))
    assert line.verdict is Verdict.LOOK
    for part in ("lago_plans", "[tiers.pro]", "pro_montly", "the nearest is pro_monthly"):
        assert part in line.text


def test_every_kind_of_stripe_key_is_looked_for() -> None:
    made = catalog(
        stripe_prices=frozenset({"price_1"}),
        stripe_lookup_keys=frozenset({"pro"}),
        stripe_products=frozenset({"prod_pro"}),
        stripe_price_metadata=frozenset({("tier", "pro")}),
    )
    offers = (
        price("price_1"),
        price("price_2", lookup_key="pro"),
        price("price_3", product="prod_pro"),
        price("price_4", metadata={"tier": "pro"}),
    )
    assert [line.verdict for line in found(Source.STRIPE, made, *offers)] == [Verdict.GOOD]
    for left_out in range(4):
        there = [offer for place, offer in enumerate(offers) if place != left_out]
        assert [line.verdict for line in found(Source.STRIPE, made, *there)] == [Verdict.LOOK]


def test_a_key_of_the_other_side_is_none_of_this_ones() -> None:
    assert found(Source.LAGO, catalog(stripe_prices=frozenset({"price_1"})))[0].verdict is Verdict.GOOD


def test_a_deleted_plan_that_a_subscription_still_names_is_there() -> None:
    world = observe_world([], lago_sub(1))
    made = catalog(lago_plans=frozenset({"professional_monthly"}))
    assert [line.verdict for line in check_found(Source.LAGO, made, (), world.snapshots[Source.LAGO])] == [Verdict.GOOD]


def test_many_missing_keys_are_counted_not_all_listed() -> None:
    lines = found(Source.LAGO, catalog(lago_plans=frozenset(f"plan_{number}" for number in range(30))))
    assert len(lines) == 11
    assert "20 more" in lines[-1].text


def test_a_live_price_in_no_tier_is_named_with_its_count_and_ended_ones_are_not() -> None:
    world = observe_world(
        [],
        stripe_sub(1, price="price_new"),
        stripe_sub(2, price="price_new"),
        stripe_sub(3, price="price_old", status=SubscriptionStatus.ENDED),
        stripe_sub(4),
        stripe_sub(5, price="price_seats"),
    )
    (line,) = check_mapped(Source.STRIPE, CATALOG, world.snapshots[Source.STRIPE])
    assert line.verdict is Verdict.LOOK
    assert "price_new" in line.text
    assert "2 live subscriptions" in line.text
    assert "stripe_prices" in line.remedy


def test_where_all_is_mapped_that_is_said() -> None:
    world = observe_world([], lago_sub(1))
    (line,) = check_mapped(Source.LAGO, CATALOG, world.snapshots[Source.LAGO])
    assert line.verdict is Verdict.GOOD


def test_a_tier_of_the_store_that_the_catalog_lacks_is_named_unless_nobody_active_has_it() -> None:
    lines = list(check_tiers([org(1, "platinum"), org(2, "platinum"), org(3, "gold", status="deleted")], CATALOG))
    assert [line.verdict for line in lines] == [Verdict.LOOK]
    assert "platinum of 2 organisations" in lines[0].text
    assert [line.verdict for line in check_tiers([org(1)], CATALOG)] == [Verdict.GOOD]


def test_an_organisation_charged_in_stripe_and_through_lago_is_named() -> None:
    charged = replace(lago_customer(1), collected_automatically=True)
    world = observe_world(
        [linked(1), linked(2), linked(3)],
        charged,
        customers(1)[1],
        *customers(2),
        *customers(3),
        lago_sub(1, collected_automatically=True),
        stripe_sub(1),
        lago_sub(2),
        stripe_sub(2),
        lago_sub(3, collected_automatically=True),
    )
    lines = list(check_charged_twice(world.store.orgs, world.snapshots))
    assert [line.verdict for line in lines] == [Verdict.LOOK]
    assert "org_1 " in lines[0].text


def test_a_free_subscription_charges_nobody() -> None:
    world = observe_world(
        [linked(1)], *customers(1), lago_sub(1, collected_automatically=True), stripe_sub(1, amount=0)
    )
    assert [line.verdict for line in check_charged_twice(world.store.orgs, world.snapshots)] == [Verdict.GOOD]

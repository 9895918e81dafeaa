"""Tiers drafted from what is sold: their order, their prices, the one nobody pays for, and what fits nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from firststeps.offers import plan, price
from reconciler.firststeps.live import Key
from reconciler.firststeps.tier_draft import TierDraft, draft_tiers
from reconciler.model.account import Offer
from reconciler.model.billing import Source
from reconciler.model.money import Interval, Period

STORE = {"founders_friend": 5, "starter": 3, "enterprise": 1}
FREE = plan("founders_friend", 0)


def draft(
    offers: Iterable[Offer],
    *,
    live: Mapping[Key, int] | None = None,
    store: Mapping[str, int] | None = None,
    collects: Source = Source.STRIPE,
) -> TierDraft:
    return draft_tiers(offers, live=live or {}, store_tiers=STORE if store is None else store, collects=collects)


def names(made: TierDraft) -> list[str]:
    return [tier.name for tier in made.tiers]


def keys(made: TierDraft) -> dict[str, list[str]]:
    return {tier.name: [each.offer.key for each in tier.sold] for tier in made.tiers}


def test_tiers_are_ranked_by_what_they_cost_a_month_the_unpaid_one_lowest() -> None:
    made = draft([plan("enterprise_yearly", 120_000, yearly=True), plan("starter_monthly", 4900), FREE])
    assert names(made) == ["founders_friend", "starter", "enterprise"]
    assert made.unpaid_tier == "founders_friend"


def test_a_cheaper_year_price_does_not_turn_the_order() -> None:
    offers = [plan("enterprise_yearly", 60_000, yearly=True), plan("starter_monthly", 4900), FREE]
    assert names(draft(offers)) == ["founders_friend", "starter", "enterprise"]


def test_a_paid_tier_that_nothing_sells_comes_last_without_a_price() -> None:
    made = draft([plan("starter_monthly", 4900), FREE])
    assert names(made)[-1] == "enterprise"
    assert made.tiers[-1].paid
    assert made.tiers[-1].prices == {}


def test_a_tier_that_the_store_does_not_show_yet_is_drafted_from_the_plans() -> None:
    made = draft([FREE, plan("starter_monthly", 4900), plan("starter", 4900)], store={"founders_friend": 9})
    assert keys(made) == {"founders_friend": ["founders_friend"], "starter": ["starter", "starter_monthly"]}
    assert made.tiers[1].orgs == 0


def test_list_prices_come_by_currency_and_interval_quarters_too() -> None:
    made = draft(
        [
            FREE,
            plan("starter_monthly", 4900),
            plan("starter_yearly", 49_000, yearly=True),
            plan("starter_eur", 4500, currency="eur"),
            price("price_q", 14_000, lookup_key="starter_quarterly", period=Period(count=3)),
            price("price_odd", 9000, lookup_key="starter", period=Period(count=2)),
        ]
    )
    assert made.tiers[1].prices == {
        "usd": {Interval.MONTH: 4900, Interval.YEAR: 49_000, Interval.QUARTER: 14_000},
        "eur": {Interval.MONTH: 4500},
    }
    assert made.currency == "usd"


def test_where_sides_differ_the_collecting_one_gives_the_list_price_and_the_other_is_shown() -> None:
    offers = [FREE, plan("starter_monthly", 4900), price("price_1", 5900, lookup_key="starter_monthly")]
    for collects, amount, other in ((Source.STRIPE, 5900, "starter_monthly"), (Source.LAGO, 4900, "price_1")):
        tier = draft(offers, collects=collects).tiers[1]
        assert tier.prices == {"usd": {Interval.MONTH: amount}}
        assert [each.offer.key for each in tier.other_prices] == [other]


def test_an_archived_price_is_no_list_price_however_many_still_pay_it() -> None:
    old = price("price_old", 3900, lookup_key="starter", archived=True)
    made = draft([FREE, old, price("price_new", 4900, names=("Starter",))], live={(Source.STRIPE, "price_old"): 80})
    assert made.tiers[1].prices == {"usd": {Interval.MONTH: 4900}}
    assert [(each.offer.key, each.live) for each in made.tiers[1].other_prices] == [("price_old", 80)]


def test_a_price_named_like_the_unpaid_tier_that_costs_is_left_to_a_person() -> None:
    made = draft([FREE, price("price_1", 4900, names=("Founders Friend",))])
    assert keys(made)["founders_friend"] == ["founders_friend"]
    assert [(each.offer.key, "founders_friend" in each.why_not) for each in made.unmatched] == [("price_1", True)]


def test_a_tier_that_sounds_free_and_is_only_sold_for_money_is_paid() -> None:
    made = draft([FREE, plan("friends_monthly", 900)], store={"founders_friend": 1, "friends": 1})
    assert [(tier.name, tier.paid) for tier in made.tiers] == [("founders_friend", False), ("friends", True)]


def test_an_organisation_falls_to_the_free_tier_and_never_to_the_trial() -> None:
    made = draft([FREE], store={"trial": 50, "founders_friend": 2})
    assert made.unpaid_tier == "founders_friend"
    assert names(made) == ["founders_friend", "trial"]


def test_where_every_tier_is_paid_an_unpaid_one_is_made_up_and_marked() -> None:
    made = draft([plan("starter_monthly", 4900)], store={"starter": 1, "unpaid": 1})
    assert made.unpaid_tier == "unpaid_"
    assert made.tiers[0].made_up


def test_what_is_matched_to_none_is_listed_with_the_most_live_first() -> None:
    offers = [FREE, price("price_a", names=("Seats",)), price("price_b", names=("Support",)), plan("setup")]
    made = draft(offers, live={(Source.STRIPE, "price_b"): 7, (Source.STRIPE, "price_a"): 1})
    assert [(each.offer.key, each.live) for each in made.unmatched] == [("setup", 0), ("price_b", 7), ("price_a", 1)]


def test_a_code_with_blanks_around_it_which_settings_refuse_is_left_to_a_person() -> None:
    made = draft([FREE, plan(" starter_monthly", 4900)])
    assert [each.offer.key for each in made.unmatched] == [" starter_monthly"]


def test_nothing_at_all_still_gives_a_tier_to_fall_to() -> None:
    made = draft([], store={})
    assert (names(made), made.unpaid_tier, made.currency) == (["unpaid"], "unpaid", "usd")

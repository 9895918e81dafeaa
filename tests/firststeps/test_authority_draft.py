"""The authority that the live counts per side suggest."""

from __future__ import annotations

import pytest

from builders import customers, lago_customer, lago_sub, linked, observe_world, org, stripe_customer, stripe_sub
from reconciler.firststeps.authority_draft import collecting_side, suggest_authority
from reconciler.firststeps.live import Payers, payers
from reconciler.model.billing import Source, SubscriptionStatus
from reconciler.model.terms import Authority


def orgs(*numbers: int) -> frozenset[str]:
    return frozenset(f"org_{number}" for number in numbers)


def suggested(lago: range, stripe: range) -> Authority:
    found = Payers(orgs={Source.LAGO: orgs(*lago), Source.STRIPE: orgs(*stripe)}, unlinked={})
    return suggest_authority(found, collects=Source.STRIPE).authority


@pytest.mark.parametrize(
    ("lago", "stripe", "authority"),
    [
        (range(100), range(100), Authority.BOTH),
        (range(100), range(80, 180), Authority.EITHER),
        (range(100), range(60, 160), Authority.BOTH),
        (range(100), range(98, 102), Authority.LAGO),
        (range(100, 104), range(100), Authority.STRIPE),
        (range(100), range(0), Authority.LAGO),
        (range(0), range(0), Authority.BOTH),
    ],
)
def test_the_side_that_knows_who_pays_grants_and_two_that_could_disagree_must_agree(
    lago: range, stripe: range, authority: Authority
) -> None:
    assert suggested(lago, stripe) is authority


def test_the_counts_behind_it_are_told() -> None:
    found = Payers(orgs={Source.LAGO: orgs(1, 2, 3), Source.STRIPE: orgs(3, 4)}, unlinked={})
    assert "1 on both sides, 2 in Lago only, 1 in Stripe only" in suggest_authority(found, collects=Source.LAGO).why[0]


@pytest.mark.parametrize("side", Source)
def test_a_side_that_is_read_alone_grants_and_collects(side: Source) -> None:
    made = suggest_authority(Payers(orgs={side: orgs(1)}, unlinked={}), collects=Source.STRIPE)
    assert (made.authority.value, made.collects) == (side.value, side)


def test_subscriptions_of_customers_that_nobody_leads_to_are_an_open_point() -> None:
    found = Payers(orgs={Source.LAGO: orgs(1), Source.STRIPE: orgs()}, unlinked={Source.STRIPE: 1200, Source.LAGO: 0})
    point = suggest_authority(found, collects=Source.STRIPE).open_point
    assert "1,200 in Stripe" in point
    assert "Lago:" not in point


FREE = frozenset({(Source.LAGO, "founders_friend_monthly")})


def test_who_pays_is_found_by_every_known_id_and_free_ended_and_unpaid_ones_do_not_count() -> None:
    world = observe_world(
        [linked(1), org(2), org(3), org(4), org(5)],
        *(held for number in range(1, 6) for held in customers(number)),
        lago_sub(1),
        stripe_sub(1),
        lago_sub(2),
        lago_sub(3, "founders_friend"),
        lago_sub(4, status=SubscriptionStatus.ENDED),
        stripe_sub(5, amount=0),
        stripe_sub(4, status=SubscriptionStatus.PAST_DUE),
    )
    found = payers(world.store.orgs, world.snapshots, free=FREE)
    assert found.orgs == {Source.LAGO: orgs(1, 2), Source.STRIPE: orgs(1, 4)}
    assert not any(found.unlinked.values())


def test_a_live_subscription_that_no_organisation_leads_to_is_counted_apart() -> None:
    world = observe_world([org(1)], stripe_customer(9, org_key=""), stripe_sub(9), lago_customer(1))
    assert payers(world.store.orgs, world.snapshots, free=FREE).unlinked == {Source.STRIPE: 1}


def test_the_side_that_takes_money_by_itself_collects_and_stripe_where_neither_does() -> None:
    rows = [stripe_sub(1, collected_automatically=False), lago_sub(1), lago_sub(2)]
    assert collecting_side(observe_world([], *rows).snapshots) is Source.STRIPE
    rows.append(lago_sub(3, collected_automatically=True))
    assert collecting_side(observe_world([], *rows).snapshots) is Source.LAGO

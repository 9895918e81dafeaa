"""What holds in every world, however odd: generated, derandomised, so that every run tries the same worlds."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from builders import (
    EVERYTHING,
    FIX_ALL,
    NOW,
    WIDE,
    decided,
    judged,
    lago_customer,
    lago_sub,
    linked,
    planned,
    stripe_customer,
    stripe_sub,
    terms,
)
from reconciler.model.billing import Customer, Invoice, Source, Subscription, SubscriptionStatus
from reconciler.model.catalog import Tier
from reconciler.model.drift import Call, Decided, Decision, Direction, Drift, Fix
from reconciler.model.orgs import ACTIVE, Org
from reconciler.model.run import Totals
from reconciler.model.terms import Authority
from reconciler.rules.catalogue import stops_of
from reconciler.rules.compare import find_drifts
from reconciler.rules.decide import decide
from reconciler.rules.identity import BillingIndex, claims_of, link_of
from reconciler.rules.planning import build_plan
from reconciler.rules.totals import add_up
from rules.rule_worlds import PAID, Scene, quick, scenes, tiers_of


def fixes(decisions: tuple[Decision, ...]) -> Iterator[Fix]:
    """Those that are to be written."""
    for each in decisions:
        if each.decided is Decided.FIX:
            assert each.drift.fix is not None
            yield each.drift.fix


def org_of(scene: Scene, fix: Fix) -> Org:
    return next(each for each in scene.orgs if each.id == fix.org_id)


def rows_of(scene: Scene, org: Org) -> list[Subscription]:
    """Every subscription of every customer that the organisation leads to."""
    index = BillingIndex.of(scene.observation.snapshots)
    led_to = {customer for source in Source for customer in link_of(org, source, index).customers}
    return [row for row in scene.subscriptions if row.customer_id in led_to]


def totals(scene: Scene) -> Totals:
    judgement = find_drifts(scene.observation, scene.terms)
    return add_up(judgement, decide(judgement, scene.observation, FIX_ALL, EVERYTHING))


@quick
@given(scenes())
def test_every_organisation_with_drifts_has_exactly_one_primary_verdict(scene: Scene) -> None:
    decisions = decided(scene.observation, scene.terms)
    primaries = Counter(each.drift.org_id for each in decisions if each.primary and each.drift.org_id)
    assert set(primaries.values()) <= {1}
    assert set(primaries) == {each.drift.org_id for each in decisions if each.drift.org_id}


@quick
@given(scenes())
def test_no_two_drifts_have_the_same_id(scene: Scene) -> None:
    ids = [drift.id for drift in judged(scene.observation, scene.terms).drifts]
    assert len(ids) == len(set(ids))


@quick
@given(scenes(), st.integers(0, 10**6))
def test_the_order_of_the_input_changes_nothing(scene: Scene, seed: int) -> None:
    shuffle = random.Random(seed)  # noqa: S311 - an order, no secret
    orgs, held = list(scene.orgs), [_shuffled_items(each, shuffle) for each in scene.held]
    shuffle.shuffle(orgs)
    shuffle.shuffle(held)
    other = replace(scene, orgs=tuple(orgs), held=tuple(held))
    first, second = (
        sorted(decided(each.observation, each.terms), key=lambda decision: decision.drift.id) for each in (scene, other)
    )
    assert first == second
    assert planned(scene.observation, scene.terms) == planned(other.observation, other.terms)
    assert totals(scene) == totals(other)


def _shuffled_items(
    each: Customer | Subscription | Invoice, shuffle: random.Random
) -> Customer | Subscription | Invoice:
    if not isinstance(each, Subscription):
        return each
    items = list(each.items)
    shuffle.shuffle(items)
    return replace(each, items=tuple(items))


@st.composite
def agreeing(draw: st.DrawFn) -> tuple[Scene, Authority]:
    """Worlds in which every organisation has what it pays for, in whatever form the ids are recorded."""
    authority = draw(st.sampled_from(list(Authority)))
    orgs: list[Org] = []
    held: list[Customer | Subscription] = []
    for number in (1, 2, 3):
        tier = draw(st.sampled_from(PAID))
        row: dict[str, Any] = {
            "currency": draw(st.sampled_from(["usd", "eur"])),
            "yearly": draw(st.booleans()),
            "amount": -1,
        }
        lago, stripe = lago_sub(number, tier, **row), stripe_sub(number, tier, **row)
        live = {
            Authority.LAGO: draw(st.sampled_from([(lago,), (lago, stripe)])),
            Authority.STRIPE: draw(st.sampled_from([(stripe,), (lago, stripe)])),
            Authority.BOTH: (lago, stripe),
            Authority.EITHER: draw(st.sampled_from([(lago,), (stripe,), (lago, stripe)])),
        }[authority]
        form = draw(st.sampled_from([f"org_{number}", f"lago-{number}", lago.id if lago in live else f"org_{number}"]))
        orgs.append(linked(number, tier, lago_id=form))
        held += [lago_customer(number), stripe_customer(number), *live]
        held += draw(st.sampled_from([[], [lago_sub(number, "founders_friend")], [stripe_sub(number, "seats")]]))
    scene = Scene(orgs=tuple(orgs), held=tuple(held), incomplete=(), invalid=(), terms=terms(authority))
    return scene, authority


@quick
@given(agreeing())
def test_agreement_gives_nothing(world: tuple[Scene, Authority]) -> None:
    scene, _ = world
    decisions = decided(scene.observation, scene.terms)
    assert {each.decided for each in decisions} <= {Decided.OK}
    assert {each.drift.code.value for each in decisions} <= {"link_other_form", "leftover_free_subscription"}
    assert totals(scene).in_sync == 3


@quick
@given(scenes(), st.sampled_from([(Source.LAGO,), (Source.STRIPE,), tuple(Source)]))
def test_nothing_is_lowered_from_an_incomplete_snapshot(scene: Scene, broken: tuple[Source, ...]) -> None:
    decisions = decided(replace(scene, incomplete=broken).observation, scene.terms)
    assert [fix for fix in fixes(decisions) if fix.direction is Direction.LOWER] == []


@quick
@given(scenes())
def test_once_the_plan_is_applied_nothing_is_left_to_write_but_the_tier_of_who_is_active_again(scene: Scene) -> None:
    first = planned(scene.observation, scene.terms).to_write
    after = scene.after(first)
    then = planned(after.observation, scene.terms).to_write
    active_again = {fix.org_id for fix in first if fix.call is Call.STATUS and fix.arguments["status"] == ACTIVE}
    assert {fix.call for fix in then} <= {Call.PLAN}
    assert {fix.org_id for fix in then} <= active_again
    assert planned(after.after(then).observation, scene.terms).to_write == ()


@quick
@given(scenes())
def test_an_organisation_under_a_veto_gets_no_fix_that_it_vetoes(scene: Scene) -> None:
    decisions = decided(scene.observation, scene.terms)
    drifts: dict[str | None, list[Drift]] = defaultdict(list)
    for each in decisions:
        drifts[each.drift.org_id].append(each.drift)
    for fix in fixes(decisions):
        assert [each.code for each in drifts[fix.org_id] if each.fix != fix and fix.direction in stops_of(each)] == []


@quick
@given(scenes())
def test_no_organisation_is_lowered_that_anything_entitles_to_what_it_has(scene: Scene) -> None:
    entitling = {SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE, SubscriptionStatus.UNKNOWN}
    if not scene.terms.statuses.trialing:
        entitling.add(SubscriptionStatus.TRIALING)
    for fix in fixes(decided(scene.observation, scene.terms)):
        if fix.direction is Direction.LOWER and fix.call is Call.PLAN:
            org = org_of(scene, fix)
            has = scene.terms.catalog.tiers[org.tier]
            granted = [tier.rank for row in rows_of(scene, org) if row.status in entitling for tier in tiers_of(row)]
            granted += [each.rank for each in contracted(scene, org)]
            assert max(granted, default=-1) < has.rank


def contracted(scene: Scene, org: Org) -> list[Tier]:
    """The tiers of its contracts in force."""
    tiers = scene.terms.catalog.tiers
    return [
        tiers[each.tier]
        for each in scene.history.contracts
        if each.org_id == org.id and each.tier in tiers and (each.end is None or each.end > NOW.date())
    ]


@quick
@given(scenes())
def test_no_organisation_loses_its_status_that_a_healthy_subscription_or_a_contract_entitles(scene: Scene) -> None:
    healthy = {SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING}
    for fix in fixes(decided(scene.observation, scene.terms)):
        if fix.direction is Direction.LOWER and fix.call is Call.STATUS:
            org = org_of(scene, fix)
            assert contracted(scene, org) == []
            late = {
                key for each in scene.held if isinstance(each, Invoice) and each.overdue for key in [each.customer_id]
            }
            mirrored = scene.terms.authority_for(org.id) is Authority.BOTH
            for row in rows_of(scene, org):
                if row.status in healthy and any(tier.paid for tier in tiers_of(row)):
                    assert row.customer_id in late or mirrored


@quick
@given(scenes())
def test_nothing_unmapped_is_live_for_an_organisation_that_is_lowered(scene: Scene) -> None:
    for fix in fixes(decided(scene.observation, scene.terms)):
        if fix.direction is Direction.LOWER:
            rows = [row for row in rows_of(scene, org_of(scene, fix)) if row.status is SubscriptionStatus.ACTIVE]
            labels = {item.label for row in rows for item in row.items}
            assert not labels & {"price_secret", "price_who_knows", "secret_monthly", "secret_yearly"}


@quick
@given(scenes())
def test_an_organisation_is_raised_only_to_what_a_granting_side_grants(scene: Scene) -> None:
    for fix in fixes(decided(scene.observation, scene.terms)):
        if fix.direction is Direction.RAISE and fix.call is Call.PLAN:
            if fix.arguments["plan_tier"] in {each.name for each in contracted(scene, org_of(scene, fix))}:
                continue
            authority = scene.terms.authority_for(fix.org_id)
            by_side = {
                source: {
                    tier.name
                    for row in rows_of(scene, org_of(scene, fix))
                    if row.source is source
                    for tier in tiers_of(row)
                }
                | {scene.terms.statuses.trialing}
                for source in authority.sides
            }
            wanted = all if authority is Authority.BOTH else any
            assert wanted(fix.arguments["plan_tier"] in granted for granted in by_side.values())


@quick
@given(scenes())
def test_only_active_organisations_get_another_tier_and_no_excluded_one_gets_anything(scene: Scene) -> None:
    for fix in fixes(decided(scene.observation, scene.terms)):
        assert fix.org_id not in scene.terms.exclude
        back = fix.call is Call.STATUS and fix.direction is Direction.RAISE
        assert fix.direction is Direction.LINK or back or org_of(scene, fix).status == ACTIVE


@quick
@given(scenes())
def test_each_fix_expects_what_the_organisation_has(scene: Scene) -> None:
    for fix in fixes(decided(scene.observation, scene.terms)):
        org = org_of(scene, fix)
        held = {
            "plan_tier": org.tier,
            "status": org.status,
            "lago_customer_id": org.lago_id,
            "stripe_customer_id": org.stripe_id,
        }
        assert {name: held[name] for name in fix.expects} == dict(fix.expects)


@quick
@given(scenes())
def test_no_field_of_an_organisation_is_fixed_twice(scene: Scene) -> None:
    written = Counter(
        (fix.org_id, name) for fix in fixes(decided(scene.observation, scene.terms)) for name in fix.arguments
    )
    assert set(written.values()) <= {1}


@quick
@given(scenes())
def test_no_link_makes_two_organisations_claim_one_customer(scene: Scene) -> None:
    links = [fix for fix in planned(scene.observation, scene.terms).to_write if fix.direction is Direction.LINK]
    index = BillingIndex.of(scene.observation.snapshots)
    before, after = (claims_of(each.orgs, index) for each in (scene, scene.after(links)))
    assert after == before


@quick
@given(scenes())
def test_the_totals_tie_out(scene: Scene) -> None:
    added = totals(scene)
    assert {currency: money.residual for currency, money in added.money.items() if money.residual} == {}
    assert added.orgs == added.in_sync + added.waiting + added.drift + added.held + added.waived + added.excluded
    assert added.orgs == len(scene.orgs) + sum(not each.readable for each in scene.invalid)


@quick
@given(scenes())
def test_currencies_are_never_added(scene: Scene) -> None:
    """An amount of one currency is bounded by what is billed in that currency; euros weigh a thousand dollars here."""
    held = tuple(_dear_euros(each) if isinstance(each, Subscription) else each for each in scene.held)
    dear = replace(scene, held=held)
    most = Counter({each.currency: 5000 * len(dear.orgs) for each in dear.history.contracts})
    for row in dear.subscriptions:
        for item in row.items:
            most[item.currency] += int(Fraction((item.unit_amount or 0) * item.quantity) / item.period.months) + 1
    for drift in judged(dear.observation, dear.terms).drifts:
        if drift.money is not None:
            assert (drift.money.at_risk or 0) <= most[drift.money.currency]
            assert (drift.money.overbilled or 0) <= most[drift.money.currency]
    assert all(money.billed <= most[currency] for currency, money in totals(dear).money.items())


def _dear_euros(row: Subscription) -> Subscription:
    items = [
        replace(item, unit_amount=item.unit_amount * 1000)
        if item.currency == "eur" and item.unit_amount is not None
        else item
        for item in row.items
    ]
    return replace(row, items=tuple(items))


@quick
@given(scenes())
def test_money_is_whole_minor_units_or_unknown_and_never_negative(scene: Scene) -> None:
    for drift in judged(scene.observation, scene.terms).drifts:
        if drift.money is not None:
            for amount in (drift.money.leak, drift.money.owed, drift.money.overbilled, drift.money.at_risk):
                assert amount is None or (type(amount) is int and amount >= 0)


@quick
@given(scenes())
def test_what_is_held_concludes_nothing_in_money(scene: Scene) -> None:
    for each in decided(scene.observation, scene.terms):
        if each.decided is Decided.HOLD:
            assert each.drift.money is None
            assert each.drift.fix is None


@quick
@given(scenes())
def test_the_plan_is_ordered_and_its_digest_is_of_its_fixes(scene: Scene) -> None:
    observation = scene.observation
    decisions = decided(observation, scene.terms)
    judgement = judged(observation, scene.terms)
    build = partial(build_plan, terms=scene.terms, limits=WIDE, scope=EVERYTHING)
    plan = build(decisions, judgement, observation)
    again = build(tuple(reversed(decisions)), judgement, observation)
    assert plan == again
    ranks = [[Direction.RAISE, Direction.LINK, Direction.LOWER].index(each.fix.direction) for each in plan.fixes]
    assert ranks == sorted(ranks)

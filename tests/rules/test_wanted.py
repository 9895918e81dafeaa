"""What a pass asks a source beyond its lists: as little as decides something, and never too little."""

from __future__ import annotations

from dataclasses import replace

from builders import NOW, lago_customer, lago_sub, linked, observe_world, org, stripe_customer, stripe_sub, terms
from reconciler.model.billing import CollectionPause, Customer, Source, Subscription, SubscriptionStatus
from reconciler.model.observation import Wanted
from reconciler.model.orgs import DELETED, SUSPENDED, Org
from reconciler.model.terms import Authority, StatusTerms, Terms
from reconciler.rules.wanted import wanted_of

NOTHING = Wanted()
STRIPE = terms(Authority.STRIPE)


def wanted(
    orgs: list[Org], *held: Customer | Subscription, by: Terms = STRIPE, ended_of: frozenset[str] | None = frozenset()
) -> dict[Source, Wanted]:
    snapshots = {
        source: replace(each, ended_of=ended_of) for source, each in observe_world(orgs, *held).snapshots.items()
    }
    return wanted_of(orgs, snapshots, by)


def test_a_recorded_id_that_no_list_held_is_wanted_of_its_side_only() -> None:
    said = wanted([org(1, "founders_friend", stripe_id="cus_gone")], lago_customer(1))
    assert said == {Source.LAGO: NOTHING, Source.STRIPE: Wanted(recorded_ids=frozenset({"cus_gone"}))}


def test_a_recorded_lago_id_is_held_as_customer_id_external_id_or_id_of_a_subscription() -> None:
    forms = ["lago-1", "org_1", "lagosub-1-starter"]
    orgs = [org(1, "founders_friend", lago_id=form) for form in forms]
    assert wanted(orgs, lago_customer(1), lago_sub(1, "starter"))[Source.LAGO].recorded_ids == frozenset()


def test_an_id_of_who_is_not_judged_is_not_wanted() -> None:
    orgs = [org(1, stripe_id="cus_gone", status=DELETED), org(2, stripe_id="cus_gone")]
    said = wanted(orgs, by=replace(STRIPE, exclude={"org_2": "ours"}))
    assert said[Source.STRIPE] == NOTHING


def test_ended_rows_are_wanted_of_every_side_where_nothing_live_grants_the_tier() -> None:
    said = wanted([linked(1), linked(2)], *(lago_customer(n) for n in (1, 2)), stripe_customer(1), stripe_sub(1))
    assert said[Source.LAGO].ended_of == {"lago-2"}
    assert said[Source.STRIPE].ended_of == {"cus_2"}  # it may be deleted, with what it had
    assert said[Source.STRIPE].recorded_ids == {"cus_2"}


def test_a_live_row_of_a_lower_tier_leaves_the_ended_ones_wanted() -> None:
    said = wanted([linked(1, "enterprise")], lago_customer(1), stripe_customer(1), stripe_sub(1, "professional"))
    assert said[Source.STRIPE].ended_of == {"cus_1"}
    assert said[Source.LAGO].ended_of == {"lago-1"}


def test_where_both_must_agree_the_side_that_is_not_live_is_asked() -> None:
    held = (lago_customer(1), stripe_customer(1), stripe_sub(1))
    assert wanted([linked(1)], *held, by=terms(Authority.BOTH))[Source.LAGO].ended_of == {"lago-1"}
    assert wanted([linked(1)], *held, by=terms(Authority.EITHER))[Source.LAGO].ended_of == frozenset()


def test_a_live_row_that_may_not_count_leaves_the_ended_ones_wanted() -> None:
    doubtful = [
        stripe_sub(1, status=SubscriptionStatus.PAST_DUE),
        stripe_sub(1, status=SubscriptionStatus.PENDING),
        stripe_sub(1, amount=0),
        stripe_sub(1, collection_pause=CollectionPause()),
        stripe_sub(1, price="price_unknown"),
    ]
    said = [wanted([linked(1)], stripe_customer(1), each)[Source.STRIPE].ended_of for each in doubtful]
    assert said == [{"cus_1"}] * len(doubtful)


def test_a_trial_grants_the_tier_that_trials_are_set_to_grant() -> None:
    trial = stripe_sub(1, status=SubscriptionStatus.TRIALING, trial_end=NOW)
    held = (stripe_customer(1), trial)
    less = terms(Authority.STRIPE, statuses=StatusTerms(unpaid_tier="founders_friend", trialing="trial"))
    assert wanted([linked(1)], *held)[Source.STRIPE].ended_of == frozenset()
    assert wanted([linked(1)], *held, by=less)[Source.STRIPE].ended_of == {"cus_1"}


def test_nobody_on_an_unpaid_or_unknown_tier_needs_what_ended() -> None:
    orgs = [linked(1, "founders_friend"), linked(2, "platinum")]
    assert wanted(orgs, stripe_customer(1), stripe_customer(2))[Source.STRIPE].ended_of == frozenset()


def test_who_is_suspended_may_still_be_paid_for_by_a_row_that_ended() -> None:
    assert wanted([linked(1, status=SUSPENDED)], stripe_customer(1))[Source.STRIPE].ended_of == {"cus_1"}


def test_what_the_lists_held_already_is_not_wanted_again() -> None:
    assert wanted([linked(1)], stripe_customer(1), ended_of=None)[Source.STRIPE] == NOTHING
    assert wanted([linked(1)], stripe_customer(1), ended_of=frozenset({"cus_1"}))[Source.STRIPE] == NOTHING

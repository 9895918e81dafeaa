"""Each fix is written only after its organisation was read and judged again."""

from __future__ import annotations

from dataclasses import replace

from builders import NOW, lago_customer, lago_sub, org, stripe_customer, stripe_sub, terms
from cycle.cycle_support import billed, linked, results, works
from fakes import FakeOrgManager
from reconciler.errors import StoreUnfinishedError, StoreWriteError
from reconciler.model.billing import Source, SubscriptionStatus
from reconciler.model.drift import Direction
from reconciler.model.observation import CustomerReading
from reconciler.model.run import RunMode, RunResult
from reconciler.model.terms import Authority


def test_what_is_proven_is_written_and_read_back() -> None:
    made = works([linked(1, "founders_friend"), linked(2, "enterprise")], *billed(1), *billed(2))
    run = made.run()
    assert results(run.outcomes) == [("org_1", "fixed"), ("org_2", "fixed")]
    assert made.store.writes == [("org_1", {"plan_tier": "professional"}), ("org_2", {"plan_tier": "professional"})]
    assert (run.result, run.exit_code) == (RunResult.CLEAN, 0)
    assert made.run().plan.fixes == ()


def test_raising_comes_before_lowering() -> None:
    made = works([linked(1, "enterprise"), linked(2, "founders_friend")], *billed(1), *billed(2))
    assert [org_id for org_id, _ in made.store.writes] == []
    made.run()
    assert [org_id for org_id, _ in made.store.writes] == ["org_2", "org_1"]


def test_a_dry_run_writes_nothing_and_asks_for_no_customer() -> None:
    made = works([linked(1, "founders_friend")], *billed(1))
    run = made.run(RunMode.DRY_RUN)
    assert made.store.writes == []
    assert made.lago.asked == made.stripe.asked == []
    assert (run.exit_code, len(run.plan.to_write)) == (2, 1)


def test_to_raise_every_granting_side_is_read_again_to_lower_every_configured_one() -> None:
    made = works(
        [linked(1, "founders_friend"), linked(2, "enterprise")],
        *billed(1),
        *billed(2),
        terms=terms(Authority.LAGO),
    )
    made.run()
    assert made.lago.asked == ["lago-1", "lago-2"]
    assert made.stripe.asked == ["cus_2"]


def test_a_subscription_that_ended_meanwhile_makes_the_raise_stale() -> None:
    made = works([linked(1, "founders_friend"), linked(2, "founders_friend")], *billed(1), *billed(2))
    made.stripe.readings["cus_1"] = CustomerReading(
        customer=stripe_customer(1),
        subscriptions=(stripe_sub(1, status=SubscriptionStatus.ENDED, period_end=NOW),),
    )
    run = made.run()
    assert results(run.outcomes) == [("org_1", "stale"), ("org_2", "fixed")]
    assert [org_id for org_id, _ in made.store.writes] == ["org_2"]
    assert run.exit_code == 2


def test_a_subscription_that_appeared_meanwhile_saves_from_lowering() -> None:
    made = works([linked(1, "enterprise")], *billed(1))
    upgraded = lago_sub(1, "enterprise")
    made.lago.readings["lago-1"] = CustomerReading(customer=lago_customer(1), subscriptions=(upgraded,))
    assert results(made.run().outcomes) == [("org_1", "stale")]
    assert made.store.writes == []


def test_an_organisation_changed_since_it_was_read_is_left_alone() -> None:
    made = works([linked(1, "founders_friend")], *billed(1))
    read_customer = made.lago.read_customer

    def changed_while_reading(customer: object) -> CustomerReading:
        made.store.change("org_1", plan_tier="starter")
        return read_customer(customer)  # type: ignore[arg-type]  # the fake's own customer

    made.lago.read_customer = changed_while_reading  # type: ignore[method-assign]  # another writer in mid-run
    assert results(made.run().outcomes) == [("org_1", "stale")]
    assert made.store.records["org_1"].plan_tier == "starter"


def test_compare_and_set_catches_the_last_moment() -> None:
    made = works([linked(1, "founders_friend")], *billed(1))

    def sneak(store: FakeOrgManager, org_id: str) -> None:
        store.change(org_id, plan_tier="enterprise")

    made.store.before_update = sneak
    assert results(made.run().outcomes) == [("org_1", "stale")]
    assert made.store.records["org_1"].plan_tier == "enterprise"


def test_a_write_that_reads_back_otherwise_failed() -> None:
    made = works([linked(1, "founders_friend")], *billed(1))
    made.store.loses_writes = True
    run = made.run()
    assert results(run.outcomes) == [("org_1", "failed")]
    assert (run.result, run.exit_code) == (RunResult.FAILED, 5)


def test_another_field_that_changed_beside_the_write_does_not_make_it_fail() -> None:
    made = works([linked(1, "founders_friend")], *billed(1))

    def rename(store: FakeOrgManager, org_id: str) -> None:
        store.change(org_id, name="Renamed")

    made.store.before_update = rename
    assert results(made.run().outcomes) == [("org_1", "fixed")]


def test_every_write_counts_against_the_limits_even_one_that_reads_back_otherwise() -> None:
    made = works([linked(1, "founders_friend")], *billed(1))
    made.store.loses_writes = True
    (outcome,) = made.run().outcomes
    assert (outcome.result.value, outcome.written) == ("failed", True)
    assert [each.direction for each in made.ledger.history(made.clock.now()).done] == [Direction.RAISE] * 1


def test_a_write_that_the_store_left_half_done_counts_as_it_may_be_finished_by_the_next() -> None:
    made = works([linked(1, "founders_friend")], *billed(1))
    made.store.fail_with = StoreUnfinishedError("half written", remedy="Make room")
    (outcome,) = made.run().outcomes
    assert (outcome.result.value, outcome.written) == ("failed", True)
    assert len(made.ledger.history(made.clock.now()).done) == 1


def test_a_lago_customer_that_appeared_meanwhile_saves_from_lowering() -> None:
    made = works(
        [org(1, "enterprise", stripe_id="cus_1"), linked(2, "professional")],
        stripe_customer(1),
        stripe_sub(1),
        *billed(2),
        terms=terms(Authority.STRIPE),
    )
    read_all = made.lago.read_all

    def read_then_appear(as_of: object) -> object:
        seen = read_all(as_of)  # type: ignore[arg-type]  # passed through
        made.lago.snapshot = replace(made.lago.snapshot, customers=(*made.lago.snapshot.customers, lago_customer(1)))
        return seen

    made.lago.read_all = read_then_appear  # type: ignore[assignment,method-assign]  # somebody registers in mid-run
    run = made.run()
    assert results(run.outcomes) == [("org_1", "stale")]
    assert "appeared" in str(run.outcomes[0].error)


def test_a_side_that_goes_away_before_the_write_skips_the_fix() -> None:
    made = works([linked(1, "founders_friend")], *billed(1))
    read_all = made.stripe.read_all

    def read_then_die(as_of: object) -> object:
        seen = read_all(as_of)  # type: ignore[arg-type]  # passed through
        made.stripe.down = "Stripe does not answer"
        return seen

    made.stripe.read_all = read_then_die  # type: ignore[assignment,method-assign]  # the side dies in mid-run
    run = made.run()
    assert results(run.outcomes) == [("org_1", "skipped")]
    assert run.outcomes[0].error == "Stripe does not answer"
    assert (run.result, run.exit_code) == (RunResult.INCOMPLETE, 4)
    assert made.store.writes == []


def test_five_failures_in_a_row_stop_the_rest() -> None:
    numbers = range(1, 8)
    made = works([linked(n, "founders_friend") for n in numbers], *(each for n in numbers for each in billed(n)))
    made.store.fail_with = StoreWriteError("the disk is full", remedy="Make room")
    run = made.run()
    assert [result for _, result in results(run.outcomes)] == ["failed"] * 5 + ["skipped"] * 2


def test_one_failure_stops_no_other_organisation() -> None:
    made = works([linked(1, "founders_friend"), linked(2, "founders_friend")], *billed(1), *billed(2))

    def fail_first(store: FakeOrgManager, org_id: str) -> None:
        store.fail_with = StoreWriteError("refused", remedy="Look") if org_id == "org_1" else None

    made.store.before_update = fail_first
    assert results(made.run().outcomes) == [("org_1", "failed"), ("org_2", "fixed")]


def test_both_links_and_the_tier_of_one_organisation_are_written_in_one_run() -> None:
    made = works([org(1, "founders_friend")], *billed(1))
    run = made.run()
    assert [(each.fix.call.value, each.result.value) for each in run.outcomes] == [
        ("update_org_plan", "fixed"),
        ("update_org_billing_ids", "fixed"),
        ("update_org_billing_ids", "fixed"),
    ]
    record = made.store.records["org_1"]
    assert (record.plan_tier, record.lago_customer_id, record.stripe_customer_id) == ("professional", "org_1", "cus_1")


def test_a_customer_that_names_another_organisation_by_now_is_not_followed() -> None:
    made = works([linked(1, "founders_friend")], *billed(1))
    made.stripe.readings["cus_1"] = CustomerReading(
        customer=replace(stripe_customer(1), org_key="org_2"), subscriptions=(stripe_sub(1),)
    )
    assert results(made.run().outcomes) == [("org_1", "stale")]


def test_nothing_is_lowered_while_a_side_is_away() -> None:
    made = works([linked(1, "enterprise"), linked(2, "founders_friend")], *billed(1), *billed(2))
    made.stripe.down = "Stripe does not answer"
    run = made.run()
    assert made.store.writes == []
    assert (run.result, run.exit_code, run.complete) == (RunResult.INCOMPLETE, 4, False)
    assert run.sources[Source.STRIPE].problem == "Stripe does not answer"
    assert {each.drift.code.value for each in run.decisions} == {"snapshot_incomplete"}

"""Absence is not evidence: a complete read that may be of a lost or wrong account lowers nothing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from builders import WIDE, lago_customer, lago_sub, stripe_customer, stripe_sub
from cycle.cycle_support import Works, billed, linked, works
from reconciler.model.billing import Source
from reconciler.model.run import RunRecord, RunResult


def assert_incomplete_and_nothing_lowered(made: Works, run: RunRecord, *words: str) -> None:
    assert (run.result, run.exit_code, run.complete) == (RunResult.INCOMPLETE, 4, False)
    assert made.store.writes == []
    problem = run.sources[Source.STRIPE].problem
    assert problem is not None
    for word in words:
        assert word in problem


def test_a_source_that_answers_with_nothing_at_all_is_no_complete_read() -> None:
    made = works([linked(1, "enterprise")], lago_customer(1), lago_sub(1))
    assert_incomplete_and_nothing_lowered(made, made.run(), "no customer and no subscription", "right account")


def held_of_ten() -> Works:
    """Ten organisations in agreement, seen by one complete run; Stripe holds 20 rows."""
    numbers = range(1, 11)
    made = works([linked(n, "professional") for n in numbers], *(each for n in numbers for each in billed(n)))
    made.run()
    return made


def lose_subscriptions(made: Works, count: int) -> None:
    made.stripe.snapshot = replace(made.stripe.snapshot, subscriptions=made.stripe.snapshot.subscriptions[count:])


def test_a_source_that_lost_more_rows_than_the_limit_is_no_complete_read() -> None:
    made = held_of_ten()
    lose_subscriptions(made, 4)
    for _ in range(2):
        words = "holds 16", "4 fewer", "right account", "raising [limits] max_population_drop_ratio"
        assert_incomplete_and_nothing_lowered(made, made.run(), *words)


def test_a_source_that_lost_as_many_rows_as_the_limit_allows_is_complete() -> None:
    made = held_of_ten()
    lose_subscriptions(made, 3)
    assert made.run().complete


def test_raising_the_limit_for_one_run_accepts_what_a_source_lost() -> None:
    made = held_of_ten()
    lose_subscriptions(made, 4)
    line = made.line
    made.line = replace(line, limits=replace(WIDE, max_population_drop_ratio=Decimal("0.2")))
    assert made.run().complete
    made.line = line
    assert made.run().complete


@pytest.mark.parametrize("of", ["customer", "subscription"])
def test_an_object_of_the_other_mode_makes_the_read_incomplete(of: str) -> None:
    held = (
        stripe_customer(1, livemode=False if of == "customer" else None),
        stripe_sub(1, livemode=False if of == "subscription" else None),
    )
    made = works([linked(1, "enterprise")], lago_customer(1), lago_sub(1), *held)
    assert_incomplete_and_nothing_lowered(made, made.run(), "objects of the other mode", "livemode")


def test_objects_of_the_configured_mode_or_of_none_are_as_they_should_be() -> None:
    held = lago_customer(1), lago_sub(1), stripe_customer(1, livemode=True), stripe_sub(1, livemode=True)
    assert works([linked(1, "professional")], *held).run().complete

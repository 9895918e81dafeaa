"""An error that ripens run by run over a day is refused by the same limits as one that comes at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from builders import WIDE, lago_sub, stripe_sub
from cycle.cycle_support import Works, billed, linked, works
from reconciler.model.billing import Subscription
from reconciler.model.terms import Limits

ORGS = 60
RUNS = 96
QUARTER = timedelta(minutes=15)


def of_organisations(limits: Limits) -> Works:
    numbers = range(1, ORGS + 1)
    held = [each for number in numbers for each in billed(number, "enterprise")]
    return works([linked(number, "enterprise") for number in numbers], *held, limits=limits)


def turn_wrong(made: Works, number: int) -> None:
    """One more subscription reads as a lower tier, on both sides."""

    def changed(rows: tuple[Subscription, ...], wrong: Subscription) -> tuple[Subscription, ...]:
        return tuple(wrong if each.customer_id == wrong.customer_id else each for each in rows)

    for side, wrong in ((made.lago, lago_sub(number)), (made.stripe, stripe_sub(number))):
        side.snapshot = replace(side.snapshot, subscriptions=changed(side.snapshot.subscriptions, wrong))


def lowered(made: Works) -> int:
    return sum(record.plan_tier != "enterprise" for record in made.store.records.values())


def test_an_error_that_ripens_over_the_runs_of_a_day_is_refused_once_it_is_as_large_as_one_that_comes_at_once() -> None:
    made = of_organisations(replace(Limits(), max_monthly_value_ratio=WIDE.max_lower_ratio + 1))
    refused_at: list[int] = []
    for run in range(1, RUNS + 1):
        if run % 4 == 0:
            turn_wrong(made, run // 4)
        if run == RUNS // 2:
            made.store.change(f"org_{ORGS}", plan_tier="starter")
        if made.run().exit_code == 3:
            refused_at.append(run)
        made.clock.at += QUARTER
    # 5 % of 60 organisations are 3, and up to 3 are always allowed: the fourth is refused, and all that come after.
    assert lowered(made) == 3
    assert refused_at == list(range(16, RUNS + 1))
    assert made.store.records[f"org_{ORGS}"].plan_tier == "enterprise"


def test_it_is_refused_by_its_money_where_the_count_would_let_it_pass() -> None:
    made = of_organisations(Limits(max_lower_ratio=WIDE.max_lower_ratio + 1, always_allowed=0))
    for run in range(1, 9):
        turn_wrong(made, run)
        refused = made.run().plan.refused_by
        made.clock.at += QUARTER
    # One of 60 that list 499.00 each, and falls to 99.00: 1.3 % of the whole, two are 2.7 %.
    assert lowered(made) == 1
    assert refused == {"lower": "latched"}

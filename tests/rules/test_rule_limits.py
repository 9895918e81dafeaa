"""When a run is refused before judging, and when a direction of a plan is refused before writing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from builders import NOW, WIDE, linked, observe_world, org, terms
from reconciler.model.drift import Call, Direction, Fix
from reconciler.model.history import DoneFix, History
from reconciler.model.orgs import InvalidRecord, Org
from reconciler.model.terms import Limits
from reconciler.rules.limits import refuse_directions, refuse_run

STRICT = Limits(always_allowed=0)


def fixes(direction: Direction, count: int) -> list[Fix]:
    return [
        Fix(
            org_id=f"org_{number}",
            drift_id=f"drift_{number}",
            call=Call.PLAN,
            arguments={"plan_tier": "starter"},
            expects={"plan_tier": "professional"},
            direction=direction,
        )
        for number in range(count)
    ]


def orgs(count: int, tier: str = "professional", status: str = "active") -> list[Org]:
    return [linked(number, tier, status=status) for number in range(count)]


def refused(
    raised: int, lowered: int, population: list[Org], limits: Limits, done: Mapping[Direction, int] | None = None
) -> dict[str, str]:
    planned = [*fixes(Direction.RAISE, raised), *fixes(Direction.LOWER, lowered)]
    history = History(
        done=tuple(
            DoneFix(key=str(number), direction=direction, at=NOW)
            for direction, count in (done or {}).items()
            for number in range(count)
        )
    )
    found = refuse_directions(planned, population, terms=terms(), limits=limits, history=history)
    return {direction.value: rule for direction, rule in found.items()}


@pytest.mark.parametrize(("count", "rule"), [(25, {}), (26, {"lower": "max_lower_count"})])
def test_more_lowerings_than_the_count_are_refused(count: int, rule: dict[str, str]) -> None:
    assert refused(0, count, orgs(10000), STRICT) == rule


@pytest.mark.parametrize(("count", "rule"), [(50, {}), (51, {"raise": "max_raise_count"})])
def test_more_raises_than_the_count_are_refused(count: int, rule: dict[str, str]) -> None:
    assert refused(count, 0, orgs(10000), STRICT) == rule


@pytest.mark.parametrize(("count", "rule"), [(5, {}), (6, {"lower": "max_lower_ratio"})])
def test_lowerings_are_shared_over_organisations_on_a_paid_tier(count: int, rule: dict[str, str]) -> None:
    population = [*orgs(100), *orgs(500, "founders_friend"), *orgs(50, "mystery"), *orgs(50, status="deleted")]
    assert refused(0, count, population, STRICT) == rule


@pytest.mark.parametrize(("count", "rule"), [(20, {}), (21, {"raise": "max_raise_ratio"})])
def test_raises_are_shared_over_organisations_that_are_not_deleted(count: int, rule: dict[str, str]) -> None:
    population = [
        *orgs(100),
        *orgs(50, "founders_friend"),
        *orgs(50, "mystery", "suspended"),
        *orgs(90, status="deleted"),
    ]
    assert refused(count, 0, population, STRICT) == rule


@pytest.mark.parametrize(("count", "rule"), [(3, {}), (4, {"raise": "max_raise_ratio", "lower": "max_lower_ratio"})])
def test_a_few_of_each_direction_never_trip_a_share(count: int, rule: dict[str, str]) -> None:
    assert refused(count, count, orgs(5), Limits()) == rule


def test_a_few_that_are_always_allowed_still_count() -> None:
    assert refused(2, 2, orgs(5), replace(Limits(), max_raise_count=1, max_lower_count=1)) == {
        "raise": "max_raise_count",
        "lower": "max_lower_count",
    }


def test_a_share_of_nothing_allows_nothing() -> None:
    none = replace(STRICT, max_raise_ratio=Decimal(0), max_lower_ratio=Decimal(0))
    assert refused(1, 1, orgs(1000), none) == {"raise": "max_raise_ratio", "lower": "max_lower_ratio"}


def test_a_count_of_nothing_allows_nothing() -> None:
    none = replace(WIDE, max_raise_count=0, max_lower_count=0)
    assert refused(1, 1, orgs(1000), none) == {"raise": "max_raise_count", "lower": "max_lower_count"}


def test_a_share_of_everything_allows_everything() -> None:
    full = replace(STRICT, max_raise_ratio=Decimal(1), max_lower_ratio=Decimal(1))
    assert refused(20, 20, orgs(20), full) == {}


def test_an_empty_population_allows_only_what_is_always_allowed() -> None:
    assert refused(1, 1, [], STRICT) == {"raise": "max_raise_ratio", "lower": "max_lower_ratio"}
    assert refused(1, 1, [], Limits()) == {}


def test_nothing_planned_is_never_refused() -> None:
    done = {Direction.RAISE: 999, Direction.LOWER: 999}
    assert refused(0, 0, [], STRICT, done) == {}


@pytest.mark.parametrize(("done", "rule"), [(24, {}), (25, {"lower": "max_lower_count"})])
def test_what_was_done_in_the_last_day_counts(done: int, rule: dict[str, str]) -> None:
    assert refused(0, 1, orgs(10000), STRICT, {Direction.LOWER: done, Direction.RAISE: 9}) == rule


@pytest.mark.parametrize(("done", "rule"), [(4, {}), (5, {"lower": "max_lower_ratio"})])
def test_what_was_done_in_the_last_day_counts_for_the_share(done: int, rule: dict[str, str]) -> None:
    assert refused(0, 1, orgs(100), STRICT, {Direction.LOWER: done}) == rule


def test_each_direction_is_refused_on_its_own() -> None:
    assert refused(1, 26, orgs(10000), STRICT) == {"lower": "max_lower_count"}
    assert refused(51, 1, orgs(10000), STRICT) == {"raise": "max_raise_count"}


def test_links_are_not_limited() -> None:
    found = refuse_directions(fixes(Direction.LINK, 10000), orgs(1), terms=terms(), limits=STRICT, history=History())
    assert found == {}


# a whole run


def bad(count: int, *, readable: bool = True) -> list[InvalidRecord]:
    return [
        InvalidRecord(key=f"org_{number}", problem="its name is blank", readable=readable) for number in range(count)
    ]


def rule_of(population: list[Org], invalid: list[InvalidRecord], before: int | None = None) -> str | None:
    observed = observe_world(population, invalid=invalid, history=History(population=before))
    refusal = refuse_run(observed, Limits())
    return refusal.rule if refusal else None


def test_a_store_of_no_organisation_refuses_the_run() -> None:
    assert rule_of([], []) == "zero_organisations"


def test_a_store_of_one_organisation_that_cannot_be_read_refuses_the_run() -> None:
    assert rule_of([], bad(1, readable=False)) == "zero_organisations"


def test_a_store_of_one_organisation_is_judged() -> None:
    assert rule_of([org(1)], []) is None


@pytest.mark.parametrize(("size", "count", "rule"), [(2, 1, None), (200, 2, None), (199, 2, "invalid_records")])
def test_more_than_a_hundredth_of_the_records_refuses_the_run(size: int, count: int, rule: str | None) -> None:
    assert rule_of(orgs(size), bad(count)) == rule


@pytest.mark.parametrize(("size", "count", "rule"), [(198, 2, None), (197, 2, "invalid_records")])
def test_records_that_cannot_be_read_are_part_of_the_whole(size: int, count: int, rule: str | None) -> None:
    lost = [replace(each, key=f"lost_{each.key}") for each in bad(count, readable=False)]
    assert rule_of(orgs(size), lost) == rule


@pytest.mark.parametrize(("count", "rule"), [(10, None), (11, "invalid_records")])
def test_more_than_ten_bad_records_refuse_the_run(count: int, rule: str | None) -> None:
    assert rule_of(orgs(10000), bad(count)) == rule


def test_an_organisation_with_two_faults_counts_once() -> None:
    assert rule_of(orgs(100), [*bad(1), *bad(1)]) is None


@pytest.mark.parametrize(
    ("before", "rule"),
    [(None, None), (0, None), (90, None), (100, None), (101, "max_population_drop_ratio"), (50, None)],
)
def test_a_population_that_shrank_by_more_than_the_limit_refuses_the_run(before: int | None, rule: str | None) -> None:
    assert rule_of(orgs(90), [], before) == rule


def test_a_refusal_says_what_was_not_done_and_what_to_do() -> None:
    for observed in (
        observe_world([]),
        observe_world(orgs(90), history=History(population=200)),
        observe_world(orgs(9), invalid=bad(9)),
    ):
        refusal = refuse_run(observed, Limits())
        assert refusal is not None
        assert "Nothing was judged or written." in refusal.text


def test_a_refusal_names_the_numbers() -> None:
    refusal = refuse_run(observe_world(orgs(90), history=History(population=200)), Limits())
    assert refusal is not None
    assert "holds 90 organisations, 110 fewer" in refusal.text
    invalid = refuse_run(observe_world(orgs(90), invalid=bad(9)), Limits())
    assert invalid is not None
    assert "9 records" in invalid.text
    assert "org_0 (its name is blank)" in invalid.text

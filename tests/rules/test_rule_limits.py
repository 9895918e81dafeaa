"""When a run is refused before judging, and when a direction of a plan is refused before writing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from builders import NOW, WIDE, linked, terms
from reconciler.model.acts import Release
from reconciler.model.drift import Call, Direction, Fix
from reconciler.model.history import DoneFix, History, Latch
from reconciler.model.money import Money
from reconciler.model.orgs import Org
from reconciler.model.run import Explained, Shows
from reconciler.model.terms import Limits
from reconciler.rules.books import Books
from reconciler.rules.case import Verdict
from reconciler.rules.compare import Judgement
from reconciler.rules.limits import Population, population_of, refuse_directions

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


def of(population: list[Org]) -> Population:
    verdicts = tuple(Verdict(org=each, drifts=(), books=None) for each in population)
    return population_of(Judgement(verdicts=verdicts, unclaimed=(), unreadable=()), terms())


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
    found = refuse_directions(planned, of(population), limits=limits, history=history)
    return {direction.value: refusal.rule for direction, refusal in found.items()}


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
    found = refuse_directions(fixes(Direction.LINK, 10000), of(orgs(1)), limits=STRICT, history=History())
    assert found == {}


# money

BY_MONEY = replace(WIDE, always_allowed=0, max_lower_ratio=Decimal(1), max_raise_ratio=Decimal(1))
USD = Population(kept=100, paid=100, monthly={"usd": 1_000_000})


def worth(*each: Money | None, direction: Direction = Direction.LOWER) -> list[Fix]:
    return [replace(fix, worth=money) for fix, money in zip(fixes(direction, len(each)), each, strict=True)]


def usd(minor: int) -> Money:
    return Money(minor=minor, currency="usd")


def refused_for(
    planned: list[Fix],
    population: Population = USD,
    limits: Limits = BY_MONEY,
    *done: DoneFix,
    history: History | None = None,
) -> str | None:
    found = refuse_directions(planned, population, limits=limits, history=history or History(done=done))
    return next(iter(found.values())).rule if found else None


@pytest.mark.parametrize("direction", [Direction.LOWER, Direction.RAISE])
@pytest.mark.parametrize(("minor", "rule"), [(10_000, None), (10_001, "max_monthly_value_ratio")])
def test_a_direction_moves_no_more_than_its_share_of_what_paid_tiers_list(
    minor: int, rule: str | None, direction: Direction
) -> None:
    assert refused_for(worth(usd(10_000), usd(minor), direction=direction)) == rule


def test_what_was_moved_in_the_last_day_counts_for_the_share_of_money() -> None:
    done = [DoneFix(key=str(n), direction=Direction.LOWER, at=NOW, currency="usd", monthly=5_000) for n in range(2)]
    assert refused_for(worth(usd(10_000)), USD, BY_MONEY, *done) is None
    assert refused_for(worth(usd(10_001)), USD, BY_MONEY, *done) == "max_monthly_value_ratio"
    raised = [replace(each, direction=Direction.RAISE) for each in done]
    assert refused_for(worth(usd(20_000)), USD, BY_MONEY, *raised) is None


def test_currencies_are_never_added() -> None:
    both = Population(kept=9, paid=9, monthly={"usd": 1_000_000, "eur": 100_000})
    assert refused_for(worth(usd(20_000), Money(minor=2_000, currency="eur")), both) is None
    assert refused_for(worth(usd(1), Money(minor=2_001, currency="eur")), both) == "max_monthly_value_ratio"
    assert refused_for(worth(Money(minor=1, currency="gbp")), both) == "max_monthly_value_ratio"


def test_a_worth_that_is_not_known_counts_by_number_alone() -> None:
    assert refused_for(worth(None, None, usd(20_000))) is None
    assert refused_for(worth(None, None), limits=replace(BY_MONEY, max_lower_count=1)) == "max_lower_count"


def test_a_few_that_are_always_allowed_never_trip_the_share_of_money() -> None:
    dear = [usd(900_000)] * 3
    assert refused_for(worth(*dear), limits=replace(BY_MONEY, always_allowed=3)) is None
    assert refused_for(worth(*dear, usd(0)), limits=replace(BY_MONEY, always_allowed=3)) == "max_monthly_value_ratio"


def test_paid_tiers_list_what_organisations_have_in_their_currency_or_where_it_is_not_known_in_every_one() -> None:
    eur = Books(currency="eur", billed=0, overbilled=0, due=0, had=12_000)
    rows = [
        *(Verdict(org=each, drifts=(), books=None) for each in orgs(2)),
        Verdict(org=linked(7), drifts=(), books=eur),
        Verdict(org=linked(8, "founders_friend"), drifts=(), books=None),
        Verdict(org=linked(9, status="deleted"), drifts=(), books=None),
        Verdict(org=linked(10, "mystery"), drifts=(), books=None),
    ]
    population = population_of(Judgement(verdicts=tuple(rows), unclaimed=(), unreadable=()), terms())
    assert population == Population(kept=5, paid=3, monthly={"usd": 19_800, "eur": 12_000 + 19_800})


# people's word, latches and runs that were broken off


def release_of(planned: list[Fix], at: timedelta = timedelta(0)) -> Release:
    keys = frozenset(fix.key for fix in planned)
    return Release(
        digest="sha256:0", until=NOW + at + timedelta(hours=24), by="Ann", reason="known", at=NOW + at, fixes=keys
    )


def done_of(planned: list[Fix], at: timedelta = timedelta(hours=1)) -> tuple[DoneFix, ...]:
    return tuple(DoneFix(key=fix.key, direction=fix.direction, at=NOW + at) for fix in planned)


def test_what_was_done_by_a_release_leaves_the_day_free_for_others() -> None:
    released, limits = fixes(Direction.LOWER, 40), replace(WIDE, max_lower_count=1)
    others = [replace(each, org_id=f"other_{each.org_id}", drift_id=f"other_{each.drift_id}") for each in released[:1]]
    history = History(done=done_of(released), releases=(release_of(released),))
    assert refused_for(others, limits=limits, history=history) is None
    before = replace(history, releases=(release_of(released, timedelta(hours=2)),))
    assert refused_for(others, limits=limits, history=before) == "max_lower_count"


def test_a_latched_direction_is_refused_whatever_is_planned_and_the_other_is_not() -> None:
    latch = Latch(digest="sha256:1", rule="max_lower_count", since=NOW)
    history = History(latches={Direction.LOWER: latch})
    found = refuse_directions(
        [*fixes(Direction.LOWER, 1), *fixes(Direction.RAISE, 1)], of(orgs(100)), limits=WIDE, history=history
    )
    assert {direction: each.rule for direction, each in found.items()} == {Direction.LOWER: "latched"}
    assert "max_lower_count refused sha256:1" in found[Direction.LOWER].text


def test_a_latch_refuses_nothing_where_nothing_is_planned() -> None:
    latch = Latch(digest="sha256:1", rule="max_lower_count", since=NOW)
    assert refused_for([], history=History(latches={Direction.LOWER: latch})) is None


def test_what_a_broken_off_run_did_not_write_does_not_count() -> None:
    meant, limits = fixes(Direction.LOWER, 2), replace(WIDE, max_lower_count=2)
    history = History(done=done_of(meant))
    told = [Explained(run_id="r", at=NOW + timedelta(hours=1), fixes=tuple((fix, Shows.NOT_WRITTEN) for fix in meant))]
    assert refused_for(meant, limits=limits, history=history) == "max_lower_count"
    found = refuse_directions(meant, USD, limits=limits, history=history, explained=told)
    assert found == {}
    written = [replace(told[0], fixes=((meant[0], Shows.WRITTEN), (meant[1], Shows.NOT_WRITTEN)))]
    assert refuse_directions(meant, USD, limits=limits, history=history, explained=written) != {}


def test_a_refusal_gives_its_figures() -> None:
    found = refuse_directions(fixes(Direction.LOWER, 6), of(orgs(100)), limits=STRICT, history=History())
    assert found[Direction.LOWER].text == (
        "6 to lower and 0 in the last 24 hours of 100 organisations on a paid tier, at most a share of 0.05 is allowed"
    )

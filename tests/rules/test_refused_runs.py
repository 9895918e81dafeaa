"""When a whole run is refused before anything is judged, and what a person's word changes about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from builders import NOW, linked, observe_world, org, stripe_customer, stripe_sub, terms
from reconciler.model.acts import Release
from reconciler.model.history import History
from reconciler.model.orgs import InvalidRecord, Org
from reconciler.model.terms import Limits
from reconciler.rules.refusals import Refusal, refuse_run


def orgs(count: int) -> list[Org]:
    return [linked(number) for number in range(count)]


def bad(count: int, *, readable: bool = True) -> list[InvalidRecord]:
    return [
        InvalidRecord(key=f"org_{number}", problem="its name is blank", readable=readable) for number in range(count)
    ]


def rule_of(population: list[Org], invalid: list[InvalidRecord], before: int | None = None) -> str | None:
    observed = observe_world(population, invalid=invalid, history=History(population=before))
    refusal = refuse_run(observed, terms(), Limits())
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
        refusal = refuse_run(observed, terms(), Limits())
        assert refusal is not None
        assert "Nothing was judged or written." in refusal.text


def test_a_refusal_names_the_numbers() -> None:
    refusal = refuse_run(observe_world(orgs(90), history=History(population=200)), terms(), Limits())
    assert refusal is not None
    assert "holds 90 organisations, 110 fewer" in refusal.text
    invalid = refuse_run(observe_world(orgs(90), invalid=bad(9)), terms(), Limits())
    assert invalid is not None
    assert "9 records" in invalid.text
    assert "org_0 (its name is blank)" in invalid.text


@pytest.mark.parametrize(("count", "rule"), [(3, None), (4, "livemode_differs")])
def test_more_than_three_objects_of_the_other_mode_refuse_the_run(count: int, rule: str | None) -> None:
    held = [stripe_customer(number, livemode=False) for number in range(count - 1)]
    observed = observe_world(orgs(9), *held, stripe_sub(livemode=False), stripe_sub(2, livemode=True), stripe_sub(3))
    refusal = refuse_run(observed, terms(), Limits())
    assert (refusal.rule if refusal else None) == rule


# a person's word


def refusal_of(population: list[Org], *releases: Release, before: int = 200) -> Refusal | None:
    observed = observe_world(population, history=History(population=before, releases=releases))
    return refuse_run(observed, terms(), Limits())


def release(digest: str, population: int | None = None, *, over: bool = False) -> Release:
    at = NOW - timedelta(hours=25 if over else 1)
    return Release(digest=digest, until=at + timedelta(hours=24), by="Ann", reason="sold", at=at, population=population)


def test_the_same_refusal_has_the_same_digest_and_another_has_another() -> None:
    digests = [each.digest for each in map(refusal_of, (orgs(90), orgs(90), orgs(89), [])) if each]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
    assert all(digest.startswith("sha256:") and len(digest) == 71 for digest in digests)


def test_an_acknowledged_population_is_the_baseline_from_then_on() -> None:
    refusal = refusal_of(orgs(90))
    assert refusal is not None
    word = release(refusal.digest, 90)
    assert [refusal_of(orgs(count), word) is None for count in (90, 91, 81, 80)] == [True, True, True, False]


def test_an_acknowledged_empty_store_is_judged() -> None:
    refusal = refusal_of([])
    assert refusal is not None
    assert refusal_of([], release(refusal.digest, 0)) is None


def test_acknowledging_bad_records_holds_for_these_and_no_others() -> None:
    known = observe_world(orgs(9), invalid=bad(2))
    refusal = refuse_run(known, terms(), Limits())
    assert refusal is not None
    history = History(releases=(release(refusal.digest),))
    assert refuse_run(observe_world(orgs(9), invalid=bad(2), history=history), terms(), Limits()) is None
    assert refuse_run(observe_world(orgs(9), invalid=bad(3), history=history), terms(), Limits()) is not None


def test_a_word_that_is_over_releases_nothing() -> None:
    refusal = refusal_of(orgs(90))
    assert refusal is not None
    assert refusal_of(orgs(90), release(refusal.digest, 90, over=True)) is not None


def test_a_refusal_says_how_to_acknowledge_it() -> None:
    refusal = refusal_of(orgs(90))
    assert refusal is not None
    assert f"reconcile breaker ack --plan {refusal.digest} --by NAME --reason WHY" in refusal.text


def test_digests_that_people_hold_stay_valid() -> None:
    strange = [InvalidRecord(key=key, problem="its name is blank", readable=True) for key in ("örg", "org_1")]
    told = [
        refuse_run(observe_world([]), terms(), Limits()),
        refuse_run(observe_world([], history=History(population=7)), terms(), Limits()),
        refuse_run(observe_world(orgs(2), invalid=strange), terms(), Limits()),
    ]
    assert [each.digest if each else None for each in told] == [
        "sha256:7e1cd14e1a5395f4e655380c4cb63dcda44583f3b464e1e2113310fb4821d4dc",
        "sha256:cb215daea988e78cab75f164c2e733c158a749fda41afcb7f8354c28ef29d7e1",
        "sha256:97ff220e5060cdc31dc064679956d37c68059029506badec147a16adf85a5169",
    ]


def test_a_word_ends_with_its_last_moment() -> None:
    refusal = refusal_of(orgs(90))
    assert refusal is not None
    word = Release(digest=refusal.digest, until=NOW, by="Ann", reason="sold", at=NOW, population=90)
    assert refusal_of(orgs(90), word) is not None
    assert refusal_of(orgs(90), replace(word, until=NOW + timedelta(seconds=1))) is None


def test_objects_of_the_other_mode_are_told_with_what_to_check() -> None:
    held = [stripe_customer(number, livemode=False) for number in range(4)]
    refusal = refuse_run(observe_world(orgs(9), *held), terms(), Limits())
    assert refusal is not None
    assert refusal.text.startswith(
        "stripe gave 4 objects of the other mode. Nothing was judged or written. Check [billing] livemode and the key; "
    )

"""The seal of a plan that leaves a pass, and which fixes are in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest

from reconciler.model.run import OutcomeResult
from reconciler.rules.planning import digest_of
from reconciler.rules.sealing import seal_of, seal_plan
from run_builders import T0, fix, outcome, plan_of, run_record

ONE, TWO = fix("org_1"), fix("org_2")
RUN = run_record("run-7", plan=plan_of([ONE, TWO]))
SEALED = seal_plan(RUN, store_at="/srv/orgs")


def test_a_sealed_plan_says_of_which_run_and_store_it_is() -> None:
    assert (SEALED.run_id, SEALED.as_of, SEALED.made_at) == ("run-7", T0, T0 + timedelta(minutes=1))
    assert (SEALED.store_at, SEALED.config_sha256) == ("/srv/orgs", "c0" * 32)
    assert (SEALED.fixes, SEALED.digest) == ((ONE, TWO), digest_of([ONE, TWO]))
    assert SEALED.seal == seal_of(SEALED)


def test_seals_that_people_hold_stay_valid() -> None:
    assert SEALED.seal == "sha256:030fe2c9a457ba3ab7b7c4901eaa491d4fffd83e39cf61566902722810a73e10"


@pytest.mark.parametrize("result", list(OutcomeResult))
def test_only_what_was_written_is_left_out(result: OutcomeResult) -> None:
    sealed = seal_plan(replace(RUN, outcomes=(outcome(TWO, result),)), store_at="/srv/orgs")
    assert sealed.fixes == ((ONE,) if result is OutcomeResult.FIXED else (ONE, TWO))


@pytest.mark.parametrize(
    "change",
    [
        {"run_id": "run-8"},
        {"as_of": T0 + timedelta(seconds=1)},
        {"made_at": T0},
        {"config_sha256": "c1" * 32},
        {"store_at": "/srv/other"},
        {"fixes": (TWO, ONE)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_value_has_another_seal(change: dict[str, Any]) -> None:
    assert seal_of(replace(SEALED, **change)) != SEALED.seal


def test_the_same_moment_in_another_time_zone_has_the_same_seal() -> None:
    tokyo = timezone(timedelta(hours=9))
    moved = replace(SEALED, as_of=SEALED.as_of.astimezone(tokyo), made_at=SEALED.made_at.astimezone(tokyo))
    assert seal_of(moved) == SEALED.seal


def test_the_seal_is_of_the_fixes_and_not_of_the_digest_that_is_told() -> None:
    assert seal_of(replace(SEALED, digest="sha256:0")) == SEALED.seal

"""The collector of cyclic garbage rests while all is judged, finds nothing that judging left, and is on again after."""

from __future__ import annotations

import gc

import pytest

from builders import customers, lago_sub, linked, observe_world, stripe_sub, terms
from reconciler.cycle.judging import judge_all
from reconciler.model.observation import Observation
from reconciler.model.terms import Authority


def _many(count: int = 400) -> Observation:
    """Organisations in sync and others that have more than they pay for, in two currencies."""
    numbers = range(count)
    subs = [
        make(number, "starter", currency=("usd", "eur")[number % 2])
        for number in numbers
        for make in (lago_sub, stripe_sub)
    ]
    orgs = [linked(number, ("starter", "enterprise")[number % 3 == 1]) for number in numbers]
    return observe_world(orgs, *(each for number in numbers for each in customers(number)), *subs)


def test_the_collector_rests_while_all_is_judged() -> None:
    observation, rounds = _many(), []

    def note(phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            rounds.append(phase)

    gc.callbacks.append(note)
    try:
        judgement = judge_all(observation, terms())
        during = list(rounds)
    finally:
        gc.callbacks.remove(note)
    assert judgement.drifts
    assert len(during) <= 1  # the one that falls due as soon as it is on again; else there are many
    assert gc.isenabled()


def test_judging_leaves_nothing_to_the_collector() -> None:
    observation = _many()
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        judge_all(observation, terms())
        gc.collect()
        left = {type(each).__qualname__ for each in gc.garbage if type(each).__module__.startswith("reconciler.")}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    assert left == set()


def test_the_collector_is_on_again_when_judging_breaks() -> None:
    with pytest.raises(KeyError):
        judge_all(observe_world([linked(1), linked(2)], sides=()), terms(Authority.LAGO))
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        judge_all(observe_world([linked(1), linked(2)]), terms())
        assert not gc.isenabled()
    finally:
        gc.enable()

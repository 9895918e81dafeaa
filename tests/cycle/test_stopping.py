"""A pass in a thread is stopped by whoever started it: between two fixes, or before the first."""

from __future__ import annotations

import pytest

from builders import terms
from cycle.cycle_support import Works, billed, linked, results, works
from fakes import FakeOrgManager
from reconciler.cycle.line import Pass
from reconciler.cycle.run import run_pass
from reconciler.cycle.stopping import Stop, Stopped
from reconciler.model.run import RunMode, RunResult
from reconciler.model.terms import Authority


def three_to_raise() -> Works:
    held = [each for number in (1, 2, 3) for each in billed(number)]
    return works([linked(n, "founders_friend") for n in (1, 2, 3)], *held, terms=terms(Authority.BOTH))


def test_a_pass_asked_to_stop_while_it_writes_finishes_the_organisation_in_hand_and_is_recorded() -> None:
    made = three_to_raise()
    stop = Stop()
    held: list[bool] = []

    def ask(_: FakeOrgManager, org_id: str) -> None:
        held.append(stop.held)
        if org_id == "org_2":
            stop.ask()

    made.store.before_update = ask
    with pytest.raises(Stopped):
        run_pass(made.line, Pass(mode=RunMode.FIX), stop=stop)
    (run,) = made.ledger.recorded
    assert results(run.outcomes) == [("org_1", "fixed"), ("org_2", "fixed")]
    assert run.result is RunResult.FAILED
    assert held == [True, True]
    assert not stop.held


def test_a_pass_asked_to_stop_before_it_writes_writes_and_intends_nothing() -> None:
    made = three_to_raise()
    stop = Stop()
    stop.ask()
    before = made.store.snapshot().version
    with pytest.raises(Stopped):
        run_pass(made.line, Pass(mode=RunMode.FIX), stop=stop)
    assert made.store.snapshot().version == before
    assert made.ledger.recorded == []
    assert made.ledger.history(made.clock.now()).done == ()

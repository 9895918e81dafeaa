"""What was written is never lost: whatever breaks a pass off, the ledger knows of the fixes it had in hand."""

from __future__ import annotations

import os
import signal
import sqlite3
from pathlib import Path

import pytest

from builders import terms
from cycle.cycle_support import Works, billed, linked, results, works
from fakes import FakeOrgManager
from reconciler.errors import LedgerError
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model.drift import Direction
from reconciler.model.run import RunResult
from reconciler.model.terms import Authority


def three_to_raise(**line: object) -> Works:
    numbers = (1, 2, 3)
    held = [each for number in numbers for each in billed(number)]
    return works([linked(n, "founders_friend") for n in numbers], *held, terms=terms(Authority.BOTH), **line)


def break_at(made: Works, org_id: str, error: BaseException) -> None:
    def breaking(_: FakeOrgManager, written: str) -> None:
        if written == org_id:
            raise error

    made.store.before_update = breaking


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), RuntimeError("a bug")], ids=repr)
def test_whatever_breaks_the_writing_off_is_raised_again_once_the_outcomes_are_recorded(error: BaseException) -> None:
    made = three_to_raise()
    break_at(made, "org_2", error)
    with pytest.raises(type(error)):
        made.run()
    (run,) = made.ledger.recorded
    assert results(run.outcomes) == [("org_1", "fixed"), ("org_2", "failed")]
    assert (run.result, run.exit_code) == (RunResult.FAILED, 5)
    assert any("broken off" in note and "2 of 3" in note for note in run.notes)
    assert made.reports.runs == [run]


def test_the_fix_in_hand_of_a_broken_off_pass_counts_against_the_limits() -> None:
    made = three_to_raise()
    break_at(made, "org_2", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        made.run()
    assert [each.direction for each in made.ledger.history(made.clock.now()).done] == [Direction.RAISE] * 2


def test_fixes_of_a_pass_that_could_not_be_recorded_count_against_the_limits() -> None:
    made = three_to_raise()

    def ledger_breaks(_: FakeOrgManager, org_id: str) -> None:
        made.ledger.broken = org_id == "org_3"

    made.store.before_update = ledger_breaks
    with pytest.raises(LedgerError):
        made.run()
    made.ledger.broken = False
    assert made.ledger.recorded == []
    assert [each.direction for each in made.ledger.history(made.clock.now()).done] == [Direction.RAISE] * 3


def test_nothing_is_written_when_the_ledger_cannot_keep_what_is_about_to_be(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with SqlLedger(f"sqlite:///{path}", busy_timeout_s=0.05) as ledger:
        made = three_to_raise(ledger=ledger)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match=r"locked.*Nothing was written"):
            made.run()
        assert made.store.writes == []
        other.close()
        made.run()
        assert len(made.store.writes) == 3


def test_sigterm_lets_the_fix_in_hand_be_finished_and_recorded() -> None:
    made = three_to_raise()

    def ask(_: FakeOrgManager, org_id: str) -> None:
        if org_id == "org_2":
            os.kill(os.getpid(), signal.SIGTERM)

    made.store.before_update = ask
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as stopped:
        made.run()
    assert stopped.value.code == 143
    assert signal.getsignal(signal.SIGTERM) == before
    (run,) = made.ledger.recorded
    assert results(run.outcomes) == [("org_1", "fixed"), ("org_2", "fixed")]
    assert run.result is RunResult.FAILED


def test_sigterm_in_the_last_fix_loses_nothing_of_a_pass_that_is_done() -> None:
    made = three_to_raise()

    def ask(_: FakeOrgManager, org_id: str) -> None:
        if org_id == "org_3":
            os.kill(os.getpid(), signal.SIGTERM)

    made.store.before_update = ask
    with pytest.raises(SystemExit) as stopped:
        made.run()
    assert stopped.value.code == 143
    assert [run.result for run in made.ledger.recorded] == [RunResult.CLEAN]

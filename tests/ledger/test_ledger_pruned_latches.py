"""Pruning neither ends the latch of a direction nor brings back one that a person released."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model.drift import Direction
from reconciler.model.run import RunMode, RunRecord
from run_builders import T0, fix, plan_of, run_record

DAY = timedelta(days=1)
LAST = 40


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqlLedger]:
    with SqlLedger(f"sqlite:///{tmp_path}/ledger.db") as opened:
        yield opened


def refused(day: int, org_id: str, rule: str = "max_lower_count") -> RunRecord:
    plan = plan_of([fix(org_id)], refused_by={Direction.LOWER: rule})
    return run_record(
        f"run-{day}", mode=RunMode.FIX, plan=plan, started_at=T0 + DAY * day, refusal_digest=plan.digest, exit_code=3
    )


def days_go_by(ledger: SqlLedger, since: int) -> None:
    for day in range(since, LAST):
        ledger.record(run_record(f"run-{day}", mode=RunMode.FIX, started_at=T0 + DAY * day))


def test_a_direction_stays_latched_however_old_the_run_that_was_refused(ledger: SqlLedger) -> None:
    ledger.record(run_record("run-0", mode=RunMode.FIX))
    ledger.record(refused(1, "org_1"))
    days_go_by(ledger, 2)
    latches = ledger.latches()
    assert list(latches) == [Direction.LOWER]
    assert ledger.prune(T0 + DAY * 30, T0 + DAY * LAST) == 1
    assert ledger.latches() == latches
    ledger.release(latches[Direction.LOWER].digest, by="Ada", reason="looked at", at=T0 + DAY * LAST)
    assert ledger.latches() == {}
    assert ledger.prune(T0 + DAY * 30, T0 + DAY * LAST) > 1


def test_a_released_direction_is_not_latched_again_once_the_run_that_was_released_is_gone(ledger: SqlLedger) -> None:
    first = refused(0, "org_1")
    ledger.record(first)
    ledger.record(refused(1, "org_2", "latched"))
    ledger.release(first.plan.digest, by="Ada", reason="looked at", at=T0 + DAY * 2)
    days_go_by(ledger, 3)
    assert ledger.prune(T0 + DAY, T0 + DAY * LAST) == 1
    assert ledger.run("run-0") is None
    assert ledger.latches() == {}

"""Of a run, only what changed is stored."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.ledger.tables import ENDINGS
from reconciler.model.drift import Code, Decided, Decision, DriftMoney
from reconciler.model.orgs import SUSPENDED, Org
from reconciler.model.run import Approval
from run_builders import T0, decision, drift, fix, org, outcome, plan_of, run_record

TABLES = tuple(table.name for table in ENDINGS if table.name != "runs")
HOUR = timedelta(hours=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[SqlLedger]:
    with SqlLedger(f"sqlite:///{path}") as opened:
        yield opened


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    return {table: rows(path, f"SELECT * FROM {table}") for table in TABLES}  # noqa: S608 -- names from above


def states(path: Path) -> list[tuple[object, ...]]:
    return rows(path, "SELECT org_id, tier, status, lago_id, stripe_id, event, ended_by FROM org_states ORDER BY seq")


@pytest.mark.parametrize("partial", [False, True])
def test_a_second_run_over_the_same_facts_adds_its_row_and_event(
    ledger: SqlLedger, path: Path, *, partial: bool
) -> None:
    found = [decision(drift("org_1", fix=fix())), decision(drift(None, code=Code.ORPHAN_PAYER))]
    plan = plan_of([fix()], approval=Approval.NEEDED)
    ledger.record(run_record("run-1", decisions=found, plan=plan, partial=partial))
    before = contents(path)
    ledger.record(run_record("run-2", decisions=found, plan=plan, started_at=T0 + HOUR, partial=partial))
    assert contents(path) == before
    assert rows(path, "SELECT id FROM runs ORDER BY seq") == [("run-1",), ("run-2",)]


@pytest.mark.parametrize(
    "changed",
    [
        decision(decided=Decided.WAIT),
        decision(reason="another"),
        decision(blocked_by="settle_lower"),
        decision(needs_approval=True),
        decision(drift(money=DriftMoney(currency="usd", leak=1))),
        decision(drift(evidence={"lago": {"plan": "enterprise"}})),
        decision(drift(fix=fix())),
    ],
    ids=["decided", "reason", "blocked_by", "approval", "money", "evidence", "fix"],
)
def test_a_decision_is_stored_again_only_when_it_changed(ledger: SqlLedger, path: Path, changed: Decision) -> None:
    same = decision(drift("org_2"))
    for number, first in enumerate((decision(), changed, changed)):
        ledger.record(run_record(f"run-{number}", decisions=[first, same]))
    assert rows(path, "SELECT drift_id, event FROM decisions ORDER BY seq") == [
        ("tier_over:org_1", 1),
        ("tier_over:org_2", 1),
        ("tier_over:org_1", 2),
    ]


def test_a_decision_that_was_not_listed_for_a_while_is_compared_with_its_last(ledger: SqlLedger, path: Path) -> None:
    for number, decisions in enumerate(([decision()], [], [decision()])):
        ledger.record(run_record(f"run-{number}", decisions=decisions))
    assert rows(path, "SELECT event FROM decisions") == [(1,)]


def test_ok_is_not_stored(ledger: SqlLedger, path: Path) -> None:
    ledger.record(run_record(decisions=[decision(decided=Decided.OK)]))
    assert rows(path, "SELECT * FROM drifts") == rows(path, "SELECT * FROM decisions") == []


def test_a_complete_run_records_every_organisation_it_saw(ledger: SqlLedger, path: Path) -> None:
    ledger.record(run_record(orgs=[org(1, lago_id="lago_1"), org(2, tier="trial", stripe_id="cus_2")]))
    assert states(path) == [
        ("org_1", "professional", "active", "lago_1", None, 1, None),
        ("org_2", "trial", "active", None, "cus_2", 1, None),
    ]


@pytest.mark.parametrize(
    "changed",
    [
        org(1, tier="enterprise"),
        org(1, status=SUSPENDED),
        org(1, lago_id="lago_1"),
        org(1, stripe_id="cus_1"),
    ],
    ids=["tier", "status", "lago_id", "stripe_id"],
)
def test_an_organisation_that_changed_gets_a_new_row(ledger: SqlLedger, path: Path, changed: Org) -> None:
    ledger.record(run_record("run-1"))
    ledger.record(run_record("run-2", orgs=[changed, org(2)]))
    before, other, after = states(path)
    assert before == ("org_1", "professional", "active", None, None, 1, 2)
    assert other == ("org_2", "professional", "active", None, None, 1, None)
    assert after == ("org_1", changed.tier, changed.status, changed.lago_id, changed.stripe_id, 2, None)


def test_an_organisation_s_name_is_no_state(ledger: SqlLedger, path: Path) -> None:
    ledger.record(run_record("run-1"))
    ledger.record(run_record("run-2", orgs=[org(1, name="Renamed"), org(2)]))
    assert len(states(path)) == 2


def test_organisations_that_are_born_vanish_and_come_back_are_told_apart(ledger: SqlLedger, path: Path) -> None:
    for number, numbers in enumerate(([1], [1, 2], [2], [1, 2]), start=1):
        ledger.record(run_record(f"run-{number}", orgs=[org(each) for each in numbers]))
    spans = [(org_id, since, until) for org_id, _, _, _, _, since, until in states(path)]
    assert spans == [("org_1", 1, 3), ("org_2", 2, None), ("org_1", 4, None)]


def test_only_complete_runs_record_organisations(ledger: SqlLedger, path: Path) -> None:
    ledger.record(run_record("run-1", complete=False))
    ledger.record(run_record("run-2", partial=True))
    ledger.record(run_record("run-3", orgs=[], refusal="the store holds no organisations"))
    assert states(path) == []


def test_an_outcome_is_kept_with_the_call_it_tells_of(ledger: SqlLedger, path: Path) -> None:
    ledger.record(run_record(outcomes=[outcome()]))
    columns = "run, drift_id, org_id, call, arguments, expects, direction, result, at, error"
    assert rows(path, f"SELECT {columns} FROM outcomes") == [  # noqa: S608 -- the line above
        (
            1,
            "tier_over:org_1",
            "org_1",
            "update_org_plan",
            '{"plan_tier": "professional"}',
            '{"plan_tier": "enterprise"}',
            "lower",
            "fixed",
            "2026-10-01T12:02:00.000000Z",
            None,
        )
    ]

"""Every change to a row of the ledger is found and the row is named; what pruning took is accounted for."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import IntegrityError

from reconciler.errors import LedgerError
from reconciler.ledger.acts import contract_act, contract_end_act, waiver_act
from reconciler.ledger.audit import audit
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.ledger.tables import ENDINGS, events, identity, metadata, runs
from reconciler.model.acts import Act, ActKind, Contract, Waiver
from reconciler.model.drift import Decided, Direction
from reconciler.model.run import Explained, LedgerHead, OutcomeResult, RunMode, SeenSubscription, Shows
from run_builders import T0, decision, drift, fix, org, outcome, plan_of, run_record

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
STEP = 5 * DAY


def fill(ledger: SqlLedger, *, days: int = 6) -> None:
    """Runs five days apart in which something of every table is written, and ended where it can end."""
    for day in range(days):
        at = T0 + day * STEP
        meant = [fix("org_2"), fix("org_3", direction=Direction.RAISE)]
        ledger.intend(f"killed-{day}", meant[:1], at)
        ledger.intend(f"run-{day}", meant, at)
        shown = Explained(run_id=f"killed-{day}", at=at, fixes=((meant[0], Shows.WRITTEN),))
        seen = [f"org_{number}" for number in (1, 2, 3, 4) if (day + number) % 3]
        ledger.record(
            run_record(
                f"run-{day}",
                mode=RunMode.FIX,
                decisions=[
                    decision(drift(each, text=f"day {day}"), Decided.FIX, confirms=f"{each} {day % 2}") for each in seen
                ],
                plan=plan_of(meant, refused_by={Direction.LOWER: "max_lower_count"} if day == 2 else {}),
                refusal_digest="sha256:refused" if day == 2 else None,
                outcomes=[
                    outcome(meant[0], at=at),
                    outcome(meant[1], OutcomeResult.FAILED, at=at, error="refused"),
                ],
                orgs=[org(number, tier=f"tier {(day + number) % 2}") for number in (1, 2, 3)],
                subscriptions=[
                    SeenSubscription(id=f"sub_{number}", digest=f"{(day * number) % 3}", next_at=at + DAY)
                    for number in (1, 2)
                ],
                explained=[shown],
                started_at=at,
            )
        )
        waiver = Waiver(drift_id="tier_over:org_1", pinned={"a": "b"}, until=at + DAY, by="Ada", reason="agreed", at=at)
        contract = Contract(
            id=f"c{day}",
            org_id="org_1",
            tier="starter",
            amount_minor=100,
            currency="usd",
            start=date(2026, 1, 1),
            approver="Grace",
            reference="mail",
        )
        ledger.act(
            [
                waiver_act(waiver),
                contract_act(contract, by="Ada", reason="", at=at),
                contract_end_act(f"c{day}", date(2026, 10, 1), by="Ada", reason="", at=at),
                Act(kind=ActKind.NOTE, subject="org_1", by="Ada", reason="called", at=at),
            ]
        )
        if day == 2:
            ledger.release("sha256:refused", by="Ada", reason="checked", at=at)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[SqlLedger]:
    with SqlLedger(f"sqlite:///{path}") as opened:
        fill(opened)
        yield opened


@contextmanager
def connected(ledger: SqlLedger) -> Iterator[Connection]:
    with ledger._database._engine.connect() as connection:
        yield connection


def tables() -> list[str]:
    return sorted(table.name for table in (*ENDINGS, events))


def test_every_table_of_the_ledger_but_that_of_its_id_is_in_the_chain() -> None:
    assert {events, identity, *ENDINGS} == set(metadata.tables.values())


def test_the_test_s_own_ledger_has_rows_that_were_written_and_ended_in_every_table(ledger: SqlLedger) -> None:
    with connected(ledger) as connection:
        for table, endings in ENDINGS.items():
            assert connection.scalar(select(func.count()).select_from(table)), table.name
            if endings:
                ended = select(func.count()).select_from(table).where(table.c.ended_by.is_not(None))
                assert connection.scalar(ended), table.name


def test_a_ledger_that_nobody_touched_is_proven_to_its_head(ledger: SqlLedger) -> None:
    found = ledger.audit()
    assert found.faults == ()
    assert found.first == 1
    assert found.head == ledger.head()


def test_an_empty_ledger_has_nothing_against_it(tmp_path: Path) -> None:
    with SqlLedger(f"sqlite:///{tmp_path}/new.db") as ledger:
        found = ledger.audit()
        assert (found.head.events, found.rows, found.faults) == (0, 0, ())


def other(value: Any, luck: random.Random) -> Any:
    match value:
        case None:
            return luck.choice(["x", 7])
        case int():
            return value + luck.choice([1, -1, 1000])
        case str() if value and luck.random() < 0.5:
            at = luck.randrange(len(value))
            return value[:at] + chr((ord(value[at]) - 31) % 95 + 32) + value[at + 1 :]
        case _:
            return f"{value}x"


def tamper(connection: Connection, luck: random.Random) -> str:
    """Change, take away, or put in one row; gives what was done."""
    name = luck.choice(tables())
    found = connection.execute(text(f"SELECT rowid AS row_at, * FROM {name}"))  # noqa: S608 -- our names
    names = list(found.keys())
    row = dict(zip(names, luck.choice(found.all()), strict=True))
    columns = [column for column in row if column != "row_at"]
    match luck.choice(["edit", "edit", "edit", "delete", "insert"]):
        case "delete":
            connection.execute(text(f"DELETE FROM {name} WHERE rowid = :row"), {"row": row["row_at"]})  # noqa: S608
            return f"{name} deleted {row['row_at']}"
        case "insert":
            new = {column: row[column] for column in row if column != "row_at"}
            key = "id" if name == "drifts" else "seq"
            new[key] = "tier_over:org_99" if key == "id" else 10_000
            if name == "runs":
                new["id"] = "run-99"
            if name == "planned_fixes":
                new["digest"] = "9" * 64
            named = ", ".join(f'"{column}"' for column in new)
            values = ", ".join(f":{column}" for column in new)
            connection.execute(text(f"INSERT INTO {name} ({named}) VALUES ({values})"), new)  # noqa: S608
            return f"{name} put in"
        case _:
            column = luck.choice(columns)
            value = other(row[column], luck)
            connection.execute(
                text(f'UPDATE {name} SET "{column}" = :value WHERE rowid = :row'),  # noqa: S608
                {"value": value, "row": row["row_at"]},
            )
            return f"{name}.{column} of {row['row_at']}: {row[column]!r} -> {value!r}"


@pytest.mark.parametrize("changes", [150, pytest.param(1000, marks=pytest.mark.slow)])
def test_each_of_many_random_changes_to_a_single_row_is_found(path: Path, changes: int) -> None:
    luck = random.Random(7)  # noqa: S311 -- a test that must be the same twice
    missed: list[str] = []
    done: Counter[str] = Counter()
    with SqlLedger(f"sqlite:///{path}") as ledger, connected(ledger) as connection:
        fill(ledger, days=3)
        head = {"a report": ledger.head()}
        while done.total() < changes:
            with connection.begin() as transaction:
                try:
                    what = tamper(connection, luck)
                except IntegrityError:
                    continue
                if not audit(connection, head).faults:
                    missed.append(what)
                done[what.split()[0].split(".")[0]] += 1
                transaction.rollback()
    assert missed == []
    assert set(tables()) <= set(done)


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        ("UPDATE decisions SET reason = 'because' WHERE seq = 3", "decisions 3"),
        ("UPDATE runs SET exit_code = 0 WHERE id = 'run-4'", "runs "),
        ("UPDATE acts SET by = 'Mallory' WHERE kind = 'note' AND seq < 12", "acts "),
        ("UPDATE sightings SET ended = 'fixed' WHERE ended = 'resolved'", "sightings "),
        ("DELETE FROM outcomes WHERE seq = (SELECT max(seq) FROM outcomes)", "outcomes (outcome org_3)"),
        ("UPDATE events SET at = '2020-01-01T00:00:00.000000Z' WHERE seq = 5", "events 5"),
        ("DELETE FROM events WHERE seq = 5", "events 5"),
    ],
)
def test_what_was_changed_is_named(ledger: SqlLedger, statement: str, row: str) -> None:
    with connected(ledger) as connection, connection.begin():
        connection.execute(text(statement))
        assert any(fault.row.startswith(row) for fault in audit(connection).faults)


def test_two_rows_of_one_event_that_changed_places_are_found(ledger: SqlLedger) -> None:
    with connected(ledger) as connection, connection.begin():
        connection.execute(text("UPDATE decisions SET seq = seq + 1000 WHERE seq = 1"))
        connection.execute(text("UPDATE decisions SET seq = 1 WHERE seq = 2"))
        connection.execute(text("UPDATE decisions SET seq = 2 WHERE seq = 1001"))
        assert {fault.row for fault in audit(connection).faults} >= {"decisions 1", "decisions 2"}


def test_events_that_changed_places_are_found(ledger: SqlLedger) -> None:
    with connected(ledger) as connection, connection.begin():
        for before, after in ((3, 10_000), (4, 3), (10_000, 4)):
            connection.execute(
                text("UPDATE events SET seq = :after WHERE seq = :before"), {"before": before, "after": after}
            )
        assert audit(connection).faults


def test_an_end_that_was_cut_off_cleanly_is_missed_by_the_head_beside_the_ledger(tmp_path: Path) -> None:
    path, short = tmp_path / "ledger.db", tmp_path / "short.db"
    with SqlLedger(f"sqlite:///{path}") as ledger:
        fill(ledger, days=2)
    shutil.copy(path, short)
    with SqlLedger(f"sqlite:///{path}") as ledger:
        early = ledger.head()
        ledger.record(run_record("last", started_at=T0 + 9 * STEP))
        last = ledger.head()
    shutil.copy(f"{path}.head", f"{short}.head")
    with SqlLedger(f"sqlite:///{short}") as ledger:
        (fault,) = ledger.audit().faults
        assert fault.row == f"events {early.events + 1}"
        assert f"short.db.head saw {last.events} events" in fault.text
        Path(f"{short}.head").unlink()
        assert ledger.audit().faults == ()
        assert ledger.audit({"report last.json": early}).faults == ()
        (fault,) = ledger.audit({"report last.json": last}).faults
        assert "report last.json" in fault.text


def test_a_ledger_that_was_made_anew_is_not_the_one_that_a_report_saw(ledger: SqlLedger) -> None:
    (fault,) = ledger.audit({"report x.json": LedgerHead(events=7, sha256="f" * 64)}).faults
    assert (fault.row, fault.text) == ("events 7", "it is not the event that report x.json saw")


def test_a_head_file_behind_the_ledger_is_no_fault_and_one_that_holds_nothing_is(ledger: SqlLedger, path: Path) -> None:
    before = Path(f"{path}.head").read_text()
    ledger.record(run_record("last", started_at=T0 + 9 * STEP))
    Path(f"{path}.head").write_text(before)
    assert ledger.audit().faults == ()
    Path(f"{path}.head").write_text("")
    assert [fault.row for fault in ledger.audit().faults] == ["ledger.db.head"]


def test_the_export_can_be_checked_with_nothing_but_sha_256(ledger: SqlLedger) -> None:
    previous = "0" * 64
    for line in ledger.export():
        event = json.loads(line)
        dumped = [json.dumps(row, sort_keys=True, separators=(",", ":")) + "\n" for row in event["rows"]]
        assert hashlib.sha256("".join(dumped).encode()).hexdigest() == event["content"]
        names = ("seq", "at", "kind", "subject", "body", "content", "previous")
        said = json.dumps({name: event[name] for name in names}, sort_keys=True, separators=(",", ":"))
        assert event["previous"] == previous
        previous = event["sha256"]
        assert hashlib.sha256(said.encode()).hexdigest() == previous
    assert previous == ledger.head().sha256


NOW = T0 + 6 * STEP


def test_pruning_leaves_a_checkpoint_and_everything_that_holds(ledger: SqlLedger) -> None:
    before, last = ledger.history(NOW), ledger.run("run-5")
    contracts, events_before = ledger.contracts(), ledger.head().events
    gone = ledger.prune(T0 + 3 * STEP, NOW)
    assert 0 < gone < events_before
    assert replace(ledger.history(NOW), failures=before.failures) == before
    assert ledger.run("run-5") == last
    assert (ledger.run("run-0"), ledger.run("run-2")) == (None, None)
    assert [each.id for each in ledger.runs(10)] == ["run-5", "run-4", "run-3"]
    assert [each.id for each in ledger.contracts()] == [each.id for each in contracts]
    found = ledger.audit()
    assert (found.faults, found.first) == ((), gone + 1)
    ledger.record(run_record("run-9", started_at=NOW))
    assert ledger.prune(T0 + 4 * STEP, NOW) > 0
    assert ledger.audit().faults == ()


def test_after_pruning_every_change_is_found_too(ledger: SqlLedger) -> None:
    ledger.prune(T0 + 3 * STEP, NOW)
    luck = random.Random(11)  # noqa: S311 -- a test that must be the same twice
    head = {"a report": ledger.head()}
    missed: list[str] = []
    with connected(ledger) as connection:
        for _ in range(150):
            with connection.begin() as transaction:
                try:
                    what = tamper(connection, luck)
                except IntegrityError:
                    continue
                if not audit(connection, head).faults:
                    missed.append(what)
                transaction.rollback()
    assert missed == []


def test_the_last_complete_run_and_what_it_saw_are_never_pruned(ledger: SqlLedger) -> None:
    before = ledger.history(NOW)
    ledger.prune(T0 + 900 * DAY, NOW)
    assert replace(ledger.history(NOW), failures=before.failures) == before
    assert [each.id for each in ledger.runs(10)] == ["run-5"]


def test_a_ledger_that_was_tampered_with_is_not_pruned(ledger: SqlLedger) -> None:
    with connected(ledger) as connection, connection.begin():
        connection.execute(text("UPDATE runs SET exit_code = 0 WHERE id = 'run-0'"))
    with pytest.raises(LedgerError, match="runs "):
        ledger.prune(T0 + 3 * STEP, NOW)
    assert ledger.run("run-0") is not None


def test_a_ledger_prunes_itself_as_runs_are_recorded(path: Path, ledger: SqlLedger) -> None:
    del ledger
    with SqlLedger(f"sqlite:///{path}", keep=11 * DAY) as pruning:
        pruning.record(run_record("run-9", started_at=T0 + 6 * STEP))
        assert [each.id for each in pruning.runs(10)] == ["run-9", "run-5", "run-4"]
        with connected(pruning) as connection:
            assert connection.scalar(select(func.count()).select_from(runs)) == 3
        assert pruning.audit().faults == ()

"""How the ledger opens its file, and what it says when it cannot."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event

from reconciler.errors import LedgerError
from reconciler.ledger.database import REVISIONS
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model.history import History
from run_builders import T0, decision, drift, org, run_record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def opened(path: Path) -> SqlLedger:
    return SqlLedger(f"sqlite:///{path}", busy_timeout_s=0.05)


def refusal(path: Path) -> LedgerError:
    with pytest.raises(LedgerError) as raised:
        opened(path)
    return raised.value


def assert_says_what_to_do(error: LedgerError, path: Path) -> None:
    assert str(path) in error.problem
    for way_out in ("[ledger] url", "$STATE_DIRECTORY", "--no-record"):
        assert way_out in error.remedy
    assert error.not_done
    assert "\n" not in str(error)


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_missing_folder_and_file_are_made_for_this_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "reconciler" / "ledger.db"
    with opened(path) as ledger:
        ledger.record(run_record())
        assert mode(path.parent) == 0o700
        files = sorted(path.parent.iterdir())
        assert [each.name for each in files] == ["ledger.db", "ledger.db-shm", "ledger.db-wal", "ledger.db.head"]
        assert [mode(each) for each in files] == [0o600] * 4


def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    opened(tmp_path / "ledger.db").close()
    assert mode(tmp_path) == 0o750


def test_the_file_is_in_wal_mode_and_alone_once_closed(path: Path) -> None:
    opened(path).close()
    assert [each.name for each in path.parent.iterdir()] == ["ledger.db"]
    with database(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_path_with_signs_that_urls_use_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a b#c" / "ledger.db"
    opened(path).close()
    assert path.is_file()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "ledger.db"
    assert_says_what_to_do(refusal(path), path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    path = tmp_path / "ledger.db"
    assert_says_what_to_do(refusal(path), path)


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path: Path) -> None:
    assert_says_what_to_do(refusal(tmp_path), tmp_path)


def test_a_file_that_is_no_database_is_left_as_it_is(path: Path) -> None:
    path.write_text("not a database, but long enough to be looked at as one " * 100)
    before = path.read_bytes()
    error = refusal(path)
    assert_says_what_to_do(error, path)
    assert "no SQLite database" in error.problem
    assert path.read_bytes() == before


def test_another_program_s_database_is_left_as_it_is(path: Path) -> None:
    with database(path) as connection:
        connection.execute("CREATE TABLE songs (name TEXT)")
    before = path.read_bytes()
    error = refusal(path)
    assert_says_what_to_do(error, path)
    assert "something else" in error.problem
    assert path.read_bytes() == before


def test_a_ledger_of_a_newer_version_is_left_as_it_is(path: Path) -> None:
    opened(path).close()
    with database(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = path.read_bytes()
    error = refusal(path)
    assert_says_what_to_do(error, path)
    assert "newer version" in error.problem
    assert f"schema 9999, this one knows {REVISIONS[-1]}" in error.problem
    assert path.read_bytes() == before


def test_a_ledger_from_before_the_first_release_is_left_as_it_is(path: Path) -> None:
    with database(path) as connection:
        connection.execute("CREATE TABLE schema_version (version INTEGER)")
    before = path.read_bytes()
    error = refusal(path)
    assert_says_what_to_do(error, path)
    assert "before the first release" in error.problem
    assert path.read_bytes() == before


def test_a_damaged_ledger_is_named(path: Path) -> None:
    with opened(path) as ledger:
        ledger.record(run_record(decisions=[decision()]))
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(LedgerError) as raised, opened(path) as ledger:
        ledger.history(T0)
    assert_says_what_to_do(raised.value, path)
    assert "damaged" in raised.value.problem


def test_a_row_that_this_version_cannot_read_is_named(path: Path) -> None:
    with opened(path) as ledger:
        ledger.record(run_record())
        with database(path) as connection:
            connection.execute("UPDATE runs SET mode = 'mode-of-tomorrow'")
        with pytest.raises(LedgerError) as raised:
            ledger.run("run-1")
        assert_says_what_to_do(raised.value, path)
        assert "cannot read" in raised.value.problem


def test_a_locked_ledger_records_nothing_says_so_and_can_still_be_read(path: Path) -> None:
    with opened(path) as ledger, database(path) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError) as raised:
            ledger.record(run_record())
        assert_says_what_to_do(raised.value, path)
        assert "locked" in raised.value.problem
        assert ledger.history(T0) == History()
        other.execute("ROLLBACK")
        ledger.record(run_record())
        assert ledger.history(T0).population == 2


def test_a_new_ledger_that_another_program_keeps_locked_is_named(path: Path) -> None:
    with database(path) as other:
        other.execute("BEGIN EXCLUSIVE")
        error = refusal(path)
        assert_says_what_to_do(error, path)
        assert "locked" in error.problem


def test_a_full_disk_keeps_nothing_of_the_run_and_leaves_the_ledger_usable(path: Path) -> None:
    with opened(path) as ledger:
        ledger.record(run_record("run-1", decisions=[decision()]))
        ledger.close()

        @event.listens_for(ledger._database._engine, "connect")
        def leave_no_room(connection: sqlite3.Connection, _record: object) -> None:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages + 2}")

        before = ledger.history(T0)
        with pytest.raises(LedgerError) as raised:
            ledger.record(run_record("run-2", decisions=[decision(drift(f"org_{n}")) for n in range(200)]))
        assert_says_what_to_do(raised.value, path)
        assert "disk is full" in raised.value.problem
        assert "Nothing of this run was recorded" in raised.value.not_done
        assert ledger.history(T0) == before
        assert [each.id for each in ledger.runs(10)] == ["run-1"]


def test_a_run_that_fails_half_way_leaves_nothing(path: Path) -> None:
    with opened(path) as ledger:
        with pytest.raises(ValueError, match="serialize"):
            ledger.record(run_record(decisions=[decision(), decision(drift("org_2", evidence={"odd": object()}))]))
        assert ledger.runs(10) == ()
        ledger.record(run_record(decisions=[decision()]))
        assert ledger.history(T0).population == 2


@pytest.mark.parametrize(
    "url", ["", "ledger.db", "sqlite://", "sqlite:///:memory:", "sqlite:///file:ledger.db?uri=true", "nonsense://x"]
)
def test_a_url_that_names_no_file_is_refused_by_the_setting_s_name(url: str) -> None:
    with pytest.raises(LedgerError, match=r"\[ledger\] url") as raised:
        SqlLedger(url)
    assert "sqlite:////absolute/path" in raised.value.remedy


def test_a_password_in_the_url_is_never_shown() -> None:
    with pytest.raises(LedgerError) as raised:
        SqlLedger("postgresql://user:hunter2@db.example.com/ledger")
    assert "postgresql" in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_many_may_open_a_new_ledger_and_record_at_once(path: Path) -> None:
    def work(worker: int) -> None:
        with SqlLedger(f"sqlite:///{path}") as ledger:
            for number in range(4):
                ledger.record(run_record(f"run-{worker}-{number}", decisions=[decision()], orgs=[org(1)]))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    with opened(path) as ledger:
        assert len(ledger.runs(100)) == 32
        assert ledger.history(T0).open_drifts["tier_over:org_1"].runs_seen == 32


def test_threads_may_share_one_ledger(path: Path) -> None:
    with opened(path) as ledger, ThreadPoolExecutor(4) as pool:
        ledger.record(run_record())
        assert {each.population for each in pool.map(lambda _: ledger.history(T0), range(20))} == {2}

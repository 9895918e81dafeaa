"""The tables that the migrations make are those that the code reads and writes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from reconciler.errors import LedgerError
from reconciler.ledger.database import REVISIONS
from reconciler.ledger.migrations.upgrade import alembic_config
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.ledger.tables import metadata
from run_builders import run_record


def test_a_migrated_ledger_has_the_tables_of_this_version(tmp_path: Path) -> None:
    SqlLedger(f"sqlite:///{tmp_path}/ledger.db").close()
    engine = create_engine(f"sqlite:///{tmp_path}/ledger.db")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_every_revision_is_known_in_its_order(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/new.db")
    with engine.connect() as connection:
        script = ScriptDirectory.from_config(alembic_config(connection))
        assert tuple(each.revision for each in reversed(list(script.walk_revisions()))) == REVISIONS
    engine.dispose()


def test_a_ledger_whose_migration_was_cut_off_is_made_whole_as_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    connection.commit()
    connection.close()
    with SqlLedger(f"sqlite:///{path}") as ledger:
        ledger.record(run_record())
        assert len(ledger.runs(5)) == 1


def test_tables_of_an_unknown_release_are_left_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    SqlLedger(f"sqlite:///{path}").close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = '0002'")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="newer version"):
        SqlLedger(f"sqlite:///{path}")
    assert path.read_bytes() == before

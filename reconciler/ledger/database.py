"""Opens the ledger's SQLite file, makes it where there is none, and turns what SQLite says into LedgerErrors."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from reconciler.errors import LedgerError, LedgerMissingError

NOT_OPENED = "The ledger was not opened, and nothing was recorded"
ELSEWHERE = "say another place by [ledger] url or $STATE_DIRECTORY, or run with --dry-run --no-record"
REVISIONS = ("0001",)
"""Every revision of the tables (migrations/versions), first to last."""

_VERSIONS = "alembic_version"
_PROBLEMS = {
    "SQLITE_BUSY": ("is kept locked by another program", "Try again when that program has ended"),
    "SQLITE_LOCKED": ("is kept locked by another program", "Try again when that program has ended"),
    "SQLITE_NOTADB": ("is no SQLite database; it was left as it is", "Move the file away"),
    "SQLITE_CORRUPT": ("is damaged; it was left as it is", "Move the file away and put its backup there"),
    "SQLITE_FULL": ("has no room to grow: the disk is full", "Make room on the disk"),
    "SQLITE_READONLY": ("cannot be written", "Let this user write the file and its folder"),
    "SQLITE_CANTOPEN": ("cannot be opened", "Let this user read and write the file and its folder"),
    "SQLITE_PERM": ("cannot be opened", "Let this user read and write the file and its folder"),
    "SQLITE_IOERR": ("cannot be read or written: the system reports a disk error", "Look after the disk"),
}


class Database:
    """One SQLite file in WAL, with the ledger's tables in it. Threads may share it, other processes may have it open.

    A missing folder is made for this user alone (0700), a missing file too (0600).
    """

    def __init__(self, url: str, *, busy_timeout_s: float, create: bool = True) -> None:
        """Open `url`, `sqlite:///path`. Raises LedgerError, also for tables of a newer version."""
        self.path = _path_of(url)
        if not create and not self.path.exists():
            raise LedgerMissingError(
                f"There is no ledger at {self.path}: no run is recorded yet",
                not_done="Nothing was read or recorded",
                remedy="Run a pass first, or say where it is by --config, [ledger] url or $STATE_DIRECTORY",
            )
        with self.errors(NOT_OPENED):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        self._engine = _engine(self.path, busy_timeout_s)
        try:
            with self.errors(NOT_OPENED):
                self._prepare()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of everything. Raises LedgerError."""
        not_done = "The ledger was not read"
        try:
            with self.errors(not_done), self._engine.connect() as connection, connection.begin():
                yield connection
        except ValueError as error:
            raise LedgerError(
                f"The ledger {self.path} holds a row that this version cannot read",
                not_done=not_done,
                remedy=f"Run the version that wrote it, or {ELSEWHERE}",
            ) from error

    @contextmanager
    def writing(self, not_done: str = "Nothing of this run was recorded") -> Iterator[Connection]:
        """One transaction, begun with the right to write: all of it is kept, or nothing. Raises LedgerError."""
        with (
            self.errors(not_done),
            self._engine.connect().execution_options(ledger_begin="BEGIN IMMEDIATE") as connection,
            connection.begin(),
        ):
            yield connection

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    @contextmanager
    def errors(self, not_done: str) -> Iterator[None]:
        """Raise what goes wrong inside as LedgerError that names the file."""
        try:
            yield
        except (DBAPIError, sqlite3.Error, OSError) as error:
            raise self._ledger_error(error, not_done) from error

    def _ledger_error(self, error: Exception, not_done: str) -> LedgerError:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        if isinstance(cause, OSError):
            where = cause.filename or self.path
            return LedgerError(
                f"The ledger {self.path} cannot be opened: {where}: {cause.strerror}",
                not_done=not_done,
                remedy=f"Let this user write there, or {ELSEWHERE}",
            )
        name: str = getattr(cause, "sqlite_errorname", "")
        for known, (problem, remedy) in _PROBLEMS.items():
            if name == known or name.startswith(f"{known}_"):
                return LedgerError(
                    f"The ledger {self.path} {problem}", not_done=not_done, remedy=f"{remedy}, or {ELSEWHERE}"
                )
        return LedgerError(
            f"The ledger {self.path} cannot be used ({name or type(cause).__name__})",
            not_done=not_done,
            remedy=f"Look after the file, or {ELSEWHERE}",
        )

    def _prepare(self) -> None:
        # Looked at before anything is set: even the WAL mode would be written into another program's file.
        with self._engine.connect() as connection, connection.begin():
            if self._is_current(connection):
                return
        with self._engine.connect() as connection:
            driver = connection.connection.cursor()
            driver.execute("PRAGMA journal_mode=WAL")
            driver.close()
        with self.writing(NOT_OPENED) as connection:
            if not self._is_current(connection):
                from reconciler.ledger.migrations.upgrade import upgrade  # noqa: PLC0415 -- Alembic takes a second to load

                upgrade(connection)

    def _is_current(self, connection: Connection) -> bool:
        """Whether this version's tables are there; raises LedgerError for those of another program or a newer one."""
        tables = inspect(connection).get_table_names()
        if not tables:
            return False
        if _VERSIONS not in tables:
            raise self._not_ours(early="schema_version" in tables)
        found = connection.scalar(text(f"SELECT version_num FROM {_VERSIONS}"))  # noqa: S608 -- a constant
        if found == REVISIONS[-1]:
            return True
        if found in REVISIONS or found is None:
            return False
        raise LedgerError(
            f"The ledger {self.path} was written by a newer version (schema {found}, this one knows {REVISIONS[-1]}); "
            "it was left as it is",
            not_done=NOT_OPENED,
            remedy=f"Run that newer version, or {ELSEWHERE}",
        )

    def _not_ours(self, *, early: bool) -> LedgerError:
        if early:
            return LedgerError(
                f"The ledger {self.path} was written before the first release; it was left as it is",
                not_done=NOT_OPENED,
                remedy=f"Move the file away: the next run begins a new one. Or {ELSEWHERE}",
            )
        return LedgerError(
            f"{self.path} is a database of something else, not a ledger; it was left as it is",
            not_done=NOT_OPENED,
            remedy=f"Move the file away, or {ELSEWHERE}",
        )


def _path_of(url: str) -> Path:
    """The file that the URL names. The URL itself is never shown: another scheme's may hold a password."""
    remedy = f"Write sqlite:///relative/path or sqlite:////absolute/path, or {ELSEWHERE}"
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise LedgerError("[ledger] url is no database URL", not_done=NOT_OPENED, remedy=remedy) from error
    if parsed.get_backend_name() != "sqlite":
        problem = f"[ledger] url begins with {parsed.get_backend_name()}, and this version keeps its ledger in SQLite"
        raise LedgerError(problem, not_done=NOT_OPENED, remedy=remedy)
    name = parsed.database or ""
    if not name or name == ":memory:" or name.startswith("file:"):
        raise LedgerError("[ledger] url names no file", not_done=NOT_OPENED, remedy=remedy)
    return Path(name)


def _engine(path: Path, busy_timeout_s: float) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": busy_timeout_s})

    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver's own idea of when a transaction begins would read before it has the right to write.
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("ledger_begin", "BEGIN"))

    return engine

"""The ledger of the line, kept in an SQLite file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import select

from reconciler.errors import LedgerError
from reconciler.ledger.database import Database
from reconciler.ledger.reading import read_drifts, read_history, read_run, read_runs
from reconciler.ledger.recording import write_intent, write_run
from reconciler.ledger.states import RecordedDrift, RunSummary
from reconciler.ledger.tables import runs
from reconciler.model.acts import Acts
from reconciler.model.drift import Fix
from reconciler.model.history import History
from reconciler.model.run import RunRecord


class SqlLedger:
    """A Ledger that threads may share and several processes may have open; a context manager that closes itself.

    A run counts as a complete run when it was complete, not partial, and not refused before judging. `history` tells of
    the last of these, in the order of recording. Every method raises LedgerError.
    """

    def __init__(self, url: str, *, busy_timeout_s: float = 5.0) -> None:
        """Open the file of `url`, `sqlite:///path`; made where it is missing, its folder too, for this user alone.

        Raises LedgerError where that cannot be done, or where the file is of a newer version or another program.
        """
        self._database = Database(url, busy_timeout_s=busy_timeout_s)

    @property
    def folder(self) -> Path:
        """Where its file is."""
        return self._database.path.parent

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def history(self, now: datetime) -> History:
        """What the last complete run saw, and the fixes of the 24 hours before `now`.

        Fixes that were written count, and those that a run without a record meant to write.
        A drift whose fix was read back is open no longer: seen again, its sequence begins anew.
        """
        with self._database.reading() as connection:
            return read_history(connection, now)

    def acts(self, now: datetime) -> Acts:
        """What people said, as `history` tells it."""
        history = self.history(now)
        return Acts(waivers=history.waivers, contracts=history.contracts, releases=history.releases)

    def intend(self, run_id: str, fixes: Sequence[Fix], at: datetime) -> None:
        """Keep what a run is about to write (ports.Ledger). Raises LedgerError, also when the ledger is locked."""
        with self._database.writing("Nothing was written") as connection:
            write_intent(connection, run_id, fixes, at)

    def record(self, run: RunRecord) -> None:
        """Keep one run, in one transaction. Raises LedgerError, also for an id that is recorded already."""
        with self._database.writing() as connection:
            if connection.scalar(select(runs.c.seq).where(runs.c.id == run.id)) is not None:
                raise LedgerError(
                    f"The run {run.id} is in the ledger {self._database.path} already",
                    not_done="It was not recorded a second time",
                    remedy="Give every run an id of its own",
                )
            write_run(connection, run)

    def use_plan(self, seal: str, *, digest: str, by: str, at: datetime) -> None:
        """Refuse every plan file: this version of the ledger does not keep which were applied."""
        del seal, digest, by, at
        raise LedgerError(
            f"The ledger {self._database.path} does not keep which plans were applied",
            not_done="Nothing was written",
            remedy="Let a pass write instead",
        )

    def runs(self, limit: int) -> tuple[RunSummary, ...]:
        """The last `limit` runs recorded, latest first."""
        with self._database.reading() as connection:
            return read_runs(connection, limit)

    def run(self, run_id: str) -> RunRecord | None:
        """The run as it was recorded, so that every report can be made of it again; None where there is none.

        `orgs` and the decisions `ok` are not given back, and evidence comes in JSON's own types.
        """
        with self._database.reading() as connection:
            return read_run(connection, run_id)

    def drifts(self, *, open_only: bool = False) -> tuple[RecordedDrift, ...]:
        """Every drift that complete runs saw, longest seen first."""
        with self._database.reading() as connection:
            return read_drifts(connection, open_only=open_only)

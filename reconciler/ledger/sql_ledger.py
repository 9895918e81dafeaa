"""The ledger of the line, kept in an SQLite file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy import Connection, func, select

from reconciler.errors import LedgerError
from reconciler.ledger.acts import (
    read_acts,
    read_contracts,
    read_plan_use,
    read_recorded_acts,
    write_acts,
    write_plan_use,
    write_release,
)
from reconciler.ledger.audit import Audit, Fault, audit
from reconciler.ledger.audit_export import export
from reconciler.ledger.chain import head
from reconciler.ledger.database import Database
from reconciler.ledger.drift_reading import read_drifts, read_drifts_at, read_waivers_told
from reconciler.ledger.head_file import head_file, read_head, write_head
from reconciler.ledger.history_reading import read_history, read_latches
from reconciler.ledger.pruning import prune
from reconciler.ledger.recording import write_intent, write_run
from reconciler.ledger.run_reading import (
    read_last_complete_run,
    read_outcomes_between,
    read_run,
    read_runs,
    read_runs_between,
)
from reconciler.ledger.states import RecordedDrift, RecordedOutcome, RecordedWaiver, RunSummary
from reconciler.ledger.tables import acts, events, identity, runs
from reconciler.model.acts import Act, Acts, Contract, PlanUse, RecordedAct, Release
from reconciler.model.drift import Direction, Fix
from reconciler.model.history import History, Latch
from reconciler.model.run import LedgerHead, RunRecord

NO_ACT = "Nothing was recorded"

_log = structlog.get_logger()


class SqlLedger:
    """A Ledger that threads may share and several processes may have open; a context manager that closes itself.

    A run counts as a complete run when it was complete, not partial, and not refused before judging. `history` tells of
    the last of these, in the order of recording. Every method raises LedgerError.
    """

    def __init__(
        self, url: str, *, busy_timeout_s: float = 5.0, keep: timedelta | None = None, create: bool = True
    ) -> None:
        """Open the file of `url`, `sqlite:///path`; made where it is missing, its folder too, for this user alone.

        Without `create` a missing one is an error.

        Tables of an older release are brought to this one. Raises LedgerError where that cannot be done, or where the
        file is of a newer version or another program. With `keep`, what is older goes as runs are recorded.
        """
        self._database = Database(url, busy_timeout_s=busy_timeout_s, create=create)
        self._keep = keep

    @property
    def path(self) -> Path:
        """Its file."""
        return self._database.path

    def identity(self) -> str:
        """Which ledger it is: an id that it was given at its making, and that a copy of it shares."""
        with self._database.reading() as connection:
            known: str | None = connection.scalar(select(identity.c.id))
        if known is None:
            raise LedgerError(
                f"The ledger {self.path} has lost its id",
                not_done="Nothing was recorded",
                remedy="Put its backup in its place, or move the file away",
            )
        return known

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    # What the line needs (ports.Ledger).

    def history(self, now: datetime) -> History:
        """What the last complete run saw, the fixes of the 24 hours before `now`, and what people said.

        Fixes that were written count, and those that a run without a record meant to write.
        A drift whose fix was read back is open no longer: seen again, its sequence begins anew.
        """
        with self._database.reading() as connection:
            return read_history(connection, now)

    def acts(self, now: datetime) -> Acts:
        """What people said, as `history` tells it."""
        with self._database.reading() as connection:
            return read_acts(connection, now)

    def intend(self, run_id: str, fixes: Sequence[Fix], at: datetime) -> None:
        """Keep what a run is about to write (ports.Ledger). Raises LedgerError, also when the ledger is locked."""
        with self._writing("Nothing was written") as connection:
            write_intent(connection, run_id, fixes, at)

    def record(self, run: RunRecord) -> LedgerHead:
        """Keep one run, in one transaction; gives the head of the chain with it.

        Raises LedgerError, also for an id that is recorded already.
        """
        with self._writing() as connection:
            if connection.scalar(select(runs.c.seq).where(runs.c.id == run.id)) is not None:
                raise LedgerError(
                    f"The run {run.id} is in the ledger {self._database.path} already",
                    not_done="It was not recorded a second time",
                    remedy="Give every run an id of its own",
                )
            write_run(connection, run)
            recorded = head(connection)
        _log.info("ledger.recorded", events=recorded.events, sha256=recorded.sha256)
        self._prune_when_due(run.finished_at)
        return recorded

    def plan_use(self, seal: str) -> PlanUse | None:
        """By whom and when a plan file was applied (ports.Ledger)."""
        with self._database.reading() as connection:
            return read_plan_use(connection, seal)

    def use_plan(self, seal: str, *, digest: str, by: str, at: datetime) -> None:
        """Keep that a plan file is being applied (ports.Ledger). Raises PlanUsedError where it was before."""
        with self._writing("Nothing was written") as connection:
            write_plan_use(connection, seal, digest=digest, by=by, at=at)

    def prune(self, before: datetime, now: datetime) -> int:
        """Take out what is older than `before` and no longer holds (ledger.pruning); gives how many events went."""
        with self._writing("Nothing was pruned") as connection:
            return prune(connection, before, now)

    # What people say.

    def act(self, said: Sequence[Act]) -> None:
        """Keep what a person did, all of it or nothing, with the system's user and host. Nothing is checked here."""
        with self._writing(NO_ACT) as connection:
            write_acts(connection, said)

    def release(self, digest: str, *, by: str, reason: str, at: datetime) -> Release:
        """Keep that a person acknowledges what was refused under `digest`; raises LedgerError where nothing was."""
        with self._writing("Nothing was acknowledged") as connection:
            return write_release(connection, digest, by=by, reason=reason, at=at)

    # What proves it all.

    def audit(self, kept: Mapping[str, LedgerHead] | None = None) -> Audit:
        """Check every row against the chain, and that against heads kept elsewhere, the file beside it among them."""
        path = self._database.path
        heads = dict(kept or {})
        unreadable: tuple[Fault, ...] = ()
        try:
            beside = read_head(path)
        except (OSError, ValueError):
            beside = None
            unreadable = (Fault(row=head_file(path).name, text="it cannot be read, or holds no head"),)
        if beside is not None:
            heads[head_file(path).name] = beside
        with self._database.reading() as connection:
            found = audit(connection, heads)
        return replace(found, faults=(*found.faults, *unreadable))

    def export(self) -> Iterator[str]:
        """Every event with the rows that it wrote, a JSON line each (ledger.audit_export)."""
        with self._database.reading() as connection:
            yield from export(connection)

    # What reports and commands are made of.

    def head(self) -> LedgerHead:
        """How far the chain of events has come."""
        with self._database.reading() as connection:
            return head(connection)

    def runs(self, limit: int) -> tuple[RunSummary, ...]:
        """The last `limit` runs recorded, latest first."""
        with self._database.reading() as connection:
            return read_runs(connection, limit)

    def runs_between(self, since: datetime, until: datetime) -> tuple[RunSummary, ...]:
        """The runs started in the range, `until` not included, in the order of recording."""
        with self._database.reading() as connection:
            return read_runs_between(connection, since, until)

    def last_complete_run(self, before: datetime) -> RunSummary | None:
        """The last complete run, in the sense of design.md, that started before an instant: a month is told by it."""
        with self._database.reading() as connection:
            return read_last_complete_run(connection, before)

    def run(self, run_id: str) -> RunRecord | None:
        """The run as it was recorded, so that every report can be made of it again; None where there is none.

        `orgs`, `subscriptions` and the decisions `ok` are not given back, and evidence comes in JSON's own types.
        """
        with self._database.reading() as connection:
            return read_run(connection, run_id)

    def drifts(self, now: datetime, *, open_only: bool = False) -> tuple[RecordedDrift, ...]:
        """Every drift that complete runs saw, as it stands at `now`, longest seen first."""
        with self._database.reading() as connection:
            return read_drifts(connection, now, open_only=open_only)

    def drifts_at(self, run_id: str, *, open_only: bool = False) -> tuple[RecordedDrift, ...] | None:
        """Every drift as it stood once a run was recorded with its outcomes; None where there is no such run.

        Of a run that is no complete run: as the last complete one before it saw them. The opening of a roll-forward is
        this of the last complete run before the range, its closing this of the last complete run in it.
        """
        with self._database.reading() as connection:
            return read_drifts_at(connection, run_id, open_only=open_only)

    def outcomes_between(self, since: datetime, until: datetime) -> tuple[RecordedOutcome, ...]:
        """What became of fixes in the range, `until` not included, in the order of recording."""
        with self._database.reading() as connection:
            return read_outcomes_between(connection, since, until)

    def acts_between(self, since: datetime, until: datetime) -> tuple[RecordedAct, ...]:
        """What people did in the range, `until` not included, in the order of recording."""
        with self._database.reading() as connection:
            return read_recorded_acts(connection, select(acts).where(acts.c.at >= since, acts.c.at < until))

    def waivers(self, now: datetime) -> tuple[RecordedWaiver, ...]:
        """Every waiver that was not taken back, ended, unused and outdated ones too, with how it stands at `now`."""
        with self._database.reading() as connection:
            return read_waivers_told(connection, now)

    def contracts(self) -> tuple[Contract, ...]:
        """Every contract with its end, ended ones too, in the order of adding."""
        with self._database.reading() as connection:
            return read_contracts(connection)

    def latches(self) -> dict[Direction, Latch]:
        """The directions that stay refused until a person acknowledges it."""
        with self._database.reading() as connection:
            return dict(read_latches(connection))

    @contextmanager
    def _writing(self, not_done: str = "Nothing of this run was recorded") -> Iterator[Connection]:
        with self._database.writing(not_done) as connection:
            yield connection
            written = head(connection)
        try:
            write_head(self._database.path, written)
        except OSError as error:  # the ledger has it; the next event's head is written anew
            _log.warning("ledger.head_not_kept", file=str(head_file(self._database.path)), reason=error.strerror)

    def _prune_when_due(self, now: datetime) -> None:
        """Once a day at most; that it could not be done is no reason to lose a run that is recorded."""
        if self._keep is None:
            return
        try:
            with self._database.reading() as connection:
                oldest = connection.scalar(select(func.min(events.c.at)))
            if oldest is not None and oldest < now - self._keep - timedelta(days=1):
                self.prune(now - self._keep, now)
        except LedgerError as error:
            _log.warning("ledger.not_pruned", reason=error.problem)

"""Makes the line that a pass runs on, from the real things or from a snapshot file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.billing.asking import RetryListener
from reconciler.billing.replaying import Replay
from reconciler.bootstrap.machine import VERSION, SystemClock, snapshots_folder
from reconciler.bootstrap.sources import open_sources, say_retry, source_over
from reconciler.bootstrap.stores import open_ledger, open_store
from reconciler.bootstrap.telling import Writers, folder_reports, run_memory
from reconciler.cycle.line import UNWATCHED, Line
from reconciler.errors import LedgerError
from reconciler.gather import background_at_hand
from reconciler.kept.reading import SnapshotFile
from reconciler.kept.stand_ins import KeptClock, KeptSource, KeptStore
from reconciler.kept.writing import Ring, SnapshotWriter
from reconciler.ledger.run_lock import run_lock
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model.billing import Source
from reconciler.model.moments import utc
from reconciler.model.run import RunRecord
from reconciler.one_ledger import hold_to, note_other
from reconciler.outbox import receivers, run_messages
from reconciler.ports import BillingSource, ReportWriter, Watcher
from reconciler.reports.background import Background
from reconciler.reports.folder import FolderReports
from reconciler.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A line to run a pass on, what must be told with it, and where its files go (None: nowhere).

    `beside` gathers what a report tells beside a finished run.
    """

    line: Line
    notes: tuple[str, ...]
    reports: FolderReports | None
    beside: Callable[[RunRecord], Background]
    keeper: SnapshotWriter | None = None


@contextmanager
def make_line(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    dry_run: bool,
    record: bool,
    on_retry: RetryListener = say_retry,
    save_snapshot: Path | None = None,
    watcher: Watcher = UNWATCHED,
) -> Iterator[Made]:
    """Open everything that a pass needs, and close it at the end; `on_retry` hears of requests that are sent again.

    What is read is kept in `save_snapshot`, and where the settings want it among the files of the last runs.
    A dry run opens the store for reading only, and goes on without a ledger that cannot be opened, with a note.
    Any other holds the lock of this machine meanwhile. Raises SetupError, StoreError, LedgerError or RunLockedError;
    then nothing was judged or written.
    """
    with ExitStack() as stack:
        keeper = _keeper(settings, environ, stack, file=save_snapshot, record=record)
        sources = open_sources(settings, environ, stack, on_retry=on_retry, keeper=keeper, watcher=watcher)
        store = open_store(settings, read_only=dry_run)
        notes: list[str] = []
        ledger: SqlLedger | None = None
        if record:
            try:
                ledger = stack.enter_context(open_ledger(settings, environ, create=True))
                ledger.history(SystemClock().now())  # a file that opens may still not be readable
            except LedgerError as error:
                if not dry_run:
                    raise
                ledger = None
                notes.append(f"This run is not in the ledger: {error.problem}")
        if ledger is not None and not dry_run:
            stack.enter_context(run_lock(ledger.path.parent / "run.lock", since=SystemClock().now()))
            hold_to(ledger, settings.orgs.folder)
        elif ledger is not None and (note := note_other(ledger, settings.orgs.folder)):
            notes.append(note)
        reports = folder_reports(settings, environ, ledger) if ledger else None
        writers: list[ReportWriter] = [reports] if reports else []
        if ledger is not None and not dry_run and (settings.notify.urls or settings.notify.ping_url):
            writers.append(run_messages(settings, environ, ledger, run_memory(environ)))
        yield Made(
            line=Line(
                store=store,
                sources=sources,
                ledger=ledger,
                reports=Writers(*writers),
                clock=SystemClock(),
                terms=settings.terms(),
                policy=settings.policies(),
                limits=settings.bounds(),
                config_sha256=settings.sha256,
                version=VERSION,
                store_at=settings.orgs.store,
                keeper=keeper,
                watcher=watcher,
            ),
            notes=tuple(notes),
            reports=reports,
            beside=lambda run: background_at_hand(run, settings, ledger),
            keeper=keeper,
        )


@contextmanager
def line_from_snapshot(settings: Settings, file: Path) -> Iterator[Made]:
    """A line on what a snapshot file holds: for a dry run that asks nobody, needs no keys and records nothing.

    The sides that `settings` name must be in it; raises SnapshotFileError where they are not or the file is no good.
    """
    with ExitStack() as stack:
        kept = stack.enter_context(SnapshotFile(file))
        about = kept.about
        clock = KeptClock(as_of=about.as_of)
        sources: dict[Source, BillingSource] = {}
        for name in Source:
            if getattr(settings, name.value) is None:
                continue
            answers = kept.answers(name)
            key = "none" if name is Source.LAGO else f"rk_{'live' if settings.billing.livemode else 'test'}_none"
            beneath = source_over(name, settings, key=key, clock=clock, asking=Replay(name, answers))
            stack.callback(beneath.close)
            sources[name] = KeptSource(beneath, answers.proofs)
        made = f"{utc(about.as_of, seconds=True)} by version {about.mark.version}"
        yield Made(
            line=Line(
                store=KeptStore(about.store),
                sources=sources,
                ledger=None,
                remembered=about.history,
                reports=Writers(),
                clock=clock,
                terms=settings.terms(),
                policy=settings.policies(),
                limits=settings.bounds(),
                config_sha256=settings.sha256,
                version=VERSION,
                store_at=settings.orgs.store,
            ),
            notes=(f"Judged from a snapshot file kept at {made}; nothing was asked anew",),
            reports=None,
            beside=lambda run: background_at_hand(run, settings, None),
        )


def check_credentials(settings: Settings, environ: Mapping[str, str]) -> None:
    """Make both sources without asking them anything: raises SetupError for a key or address that cannot be right.

    Likewise for a receiver of messages that is not where the settings say.
    """
    with ExitStack() as stack:
        open_sources(settings, environ, stack)
    receivers(settings, environ)


def _keeper(
    settings: Settings, environ: Mapping[str, str], stack: ExitStack, *, file: Path | None, record: bool
) -> SnapshotWriter | None:
    keep = settings.ledger.keep_snapshots if record else 0
    if file is None and not keep:
        return None
    ring = Ring(folder=snapshots_folder(environ), keep=keep) if keep else None
    return stack.enter_context(SnapshotWriter(file=file, ring=ring, version=VERSION))

"""Makes the real things that a pass stands on, from settings and the environment; the only place that does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path

import structlog

from reconciler.billing.asking import Retry, RetryListener
from reconciler.billing.lago_catalog import LagoCatalog
from reconciler.billing.lago_source import LagoSource
from reconciler.billing.network import Asking, Network
from reconciler.billing.pacing import RateBudget
from reconciler.billing.replaying import Replay
from reconciler.billing.stripe_catalog import StripeCatalog
from reconciler.billing.stripe_source import StripeSource
from reconciler.cycle.line import UNWATCHED, Line
from reconciler.cycle.observe import read_store as observe_store
from reconciler.errors import LedgerError
from reconciler.firststeps.needs import Side
from reconciler.gather import background_at_hand
from reconciler.kept.reading import SnapshotFile
from reconciler.kept.stand_ins import KeepingSource, KeptClock, KeptSource, KeptStore
from reconciler.kept.writing import Ring, SnapshotWriter
from reconciler.ledger.run_lock import run_lock
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.logs import hide
from reconciler.model.billing import Source
from reconciler.model.observation import StoreReading
from reconciler.model.run import RunRecord
from reconciler.notify.memory import Memory
from reconciler.one_ledger import hold_to, note_other
from reconciler.org_manager import OrgManager
from reconciler.outbox import receivers, run_messages
from reconciler.ports import BillingSource, Clock, ReportWriter, Watcher
from reconciler.reports.background import Background
from reconciler.reports.folder import FolderReports
from reconciler.reports.render import ReportFormat
from reconciler.settings import Settings, read_credential

VERSION = version("billing-reconciler")

_log = structlog.get_logger()


def say_retry(retry: Retry) -> None:
    """Log a request that is sent again."""
    _log.warning("source.retry", source=retry.source.value, attempt=retry.attempt, reason=retry.reason)


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, UTC."""
        return datetime.now(UTC)


class Writers:
    """A ReportWriter of any number of others, also of none: then the run is told on the terminal only."""

    def __init__(self, *writers: ReportWriter) -> None:
        """They are given each run in this order."""
        self._writers = writers

    def write(self, run: RunRecord) -> None:
        """Have every one of them put the run before people."""
        for writer in self._writers:
            writer.write(run)


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
        sources = _open_sources(settings, environ, stack, on_retry=on_retry, keeper=keeper, watcher=watcher)
        store = open_store(settings, read_only=dry_run)
        notes = settings.without_effect()
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
        reports = _reports(settings, environ, ledger) if ledger else None
        writers: list[ReportWriter] = [reports] if reports else []
        if ledger is not None and not dry_run and (settings.notify.urls or settings.notify.ping_url):
            writers.append(run_messages(settings, environ, ledger, Memory(_state_folder(environ) / "told.json")))
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
            beneath = _source(name, settings, key=key, clock=clock, asking=Replay(name, answers))
            stack.callback(beneath.close)
            sources[name] = KeptSource(beneath, answers.proofs)
        made = f"{about.as_of:%Y-%m-%d %H:%M:%S} UTC by version {about.mark.version}"
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
            notes=(*settings.without_effect(), f"Judged from a snapshot file kept at {made}; nothing was asked anew"),
            reports=None,
            beside=lambda run: background_at_hand(run, settings, None),
        )


def open_store(of: Settings | Path, *, read_only: bool, for_restore: bool = False) -> OrgManager:
    """The organisation store of the settings, or the one in a folder; a missing one is an error. Raises StoreError.

    `for_restore` opens one whose file is gone, as long as there are copies of it; such a file is never made anew.
    """
    folder = of if isinstance(of, Path) else of.orgs.folder
    create = for_restore and (folder / ".backup").is_dir()
    if isinstance(of, Path):
        return OrgManager(folder, create=create, read_only=read_only)
    return OrgManager(
        folder,
        create=create,
        read_only=read_only,
        lock_timeout_s=of.orgs.lock_timeout_s,
        backups_keep=of.orgs.backups_keep,
        backups_keep_days=of.orgs.backups_keep_days,
    )


def check_credentials(settings: Settings, environ: Mapping[str, str]) -> None:
    """Make both sources without asking them anything: raises SetupError for a key or address that cannot be right.

    Likewise for a receiver of messages that is not where the settings say.
    """
    with ExitStack() as stack:
        _open_sources(settings, environ, stack)
    receivers(settings, environ)


def read_store(settings: Settings) -> StoreReading:
    """The whole store as the rules know it; nothing is written. Raises StoreError."""
    return observe_store(open_store(settings, read_only=True))


@contextmanager
def open_side(source: Source, settings: Settings, environ: Mapping[str, str]) -> Iterator[Side]:
    """One configured side for the questions of the first day; raises SetupError for a key that cannot be right."""
    other = "stripe" if source is Source.LAGO else "lago"
    with ExitStack() as stack:
        billing = _open_sources(settings.model_copy(update={other: None}), environ, stack)[source]
        catalog = _open_catalog(source, settings, environ)
        stack.callback(catalog.close)
        yield Side(catalog=catalog, billing=billing)


def _open_catalog(source: Source, settings: Settings, environ: Mapping[str, str]) -> LagoCatalog | StripeCatalog:
    if source is Source.LAGO and settings.lago is not None:
        return LagoCatalog(
            url=settings.lago.url,
            api_key=_secret("LAGO_API_KEY", environ),
            clock=SystemClock(),
            max_requests_per_s=settings.lago.max_requests_per_s,
        )
    if source is Source.STRIPE and settings.stripe is not None:
        return StripeCatalog(
            url=settings.stripe.url,
            api_key=_secret("STRIPE_API_KEY", environ),
            livemode=settings.billing.livemode,
            account=settings.stripe.account,
            clock=SystemClock(),
            max_requests_per_s=settings.stripe.max_requests_per_s,
        )
    raise KeyError(source)


def open_ledger(settings: Settings, environ: Mapping[str, str], *, create: bool = False) -> SqlLedger:
    """The ledger of the settings. Raises LedgerMissingError where there is none, unless it may be made; LedgerError."""
    keep = timedelta(days=settings.ledger.keep_days)
    return SqlLedger(ledger_url(settings, environ), keep=keep, create=create)


@contextmanager
def open_sides(settings: Settings, environ: Mapping[str, str]) -> Iterator[Mapping[Source, BillingSource]]:
    """Every configured side, to ask it single questions. Raises SetupError for a key that cannot be right."""
    with ExitStack() as stack:
        yield _open_sources(settings, environ, stack)


def ledger_url(settings: Settings, environ: Mapping[str, str]) -> str:
    """Where the ledger is (interfaces.md, [ledger])."""
    return settings.ledger.url or f"sqlite:///{_state_folder(environ) / 'ledger.sqlite3'}"


def last_complete_run(settings: Settings, environ: Mapping[str, str]) -> datetime | None:
    """When the last complete run ended; None where there is none, or no ledger that can be read."""
    try:
        with open_ledger(settings, environ) as ledger:
            last = ledger.last_complete_run(SystemClock().now())
            return last.finished_at if last else None
    except LedgerError:
        return None  # of what is wrong with one that is there the first pass will tell


def _open_sources(
    settings: Settings,
    environ: Mapping[str, str],
    stack: ExitStack,
    *,
    on_retry: RetryListener = say_retry,
    keeper: SnapshotWriter | None = None,
    watcher: Watcher = UNWATCHED,
) -> dict[Source, BillingSource]:
    sources: dict[Source, BillingSource] = {}
    for name in Source:
        configured = settings.lago if name is Source.LAGO else settings.stripe
        if configured is None:
            continue
        kept = keeper.source(name) if keeper is not None else None
        network = Network(name, RateBudget(configured.max_requests_per_s), on_retry=on_retry, keeper=kept)
        key = _secret(f"{name.value.upper()}_API_KEY", environ)
        source = _source(name, settings, key=key, clock=SystemClock(), asking=network, watcher=watcher)
        stack.callback(source.close)
        sources[name] = source if kept is None else KeepingSource(source, kept)
    return sources


def _source(
    name: Source, settings: Settings, *, key: str, clock: Clock, asking: Asking, watcher: Watcher = UNWATCHED
) -> LagoSource | StripeSource:
    on_page = partial(watcher.page, name)
    if name is Source.LAGO and settings.lago is not None:
        return LagoSource(url=settings.lago.url, api_key=key, clock=clock, asking=asking, on_page=on_page)
    if name is Source.STRIPE and settings.stripe is not None:
        return StripeSource(
            url=settings.stripe.url,
            api_key=key,
            livemode=settings.billing.livemode,
            account=settings.stripe.account,
            metadata_org_key=settings.stripe.metadata_org_key,
            clock=clock,
            asking=asking,
            on_page=on_page,
        )
    raise KeyError(name)


def _keeper(
    settings: Settings, environ: Mapping[str, str], stack: ExitStack, *, file: Path | None, record: bool
) -> SnapshotWriter | None:
    keep = settings.ledger.keep_snapshots if record else 0
    if file is None and not keep:
        return None
    ring = Ring(folder=snapshots_folder(environ), keep=keep) if keep else None
    return stack.enter_context(SnapshotWriter(file=file, ring=ring, version=VERSION))


def alarm_memory(environ: Mapping[str, str]) -> Memory:
    """What people were told of the daemon's own troubles."""
    return Memory(_state_folder(environ) / "told_troubles.json")


def snapshots_folder(environ: Mapping[str, str]) -> Path:
    """Where the snapshot files of the last runs are ([ledger] keep_snapshots)."""
    return _state_folder(environ) / "snapshots"


def reports_folder(settings: Settings, environ: Mapping[str, str]) -> Path:
    """Where reports go (interfaces.md, [reports])."""
    return Path(settings.reports.folder) if settings.reports.folder else _state_folder(environ) / "reports"


def _reports(settings: Settings, environ: Mapping[str, str], ledger: SqlLedger) -> FolderReports:
    return FolderReports(
        reports_folder(settings, environ),
        [ReportFormat(form) for form in settings.reports.formats],
        beside=lambda run: background_at_hand(run, settings, ledger),
    )


def _state_folder(environ: Mapping[str, str]) -> Path:
    if environ.get("STATE_DIRECTORY"):
        return Path(environ["STATE_DIRECTORY"].split(":")[0])
    if environ.get("XDG_STATE_HOME"):
        return Path(environ["XDG_STATE_HOME"]) / "reconciler"
    return Path(environ.get("HOME") or Path.home()) / ".local" / "state" / "reconciler"


def _secret(name: str, environ: Mapping[str, str]) -> str:
    value = read_credential(name, environ).get_secret_value()
    hide(value)
    return value

"""Opens the two things that are written: the organisation store and the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from reconciler.bootstrap.machine import SystemClock, state_folder
from reconciler.cycle.observe import read_store as observe_store
from reconciler.errors import LedgerError
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model.observation import StoreReading
from reconciler.org_manager import OrgManager
from reconciler.settings import Settings


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


def read_store(settings: Settings) -> StoreReading:
    """The whole store as the rules know it; nothing is written. Raises StoreError."""
    return observe_store(open_store(settings, read_only=True))


def ledger_url(settings: Settings, environ: Mapping[str, str]) -> str:
    """Where the ledger is (interfaces.md, [ledger])."""
    return settings.ledger.url or f"sqlite:///{state_folder(environ) / 'ledger.sqlite3'}"


def open_ledger(settings: Settings, environ: Mapping[str, str], *, create: bool = False) -> SqlLedger:
    """The ledger of the settings. Raises LedgerMissingError where there is none, unless it may be made; LedgerError."""
    keep = timedelta(days=settings.ledger.keep_days)
    return SqlLedger(ledger_url(settings, environ), keep=keep, create=create)


def last_complete_run(settings: Settings, environ: Mapping[str, str]) -> datetime | None:
    """When the last complete run ended; None where there is none, or no ledger that can be read."""
    try:
        with open_ledger(settings, environ) as ledger:
            last = ledger.last_complete_run(SystemClock().now())
            return last.finished_at if last else None
    except LedgerError:
        return None  # of what is wrong with one that is there the first pass will tell

"""Opens the ledger for commands that read it or add a person's word: only one that is there already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from reconciler.bootstrap import ledger_url
from reconciler.errors import UsageError
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.settings import Settings

_FILE = "sqlite:///"


@contextmanager
def recorded_ledger(settings: Settings, environ: Mapping[str, str]) -> Iterator[SqlLedger]:
    """The ledger of the settings. Raises UsageError where no run has made one, LedgerError where it cannot be read."""
    url = ledger_url(settings, environ)
    if url.startswith(_FILE) and not Path(url.removeprefix(_FILE)).exists():
        raise UsageError(
            f"There is no ledger at {url.removeprefix(_FILE)}: no run is recorded yet",
            not_done="Nothing was read or written",
            remedy="Run a pass first (reconcile --dry-run), or name the state folder it recorded in",
        )
    with SqlLedger(url) as ledger:
        yield ledger

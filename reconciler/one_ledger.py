"""Holds a store to the one ledger that keeps it, since another knows none of its waivers, contracts and limits."""

from __future__ import annotations

import errno
from pathlib import Path

import structlog

from reconciler.errors import LedgerError, SetupError, StoreError, StoreWriteError
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.org_manager.ledger_mark import MARK, LedgerMark, put_ledger_mark, read_ledger_mark

_SHORT = 8
_NOT_ALLOWED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})

_log = structlog.get_logger()


def hold_to(ledger: SqlLedger, store: Path, *, not_done: str = "Nothing was read from billing or written") -> None:
    """See that `ledger` keeps the store in the folder `store`, which it does from now on if none did.

    Raises SetupError where another ledger does, also one that was lost and made anew; StoreError and LedgerError where
    that cannot be told, or the store cannot be marked. A folder in which this user may not write is left without a
    mark: no pass of this user can change that store either, since its journal lies there.
    """
    own = LedgerMark(ledger=ledger.identity(), at=str(ledger.path.absolute()))
    if read_ledger_mark(store) is None:
        _put(store, own)
    refuse_other(ledger, store, not_done=not_done)


def refuse_other(ledger: SqlLedger, store: Path, *, not_done: str) -> None:
    """Raises SetupError where another ledger keeps the store; one that no ledger keeps yet is left so."""
    mark = read_ledger_mark(store)
    own = ledger.identity()
    if mark is None or mark.ledger == own:
        return
    raise SetupError(
        f"{store / MARK} says that the ledger {mark.ledger[:_SHORT]} at {mark.at} keeps this store, "
        f"and {ledger.path.absolute()} is the ledger {own[:_SHORT]}, which knows nothing of its contracts, waivers and "
        "limits",
        not_done=not_done,
        remedy="Set [ledger] url or STATE_DIRECTORY to that ledger; if it is lost, remove that file by hand",
    )


def note_other(ledger: SqlLedger, store: Path) -> str | None:
    """What a dry run tells where another ledger keeps the store, or that cannot be told; it marks nothing."""
    try:
        mark = read_ledger_mark(store)
        own = ledger.identity()
    except (StoreError, LedgerError) as error:
        return f"{error.problem}, so this ledger may not be the one that keeps this store"
    if mark is None or mark.ledger == own:
        return None
    return (
        f"This ledger is not the one that keeps this store, which is at {mark.at}; waivers, contracts and limits of "
        "that one are not known here"
    )


def _put(store: Path, own: LedgerMark) -> None:
    try:
        put_ledger_mark(store, own)
    except OSError as error:
        if error.errno in _NOT_ALLOWED:
            _log.warning("store.not_marked", file=str(store / MARK), reason=error.strerror)
            return
        raise StoreWriteError(
            f"{store / MARK}, which says what ledger keeps this store, cannot be written: {error.strerror}",
            remedy="Make room there and try again",
        ) from error

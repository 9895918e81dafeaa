"""Marks the store's folder with the one ledger that keeps it, so that a pass with another ledger can be refused."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import StoreAccessError, StoreDamagedError
from reconciler.org_manager.files import create, sync_folder
from reconciler.org_manager.store import ORGANIZATIONS

MARK = ".reconciler-ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerMark:
    """The id of a ledger, and where it was when it marked the store."""

    ledger: str
    at: str


def read_ledger_mark(folder: Path) -> LedgerMark | None:
    """The mark of the store in `folder`; None where no ledger keeps it yet. Raises StoreAccessError, StoreDamagedError.

    A mark that cannot be read is never taken for none.
    """
    path = folder / MARK
    try:
        held = json.loads(path.read_bytes())
        mark = LedgerMark(ledger=str(held["ledger"]), at=str(held["at"]))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreAccessError(
            f"{path}, which says what ledger keeps this store, cannot be read: {error.strerror}",
            remedy="Run as the user that owns the store, or give this one the permission",
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise StoreDamagedError(
            f"{path} does not say what ledger keeps this store; it was left as it is",
            remedy="See that [ledger] url or STATE_DIRECTORY leads to the ledger of this store, then remove that file",
        ) from error
    return mark


def put_ledger_mark(folder: Path, mark: LedgerMark) -> None:
    """Mark the store, on the disk, unless it is marked; of two at once one is first, and no one sees half a mark.

    The file has the owner and permissions of the store's own. Raises OSError; then the store is as it was.
    """
    path = folder / MARK
    whole = path.with_name(f"{MARK}.{uuid.uuid4().hex}")
    text = json.dumps({"ledger": mark.ledger, "at": mark.at}) + "\n"
    try:
        create(whole, [text.encode()], like=(folder / ORGANIZATIONS).stat())
        os.link(whole, path)
    except FileExistsError:
        return
    finally:
        whole.unlink(missing_ok=True)
    sync_folder(folder)

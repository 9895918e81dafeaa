"""Finishes, drops or sets aside what a writer that died left in the journal."""

from __future__ import annotations

import os
from contextlib import ExitStack

from reconciler.errors import StoreWriteError
from reconciler.org_manager import journal
from reconciler.org_manager.files import read_all, write_all
from reconciler.org_manager.locks import held
from reconciler.org_manager.store import JOURNAL, ORGANIZATIONS, Store, log


def recover(store: Store, fd: int) -> None:
    """Judge the journal, if there is one, and leave none. `fd` holds the exclusive lock on organizations.json.

    Nothing is put over a whole file that holds another's later word; then the journal goes to `.backup`. Raises
    StoreError; the journal stays.
    """
    try:
        raw = store.journal_path.read_bytes()
        with ExitStack() as stack:
            verdicts = _carry_out(store, fd, raw, stack)
            store.journal_path.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreWriteError(
            f"what a writer that died left in {store.journal_path} cannot be finished: {error.strerror}",
            not_done="Nothing was written, and its journal stays",
            remedy="Make room there, or run as the user that owns the store",
        ) from error
    for file, verdict in verdicts.items():
        log.warning("store.recovered", extra={"store_file": file, "verdict": verdict})


def _carry_out(store: Store, fd: int, raw: bytes, stack: ExitStack) -> dict[str, str]:
    entries = journal.decode(raw)
    if entries is None:
        return {JOURNAL: "torn"}
    verdicts = {}
    for entry in entries:
        target = fd
        if entry.file != ORGANIZATIONS:
            path = store.org_users.path
            target = stack.enter_context(held(path, exclusive=True, timeout_s=store.lock_timeout_s))
        verdicts[entry.file] = journal.judge(entry, read_all(target))
        if verdicts[entry.file] is journal.Verdict.REPLAY:
            write_all(target, [entry.new])
    if journal.Verdict.FOREIGN in verdicts.values():
        store.copies.set_aside("journal", [raw], like=os.fstat(fd))
    return {file: verdict.value for file, verdict in verdicts.items()}

"""Lets one pass at a time write on a machine, by a lock on a file beside the ledger that dies with its holder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from reconciler.errors import LedgerError, RunLockedError
from reconciler.ledger.acts import os_user


@contextmanager
def run_lock(path: Path, *, since: datetime) -> Iterator[None]:
    """Hold the lock; the file says who does, for people.

    Raises RunLockedError naming the holder where another process has it, and LedgerError where it cannot be made.
    """
    try:
        held = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LedgerError(
            f"The lock {path} cannot be opened: {error.strerror}", remedy="Let this user write there"
        ) from error
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(held, 500, 0).decode(errors="replace").strip()
            raise RunLockedError(
                f"Another run holds {path}: {holder or 'it has not said who it is'}",
                remedy="Try again when it has ended",
            ) from error
        os.truncate(held, 0)
        os.pwrite(held, f"{os_user()}, pid {os.getpid()}, since {since.isoformat(timespec='seconds')}\n".encode(), 0)
        yield
    finally:
        os.close(held)

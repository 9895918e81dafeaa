"""Reads the store's two files under their locks, and waits where a foreign writer is in the middle of a change.

Log events of this package are records of the standard library's logger `reconciler.org_manager`: the message is the
event's constant name, its fields are attributes of the record (`extra=`), which structlog's ExtraAdder renders.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from reconciler.errors import StoreAccessError, StoreDamagedError
from reconciler.org_manager import journal
from reconciler.org_manager.codec import Document, DocumentError
from reconciler.org_manager.copies import Copies
from reconciler.org_manager.files import checksum_of, read_all
from reconciler.org_manager.locks import held

log = logging.getLogger("reconciler.org_manager")

JOURNAL = ".org_store.journal"
ORGANIZATIONS = "organizations.json"
ORG_USERS = "org_users.json"
# A change younger than this may be followed by another within the same tick of the file system's clock.
_TICK_NS = 100_000_000
_FIRST_LOOK_S = 0.01
_LONGEST_LOOK_S = 0.25


class Records(Protocol):
    """One file's records by key, as texts."""

    def record(self, key: str) -> bytes | None:
        """The text of one record; None where there is none."""
        ...

    def records(self) -> Iterator[tuple[str, bytes]]:
        """Every key with its record's text, in file order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """One file's content as it was read under its lock; `checksum` is that of all its bytes."""

    document: Document
    checksum: str
    stat: os.stat_result
    is_settled: bool  # no later change can hide behind the same times and size


def signature(stat: os.stat_result) -> tuple[int, int, int, int, int]:
    """What changes when a file's content does."""
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


class DataFile:
    """One of the two files, with the content that was read last. Safe for threads: what is kept is never changed."""

    def __init__(self, path: Path, copies: Copies) -> None:
        """Reads nothing yet."""
        self.path = path
        self.name = path.name
        self.copies = copies
        self.kept: Loaded | None = None

    def warm(self) -> Loaded | None:
        """The content read last, if the file has certainly not changed since; takes no lock."""
        kept = self.kept
        if kept is None or not kept.is_settled:
            return None
        try:
            now = self.path.lstat()
        except OSError:
            return None
        return kept if signature(now) == signature(kept.stat) else None

    def load(self, fd: int, announced: journal.Entry | None) -> Loaded:
        """The content, under a lock that the caller holds on `fd`. Raises DocumentError.

        `announced` is what a dead writer left in the journal for this file: where it counts, it is the content.
        """
        looked_at_ns = time.time_ns()
        stat = os.fstat(fd)
        is_settled = looked_at_ns - stat.st_mtime_ns > _TICK_NS
        kept = self.kept
        if (
            kept is not None
            and announced is None
            and signature(stat) == signature(kept.stat)
            and (kept.is_settled or checksum_of(fd) == kept.checksum)
        ):
            self.kept = replace(kept, is_settled=is_settled)
            return kept
        # Dropped before the new one is read, so that a large file is never in memory twice.
        self.kept = kept = None
        raw = read_all(fd)
        if announced is not None and journal.judge(announced, raw) is journal.Verdict.REPLAY:
            raw = announced.new
        document = Document.read(raw)
        if self.copies.shows_wiped(self.name, document):
            raise DocumentError("none of the organisations of the newest good copy is in it", 0)
        loaded = Loaded(document=document, checksum=journal.checksum([raw]), stat=stat, is_settled=is_settled)
        if announced is None:
            self.kept = loaded
        return loaded


class Store:
    """The two files, their journal and their copies in one folder."""

    def __init__(
        self,
        data_dir: Path,
        *,
        read_only: bool,
        lock_timeout_s: float | None,
        foreign_wait_s: float,
        copies: Copies,
    ) -> None:
        """Touches nothing yet."""
        self.data_dir = data_dir
        self.read_only = read_only
        self.lock_timeout_s = lock_timeout_s
        self.foreign_wait_s = foreign_wait_s
        self.copies = copies
        self.journal_path = data_dir / JOURNAL
        self.organizations = DataFile(data_dir / ORGANIZATIONS, copies)
        self.org_users = DataFile(data_dir / ORG_USERS, copies)

    def read(self, file: DataFile) -> Loaded:
        """One file's content: from memory where it has not changed, else under a shared lock. Raises StoreError."""
        warm = file.warm()
        if warm is not None and not self.journal_path.exists():
            return warm
        with self.settled(file, exclusive=False) as (_, loaded):
            return loaded

    @contextmanager
    def settled(
        self, file: DataFile, *, exclusive: bool, prepare: Callable[[int], None] | None = None
    ) -> Iterator[tuple[int, Loaded]]:
        """A descriptor under the file's lock and its content, for as long as the block lasts.

        `prepare` is called with the descriptor before the content is read.
        Empty or broken content means that a foreign writer emptied the file before it took the lock: the lock is let
        go and the file looked at again, for `foreign_wait_s`. Then raises StoreDamagedError; others as `held` does.
        """
        deadline = time.monotonic() + self.foreign_wait_s
        pause_s = _FIRST_LOOK_S
        while True:
            with held(file.path, exclusive=exclusive, timeout_s=self.lock_timeout_s) as fd:
                if prepare is not None:
                    prepare(fd)
                try:
                    loaded = file.load(fd, self.announced().get(file.name))
                except DocumentError as error:
                    broken = error
                else:
                    yield fd, loaded
                    return
            if time.monotonic() >= deadline:
                raise self._damaged(file, broken)
            if pause_s == _FIRST_LOOK_S:  # said once, not at every look
                log.warning(
                    "store.foreign_writer",
                    extra={"store_file": file.name, "offset": broken.offset, "problem": broken.problem},
                )
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_LOOK_S)

    def announced(self) -> dict[str, journal.Entry]:
        """What a whole journal says of each file; nothing where there is none or a torn one."""
        try:
            raw = self.journal_path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StoreAccessError(
                f"{self.journal_path}, which a writer that died left, cannot be read: {error.strerror}",
                not_done="The store was neither read nor written",
                remedy="Run as the user that owns the store, or give this one the permission",
            ) from error
        return {entry.file: entry for entry in journal.decode(raw) or ()}

    def _damaged(self, file: DataFile, broken: DocumentError) -> StoreDamagedError:
        copy = self.copies.newest_good(file.name)
        known = f"The newest good copy is {copy.path}" if copy else "There is no good copy of it yet"
        mend = (
            f"run `reconcile orgs restore` for {self.data_dir}" if copy else "bring the file back from your own backups"
        )
        return StoreDamagedError(
            f"{file.path} is damaged at byte {broken.offset}: {broken.problem}. {known}",
            not_done="The store was left as it is and nothing was taken from it",
            remedy=f"Stop what else writes it, then {mend}",
        )

"""Puts a change on the disk so that a crash at any point leaves the old content or the new."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from reconciler.errors import StoreUnfinishedError, StoreWriteError
from reconciler.org_manager import journal
from reconciler.org_manager.codec import Document, Edit, Piece
from reconciler.org_manager.files import checksum_of, create, sync_folder, write_all
from reconciler.org_manager.store import DataFile, Loaded, Store, log

_WRITES = 5  # a foreign writer empties the file once, when it opens it
# A larger file is read anew after a write of ours rather than kept, so that it is never in memory twice.
_KEPT_SIZE = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """New content for one file whose exclusive lock is held on `fd`; `document` is None where it is not to be kept."""

    file: DataFile
    fd: int
    old: bytes
    old_checksum: str
    edit: Edit
    checksum: str
    spans: Mapping[str, tuple[int, int]]
    repeated: frozenset[str]

    @classmethod
    def of(cls, file: DataFile, fd: int, loaded: Loaded, records: Mapping[str, bytes]) -> Change:
        """The change that puts these texts for records, one or more."""
        edit, spans = loaded.document.edit(records)
        return cls(
            file=file,
            fd=fd,
            old=loaded.document.raw,
            old_checksum=loaded.checksum,
            edit=edit,
            checksum=journal.checksum(edit.pieces),
            spans=spans,
            repeated=loaded.document.repeated,
        )


def commit(store: Store, changes: Sequence[Change]) -> None:
    """Write all changes, or none. The lock on organizations.json is held.

    Raises StoreWriteError, which says whether the old content stands or the journal will finish the change.
    """
    _announce(store, changes)
    try:
        for change in changes:
            _put(change)
    except OSError as error:
        _take_back(store, changes, error)
    store.journal_path.unlink()
    for change in changes:
        _keep(change)


def _announce(store: Store, changes: Sequence[Change]) -> None:
    pieces = journal.encode([(change.file.name, change.edit, change.old_checksum) for change in changes])
    try:
        create(store.journal_path, pieces, like=os.fstat(changes[0].fd))
        sync_folder(store.data_dir)
    except OSError as error:
        with suppress(OSError):
            store.journal_path.unlink()
        raise StoreWriteError(
            f"the journal {store.journal_path} cannot be written: {error.strerror}",
            not_done="Nothing was changed in the store",
            remedy="Make room, or give this user the permission to write there, and try again",
        ) from error


def _put(change: Change) -> None:
    for _ in range(_WRITES):
        write_all(change.fd, change.edit.pieces)
        if checksum_of(change.fd) == change.checksum:
            return
        log.warning("store.foreign_writer", extra={"store_file": change.file.name, "problem": "our write is gone"})
    raise StoreUnfinishedError(
        f"another program took our write to {change.file.path} away {_WRITES} times while we held its lock",
        not_done="The change is not in the file; the next one to write the store finishes or drops it",
        remedy="Stop what else writes the store, then run `reconcile orgs verify`",
    )


def _take_back(store: Store, changes: Sequence[Change], error: OSError) -> None:
    try:
        for change in changes:
            write_all(change.fd, [change.old])
    except OSError:
        raise StoreUnfinishedError(
            f"{store.data_dir} refuses to be written in the middle of a change: {error.strerror}",
            not_done="The change is half written; its journal stands and the next one to write the store finishes it",
            remedy="Make room there, then run `reconcile orgs verify`",
        ) from error
    store.journal_path.unlink()
    raise StoreWriteError(
        f"the store in {store.data_dir} cannot be written: {error.strerror}",
        not_done="Nothing was changed in the store",
        remedy="Make room there and try again",
    ) from error


def _keep(change: Change) -> None:
    stat = os.fstat(change.fd)
    pieces = change.edit.pieces
    if journal.size(pieces) <= _KEPT_SIZE:
        document = Document(b"".join(pieces), change.spans, change.repeated)
        change.file.kept = Loaded(document=document, checksum=change.checksum, stat=stat, is_settled=False)
    else:
        change.file.kept = None
    keep_copy(change.file, pieces, change.checksum, stat)


def keep_copy(file: DataFile, pieces: Sequence[Piece], checksum: str, stat: os.stat_result) -> None:
    """Keep a good copy. The change is on the disk by then, so that a copy that cannot be made is only logged."""
    try:
        file.copies.keep(file.name, pieces, checksum, like=stat)
    except OSError as error:
        log.warning("store.copy_failed", extra={"store_file": file.name, "problem": error.strerror})

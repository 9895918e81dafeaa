"""What a person does when the store may be damaged: verify it, and restore it from its good copies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import StoreDamagedError, StoreError
from reconciler.org_manager import journal
from reconciler.org_manager.codec import Document, DocumentError, Edit, read_members
from reconciler.org_manager.commit import Change, commit
from reconciler.org_manager.copies import Copy
from reconciler.org_manager.files import create_empty, read_all
from reconciler.org_manager.locks import held
from reconciler.org_manager.manager import OrgManager
from reconciler.org_manager.records import InvalidRecord, judge_members, read_organization
from reconciler.org_manager.recovery import recover
from reconciler.org_manager.snapshot import judge_org_users, judge_organizations
from reconciler.org_manager.store import DataFile, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """One of the two files: how many records it holds, what is wrong with it as a whole, and its good copies."""

    path: Path
    records: int
    problem: str | None
    copies: tuple[Copy, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What `verify` found. `journal` tells of a writer that died: "none", "torn" or "unfinished"."""

    files: tuple[FileReport, ...]
    invalid: tuple[InvalidRecord, ...]
    journal: str

    @property
    def is_sound(self) -> bool:
        """Whether the application reads both files whole and refuses no record."""
        return not self.invalid and all(file.problem is None for file in self.files)


def verify(manager: OrgManager) -> Verification:
    """Read both files and judge every record. Writes nothing, raises nothing for a damaged store. Not in a batch."""
    store = manager.store
    organizations, invalid_organizations = _judge(store, store.organizations)
    org_users, invalid_members = _judge(store, store.org_users)
    return Verification(
        files=(organizations, org_users),
        invalid=(*invalid_organizations, *invalid_members),
        journal=_journal_state(store),
    )


def _judge(store: Store, file: DataFile) -> tuple[FileReport, tuple[InvalidRecord, ...]]:
    copies = tuple(store.copies.of(file.name))
    try:
        document = store.read(file).document
    except StoreError as error:
        return FileReport(path=file.path, records=0, problem=str(error), copies=copies), ()
    invalid = judge_organizations(document)[1] if file is store.organizations else judge_org_users(document)
    return FileReport(path=file.path, records=len(document.spans), problem=None, copies=copies), invalid


def _journal_state(store: Store) -> str:
    try:
        raw = store.journal_path.read_bytes()
    except FileNotFoundError:
        return "none"
    return "torn" if journal.decode(raw) is None else "unfinished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """One file brought back from `copy`; `kept` are the records that only the replaced content had.

    `set_aside` holds the replaced content as it was.
    """

    file: str
    copy: Path
    kept: tuple[str, ...]
    set_aside: Path


def restore(manager: OrgManager, copy: Path | None = None) -> tuple[Restored, ...]:
    """Bring damaged, emptied or missing files back from their newest good copy, or one file from the copy given.

    Whole records of sound organisations that only the replaced content holds are kept behind those of the copy.
    Nothing is done to a file that reads well, unless its copy is given. Raises StoreDamagedError where there is no
    good copy. Not in a batch.
    """
    store = manager.store
    files = [store.organizations, store.org_users]
    if copy is not None:
        files = [file for file in files if copy.name.startswith(f"{file.name}.")]
        if not files:
            raise ValueError(f"{copy.name} is not named like a copy of {store.organizations.name}")
    with ExitStack() as stack:
        fd = stack.enter_context(_held(store, store.organizations))
        recover(store, fd)
        changes = []
        restored = []
        for file in files:
            if file is store.org_users:
                fd = stack.enter_context(_held(store, file))
            if copy is not None or not _reads_well(file, fd):
                change, done = _replacement(store, file, fd, copy)
                changes.append(change)
                restored.append(done)
        if changes:
            commit(store, changes)
    return tuple(restored)


def _held(store: Store, file: DataFile) -> AbstractContextManager[int]:
    if store.copies.newest_good(file.name) is not None:
        create_empty(file.path)
    return held(file.path, exclusive=True, timeout_s=store.lock_timeout_s)


def _reads_well(file: DataFile, fd: int) -> bool:
    try:
        file.load(fd, None)
    except DocumentError:
        return False
    return True


def _replacement(store: Store, file: DataFile, fd: int, path: Path | None) -> tuple[Change, Restored]:
    if path is None:
        newest = store.copies.newest_good(file.name)
        if newest is None:
            raise StoreDamagedError(
                f"there is no good copy of {file.path}",
                not_done="Nothing was restored",
                remedy="Mend the file by hand, or bring one back from the backups of the machine",
            )
        path = newest.path
    found = read_all(fd)
    try:
        good = Document.read(path.read_bytes())
    except (DocumentError, OSError) as error:
        raise StoreDamagedError(
            f"the copy {path} cannot be read: {error}",
            not_done="Nothing was restored",
            remedy="Take another; `reconcile orgs verify` lists them",
        ) from error
    kept = {key: record for key, record in _sound(store, file, found) if good.record(key) is None}
    whole = Document.read(b"".join(good.edit(kept)[0].pieces)) if kept else good
    stat = os.fstat(fd)
    set_aside = store.copies.set_aside(f"{file.name}.replaced", [found], like=stat)
    change = Change(
        file=file,
        fd=fd,
        old=found,
        old_checksum=journal.checksum([found]),
        edit=Edit(pieces=(whole.raw,), prefix=0, suffix=0, middle=found),
        checksum=journal.checksum([whole.raw]),
        spans=whole.spans,
        repeated=whole.repeated,
    )
    return change, Restored(file=file.name, copy=path, kept=tuple(kept), set_aside=set_aside)


def _sound(store: Store, file: DataFile, found: bytes) -> Iterator[tuple[str, bytes]]:
    with suppress(DocumentError):  # up to where the file stops being whole
        for key, start, end in read_members(found):
            record = found[start:end]
            is_organization = file is store.organizations
            problem = read_organization(key, record)[1] if is_organization else judge_members(key, record)
            if problem is None:
                yield key, record

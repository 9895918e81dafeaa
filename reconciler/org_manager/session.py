"""One locked read-modify-write: what a session sees and changes while it alone holds the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from reconciler.errors import StoreReadOnlyError
from reconciler.org_manager.commit import Change, commit
from reconciler.org_manager.recovery import recover
from reconciler.org_manager.store import DataFile, Loaded, Store


class Pending:
    """One locked file, and the records that the session has changed so far."""

    def __init__(self, file: DataFile, fd: int, loaded: Loaded) -> None:
        """`fd` holds the file's exclusive lock."""
        self.file = file
        self.fd = fd
        self.loaded = loaded
        self.changes: dict[str, bytes] = {}

    def record(self, key: str) -> bytes | None:
        """The text of one record as the session sees it; None where there is none."""
        return self.changes.get(key) or self.loaded.document.record(key)

    def records(self) -> Iterator[tuple[str, bytes]]:
        """Every key with its record's text as the session sees it, in file order, new ones last."""
        for key, record in self.loaded.document.records():
            yield key, self.changes.get(key, record)
        for key, record in self.changes.items():
            if key not in self.loaded.document.spans:
                yield key, record

    def put(self, key: str, record: bytes) -> None:
        """Change one record, or append a new one."""
        self.changes[key] = record


class Session:
    """Changes to the store that are written together, or not at all."""

    def __init__(self, store: Store, organizations: Pending, stack: ExitStack) -> None:
        """`stack` lets go of what the session locks on its way."""
        self._store = store
        self._stack = stack
        self._users: Pending | None = None
        self.organizations = organizations

    @property
    def org_users(self) -> Pending:
        """The second file, locked and read when it is first needed. Raises StoreError."""
        if self._users is None:
            file = self._store.org_users
            fd, loaded = self._stack.enter_context(self._store.settled(file, exclusive=True))
            self._users = Pending(file, fd, loaded)
        return self._users

    def write(self) -> None:
        """Put the changes on the disk. Raises StoreWriteError."""
        pending = [self._users] if self._users is not None and self._users.changes else []
        if self.organizations.changes:
            pending.append(self.organizations)
        if pending:
            commit(self._store, [Change.of(each.file, each.fd, each.loaded, each.changes) for each in pending])


@contextmanager
def session(store: Store) -> Iterator[Session]:
    """The store under its exclusive lock; what the block changed is written at its end, nothing if it raises.

    The lock on organizations.json guards the journal: whoever writes holds it, whichever file changes.
    """
    if store.read_only:
        raise StoreReadOnlyError(
            f"the store in {store.data_dir} was opened for reading only",
            not_done="Nothing was written",
            remedy="Open it for writing",
        )
    with ExitStack() as stack:
        opened = store.settled(store.organizations, exclusive=True, prepare=partial(recover, store))
        fd, loaded = stack.enter_context(opened)
        ours = Session(store, Pending(store.organizations, fd, loaded), stack)
        yield ours
        ours.write()

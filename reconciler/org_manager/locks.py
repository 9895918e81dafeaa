"""Opens a data file and holds `flock` on it: the lock that the application's own module takes."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from reconciler.errors import (
    StoreAccessError,
    StoreDamagedError,
    StoreError,
    StoreLockedError,
    StoreMissingError,
    StoreWriteError,
)
from reconciler.org_manager.files import create_empty

NOT_TOUCHED = "The store was neither read nor written"
_FIRST_PAUSE_S = 0.001
_LONGEST_PAUSE_S = 0.05


@contextmanager
def held(path: Path, *, exclusive: bool, timeout_s: float | None) -> Iterator[int]:
    """A descriptor of the data file under `flock`, shared or exclusive; an exclusive one can be written.

    Waits for the lock for `timeout_s`, or for ever with None. The file is the one that stands at `path` while the
    lock is held. Raises StoreMissingError, StoreDamagedError (a link, a folder), StoreAccessError, StoreWriteError
    or StoreLockedError.
    """
    while True:
        fd = _open(path, exclusive=exclusive)
        try:
            _lock(fd, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH, path, timeout_s)
            if _is_still(path, fd):
                yield fd
                return
        finally:
            os.close(fd)


def require(path: Path) -> None:
    """Raises StoreMissingError or StoreAccessError where nothing stands at `path` for us."""
    try:
        path.lstat()
    except OSError as error:
        raise _refusal(error, path, exclusive=False) from error


def _open(path: Path, *, exclusive: bool) -> int:
    # Without O_NONBLOCK a named pipe in the file's place would hold us for ever.
    flags = (os.O_RDWR if exclusive else os.O_RDONLY) | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(path, flags)
    except OSError as error:
        raise _refusal(error, path, exclusive=exclusive) from error
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    raise _not_a_file(path)


def _not_a_file(path: Path) -> StoreError:
    return StoreDamagedError(
        f"{path} is no regular file",
        not_done=NOT_TOUCHED,
        remedy="Put the file itself there, neither a link nor a folder; the store is locked and written in place",
    )


def _refusal(error: OSError, path: Path, *, exclusive: bool) -> StoreError:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return StoreMissingError(
            f"there is no {path}",
            not_done=NOT_TOUCHED,
            remedy="Check the configured folder; if it held a store before, `reconcile orgs restore` brings it back",
        )
    if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
        return _not_a_file(path)
    kind = StoreWriteError if exclusive else StoreAccessError
    return kind(
        f"{path} cannot be opened for {'writing' if exclusive else 'reading'}: {error.strerror}",
        not_done=NOT_TOUCHED,
        remedy="Run as the user that owns the store, or give this one the permission",
    )


def _lock(fd: int, operation: int, path: Path, timeout_s: float | None) -> None:
    if timeout_s is None:
        fcntl.flock(fd, operation)
        return
    deadline = time.monotonic() + timeout_s
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            fcntl.flock(fd, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise StoreLockedError(
                    f"another program has kept {path} locked for {timeout_s:g} s",
                    not_done=NOT_TOUCHED,
                    remedy="Try again; `fuser` with that path names the program",
                ) from None
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        else:
            return


def _is_still(path: Path, fd: int) -> bool:
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(fd))


def _open_untruncated(path: str, flags: int) -> int:
    return os.open(path, flags & ~os.O_TRUNC, 0o666)


@contextmanager
def locked_file(file_path: str | os.PathLike[str], mode: str = "r") -> Iterator[IO[Any]]:
    """An open handle on a file under an exclusive `flock`, for as long as the block lasts; waits until it has it.

    Makes the folder and, for read modes, the file (holding `{}`) when missing. Unlike the application's own, a write
    mode empties the file only once the lock is held, and what was written is on the disk before the lock goes.
    """
    path = Path(file_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if "r" in mode and not path.exists():
        create_empty(path)
    encoding = None if "b" in mode else "utf-8"
    with open(path, mode, encoding=encoding, opener=_open_untruncated) as handle:
        fcntl.flock(handle.fileno(), fcntl.LOCK_EX)
        if "w" in mode:
            os.ftruncate(handle.fileno(), 0)
        yield handle
        if handle.writable():
            handle.flush()
            os.fsync(handle.fileno())

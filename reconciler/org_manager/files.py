"""Reads, writes and makes whole files through bare system calls, each of which a crash may follow."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Sequence
from pathlib import Path

from reconciler.org_manager.codec import Piece

_BLOCK_SIZE = 1 << 20
_MOST_PIECES = 1000  # one system call takes 1,024


def read_all(fd: int) -> bytes:
    """The whole file, from its beginning."""
    blocks = []
    at = 0
    while block := os.pread(fd, max(os.fstat(fd).st_size - at, _BLOCK_SIZE), at):
        blocks.append(block)
        at += len(block)
    return blocks[0] if len(blocks) == 1 else b"".join(blocks)


def checksum_of(fd: int) -> str:
    """SHA-256 of the whole file, in hex, without holding it in memory."""
    total = hashlib.sha256()
    at = 0
    while block := os.pread(fd, _BLOCK_SIZE, at):
        total.update(block)
        at += len(block)
    return total.hexdigest()


def write_all(fd: int, pieces: Sequence[Piece]) -> None:
    """Make the file hold the pieces and nothing else, on the disk: one write, then truncate, then fsync."""
    rest: list[Piece] = list(pieces) if len(pieces) <= _MOST_PIECES else [b"".join(pieces)]
    at = 0
    while rest:
        written = os.pwritev(fd, rest, at)
        at += written
        while rest and written >= len(rest[0]):
            written -= len(rest.pop(0))
        if rest:
            rest[0] = memoryview(rest[0])[written:]
    os.ftruncate(fd, at)
    os.fsync(fd)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def create(path: Path, pieces: Sequence[Piece], *, like: os.stat_result | None) -> None:
    """Make or replace a file of ours, on the disk, with the owner and permissions of the file it belongs to."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if like is not None:
            os.fchmod(fd, like.st_mode & 0o666)
            if os.geteuid() == 0:
                os.fchown(fd, like.st_uid, like.st_gid)
        write_all(fd, pieces)
    finally:
        os.close(fd)


def make_folder(folder: Path) -> None:
    """Make a folder of ours, with the owner and permissions of the one it lies in, unless there is one."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return
    around = folder.parent.stat()
    folder.chmod(around.st_mode & 0o777)
    if os.geteuid() == 0:
        os.chown(folder, around.st_uid, around.st_gid)


def create_empty(path: Path) -> None:
    """Make a data file holding `{}`, unless there is one; no one ever sees it without its two bytes."""
    whole = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    fd = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        write_all(fd, [b"{}"])
        os.link(whole, path)
    except FileExistsError:
        return
    finally:
        os.close(fd)
        whole.unlink()

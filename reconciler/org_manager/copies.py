"""Keeps the last good copies of the store's files in `.backup`, thinned out, and what was set aside for a person."""

from __future__ import annotations

import json
import mmap
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconciler.org_manager.codec import Document, DocumentError, Piece, read_members
from reconciler.org_manager.files import create, make_folder

FOLDER = ".backup"
# The newest copy is always the last write; older ones lie at least this far apart, so that a busy hour does not push
# yesterday out.
SPACING = timedelta(minutes=15)
_STAMP = "%Y%m%dT%H%M%S.%fZ"
_SHORT = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A plain copy of one of the store's files, as it was at `taken_at` (aware, UTC)."""

    path: Path
    taken_at: datetime
    checksum: str  # the beginning of the content's SHA-256


class Copies:
    """The `.backup` folder of one store. Only who holds the store's exclusive lock may add to it."""

    def __init__(self, data_dir: Path, *, keep: int, keep_days: int) -> None:
        """Keeps at most `keep` copies of a file, none older than `keep_days` but the newest."""
        self.folder = data_dir / FOLDER
        self._keep = max(keep, 1)
        self._keep_for = timedelta(days=keep_days)

    def of(self, file: str) -> list[Copy]:
        """The copies of a file, newest first."""
        pattern = re.compile(re.escape(file) + r"\.(\d{8}T\d{6}\.\d{6}Z)\.([0-9a-f]{12})")
        try:
            names = sorted((path.name for path in self.folder.iterdir()), reverse=True)
        except OSError:
            return []
        return [
            Copy(
                path=self.folder / name,
                taken_at=datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC),
                checksum=match[2],
            )
            for name in names
            if (match := pattern.fullmatch(name))
        ]

    def newest_good(self, file: str) -> Copy | None:
        """The newest copy that can be read whole."""
        for copy in self.of(file):
            try:
                Document.read(copy.path.read_bytes())
            except (DocumentError, OSError):
                continue
            return copy
        return None

    def is_due(self, file: str, checksum: str) -> bool:
        """Whether this content is in no newest copy, and that copy is old enough for another beside it."""
        newest = next(iter(self.of(file)), None)
        if newest is None:
            return True
        return newest.checksum != checksum[:_SHORT] and datetime.now(UTC) - newest.taken_at >= SPACING

    def keep(self, file: str, pieces: Sequence[Piece], checksum: str, *, like: os.stat_result) -> None:
        """Add a copy and drop what is too many, too old or too close. Raises OSError."""
        older = self.of(file)
        if older and older[0].checksum == checksum[:_SHORT]:
            return
        now = datetime.now(UTC)
        if older:  # a clock that was set back must not make an older copy the newest
            now = max(now, older[0].taken_at + timedelta(microseconds=1))
        self._put(f"{file}.{now.strftime(_STAMP)}.{checksum[:_SHORT]}", pieces, like)
        if len(older) > 1 and older[0].taken_at - older[1].taken_at < SPACING:
            older.pop(0).path.unlink(missing_ok=True)
        for place, copy in enumerate(older, start=1):
            if place >= self._keep or now - copy.taken_at > self._keep_for:
                copy.path.unlink(missing_ok=True)

    def set_aside(self, name: str, pieces: Sequence[Piece], *, like: os.stat_result) -> Path:
        """Keep bytes that are no good copy, for a person to look at, under a name of their own. Raises OSError."""
        return self._put(f"{name}.{datetime.now(UTC).strftime(_STAMP)}", pieces, like)

    def _put(self, name: str, pieces: Sequence[Piece], like: os.stat_result) -> Path:
        make_folder(self.folder)
        # Under its own name only when whole; who dies before leaves one file that the next one writes over.
        unfinished = self.folder / "unfinished"
        create(unfinished, pieces, like=like)
        path = self.folder / name
        return unfinished.rename(path)

    def shows_wiped(self, file: str, document: Document) -> bool:
        """Whether the newest copy holds organisations and the file not one of them.

        The application removes none, ever; a file without any of the former ones is what its module leaves when it
        took a torn read for an empty store.
        """
        newest = next(iter(self.of(file)), None)
        if newest is None:
            return False
        try:
            # Mapped, not read: the first organisation is nearly always found in the first page.
            with newest.path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as copied:
                if any(copied.find(json.dumps(key).encode()) != -1 for key in document.spans):
                    return False
                return next(read_members(copied[:]), None) is not None
        except (OSError, ValueError, DocumentError):  # a copy that cannot be read, or mapped because it is empty
            return False

"""Writes a snapshot file while a pass reads: each answer when it comes, so that no more than those are held at once."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from reconciler.kept.shape import ABOUT, ABOUT_JSON, FORMAT, KIND, About, Mark, Plain, Said, SourceAnswers
from reconciler.model.billing import Source
from reconciler.model.history import History
from reconciler.model.observation import ReadProof, StoreReading

_SUFFIX = ".snapshot"
_FASTEST = 1  # the levels above it take ten times as long for a quarter less


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """A folder that holds the snapshot files of the last `keep` runs."""

    folder: Path
    keep: int


def kept_name(as_of: datetime) -> str:
    """What the snapshot file of the run that looked at that instant is called in a ring."""
    return f"{as_of:%Y%m%dT%H%M%S.%fZ}{_SUFFIX}"


class SnapshotWriter:
    """Writes one snapshot file, readable by its owner alone, to `file`, to a `ring`, or to both.

    A file appears when it is whole and not before. Use as a context manager. A file that cannot be written stops no
    pass: `problem` says why, and nothing is left behind. Threads may share it.
    """

    def __init__(self, *, file: Path | None, ring: Ring | None, version: str) -> None:
        self._file = file
        self._ring = ring
        self._version = version
        self._lock = threading.Lock()
        self._sources: dict[Source, SourceAnswers] = {}
        self._draft: Path | None = None
        self._zip: zipfile.ZipFile | None = None
        self.problem: str | None = None
        self.kept_at: tuple[Path, ...] = ()

    def __enter__(self) -> Self:
        folder = self._ring.folder if self._ring is not None else Path(self._file or "").parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._draft = _draft_in(folder)
            self._zip = zipfile.ZipFile(self._draft, "w", zipfile.ZIP_DEFLATED, compresslevel=_FASTEST)
        except OSError as error:
            self._give_up(error)
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._leave()

    def source(self, source: Source) -> SourceKeeper:
        """Takes in what one source says."""
        self._sources[source] = SourceAnswers()
        return SourceKeeper(self, source)

    def keep(self, *, as_of: datetime, store: StoreReading, history: History) -> None:
        """Add what else the pass saw and put the file where it belongs; nothing further is kept."""
        with self._lock:
            if self._zip is None or self._draft is None:
                return
            mark = Mark(kind=KIND, format=FORMAT, version=self._version)
            about = About(mark=mark, as_of=as_of, store=store, history=history, sources=self._sources)
            try:
                self._zip.writestr(_member(ABOUT), ABOUT_JSON.dump_json(about))
                self._zip.close()
                self.kept_at = self._put(self._draft, as_of)
            except OSError as error:
                self._give_up(error)
            self._leave()

    def _put(self, draft: Path, as_of: datetime) -> tuple[Path, ...]:
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        places = []
        if self._ring is not None:
            place = self._ring.folder / kept_name(as_of)
            if self._file is not None:
                copy = _draft_in(self._file.parent)
                shutil.copyfile(draft, copy)
                copy.replace(self._file)
                places.append(self._file)
            draft.replace(place)
            for old in sorted(self._ring.folder.glob(f"2*{_SUFFIX}"))[: -self._ring.keep]:
                old.unlink()
            return (*places, place)
        file = Path(self._file or "")
        draft.replace(file)
        return (file,)

    def add(self, source: Source, question: str, body: bytes) -> None:
        """One body."""
        with self._lock:
            if self._zip is None:
                return
            said = self._sources[source].said
            member = f"{source.value}/{len(said):06d}.json"
            try:
                self._zip.writestr(_member(member), body)
            except OSError as error:
                self._give_up(error)
                self._leave()
            said.append(Said(question=question, member=member))

    def add_failure(self, source: Source, question: str, error: Mapping[str, Plain]) -> None:
        """What there was instead of a body."""
        with self._lock:
            self._sources[source].said.append(Said(question=question, error=error))

    def add_step(self, source: Source, step: str) -> None:
        """A step of a crew."""
        with self._lock:
            self._sources[source].steps.append(step)

    def add_proof(self, source: Source, proof: ReadProof) -> None:
        """How a read went that has ended."""
        with self._lock:
            self._sources[source].proofs.append(proof)

    def _give_up(self, error: OSError) -> None:
        self.problem = f"The snapshot file was not kept: {error.strerror or error}"

    def _leave(self) -> None:
        open_one, self._zip = self._zip, None
        draft, self._draft = self._draft, None
        if open_one is not None and self.problem is None:
            open_one.close()
        if draft is not None:
            draft.unlink(missing_ok=True)


class SourceKeeper:
    """Takes in what one source says, behind the protocol that the billing side asks through."""

    def __init__(self, writer: SnapshotWriter, source: Source) -> None:
        self._writer = writer
        self._source = source

    def answered(self, question: str, body: bytes) -> None:
        """Keep a body as it was received."""
        self._writer.add(self._source, question, body)

    def failed(self, question: str, error: Mapping[str, Plain]) -> None:
        """Keep what there was instead."""
        self._writer.add_failure(self._source, question, error)

    def stepped(self, step: str) -> None:
        """Keep a step of a crew."""
        self._writer.add_step(self._source, step)

    def proven(self, proof: ReadProof) -> None:
        """Keep how a read went."""
        self._writer.add_proof(self._source, proof)


def _draft_in(folder: Path) -> Path:
    handle, name = tempfile.mkstemp(prefix=".snapshot-", dir=folder)  # 0600
    os.close(handle)
    return Path(name)


def _member(name: str) -> zipfile.ZipInfo:
    """A member that its owner alone may read once it is unpacked; without a time: equal answers give equal bytes."""
    member = zipfile.ZipInfo(name)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o600 << 16
    return member

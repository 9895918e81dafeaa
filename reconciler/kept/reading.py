"""Opens a snapshot file and gives back what it holds; one that is damaged, foreign or newer is refused."""

from __future__ import annotations

import zipfile
import zlib
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from pydantic import ValidationError

from reconciler.errors import SnapshotFileError
from reconciler.kept.shape import ABOUT, ABOUT_JSON, FORMAT, KIND, MARKED_JSON, About, Plain, SourceAnswers
from reconciler.model.billing import Source

_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    EOFError,
    OSError,  # an offset that leads nowhere
    RuntimeError,  # an encrypted member
    NotImplementedError,
    ValueError,
)


class SnapshotFile:
    """A snapshot file, checked whole when it is opened; its answers are read from it one at a time.

    Raises SnapshotFileError for one that cannot be used. Use as a context manager.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except OSError as error:
            raise self._refusal(f"cannot be read: {error.strerror or error}") from None
        except _DAMAGED:
            raise self._refusal("is no snapshot file, or one that was cut off") from None
        try:
            self.about = self._checked()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def answers(self, source: Source) -> KeptAnswers:
        """What was kept of a source; raises SnapshotFileError where the file holds nothing of it."""
        held = self.about.sources.get(source)
        if held is None:
            raise self._refusal(f"holds nothing of {source.value}, which is configured")
        return KeptAnswers(self._zip, held)

    def _checked(self) -> About:
        try:
            broken = self._zip.testzip()
            text = self._zip.read(ABOUT)
            mark = MARKED_JSON.validate_json(text).mark
        except _DAMAGED:
            raise self._refusal("is no snapshot file, or a damaged one") from None
        if mark.kind != KIND:
            raise self._refusal("is no snapshot file")
        if mark.format > FORMAT:
            raise self._refusal(f"was written by version {mark.version}, which is newer than this one")
        try:
            about = ABOUT_JSON.validate_json(text)
        except ValidationError:
            raise self._refusal("is damaged") from None
        members = set(self._zip.namelist())
        named = {each.member for held in about.sources.values() for each in held.said if each.error is None}
        if broken is not None or not named <= members:
            raise self._refusal("is damaged")
        return about

    def _refusal(self, problem: str) -> SnapshotFileError:
        return SnapshotFileError(
            f"{self._path} {problem}", remedy="Name one that --save-snapshot of this version wrote"
        )


class KeptAnswers:
    """What was kept of one source, each answer given once, in the order in which it came."""

    def __init__(self, file: zipfile.ZipFile, held: SourceAnswers) -> None:
        self._file = file
        self._said = defaultdict[str, deque[str | Mapping[str, Plain]]](deque)
        for each in held.said:
            self._said[each.question].append(each.member if each.error is None else each.error)
        self.steps: Sequence[str] = held.steps
        self.proofs = held.proofs

    def next_answer(self, question: str) -> bytes | Mapping[str, Plain] | None:
        """The first answer to `question` that was not given yet, the error there was instead, or None."""
        left = self._said.get(question)
        if not left:
            return None
        said = left.popleft()
        return self._file.read(said) if isinstance(said, str) else said

"""What a snapshot file holds beside the answers themselves: a zip with one member for each body, as it was received."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import TypeAdapter

from reconciler.model.billing import Source
from reconciler.model.history import History
from reconciler.model.observation import ReadProof, StoreReading

KIND = "reconciler snapshot"
FORMAT = 1
ABOUT = "snapshot.json"

Plain = str | int | float | bool | None | list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """By what a file says that it is one, and whether this version can read it; `version` made it."""

    kind: str
    format: int
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One question and what was answered: the member that holds the body, or the error there was instead."""

    question: str
    member: str = ""
    error: Mapping[str, Plain] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceAnswers:
    """One source: its answers in the order in which they came, the steps of its crews, the proof of each read."""

    said: list[Said] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    proofs: list[ReadProof] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """The rest of what a pass saw."""

    mark: Mark
    as_of: datetime
    store: StoreReading
    history: History
    sources: Mapping[Source, SourceAnswers]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """The part of `About` that every version can read."""

    mark: Mark


ABOUT_JSON = TypeAdapter(About)
MARKED_JSON = TypeAdapter(Marked)

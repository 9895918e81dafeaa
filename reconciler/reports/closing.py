"""A closed month as a folder: its files, a manifest of their hashes, and the signature over that manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from reconciler.errors import ReportError
from reconciler.model.moments import utc
from reconciler.reports.report_file import write_report

MANIFEST, SIGNATURE = "manifest.json", "signature.json"
_FOLDER_MODE = 0o750


class Person(BaseModel):
    """Who did something: by the name given, and as the system knows the process."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    os_user: str
    host: str
    at: AwareDatetime

    @property
    def words(self) -> str:
        """`Ada Example (user ada on billing-1) at 2026-11-02 09:00 UTC`."""
        return f"{self.name} (user {self.os_user} on {self.host}) at {utc(self.at)}"


class Manifest(BaseModel):
    """What a closed month is made of; `number` 0 is the first statement, each later one restates the one before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    month: str
    number: int
    reason: str
    run_id: str
    ledger_events: int
    ledger_head: str
    prepared: Person
    restates: str  # the manifest hash of the statement before; empty for the first
    files: dict[str, str]  # name to SHA-256


class Signature(BaseModel):
    """A reviewer's word for a manifest; `names_verified`: preparer and reviewer were two users of the system."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    manifest_sha256: str
    reviewed: Person
    names_verified: bool

    @property
    def verified_words(self) -> str:
        """`names verified`, or that they are not."""
        return "names verified: two users of the system" if self.names_verified else "names not verified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A closed month as its folder holds it; `problems` say what makes it void, empty where nothing does."""

    folder: Path
    manifest: Manifest
    manifest_sha256: str
    signature: Signature | None
    problems: tuple[str, ...]


def folder_of(reports: Path, month: str, number: int) -> Path:
    """`closed/2026-10`, and `closed/2026-10-restated-1` for the first restatement."""
    return reports / "closed" / (f"{month}-restated-{number}" if number else month)


def freeze(folder: Path, files: Mapping[str, bytes], manifest: Manifest) -> str:
    """Write the files, then the manifest with their hashes; gives the manifest's own hash.

    Raises ReportError; a folder that is there already is left as it is.
    """
    try:
        folder.mkdir(parents=True, mode=_FOLDER_MODE)
    except OSError as error:
        raise ReportError(
            f"The folder {folder} cannot be made: {error.strerror}",
            not_done="The month was not closed",
            remedy="Move away what stands there, or name another [reports] folder",
        ) from error
    for name, content in sorted(files.items()):
        write_report(folder / name, content)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    content = _bytes(manifest.model_copy(update={"files": hashes}))
    write_report(folder / MANIFEST, content)
    return hashlib.sha256(content).hexdigest()


def sign(folder: Path, signature: Signature) -> str:
    """Write the signature beside the manifest; gives its hash. Raises ReportError."""
    content = _bytes(signature)
    write_report(folder / SIGNATURE, content)
    return hashlib.sha256(content).hexdigest()


def read_statement(folder: Path) -> Statement:
    """What the folder holds, every file hashed anew. Raises ReportError where it holds no closed month."""
    try:
        content = (folder / MANIFEST).read_bytes()
        manifest = Manifest.model_validate_json(content)
    except (OSError, ValidationError) as error:
        raise ReportError(
            f"{folder} holds no closed month that can be read",
            not_done="Nothing was verified or signed",
            remedy="Close the month first, or restore the folder from a copy",
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    problems = list(_changed(folder, manifest))
    signature: Signature | None = None
    try:
        signature = Signature.model_validate_json((folder / SIGNATURE).read_bytes())
    except FileNotFoundError:
        pass
    except (OSError, ValidationError):
        problems.append(f"{SIGNATURE} cannot be read")
    if signature is not None and signature.manifest_sha256 != digest:
        problems.append(f"{SIGNATURE} is over another manifest")
    return Statement(
        folder=folder, manifest=manifest, manifest_sha256=digest, signature=signature, problems=tuple(problems)
    )


def _changed(folder: Path, manifest: Manifest) -> list[str]:
    problems: list[str] = []
    for name, digest in sorted(manifest.files.items()):
        if "/" in name or name in {"", ".", ".."}:
            problems.append(f"{name!r} is no file of this folder")
            continue
        try:
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
                problems.append(f"{name} was changed")
        except OSError:
            problems.append(f"{name} is missing")
    strange = {each.name for each in folder.iterdir()} - {*manifest.files, MANIFEST, SIGNATURE}
    return [*problems, *(f"{name!r} was added" for name in sorted(strange))]


def person(name: str, at: datetime, *, os_user: str, host: str) -> Person:
    """Who does something now."""
    return Person(name=name, os_user=os_user, host=host, at=at.replace(microsecond=0))


def same_name(one: str, other: str) -> bool:
    """Whether two names are the same but for case and space."""
    return one.casefold().split() == other.casefold().split()


def data_bytes(said: Mapping[str, Any]) -> bytes:
    """The frozen data of a month as JSON, the same for the same data."""
    return json.dumps(said, indent=2, sort_keys=True, ensure_ascii=True, allow_nan=False).encode() + b"\n"


def _bytes(model: BaseModel) -> bytes:
    return data_bytes(model.model_dump(mode="json"))

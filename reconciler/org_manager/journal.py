"""The journal's bytes, and the judgement whether what a dead writer left in it still counts.

A write is announced here whole before the store's files are touched: the new content of each file, a checksum over
everything, the checksum of the content it replaces, and what brings that content back from the new one.

    org-store-journal 1 <sha256 of all that follows>
    [{"file": ..., "size": ..., "replaces": "<sha256>", "prefix": ..., "suffix": ..., "middle": <bytes>}, ...]
    <new content of the first file><its old middle><new content of the second file>...
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reconciler.org_manager.codec import DocumentError, Edit, Piece, read_members

_MAGIC = b"org-store-journal 1 "


class Verdict(StrEnum):
    """What a whole journal means for the file as it is found."""

    DONE = "done"  # the file holds the announced content already
    REPLAY = "replay"  # the file holds the old content, a torn one, or something broken
    FOREIGN = "foreign"  # the file is whole and another's later word


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file's announced content, and the content that it replaces."""

    file: str
    new: bytes
    old: bytes


def checksum(pieces: Iterable[Piece]) -> str:
    """SHA-256 of the pieces one after another, in hex."""
    total = hashlib.sha256()
    for piece in pieces:
        total.update(piece)
    return total.hexdigest()


def size(pieces: Iterable[Piece]) -> int:
    """How many bytes the pieces are."""
    return sum(len(piece) for piece in pieces)


def encode(edits: Sequence[tuple[str, Edit, str]]) -> list[Piece]:
    """The journal of one write: for each file its name, its edit and the checksum of the content it replaces."""
    entries = [
        {
            "file": file,
            "size": size(edit.pieces),
            "replaces": replaces,
            "prefix": edit.prefix,
            "suffix": edit.suffix,
            "middle": len(edit.middle),
        }
        for file, edit, replaces in edits
    ]
    body: list[Piece] = [json.dumps(entries).encode() + b"\n"]
    for _, edit, _ in edits:
        body += [*edit.pieces, edit.middle]
    return [_MAGIC + checksum(body).encode() + b"\n", *body]


def decode(raw: bytes) -> tuple[Entry, ...] | None:
    """What the journal announces, by file; None when it is torn."""
    head, _, body = raw.partition(b"\n")
    if head != _MAGIC + checksum([body]).encode():
        return None
    line, _, contents = body.partition(b"\n")
    entries = []
    at = 0
    for fields in json.loads(line):
        new = contents[at : at + fields["size"]]
        at += fields["size"]
        middle = contents[at : at + fields["middle"]]
        at += fields["middle"]
        old = new[: fields["prefix"]] + middle + new[len(new) - fields["suffix"] :]
        if checksum([old]) != fields["replaces"]:
            return None
        entries.append(Entry(file=fields["file"], new=new, old=old))
    return tuple(entries)


def judge(entry: Entry, found: bytes) -> Verdict:
    """Whether the announced content is to be put in place of what the file holds now.

    A write that was cut off leaves a beginning of the new content before the rest of the old one; where both have
    the same length that can be whole JSON, and is told from a foreign writer's word by its bytes.
    """
    if found == entry.new:
        return Verdict.DONE
    shorter = min(len(found), len(entry.new))
    same = next((at for at in range(shorter) if found[at] != entry.new[at]), shorter)
    if found[same:] == entry.old[same:] or not _is_whole(found):
        return Verdict.REPLAY
    return Verdict.FOREIGN


def _is_whole(raw: bytes) -> bool:
    try:
        for _ in read_members(raw):
            pass
    except DocumentError:
        return False
    return True

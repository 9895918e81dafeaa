"""Files that are no snapshot files, or no longer whole."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from kept.test_snapshot_writer import written
from reconciler.errors import SnapshotFileError
from reconciler.kept.reading import SnapshotFile
from reconciler.model.billing import Source


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


@pytest.mark.parametrize("harm", [cut, flipped, lambda _: b"", lambda _: b"{}", lambda _: b"PK\x05\x06" + b"\0" * 18])
def test_a_damaged_or_foreign_file_is_refused_in_one_line(tmp_path: Path, harm: Callable[[bytes], bytes]) -> None:
    file = written(tmp_path)
    file.write_bytes(harm(file.read_bytes()))
    with pytest.raises(SnapshotFileError) as refused:
        SnapshotFile(file)
    assert str(refused.value).startswith(str(file))
    assert "\n" not in str(refused.value)


def rewritten(file: Path, old: bytes, new: bytes) -> None:
    with zipfile.ZipFile(file) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    assert old in members["snapshot.json"]
    members["snapshot.json"] = members["snapshot.json"].replace(old, new, 1)
    with zipfile.ZipFile(file, "w") as opened:
        for name, content in members.items():
            opened.writestr(name, content)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b'"format":1', b'"format":2', "newer than this one"),
        (b'"kind":"reconciler snapshot"', b'"kind":"other"', "is no snapshot file"),
        (b'"as_of":"', b'"as_of":"x', "is damaged"),
        (b'"member":"lago/', b'"member":"gone/', "is damaged"),
    ],
)
def test_a_newer_foreign_or_garbled_file_is_refused_in_one_line(
    tmp_path: Path, old: bytes, new: bytes, why: str
) -> None:
    file = written(tmp_path)
    rewritten(file, old, new)
    with pytest.raises(SnapshotFileError, match=why):
        SnapshotFile(file)


@pytest.mark.parametrize("every", [7])
def test_a_byte_that_turned_anywhere_is_noticed_or_does_no_harm(tmp_path: Path, every: int) -> None:
    whole = written(tmp_path)
    content = whole.read_bytes()
    with SnapshotFile(whole) as file:
        about = file.about
    harmed = tmp_path / "harmed.snapshot"
    for at in range(0, len(content), every):
        harmed.write_bytes(content[:at] + bytes([content[at] ^ 0x20]) + content[at + 1 :])
        try:
            with SnapshotFile(harmed) as file:
                assert file.about == about
        except SnapshotFileError:
            continue


def test_a_side_that_is_not_in_the_file_is_refused(tmp_path: Path) -> None:
    with SnapshotFile(written(tmp_path)) as file, pytest.raises(SnapshotFileError, match="holds nothing of stripe"):
        file.answers(Source.STRIPE)

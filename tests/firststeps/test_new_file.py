"""A new file comes whole or not at all, and never over another."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import SettingsError, UsageError
from reconciler.firststeps.new_file import write_new


def accept(_: Path) -> None:
    """Find every file good."""


def test_it_is_written_once_it_was_found_good(tmp_path: Path) -> None:
    seen: list[str] = []
    write_new(tmp_path / "new.toml", "é = 1\n", check=lambda file: seen.append(file.read_text(encoding="utf-8")))
    assert seen == ["é = 1\n"]
    assert [path.name for path in tmp_path.iterdir()] == ["new.toml"]
    assert (tmp_path / "new.toml").read_bytes() == "é = 1\n".encode()


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link", "came meanwhile"])
def test_what_stands_there_is_left_as_it_is(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "new.toml"
    if kind == "file":
        path.write_text("mine")
    elif kind == "folder":
        path.mkdir()
    elif kind == "dangling link":
        path.symlink_to(tmp_path / "nowhere")
    meanwhile = (lambda _: path.write_text("mine")) if kind == "came meanwhile" else accept
    with pytest.raises(UsageError, match="there already"):
        write_new(path, "theirs", check=meanwhile)
    assert [each.name for each in tmp_path.iterdir()] == ["new.toml"]
    assert not path.is_file() or path.read_text() == "mine"


def test_what_is_found_bad_is_not_left_behind(tmp_path: Path) -> None:
    def refuse(_: Path) -> None:
        raise SettingsError("no", remedy="Correct it")

    with pytest.raises(SettingsError):
        write_new(tmp_path / "new.toml", "text", check=refuse)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written: No such file"):
        write_new(tmp_path / "none" / "new.toml", "text", check=accept)

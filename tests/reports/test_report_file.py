from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from reconciler.errors import ReportError, UsageError
from reconciler.reports.report_file import refuse_place, write_report


def test_a_report_is_written_whole_and_readable_for_owner_and_group_only(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        write_report(tmp_path / "report.json", b"{}\n")
    finally:
        os.umask(old)

    assert (tmp_path / "report.json").read_bytes() == b"{}\n"
    assert stat.S_IMODE((tmp_path / "report.json").stat().st_mode) == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["report.json"]


def test_an_earlier_report_is_replaced_and_not_written_into(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        write_report(path, b"new")

        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_bytes(b"old")
    (tmp_path / "latest.json").symlink_to("real.json")

    write_report(tmp_path / "latest.json", b"new")

    assert (tmp_path / "latest.json").is_symlink()
    assert (tmp_path / "real.json").read_bytes() == b"new"


@pytest.mark.parametrize("name", ["missing/report.json", "file/report.json", "x" * 300])
def test_a_place_that_cannot_be_written_is_an_error_that_says_where_and_why(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(ReportError, match="cannot be written to") as caught:
        write_report(tmp_path / name, b"new")

    assert caught.value.exit_code == 1
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()

    with pytest.raises(ReportError, match="no regular file"):
        write_report(tmp_path / "reports", b"new")


def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(ReportError, match="no regular file"):
        write_report(tmp_path / "pipe", b"new")

    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_links_in_a_circle_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")

    with pytest.raises(ReportError):
        write_report(tmp_path / "a", b"new")


def test_a_write_that_fails_leaves_the_earlier_report_and_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "report.json").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(ReportError, match="No space left on device"):
        write_report(tmp_path / "report.json", b"new")

    assert (tmp_path / "report.json").read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["report.json"]


@pytest.mark.parametrize("name", ["missing/report.json", "file/report.json", "folder"])
def test_a_place_that_would_fail_is_refused_beforehand(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    refuse_place(tmp_path / "file")
    refuse_place(tmp_path / "new.json")
    with pytest.raises(UsageError, match=name):
        refuse_place(tmp_path / name)

"""A write that the system refuses in the middle is taken back, or left to the next writer, and says which."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from org_manager.stores import everything, organization, put
from reconciler.org_manager import OrgManager, StoreUnfinishedError, StoreWriteError, files, verify
from reconciler.org_manager.codec import Piece


def refuse_writes(monkeypatch: pytest.MonkeyPatch, *, first: int, last: int) -> None:
    """Let the disk be full in the middle of these of our writes to the store's files, counted from one."""
    whole, count = files.write_all, [0]

    def write_all(fd: int, pieces: Sequence[Piece]) -> None:
        count[0] += 1
        if first <= count[0] <= last:
            os.pwrite(fd, b"".join(pieces)[:100], 0)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        whole(fd, pieces)

    monkeypatch.setattr("reconciler.org_manager.commit.write_all", write_all)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return put(tmp_path / "data", {key: organization(key) for key in ("org_1", "org_2")})


@pytest.mark.parametrize("refused", [1, 2], ids=["the first file", "the second file"])
def test_a_change_that_is_refused_in_the_middle_is_taken_back_in_both_files(
    store: Path, monkeypatch: pytest.MonkeyPatch, refused: int
) -> None:
    before = everything(store)
    refuse_writes(monkeypatch, first=refused, last=refused)

    with pytest.raises(StoreWriteError, match="Nothing was changed in the store"):
        OrgManager(store).create_organization("Another")

    assert everything(store) == before


def test_a_change_that_cannot_even_be_taken_back_is_finished_by_the_next_writer(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_writes(monkeypatch, first=1, last=2)
    manager = OrgManager(store)

    with pytest.raises(StoreUnfinishedError, match="half written; its journal stands"):
        manager.update_org_plan("org_1", "starter")

    assert verify(manager).journal == "unfinished"
    assert [found.plan_tier for found in OrgManager(store, read_only=True).list_all_organizations()] == [
        "starter",
        "trial",
    ]
    manager.update_org_plan("org_2", "starter")
    assert [found.plan_tier for found in manager.list_all_organizations()] == ["starter", "starter"]
    assert verify(manager).journal == "none"


def test_a_change_that_finds_the_folder_closed_says_that_nothing_was_changed(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(store)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("reconciler.org_manager.commit.create", refuse)

    with pytest.raises(StoreWriteError, match="Nothing was changed in the store"):
        OrgManager(store).update_org_plan("org_1", "starter")

    assert everything(store) == before


def test_a_change_of_an_organization_does_not_read_the_members(store: Path) -> None:
    (store / "org_users.json").write_bytes(b"broken")

    assert OrgManager(store).update_org_plan("org_1", "starter") is True
    assert (store / "org_users.json").read_bytes() == b"broken"

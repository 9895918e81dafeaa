"""The lock is the one that the application's own module takes, and waiting for it is bounded where asked."""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from org_manager.stores import put_two
from reconciler.org_manager import OrgManager, StoreLockedError, locked_file


@contextmanager
def held_by_another(path: Path, operation: int) -> Iterator[None]:
    """`flock` on a file, through a descriptor of its own."""
    with path.open() as handle:
        fcntl.flock(handle, operation)
        yield


def test_a_change_waits_while_another_program_holds_the_lock_and_keeps_that_programs_change(tmp_path: Path) -> None:
    store = put_two(tmp_path / "data")
    manager = OrgManager(store)
    changing = threading.Thread(target=manager.update_org_plan, args=("org_1", "starter"))

    with locked_file(store / "organizations.json", "r+") as handle:
        changing.start()
        content = json.load(handle)
        content["org_2"]["plan_tier"] = "enterprise"
        time.sleep(0.05)
        handle.seek(0)
        json.dump(content, handle, indent=2, default=str)
        handle.truncate()
        assert changing.is_alive()
    changing.join()

    assert [found.plan_tier for found in manager.list_all_organizations()] == ["starter", "enterprise"]


def test_readers_share_the_lock(tmp_path: Path) -> None:
    store = put_two(tmp_path / "data")

    with held_by_another(store / "organizations.json", fcntl.LOCK_SH):
        assert len(OrgManager(store, lock_timeout_s=0).list_all_organizations()) == 2


def test_a_wait_longer_than_the_timeout_is_an_error_that_says_what_was_not_done(tmp_path: Path) -> None:
    store = put_two(tmp_path / "data")
    manager = OrgManager(store, lock_timeout_s=0.05)
    before = (store / "organizations.json").read_bytes()

    with held_by_another(store / "organizations.json", fcntl.LOCK_EX):
        started = time.monotonic()
        with pytest.raises(StoreLockedError, match="neither read nor written"):
            manager.list_all_organizations()
        with pytest.raises(StoreLockedError, match=r"kept .*organizations\.json locked for 0\.05 s"):
            manager.update_org_plan("org_1", "starter")
        assert 0.1 <= time.monotonic() - started < 5

    assert (store / "organizations.json").read_bytes() == before


def test_a_lock_that_comes_free_within_the_timeout_is_taken(tmp_path: Path) -> None:
    store = put_two(tmp_path / "data")
    manager = OrgManager(store, lock_timeout_s=10)
    with (store / "organizations.json").open() as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        unlock = threading.Timer(0.05, fcntl.flock, args=(handle, fcntl.LOCK_UN))
        unlock.start()
        assert manager.update_org_plan("org_1", "starter") is True
        unlock.join()


def test_a_file_that_was_replaced_while_we_waited_is_opened_anew(tmp_path: Path) -> None:
    store = put_two(tmp_path / "data")
    manager = OrgManager(store)
    changing = threading.Thread(target=manager.update_org_plan, args=("org_1", "starter"))
    path = store / "organizations.json"

    with held_by_another(path, fcntl.LOCK_EX):
        changing.start()
        time.sleep(0.05)
        (store / "new").write_bytes(path.read_bytes().replace(b'"Company org_2"', b'"Renamed"'))
        (store / "new").rename(path)
    changing.join()

    assert [(found.name, found.plan_tier) for found in manager.list_all_organizations()] == [
        ("Company org_1", "starter"),
        ("Renamed", "trial"),
    ]


def test_a_locked_file_makes_the_folder_and_the_file_it_is_to_read(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "organizations.json"

    with locked_file(str(path)) as handle:
        assert json.load(handle) == {}


def test_a_locked_file_is_held_exclusively_for_the_block(tmp_path: Path) -> None:
    path = tmp_path / "file.json"

    with locked_file(str(path), "w") as handle, path.open() as other:
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
        handle.write("{}")
    with path.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert other.read() == "{}"


def test_a_locked_file_opened_for_writing_is_emptied_only_once_the_lock_is_held(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text("a longer content")

    def write() -> None:
        with locked_file(str(path), "w") as handle:
            handle.write("new")

    writing = threading.Thread(target=write)
    with held_by_another(path, fcntl.LOCK_EX):
        writing.start()
        time.sleep(0.05)
        assert path.read_text() == "a longer content"
    writing.join()

    assert path.read_text() == "new"


@pytest.mark.parametrize(("mode", "content"), [("a", "ab"), ("w", "b"), ("r+", "b"), ("wb", "b")])
def test_a_locked_file_opens_in_every_mode(tmp_path: Path, mode: str, content: str) -> None:
    path = tmp_path / "file.json"
    path.write_text("a")

    with locked_file(os.fspath(path), mode) as handle:
        handle.write(b"b" if "b" in mode else "b")

    assert path.read_text() == content

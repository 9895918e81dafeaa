"""However many threads and processes change the store at once, every change that was acknowledged is there."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from org_manager.stores import organization, put, put_two
from reconciler.org_manager import OrgManager, verify

PROGRAM = Path(__file__).with_name("workers.py")


def read_under_lock(store: Path, stop: threading.Event, torn: list[str], seen: list[int]) -> None:
    """Another program's reads, under a shared and an exclusive lock in turn."""
    while not stop.is_set():
        for name in ("organizations.json", "org_users.json"):
            with (store / name).open() as handle:
                fcntl.flock(handle, fcntl.LOCK_EX if len(seen) % 2 else fcntl.LOCK_SH)
                text = handle.read()
            try:
                seen.append(len(json.loads(text)))
            except ValueError as error:
                torn.append(f"{name}: {error}")
        stop.wait(0.002)


def check(store: Path, *, processes: int, threads: int, steps: int) -> int:
    put(store, {"org_shared": organization("org_shared", plan_tier="0")})
    stop, torn, seen = threading.Event(), [], []  # type: tuple[threading.Event, list[str], list[int]]
    reading = threading.Thread(target=read_under_lock, args=(store, stop, torn, seen))
    reading.start()
    running = [
        subprocess.Popen(  # noqa: S603 # our own program
            [sys.executable, str(PROGRAM), str(store), str(number), str(threads), str(steps)], stdout=subprocess.PIPE
        )
        for number in range(processes)
    ]
    outputs = [process.communicate()[0] for process in running]
    stop.set()
    reading.join()

    assert [process.returncode for process in running] == [0] * processes
    told = [worker for output in outputs for worker in json.loads(output)]
    manager = OrgManager(store)
    organizations = manager.snapshot().organizations
    expected_tiers = {org_id: tier for worker in told for org_id, tier in worker["tiers"].items()}
    assert {org_id: organizations[org_id].plan_tier for org_id in expected_tiers} == expected_tiers
    expected_members = {org_id: members for worker in told for org_id, members in worker["members"].items()}
    assert {
        org_id: [member.user_id for member in manager.get_org_users(org_id)] for org_id in expected_members
    } == expected_members
    assert int(organizations["org_shared"].plan_tier) == sum(worker["counted"] for worker in told)
    assert len(organizations) == 1 + processes * threads
    assert torn == []
    assert len(seen) > 10
    assert verify(manager).is_sound
    return sum(worker["operations"] for worker in told)


def test_every_acknowledged_change_of_several_processes_and_threads_is_there(tmp_path: Path) -> None:
    assert check(tmp_path / "data", processes=4, threads=4, steps=8) == 4 * 4 * 8


@pytest.mark.slow
def test_every_acknowledged_change_of_eight_processes_with_four_threads_is_there(tmp_path: Path) -> None:
    assert check(tmp_path / "data", processes=8, threads=4, steps=625) == 20_000


def test_a_batch_of_one_thread_is_not_seen_by_another_until_it_is_written(tmp_path: Path) -> None:
    manager = OrgManager(put_two(tmp_path / "data"))
    seen: list[str] = []

    def look() -> None:
        seen.extend(found.plan_tier for found in manager.list_all_organizations())

    with manager.batch():
        manager.update_org_plan("org_1", "starter")
        looking = threading.Thread(target=look)
        looking.start()
        manager.update_org_plan("org_2", "starter")
    looking.join()

    assert seen in (["trial", "trial"], ["starter", "starter"])


def test_a_batch_within_a_batch_is_part_of_it(tmp_path: Path) -> None:
    manager = OrgManager(put_two(tmp_path / "data"))

    with manager.batch():
        with manager.batch():
            manager.update_org_plan("org_1", "starter")
        assert manager.snapshot().organizations["org_1"].plan_tier == "trial"
        assert OrgManager(manager.data_dir, create=False).orgs_file.read_bytes().count(b'"starter"') == 0

    assert manager.snapshot().organizations["org_1"].plan_tier == "starter"


def test_a_batch_that_changes_nothing_writes_nothing(tmp_path: Path) -> None:
    store = put_two(tmp_path / "data")
    manager = OrgManager(store)
    before = (store / "organizations.json").stat()

    with manager.batch():
        manager.update_org_plan("org_1", "trial")

    after = (store / "organizations.json").stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
    assert not (store / ".backup").exists()


def test_a_change_right_after_a_read_is_seen_though_size_and_second_are_the_same(tmp_path: Path) -> None:
    store = put_two(tmp_path / "data")
    reader = OrgManager(store)
    path = store / "organizations.json"

    for number in range(200):
        content = path.read_bytes()
        with path.open("r+b") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            handle.write(content.replace(b'"trial"', b'"basic"') if number % 2 else content.replace(b"basic", b"trial"))
        found = reader.get_org("org_1")
        assert found is not None
        assert found.plan_tier == ("basic" if number % 2 else "trial")

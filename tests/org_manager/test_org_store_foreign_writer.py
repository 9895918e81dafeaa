"""Beside a program that empties the store's files and saves what it misread, nothing of ours is lost for good."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from org_manager.stores import organization, put, put_two
from reconciler.org_manager import (
    OrgManager,
    StoreDamagedError,
    StoreUnfinishedError,
    StoreWriteError,
    files,
    restore,
    verify,
)

PROGRAM = Path(__file__).with_name("foreign_writer.py")
SEEDED = {f"org_{number}" for number in range(20)}
OURS = [f"org_{number}" for number in range(10)]


def live_beside(store: Path, *, seconds: float) -> Counter[str]:
    """Read and write beside two foreign writers, and restore a damaged store as its error says; counts of each."""
    manager = OrgManager(store, foreign_wait_s=0.5)
    manager.snapshot()
    happened: Counter[str] = Counter()
    foreign = [
        subprocess.Popen([sys.executable, str(PROGRAM), str(store), str(seed)])  # noqa: S603 # our own program
        for seed in range(2)
    ]
    try:
        ends = time.monotonic() + seconds
        # On a busy machine the harm takes longer to come: half a minute at most.
        while time.monotonic() < ends or (not happened["damaged"] and time.monotonic() < ends + 30):
            try:
                manager.update_org_plan(OURS[happened["written"] % len(OURS)], f"tier {happened['written']}")
                happened["written"] += 1
                assert manager.snapshot().organizations.keys() >= SEEDED
                happened["read"] += 1
            except StoreDamagedError:
                happened["damaged"] += 1
                restore(manager)
            except StoreWriteError:
                happened["taken away"] += 1
            assert all(program.poll() is None for program in foreign)
    finally:
        for program in foreign:
            program.kill()
            program.wait()
    return happened


def check(store: Path, *, seconds: float) -> None:
    happened = live_beside(store, seconds=seconds)
    manager = OrgManager(store, foreign_wait_s=0.1)

    restore(manager)
    for org_id in OURS:
        assert manager.update_org_plan(org_id, "expected")

    assert happened["written"] > 0
    assert happened["damaged"] > 0, "the foreign writers did no harm; nothing was shown"
    assert verify(manager).is_sound
    organizations = manager.snapshot().organizations
    assert organizations.keys() >= SEEDED
    assert {org_id for org_id in SEEDED if organizations[org_id].plan_tier == "expected"} == set(OURS)
    logging.getLogger(__name__).info("beside foreign writers: %s", dict(happened))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return put(tmp_path / "data", {org_id: organization(org_id) for org_id in sorted(SEEDED)})


def test_beside_foreign_writers_nothing_of_ours_is_lost(store: Path) -> None:
    check(store, seconds=3)


@pytest.mark.slow
def test_beside_foreign_writers_nothing_of_ours_is_lost_for_a_minute(store: Path) -> None:
    check(store, seconds=60)


def test_a_file_that_a_foreign_writer_emptied_is_looked_at_again_until_it_is_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = put_two(tmp_path / "data")
    path = store / "organizations.json"
    whole = path.read_bytes()
    manager = OrgManager(store, foreign_wait_s=10)
    path.write_bytes(b"")
    filling = threading.Timer(0.1, path.write_bytes, args=(whole,))
    filling.start()

    with caplog.at_level(logging.WARNING):
        assert len(manager.list_all_organizations()) == 2
    filling.join()

    assert [record.message for record in caplog.records] == ["store.foreign_writer"]
    assert vars(caplog.records[0])["store_file"] == "organizations.json"
    assert vars(caplog.records[0])["problem"] == "empty"


def test_the_lock_is_let_go_while_waiting_for_a_foreign_writer(tmp_path: Path) -> None:
    store = put_two(tmp_path / "data")
    path = store / "organizations.json"
    whole = json.loads(path.read_bytes())
    path.write_bytes(b"")
    changing = threading.Thread(target=OrgManager(store, foreign_wait_s=10).update_org_plan, args=("org_1", "starter"))
    changing.start()
    time.sleep(0.05)

    # Waits for the lock, as the application does; it would wait for ever if ours kept it.
    subprocess.run(  # noqa: S603 # our own code
        [
            sys.executable,
            "-c",
            "import fcntl, sys; f = open(sys.argv[1], 'r+'); fcntl.flock(f, fcntl.LOCK_EX); f.write(sys.argv[2])",
            str(path),
            json.dumps(whole, indent=2),
        ],
        check=True,
        timeout=10,
    )
    changing.join()

    assert [found.plan_tier for found in OrgManager(store).list_all_organizations()] == ["starter", "trial"]


def empty_after_writes(monkeypatch: pytest.MonkeyPatch, path: Path, times: int) -> None:
    """Let a foreign writer empty the file right after each of our first so many writes to it."""
    whole, left = files.write_all, [times]

    def write_all(fd: int, pieces: object) -> None:
        whole(fd, pieces)  # type: ignore[arg-type] # passed on as it came
        if left[0]:
            left[0] -= 1
            path.write_bytes(b"")

    monkeypatch.setattr("reconciler.org_manager.commit.write_all", write_all)


def test_a_write_that_a_foreign_writer_takes_away_under_our_lock_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = put_two(tmp_path / "data")
    empty_after_writes(monkeypatch, store / "organizations.json", 2)

    with caplog.at_level(logging.WARNING):
        assert OrgManager(store).update_org_plan("org_1", "starter") is True

    assert [found.plan_tier for found in OrgManager(store).list_all_organizations()] == ["starter", "trial"]
    assert [record.message for record in caplog.records] == ["store.foreign_writer"] * 2


def test_a_write_that_is_taken_away_again_and_again_is_an_error_and_finished_by_the_next_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = put_two(tmp_path / "data")
    empty_after_writes(monkeypatch, store / "organizations.json", 5)

    with pytest.raises(StoreUnfinishedError, match="took our write"):
        OrgManager(store).update_org_plan("org_1", "starter")

    assert [found.plan_tier for found in OrgManager(store).list_all_organizations()] == ["starter", "trial"]

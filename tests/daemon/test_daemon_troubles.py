"""Nothing of a bad pass ends the daemon: each trouble is told once, shows everywhere, is retried, and goes again."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from daemon.daemon_support import Running, Site, daemon_site, until
from reconciler.ledger.run_lock import run_lock
from reconciler.org_manager import OrgManager
from reconciler.sandbox.server import Break, Fault


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with daemon_site(tmp_path, schedule='every = "1s"') as made:
        yield made


@contextmanager
def source_away(site: Site) -> Iterator[None]:
    site.lago.add_fault(Fault(times=None, breaks=Break.RESET))
    yield
    site.lago.clear_faults()


@contextmanager
def store_gone(site: Site) -> Iterator[None]:
    away = site.folder / "away.json"
    site.store.rename(away)
    yield
    away.rename(site.store)


@contextmanager
def store_damaged(site: Site) -> Iterator[None]:
    sound = site.store.read_bytes()
    site.store.write_bytes(sound[: len(sound) // 2])
    yield
    site.store.write_bytes(sound)


@contextmanager
def store_locked(site: Site) -> Iterator[None]:
    with site.store.open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@contextmanager
def ledger_locked(site: Site) -> Iterator[None]:
    connection = sqlite3.connect(site.state / "ledger.sqlite3", timeout=10, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


@contextmanager
def ledger_damaged(site: Site) -> Iterator[None]:
    kept = site.folder / "kept"
    shutil.copytree(site.state, kept)
    for file in site.state.glob("ledger.sqlite3*"):
        file.unlink()
    (site.state / "ledger.sqlite3").write_bytes(b"no database, but long enough to be looked at" * 100)
    yield
    (site.state / "ledger.sqlite3").unlink()
    for file in kept.glob("ledger.sqlite3*"):
        shutil.copy(file, site.state / file.name)


@contextmanager
def run_locked(site: Site) -> Iterator[None]:
    until(lambda: free(site), "the lock")
    with run_lock(site.state / "run.lock", since=datetime.now(UTC)):
        yield


def free(site: Site) -> bool:
    with (site.state / "run.lock").open("r+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


@contextmanager
def settings_of_another_mode(site: Site) -> Iterator[None]:
    site.stripe.add_fault(Fault(times=None, status=401, body='{"error": {"type": "invalid_request_error"}}'))
    yield
    site.stripe.clear_faults()


@pytest.mark.parametrize(
    ("part", "failing"),
    [
        ("lago", source_away),
        ("store", store_gone),
        ("store", store_damaged),
        ("store", store_locked),
        ("ledger", ledger_locked),
        ("ledger", ledger_damaged),
        ("lock", run_locked),
        ("setup", settings_of_another_mode),
    ],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_a_trouble_is_told_once_shows_everywhere_and_goes_again(
    site: Site, part: str, failing: Callable[[Site], Any]
) -> None:
    with Running(site) as daemon:
        daemon.wait_for("run.finished", 2)
        until(lambda: daemon.get("/readyz")[0] == 200, "ready")
        before = site.records()
        with failing(site):
            trouble = daemon.wait_for("daemon.trouble")
            assert (trouble["part"], trouble["level"]) == (part, "error")
            until(lambda: daemon.metric("reconciler_consecutive_failures") >= 2, "another try")
            assert daemon.metric(f'reconciler_trouble{{part="{part}"}}') == 1
            until(lambda: daemon.get("/readyz")[0] == 503, "not ready")
            assert part in daemon.get("/readyz")[1]
            assert any(f"; {part} since" in word for word in daemon.told)
            assert daemon.get("/healthz")[0] == 200
            assert len(daemon.named("daemon.trouble")) == 1
        daemon.wait_for("daemon.recovered")
        until(lambda: daemon.get("/readyz")[0] == 200, "ready again")
        assert [event["part"] for event in daemon.named("daemon.recovered")] == [part]
        assert site.records() == before
        assert daemon.stop() == 0


def test_a_ledger_that_cannot_keep_what_is_intended_lets_nothing_be_written(site: Site) -> None:
    with Running(site) as daemon:
        daemon.wait_for("run.finished", 2)
        with ledger_locked(site):
            manager = OrgManager(site.store.parent, create=False)
            orgs = manager.snapshot().organizations
            org_id = next(key for key, org in orgs.items() if org.plan_tier == "professional" and org.lago_customer_id)
            manager.update_org_plan(org_id, "starter")
            daemon.wait_for("daemon.trouble")
            assert site.records()[org_id]["plan_tier"] == "starter"
        until(lambda: site.records()[org_id]["plan_tier"] == "professional", "the fix once the ledger is free")


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True)
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("needs root, to mount a small disk")
    made = subprocess.run(  # noqa: S603 - words of this test
        [mount, "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("may not mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)  # noqa: S603, S607 - words of this test


@pytest.mark.slow
def test_a_full_disk_is_a_trouble_of_the_ledger_that_goes_when_there_is_room_again(site: Site) -> None:
    with small_disk(site.state), Running(site) as daemon:
        daemon.wait_for("run.finished", 2)
        filler = site.state / "filler"
        with filler.open("wb", buffering=0) as full:
            until(lambda: not grows(full), "a full disk")
        trouble = daemon.wait_for("daemon.trouble")
        assert trouble["part"] in {"ledger", "reports"}
        until(lambda: daemon.named("daemon.trouble")[-1]["part"] == "ledger", "the ledger's trouble")
        assert "disk" in daemon.named("daemon.trouble")[-1]["problem"]
        assert daemon.get("/healthz")[0] == 200
        filler.unlink()
        until(lambda: daemon.metric("reconciler_consecutive_failures") == 0, "a sound run")
        assert daemon.stop() == 0


def grows(full: Any) -> bool:
    try:
        full.write(b"\0" * 4096)
    except OSError:
        return False
    return True


def test_a_source_that_is_away_for_long_is_one_trouble_lowers_nothing_and_is_ready_after_the_first_complete_run(
    site: Site,
) -> None:
    with Running(site) as daemon:
        daemon.wait_for("run.finished", 2)
        before = site.records()
        site.lago.add_fault(Fault(times=None, status=503))
        site.stripe.add_fault(Fault(times=None, status=503))
        until(lambda: daemon.metric("reconciler_consecutive_failures") >= 2, "several tries", 90)
        assert daemon.get("/readyz")[0] == 503
        site.lago.clear_faults()
        site.stripe.clear_faults()
        daemon.wait_for("daemon.recovered", 2, patience_s=60)
        time.sleep(0.2)
        assert daemon.get("/readyz")[0] == 200
        for name in ("daemon.trouble", "daemon.recovered"):
            assert sorted(event["part"] for event in daemon.named(name)) == ["lago", "stripe"]
        assert site.records() == before

"""The daemon at one run every five seconds, on 2,000 organisations, while what it stands on fails and comes back."""

from __future__ import annotations

import fcntl
import os
import random
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from daemon.daemon_support import Running, Site, daemon_site
from reconciler.org_manager import OrgManager
from reconciler.sandbox.server import Break, Fault

pytestmark = pytest.mark.slow

MINUTES = float(os.environ.get("SOAK_MINUTES", "10"))
ORGS = int(os.environ.get("SOAK_ORGS", "2000"))
EVERY_S = 5
PHASE_S = 20.0  # a fault for so long, then quiet for so long
WARM_UP_MINUTES = 5.0  # every kind of fault once: until then, memory is taken that is used again


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The process at one moment in which it does nothing."""

    memory: int
    threads: int
    descriptors: int


def sample(pid: int) -> Sample:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return Sample(
        memory=int(status["VmRSS"].split()[0]) * 1024,
        threads=int(status["Threads"]),
        descriptors=len(os.listdir(f"/proc/{pid}/fd")),  # noqa: PTH208 - no path is made of them
    )


@contextmanager
def faulty(site: Site, source: str, fault: Fault) -> Iterator[None]:
    server = site.lago if source == "lago" else site.stripe
    server.add_fault(fault)
    yield
    server.clear_faults()


@contextmanager
def store_locked(site: Site) -> Iterator[None]:
    with (site.store.parent / "organizations.json").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@contextmanager
def ledger_locked(site: Site) -> Iterator[None]:
    connection = sqlite3.connect(site.state / "ledger.sqlite3", timeout=10, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


FAULTS: tuple[Callable[[Site], object], ...] = (
    lambda site: faulty(site, "lago", Fault(times=None, status=503)),
    lambda site: faulty(site, "stripe", Fault(times=None, breaks=Break.RESET)),
    store_locked,
    lambda site: faulty(site, "lago", Fault(times=None, breaks=Break.CUT)),
    ledger_locked,
    lambda site: faulty(site, "stripe", Fault(times=None, status=429, headers={"Retry-After": "1"})),
    lambda site: faulty(site, "lago", Fault(times=None, delay_s=1.5)),
)


def drift_anew(site: Site, chance: random.Random) -> None:
    """Somebody edits an organisation by hand."""
    manager = OrgManager(site.store.parent, create=False)
    org_id = chance.choice(sorted(manager.snapshot().organizations))
    manager.update_org_plan(org_id, chance.choice(["founders_friend", "starter", "professional", "enterprise"]))


def test_nothing_grows_and_no_beginning_is_missed_without_a_word(tmp_path: Path) -> None:
    chance = random.Random(8)  # noqa: S311 - no secret
    samples: list[Sample] = []
    with (
        daemon_site(tmp_path, orgs=ORGS, schedule=f'every = "{EVERY_S}s"', more='[log]\nlevel = "info"') as site,
        Running(site) as daemon,
    ):
        daemon.wait_for("run.finished", patience_s=120)
        ends = time.monotonic() + MINUTES * 60
        turn = 0
        while time.monotonic() < ends:
            with ExitStack() as stack:
                if turn % 2:
                    stack.enter_context(FAULTS[turn // 2 % len(FAULTS)](site))  # type: ignore[arg-type]  # each is one
                phase_ends = min(ends, time.monotonic() + PHASE_S)
                while time.monotonic() < phase_ends:
                    time.sleep(0.5)
                    samples.append(sample(daemon.process.pid))
            if not turn % 2:
                drift_anew(site, chance)
            turn += 1
            assert daemon.process.poll() is None
            assert daemon.get("/healthz")[0] == 200
        done = len(daemon.named("run.finished"))
        daemon.wait_for("run.finished", done + 2, patience_s=120)
        assert daemon.get("/readyz")[0] == 200
        assert daemon.stop() == 0
        unexplained = gaps_without_a_word(daemon)
        told(daemon, samples, turn)
    warm = samples[int(len(samples) * WARM_UP_MINUTES / MINUTES) :]
    early, late = warm[: len(warm) // 4], warm[-len(warm) // 4 :]
    assert unexplained == []
    assert middle(late, "memory") <= 1.05 * middle(early, "memory")
    for what in ("threads", "descriptors"):
        assert least(late, what) <= least(early, what)
        assert middle(late, what) <= middle(early, what) + 1


def middle(samples: list[Sample], what: str) -> float:
    return float(statistics.median(getattr(each, what) for each in samples))


def least(samples: list[Sample], what: str) -> int:
    """What is there while nothing goes on."""
    return int(min(getattr(each, what) for each in samples))


def gaps_without_a_word(daemon: Running) -> list[tuple[str, float]]:
    """Waits between two attempts that were longer than the interval and that no event between them explains."""
    words = {"daemon.run_skipped": EVERY_S, "daemon.run_late": EVERY_S, "daemon.trouble": EVERY_S}
    found: list[tuple[str, float]] = []
    before: datetime | None = None
    allowed = EVERY_S + 2.0
    for event in daemon.events:
        at = datetime.fromisoformat(event["timestamp"])
        if event["event"] == "run.started":
            if before is not None and (at - before).total_seconds() > allowed:
                found.append((event["run_id"], (at - before).total_seconds()))
            before, allowed = at, EVERY_S + 2.0
        allowed += words.get(event["event"], 0)
    return found


def told(daemon: Running, samples: list[Sample], phases: int) -> None:
    """The figures, for whoever reads the test's output."""
    counts = {name: len(daemon.named(name)) for name in ("run.finished", "daemon.trouble", "daemon.recovered")}
    counts |= {name: len(daemon.named(name)) for name in ("daemon.run_skipped", "daemon.run_late", "fix.applied")}
    tenths = [samples[len(samples) * n // 10 : len(samples) * (n + 1) // 10] for n in range(10)]
    sys.stdout.write(
        f"\n{MINUTES} minutes, {phases} phases: {counts}\n"
        f"memory, MiB, median of each tenth: {[round(middle(each, 'memory') / 2**20, 1) for each in tenths]}\n"
        f"threads, least of each tenth: {[least(each, 'threads') for each in tenths]}\n"
        f"descriptors, least of each tenth: {[least(each, 'descriptors') for each in tenths]}\n"
    )

"""The daemon killed at random moments and started again by systemd: nothing is lost, done twice or unexplained."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.org_manager import OrgManager
from reconciler.sandbox.server import Fault
from systemd.booted import Booted, booted
from systemd.debian_root import why_not

pytestmark = [pytest.mark.systemd, pytest.mark.skipif(bool(why_not()), reason=why_not())]

KILLS = int(os.environ.get("KILLS", "10"))
EDITS = 3
ORGS = 400
SERVICE = "reconciler.service"
RUNNING = {"ActiveState": "active", "SubState": "running"}
# To the unpaid tier none is edited: that a payer lost its tier to somebody else a person must look at.
TIERS = ("starter", "professional", "enterprise")


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Booted]:
    (tmp_path / "root").mkdir()
    with booted(tmp_path / "root", orgs=ORGS) as made:
        yield made


class Application:
    """Edits tiers in the store, as the application or a person would; each edit is mended by one fix."""

    def __init__(self, machine: Booted) -> None:
        self._manager = OrgManager(machine.store.parent, create=False)
        self.due = {key: org.plan_tier for key, org in self._manager.snapshot().organizations.items()}
        self.edits: Counter[str] = Counter()
        self._chance = random.Random(200)  # noqa: S311 - no secret
        self._mended = in_order(machine)

    def edit(self) -> None:
        """Give a few organisations a wrong tier, those first that were edited least."""
        self._chance.shuffle(self._mended)
        for org_id in sorted(self._mended, key=lambda each: self.edits[each])[:EDITS]:
            org = self._manager.get_org(org_id)
            if org is not None and org.plan_tier == self.due[org_id]:
                wrong = self._chance.choice([tier for tier in TIERS if tier != self.due[org_id]])
                self._manager.update_org_plan(org_id, wrong)
                self.edits[org_id] += 1

    def wait(self) -> None:
        """Until a moment that nobody foresaw."""
        time.sleep(self._chance.uniform(0.0, 2.5))


def in_order(machine: Booted) -> list[str]:
    """Organisations that pay on both sides and about which the last run had nothing to say.

    One whose subscription ended has an unpaid tier by then: what is edited there is flagged, as nobody pays for it.
    """
    with ledger_of(machine) as ledger:
        run = ledger.run(ledger.runs(1)[0].id)
    assert run is not None
    said_of = {each.drift.org_id for each in run.decisions}
    return [
        org_id
        for org_id, record in machine.records().items()
        if record["plan_tier"] in TIERS
        and record["stripe_customer_id"]
        and record["lago_customer_id"]
        and org_id not in said_of
    ]


def test_killed_at_random_moments_nothing_is_lost_done_twice_or_left_unexplained(machine: Booted) -> None:
    machine.schedule = 'every = "1s"\njitter_ratio = 0'
    # Each organisation is edited again and again within the day: what is mended is worth more than all tiers together.
    machine.limits = "always_allowed = 100000"
    machine.configure('[http]\nlisten = "127.0.0.1:9465"')  # another port than that of a machine beside this one
    machine.override(SERVICE, "[Service]\nRestartSec=100ms\nSocketBindAllow=ipv4:tcp:9465\n")
    machine.run(f"systemctl start {SERVICE}")
    machine.until(lambda: len(machine.events("run.finished")) >= 2, "the end of the drift that was seeded")
    application = Application(machine)
    mended_before = len(machine.events("fix.applied"))
    with ledger_of(machine) as ledger:
        counted_before = len(ledger.history(datetime.now(UTC)).done)
    machine.lago.add_fault(Fault(target="/customers/[^?]", delay_s=0.05, times=None))
    began = time.monotonic()
    for number in range(1, KILLS + 1):
        application.edit()
        application.wait()
        machine.kill(signal.SIGKILL)
        again = {**RUNNING, "NRestarts": str(number)}
        machine.until(lambda again=again: machine.show(SERVICE, *again) == again, "the restart")  # type: ignore[misc]
    took_s = time.monotonic() - began
    machine.lago.clear_faults()
    done = len(machine.events("run.finished"))
    machine.until(lambda: len(machine.events("run.finished")) >= done + 3, "quiet passes", patience_s=600)
    restarts = machine.show(SERVICE, "NRestarts")["NRestarts"]
    machine.run(f"systemctl stop {SERVICE}")
    events = machine.events()
    found = {key: record["plan_tier"] for key, record in machine.records().items() if key in application.due}
    mended = Counter(event["org_id"] for event in machine.events("fix.applied")[mended_before:])
    unfinished, unexplained = unfinished_runs(events)
    with ledger_of(machine) as ledger:
        recorded = {run.id for run in ledger.runs(100_000)}
        history = ledger.history(datetime.now(UTC))
    counted = len(history.done) - counted_before
    lost = [org_id for org_id, tier in application.due.items() if found.get(org_id) != tier]
    twice = [org_id for org_id, count in mended.items() if count > application.edits[org_id]]
    started = {event["run_id"] for event in events if event["event"] == "run.started"}
    finished = {event["run_id"] for event in events if event["event"] == "run.finished"}
    sys.stdout.write(
        f"\n{KILLS} kills in {took_s:.0f} s: {restarts} restarts, {sum(application.edits.values())} edits, "
        f"{sum(mended.values())} fixes told, {len(finished)} runs finished, {len(unfinished)} cut off by a kill, "
        f"{len(recorded)} in the ledger, {len(unexplained) + len(history.unfinished)} unexplained, "
        f"{len(lost)} edits not mended, {len(twice)} fixes done twice, {counted} counted against the limits\n"
    )
    assert lost == []
    assert twice == []
    assert unexplained == []
    assert history.unfinished == ()
    assert counted <= sum(application.edits.values())
    assert recorded <= started
    assert finished <= recorded
    assert restarts == str(KILLS)


@contextmanager
def ledger_of(machine: Booted) -> Iterator[SqlLedger]:
    """The daemon's ledger; it opens, so that it is sound."""
    with SqlLedger(f"sqlite:///{machine.root / 'var/lib/reconciler/ledger.sqlite3'}") as ledger:
        yield ledger


def unfinished_runs(events: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Runs without an end, and those of them that no new start of the daemon follows as the next event of its life."""
    unfinished: list[str] = []
    unexplained: list[str] = []
    going: str | None = None
    for event in events:
        name = event["event"]
        if name == "run.started":
            unexplained += [going] if going else []
            going = event["run_id"]
        elif name in {"run.finished", "run.stopped"}:
            going = None
        elif name in {"daemon.started", "daemon.stopping"}:
            unfinished += [going] if going else []
            going = None
    return unfinished, unexplained

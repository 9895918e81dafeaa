"""The units under a real systemd, installed as docs/systemd.md says."""

from __future__ import annotations

import json
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.sandbox.demo import LAGO_KEY, STRIPE_KEY
from reconciler.sandbox.server import Fault
from systemd.booted import Booted, booted
from systemd.debian_root import why_not

pytestmark = [pytest.mark.systemd, pytest.mark.skipif(bool(why_not()), reason=why_not())]

SERVICE = "reconciler.service"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booted]:
    folder = tmp_path_factory.mktemp("machine") / "root"
    folder.mkdir()
    with booted(folder) as machine:
        yield machine


@pytest.fixture
def machine(up: Booted) -> Iterator[Booted]:
    """The machine with a new store, and nothing started or remembered."""
    up.schedule = 'every = "1h"'
    up.configure()
    up.new_store()
    up.run("rm -rf /var/lib/reconciler")
    up.run("journalctl --rotate")
    up.run("journalctl --vacuum-time=1ms")
    yield up
    up.lago.clear_faults()
    up.run(f"systemctl stop {SERVICE} reconciler-once.timer reconciler-once.service")
    up.run(f"rm -rf /etc/systemd/system/{SERVICE}.d /etc/systemd/system/reconciler-once.timer.d")
    up.run("systemctl daemon-reload")
    up.run(f"systemctl reset-failed {SERVICE} reconciler-once.service", fails=True)


def started(machine: Booted) -> None:
    machine.run(f"systemctl start {SERVICE}")
    machine.until(lambda: machine.events("run.finished"), "the first pass")


def test_it_starts_reports_ready_and_repairs_seeded_drift_with_keys_from_credentials(machine: Booted) -> None:
    before = machine.records()
    started(machine)
    result = f", {len(machine.events('fix.applied'))} fixed"
    shown = machine.until(
        lambda: (
            (said := machine.show(SERVICE, "ActiveState", "StatusText", "User"))["StatusText"].count(result) and said
        ),
        "the result in STATUS=",
    )
    assert (shown["ActiveState"], shown["User"]) == ("active", "reconciler")
    assert "next run" in shown["StatusText"]
    assert sum(record != before[org_id] for org_id, record in machine.records().items()) > 10
    with urllib.request.urlopen("http://127.0.0.1:9464/readyz", timeout=5) as ready:
        assert json.loads(ready.read())["ready"] is True
    assert {request.headers.get("Authorization") for request in machine.lago.requests} == {f"Bearer {LAGO_KEY}"}
    environment = Path(f"/proc/{machine.leader}/root/proc/{machine.pid()}/environ").read_bytes()
    assert LAGO_KEY.encode() not in environment


def test_what_it_writes_into_the_store_belongs_to_the_application_s_group_and_its_own_state_to_itself(
    machine: Booted,
) -> None:
    started(machine)
    made = machine.run("find /app/data -newer /etc/reconciler/reconciler.toml -printf %P:%g:%m\\n").split()
    assert {each.split(":")[1] for each in made} == {"app"}
    assert not [each for each in made if each[-1] != "0"]
    assert machine.run("stat -c %U:%a /var/lib/reconciler").strip() == "reconciler:700"


def test_its_journal_entries_are_structured_with_priorities_and_run_ids_and_hold_no_key(machine: Booted) -> None:
    machine.lago.add_fault(Fault(target="/customers", status=503, times=1))
    started(machine)
    entries = machine.entries()
    levels = {"info": "6", "warning": "4", "error": "3"}
    for entry in entries:
        event = json.loads(entry["MESSAGE"])
        assert entry["PRIORITY"] == levels[event["level"]]
        assert event["event"].startswith("daemon.") or event["run_id"]
    assert {"4", "6"} <= {entry["PRIORITY"] for entry in entries}
    whole = machine.run("journalctl --no-pager -o json")
    assert LAGO_KEY not in whole
    assert STRIPE_KEY not in whole


def test_a_good_reload_is_taken_and_a_bad_one_keeps_the_last_good_settings(machine: Booted) -> None:
    started(machine)
    machine.schedule = 'every = "2h"'
    machine.configure()
    machine.run(f"systemctl reload {SERVICE}")
    machine.until(lambda: machine.events("daemon.reloaded"), "the good settings")
    machine.configure("[nonsense]\nkey = 1")
    machine.run(f"systemctl reload {SERVICE}")
    (refused,) = machine.until(lambda: machine.events("daemon.reload_refused"), "the refusal")
    assert "nonsense" in refused["problem"]
    shown = machine.until(
        lambda: (said := machine.show(SERVICE, "ActiveState", "StatusText"))["StatusText"].count("keeps") and said,
        "the refusal in STATUS=",
    )
    assert shown["ActiveState"] == "active"
    machine.kill(signal.SIGUSR1)
    machine.until(lambda: len(machine.events("run.finished")) >= 2, "a pass with the last good settings")


def test_the_watchdog_restarts_a_loop_that_stopped(machine: Booted) -> None:
    machine.override(SERVICE, "[Service]\nWatchdogSec=5s\nRestartSec=200ms\n")
    started(machine)
    before = machine.pid()
    machine.kill(signal.SIGSTOP)
    machine.until(lambda: machine.pid() not in {0, before}, "another process")
    assert machine.show(SERVICE, "NRestarts")["NRestarts"] == "1"
    assert "Watchdog timeout" in machine.run(f"journalctl --no-pager -u {SERVICE}")
    machine.until(lambda: len(machine.events("run.finished")) >= 2, "a pass of the new process")


def test_stopping_while_it_writes_is_clean_and_quick(machine: Booted) -> None:
    machine.lago.add_fault(Fault(target="/customers/[^?]", delay_s=0.2, times=None))
    machine.run(f"systemctl start {SERVICE}")
    machine.until(lambda: machine.events("fix.applied"), "the first write")
    machine.run(f"systemctl stop {SERVICE}")
    shown = machine.show(SERVICE, "ActiveState", "Result", "ExecMainStatus")
    assert shown == {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"}
    assert machine.events("daemon.stopped")[0]["dropped_a_pass"] is False
    assert machine.events("run.finished")[0]["result"] == "failed"


def test_the_timer_runs_passes_without_a_daemon_and_drift_that_remains_is_no_failure(machine: Booted) -> None:
    machine.override(
        "reconciler-once.timer", "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/2\nRandomizedDelaySec=0\nAccuracySec=100ms\n"
    )
    machine.run("systemctl start reconciler-once.timer")
    once = "reconciler-once.service"
    machine.until(lambda: len(machine.events("run.finished", once)) >= 2, "two passes")
    machine.run("systemctl stop reconciler-once.timer")
    machine.until(
        lambda: machine.show(once, "ActiveState", "Result") == {"ActiveState": "inactive", "Result": "success"},
        "the end of the last pass",
    )
    first, second = machine.events("run.finished", once)[:2]
    applied = len(machine.events("fix.applied", once))
    assert applied
    assert (first["exit_code"], first["fixes"], second["fixes"]) == (2, applied, 0)


def test_when_names_no_longer_resolve_it_says_so_and_goes_on_when_they_do(machine: Booted) -> None:
    started(machine)
    url = machine.lago.url
    right = machine.config.read_text()
    machine.config.write_text(right.replace(url, "http://lago.reconciler.invalid"))
    machine.run(f"systemctl reload {SERVICE}")
    machine.until(lambda: machine.events("daemon.reloaded"), "the name")
    machine.kill(signal.SIGUSR1)
    (trouble,) = machine.until(lambda: machine.events("daemon.trouble"), "the trouble", 120)
    assert trouble["part"] == "lago"
    assert "does not resolve" in trouble["problem"]
    assert machine.show(SERVICE, "ActiveState")["ActiveState"] == "active"
    machine.config.write_text(right)
    machine.run(f"systemctl reload {SERVICE}")
    machine.until(lambda: machine.events("daemon.recovered"), "the next try", 120)

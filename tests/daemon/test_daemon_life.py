"""The life of the daemon: it starts, repairs, reloads, runs when asked, and stops without losing a write."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.daemon_support import Running, Site, daemon_site, until
from notify.receiver import Received
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model.run import RunResult, Trigger
from reconciler.sandbox.server import Fault, LoopbackServer


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with daemon_site(tmp_path) as made:
        yield made


def test_it_reports_ready_repairs_seeded_drift_and_tells_the_result(site: Site) -> None:
    before = site.records()
    with Running(site) as daemon:
        daemon.wait_for("run.finished")
        fixed = {event["drift_id"] for event in daemon.named("fix.applied")}
        assert fixed
        until(lambda: any(f", {len(fixed)} fixed" in word for word in daemon.told), "the result in STATUS=")
        assert daemon.get("/healthz") == (200, "alive\n")
        assert until(lambda: daemon.get("/readyz")[0] == 200, "ready")
        assert daemon.metric('reconciler_runs_total{result="drift"}') == 1
        under = [drift_id for drift_id in fixed if drift_id.startswith("tier_under:")]
        assert daemon.metric('reconciler_drifts{code="tier_under",state="fixed"}') == len(under) > 0
        assert daemon.metric("reconciler_last_complete_run_timestamp_seconds") == pytest.approx(time.time(), abs=30)
        assert daemon.stop() == 0
    assert "READY=1" in daemon.told
    assert daemon.told.index("READY=1") < daemon.told.index("STOPPING=1")
    assert site.records() != before
    with SqlLedger(f"sqlite:///{site.state / 'ledger.sqlite3'}") as ledger:
        (run,) = ledger.runs(9)
    assert run.trigger is Trigger.SCHEDULE
    assert run.result is RunResult.DRIFT


def test_its_loop_feeds_the_watchdog_and_a_stopped_loop_does_not(site: Site) -> None:
    with Running(site) as daemon:
        until(lambda: daemon.told.count("WATCHDOG=1") >= 2, "two turns")
        daemon.send(signal.SIGSTOP)
        time.sleep(0.2)
        fed = daemon.told.count("WATCHDOG=1")
        time.sleep(2.5)
        assert daemon.told.count("WATCHDOG=1") == fed
        daemon.send(signal.SIGCONT)
        until(lambda: daemon.told.count("WATCHDOG=1") > fed, "another turn")


def test_sigusr1_begins_a_pass_at_once_and_another_one_after_the_pass_in_hand(site: Site) -> None:
    with Running(site) as daemon:
        daemon.wait_for("run.finished")
        site.lago.add_fault(Fault(target="/customers", delay_s=1, times=1))
        daemon.send(signal.SIGUSR1)
        daemon.wait_for("run.started", 2)
        daemon.send(signal.SIGUSR1)
        assert daemon.wait_for("daemon.run_asked", 2)["in_hand"] is True
        daemon.wait_for("run.finished", 3)
        time.sleep(0.5)
        assert len(daemon.named("run.started")) == 3


def test_reloading_takes_good_settings_and_says_so_to_the_service_manager(site: Site) -> None:
    with Running(site) as daemon:
        daemon.wait_for("run.finished")
        site.schedule = 'every = "1s"'
        site.configure()
        daemon.send(signal.SIGHUP)
        reloaded = daemon.wait_for("daemon.reloaded")
        assert reloaded["config_sha256"] != daemon.named("daemon.started")[0]["config_sha256"]
        daemon.wait_for("run.finished", 3)
        at = daemon.told.index("RELOADING=1")
        assert daemon.told[at + 1].startswith("MONOTONIC_USEC=")
        assert "READY=1" in daemon.told[at:]


@pytest.mark.parametrize("spoilt", ["nonsense = 1", '[nonsense]\nkey = "sk_live_abcdefghijklmnop"'])
def test_reloading_bad_settings_keeps_the_last_good_ones_and_says_why(site: Site, spoilt: str) -> None:
    site.schedule = 'every = "1s"'
    site.configure()
    good = site.config.read_text()
    with Running(site) as daemon:
        daemon.wait_for("run.finished")
        site.config.write_text(f"{good}\n{spoilt}\n")
        daemon.send(signal.SIGHUP)
        refused = daemon.wait_for("daemon.reload_refused")
        assert "nonsense" in refused["problem"]
        assert "sk_live" not in str(daemon.events)
        assert refused["config_sha256"] == daemon.named("daemon.started")[0]["config_sha256"]
        done = len(daemon.named("run.finished"))
        daemon.wait_for("run.finished", done + 2)
        assert daemon.metric("reconciler_settings_rejected") == 1
        assert any("keeps the settings it has" in word for word in daemon.told)
        site.config.write_text(good)
        daemon.send(signal.SIGHUP)
        daemon.wait_for("daemon.reloaded")
        assert daemon.metric("reconciler_settings_rejected") == 0


def test_settings_that_are_wrong_from_the_beginning_end_it_with_1_and_one_structured_line(site: Site) -> None:
    site.config.write_text(f"{site.config.read_text()}\n[nonsense]\n")
    with Running(site) as daemon:
        assert daemon.process.wait(timeout=90) == 1
        (event,) = daemon.events
    assert event["event"] == "daemon.not_started"
    assert "nonsense" in event["problem"]


def test_an_address_that_is_taken_ends_it_with_1(site: Site) -> None:
    with Running(site) as daemon:
        listen = daemon.wait_for("daemon.started")["listen"]
        site.config.write_text(site.config.read_text().replace("127.0.0.1:0", listen))
        with Running(site) as second:
            assert second.process.wait(timeout=20) == 1
            assert "[http] listen" in second.events[-1]["problem"]


def test_sigterm_while_it_writes_ends_between_two_fixes_with_all_of_them_recorded(site: Site) -> None:
    site.lago.add_fault(Fault(target="/customers/[^?]", delay_s=0.2, times=None))
    before = site.records()
    with Running(site) as daemon:
        daemon.wait_for("fix.applied")
        began = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - began < 20
        applied = {(event["org_id"], event["call"]) for event in daemon.named("fix.applied")}
        assert daemon.named("run.finished")[0]["result"] == "failed"
        assert daemon.named("daemon.stopped")[0]["dropped_a_pass"] is False
    changed = {org_id for org_id, record in site.records().items() if record != before[org_id]}
    assert changed == {org_id for org_id, _ in applied}
    with SqlLedger(f"sqlite:///{site.state / 'ledger.sqlite3'}") as ledger:
        (summary,) = ledger.runs(9)
        run = ledger.run(summary.id)
    assert run is not None
    assert {(each.fix.org_id, each.fix.call.value) for each in run.outcomes if each.written} == applied
    assert 0 < len(run.outcomes) < len(run.plan.to_write)


def test_sigterm_lets_a_pass_that_wrote_report_and_ping_to_the_end(site: Site, tmp_path: Path) -> None:
    site.lago.add_fault(Fault(target="/customers/[^?]", delay_s=0.2, times=None))
    with LoopbackServer(Received()) as switch:
        switch.add_fault(Fault(target="/ping", delay_s=2.5, times=None))
        (tmp_path / "ping").write_text(f"{switch.url}/ping")
        site.more = f'[notify]\nping_url = "file:{tmp_path / "ping"}"\n'
        site.configure()
        with Running(site) as daemon:
            daemon.wait_for("fix.applied")
            assert daemon.stop() == 0
            assert daemon.named("daemon.stopped")[0]["dropped_a_pass"] is False
            assert [event for event in daemon.events if event["event"] == "notify.failed"] == []
        assert [request.target for request in switch.requests] == ["/ping"]


def test_sigterm_while_it_reads_drops_the_pass_at_once_and_writes_nothing(site: Site) -> None:
    site.lago.add_fault(Fault(target="/customers", delay_s=30, times=None))
    before = site.records()
    with Running(site) as daemon:
        daemon.wait_for("run.started")
        began = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - began < 5
        assert daemon.named("daemon.stopped")[0]["dropped_a_pass"] is True
    assert site.records() == before


def test_a_beginning_that_falls_into_the_pass_before_is_skipped_and_said(site: Site) -> None:
    site.schedule = 'every = "1s"'
    site.configure()
    site.lago.add_fault(Fault(target="/customers", delay_s=2.5, times=1))
    with Running(site) as daemon:
        daemon.wait_for("daemon.run_skipped")
        daemon.wait_for("run.finished", 2)
        assert daemon.metric('reconciler_irregular_runs_total{why="skipped"}') >= 1


def test_after_a_restart_it_is_ready_by_what_the_ledger_holds(site: Site) -> None:
    with Running(site) as daemon:
        daemon.wait_for("run.finished")
        assert daemon.stop() == 0
    site.lago.add_fault(Fault(target="/customers", delay_s=30, times=None))
    with Running(site) as daemon:
        daemon.wait_for("run.started")
        assert daemon.get("/readyz")[0] == 200


def test_every_line_of_a_run_has_its_run_id_those_of_retried_pages_included(site: Site) -> None:
    site.lago.add_fault(Fault(target="/customers", status=429, times=2))
    with Running(site) as daemon:
        daemon.wait_for("run.finished")
        (run_id,) = {event["run_id"] for event in daemon.events if not event["event"].startswith("daemon.")}
        assert [event["run_id"] for event in daemon.named("source.retry")] == [run_id] * 2
        until(lambda: "reconciler_requests_total{" in daemon.get("/metrics")[1], "the pass in the metrics")
        assert daemon.metric('reconciler_rate_limited_requests_total{source="lago"}') == 2

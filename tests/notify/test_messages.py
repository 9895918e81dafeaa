"""Messages over real HTTP: what was taken is not sent again, what was not is; and no receiver costs a run."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.daemon_support import Running, daemon_site, until
from notify.receiver import Received
from notify.test_news import HOUR, a_run, away, seen
from reconciler.notify.memory import Memory
from reconciler.notify.messages import Messages
from reconciler.org_manager import OrgManager
from reconciler.sandbox.server import Break, Fault, LoopbackServer


@pytest.fixture
def received() -> Received:
    return Received()


@pytest.fixture
def server(received: Received) -> Iterator[LoopbackServer]:
    with LoopbackServer(received) as made:
        yield made


def messages(server: LoopbackServer, folder: Path, *urls: str) -> Messages:
    return Messages(
        urls or [server.url.replace("http://", "json://")],
        ping_url=f"{server.url}/ping",
        after=HOUR,
        memory=Memory(folder / "told.json"),
        endings=lambda _: (),
        month_over=lambda _: None,
    )


def test_what_was_sent_is_remembered_by_the_next_process(
    server: LoopbackServer, received: Received, tmp_path: Path
) -> None:
    for _ in range(2):
        messages(server, tmp_path).write(a_run([seen()]))
    assert len(received.messages) == 1
    assert "New" in received.titles[0]


def test_what_was_not_taken_is_sent_after_the_next_run(
    server: LoopbackServer, received: Received, tmp_path: Path
) -> None:
    server.add_fault(Fault(times=1, status=500))
    told = messages(server, tmp_path)
    told.write(a_run([seen()]))
    assert received.messages == []
    told.write(a_run([seen()]))
    assert len(received.messages) == 1


def test_only_complete_runs_ping(server: LoopbackServer, received: Received, tmp_path: Path) -> None:
    told = messages(server, tmp_path)
    told.write(away(lago="down"))
    assert received.pings == 0
    told.write(a_run())
    assert received.pings == 1


@pytest.mark.parametrize("memory", ["", "[1]", '{"drift:'])
def test_a_memory_that_was_cut_off_tells_once_more(
    server: LoopbackServer, received: Received, tmp_path: Path, memory: str
) -> None:
    (tmp_path / "told.json").write_text(memory)
    messages(server, tmp_path).write(a_run([seen()]))
    assert len(received.messages) == 1


def test_neither_a_receiver_that_is_none_nor_a_memory_that_cannot_be_written_costs_the_run(
    server: LoopbackServer, tmp_path: Path
) -> None:
    messages(server, tmp_path, "nonsense://", "json://127.0.0.1:1").write(a_run([seen()]))
    messages(server, tmp_path / "missing").write(a_run([seen()]))


def test_what_could_not_be_remembered_is_not_sent(server: LoopbackServer, received: Received, tmp_path: Path) -> None:
    messages(server, tmp_path / "missing").write(a_run([seen()]))
    assert (received.messages, received.pings) == ([], 1)
    (tmp_path / "missing").mkdir()
    messages(server, tmp_path / "missing").write(a_run([seen()]))
    assert len(received.messages) == 1


def has_less(now: dict[str, Any], then: dict[str, Any]) -> bool:
    ranks = ("founders_friend", "starter", "professional", "enterprise")
    tiers = now["plan_tier"], then["plan_tier"]
    return now["status"] == "active" and set(tiers) <= set(ranks) and ranks.index(tiers[0]) < ranks.index(tiers[1])


@pytest.mark.parametrize("outage_s", [0, pytest.param(600, marks=pytest.mark.slow)])
def test_an_outage_of_both_sources_is_one_notification_each_way_and_lowers_nobody(
    server: LoopbackServer, received: Received, tmp_path: Path, outage_s: float
) -> None:
    (tmp_path / "url").write_text(server.url.replace("http://", "json://"))
    (tmp_path / "ping").write_text(f"{server.url}/ping")
    more = f'[notify]\nurls = ["file:{tmp_path / "url"}"]\nping_url = "file:{tmp_path / "ping"}"\n'
    with daemon_site(tmp_path, schedule='every = "1s"', more=more) as site, Running(site) as daemon:
        at_first = site.records()
        until(lambda: received.pings, "a ping")
        lowered = next(key for key, record in site.records().items() if has_less(record, at_first[key]))
        for source in (site.lago, site.stripe):
            source.add_fault(Fault(times=None, breaks=Break.RESET))
        began = time.monotonic()
        until(lambda: received.titles, "the outage")
        # By hand, it has more again than it is due: only what cannot be read now would show that.
        assert OrgManager(site.folder / "store").update_org_plan(lowered, at_first[lowered]["plan_tier"])
        before = site.records()
        until(lambda: daemon.metric("reconciler_consecutive_failures") >= 2, "several tries", 60)
        while time.monotonic() < began + outage_s:
            time.sleep(1)
            assert daemon.process.poll() is None
        assert site.records() == before
        assert daemon.get("/readyz")[0] == 503
        for source in (site.lago, site.stripe):
            source.clear_faults()
        until(lambda: len(received.titles) >= 2, "the end of the outage", 60)
        daemon.wait_for("daemon.recovered", 2)
        assert daemon.get("/readyz")[0] == 200
        assert received.titles == [
            "lago and stripe cannot be read whole",
            "lago and stripe can be read whole again",
        ]
        until(lambda: has_less(site.records()[lowered], before[lowered]), "the lowering once all was read")
        others = {key: record for key, record in site.records().items() if key != lowered}
        assert others == {key: record for key, record in before.items() if key != lowered}
        assert str(server.url) not in json.dumps(daemon.events)

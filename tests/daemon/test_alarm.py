"""A daemon that makes no run tells people so, once each way, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from daemon.daemon_support import Running, daemon_site, until
from notify.receiver import Received
from reconciler.daemon.alarm import Alarm
from reconciler.daemon.attempt import Attempt, Part
from reconciler.daemon.condition import Trouble
from reconciler.sandbox.server import Fault, LoopbackServer
from run_builders import T0, run_record
from settings.settings_files import RIGHT, loaded

HOUR = timedelta(hours=1)


@pytest.fixture
def received() -> Received:
    return Received()


@pytest.fixture
def server(received: Received) -> Iterator[LoopbackServer]:
    with LoopbackServer(received) as made:
        yield made


def urls(server: LoopbackServer, folder: Path) -> str:
    (folder / "url").write_text(server.url.replace("http://", "json://"))
    return f'[notify]\nurls = ["file:{folder / "url"}"]\n'


def tell(
    alarm: Alarm, server: LoopbackServer, folder: Path, *parts: Part, hours: float = 2, judged: bool = False
) -> None:
    """One try so long after the troubles began."""
    at = T0 + hours * HOUR
    troubles = {part: Trouble(problem="it is away", since=T0) for part in parts}
    attempt = Attempt(
        started_at=at,
        finished_at=at,
        run=run_record() if judged else None,
        problems={part: each.problem for part, each in troubles.items()},
    )
    alarm.tell(attempt, troubles, loaded(folder, RIGHT + urls(server, folder)))


def test_it_is_remembered_by_the_next_process(server: LoopbackServer, received: Received, tmp_path: Path) -> None:
    environ = {"STATE_DIRECTORY": str(tmp_path)}
    for _ in range(2):
        tell(Alarm(environ), server, tmp_path, Part.LEDGER)
    tell(Alarm(environ), server, tmp_path, judged=True)
    assert received.titles == ["The daemon is in trouble: ledger", "The daemon is in order again: ledger"]


def test_where_nothing_can_be_kept_a_process_tells_it_once_all_the_same(
    server: LoopbackServer, received: Received, tmp_path: Path
) -> None:
    alarm = Alarm({"STATE_DIRECTORY": str(tmp_path / "missing")})
    for _ in range(3):
        tell(alarm, server, tmp_path, Part.DISK)
    for _ in range(3):
        tell(alarm, server, tmp_path, judged=True)
    assert received.titles == ["The daemon is in trouble: disk", "The daemon is in order again: disk"]


def test_what_a_receiver_did_not_take_is_sent_after_the_next_try(
    server: LoopbackServer, received: Received, tmp_path: Path
) -> None:
    server.add_fault(Fault(times=1, status=500))
    alarm = Alarm({"STATE_DIRECTORY": str(tmp_path)})
    tell(alarm, server, tmp_path, Part.STORE)
    assert received.messages == []
    tell(alarm, server, tmp_path, Part.STORE)
    assert received.titles == ["The daemon is in trouble: store"]


def test_what_the_messages_of_a_run_tell_is_not_told_twice(
    server: LoopbackServer, received: Received, tmp_path: Path
) -> None:
    alarm = Alarm({"STATE_DIRECTORY": str(tmp_path)})
    tell(alarm, server, tmp_path, Part.LAGO, Part.STRIPE, Part.FIXES, Part.LIMITS, judged=True)
    assert received.messages == []


def test_a_receiver_that_is_not_where_the_settings_say_costs_nothing(server: LoopbackServer, tmp_path: Path) -> None:
    settings = loaded(tmp_path, RIGHT + urls(server, tmp_path))
    (tmp_path / "url").unlink()
    attempt = Attempt(started_at=T0, finished_at=T0 + 2 * HOUR, problems={Part.STORE: "it is away"})
    troubles = {Part.STORE: Trouble(problem="it is away", since=T0)}
    Alarm({"STATE_DIRECTORY": str(tmp_path)}).tell(attempt, troubles, settings)


def test_a_store_that_is_gone_for_long_is_one_message_each_way_by_the_daemon(
    server: LoopbackServer, received: Received, tmp_path: Path
) -> None:
    more = f'{urls(server, tmp_path)}after = "2s"\n'

    def titles() -> list[str]:
        return [title for title in received.titles if title.startswith("The daemon")]

    with daemon_site(tmp_path, schedule='every = "1s"', more=more) as site, Running(site) as daemon:
        daemon.wait_for("run.finished", 2)
        away = tmp_path / "away.json"
        site.store.rename(away)
        until(titles, "the trouble", 60)
        assert len(titles()) == 1
        failures = daemon.metric("reconciler_consecutive_failures")
        until(lambda: daemon.metric("reconciler_consecutive_failures") > failures, "one more try", 60)
        away.rename(site.store)
        until(lambda: len(titles()) >= 2, "the end of it", 60)
        done = len(daemon.named("run.finished"))
        daemon.wait_for("run.finished", done + 2)
        assert titles() == ["The daemon is in trouble: store", "The daemon is in order again: store"]

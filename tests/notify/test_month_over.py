"""The month's report goes out once, with the first complete run of the next month that a receiver hears of."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from notify.receiver import Received
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model.run import RunMode, RunRecord
from reconciler.notify.memory import Memory
from reconciler.notify.messages import Messages
from reconciler.outbox import month_over, run_messages
from reconciler.sandbox.server import Fault, LoopbackServer
from reports.reading_reports import workbook_of
from run_builders import decision, drift, run_record
from settings.settings_files import RIGHT, loaded

MAY = datetime(2026, 5, 20, 9, 0, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, 0, 5, tzinfo=UTC)


@pytest.fixture
def received() -> Received:
    return Received()


@pytest.fixture
def server(received: Received) -> Iterator[LoopbackServer]:
    with LoopbackServer(received) as made:
        yield made


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqlLedger]:
    """Two complete runs in April and May, and an incomplete one at the end of May."""
    with SqlLedger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}") as made:
        made.record(a_run("april", MAY - timedelta(days=30)))
        made.record(a_run("may", MAY, decisions=[decision(drift())]))
        made.record(a_run("may-incomplete", MAY + timedelta(days=9), complete=False))
        yield made


def a_run(run_id: str, at: datetime, **said: object) -> RunRecord:
    return run_record(run_id, started_at=at, **{"mode": RunMode.FIX, **said})  # type: ignore[arg-type]  # passed on


def messages(server: LoopbackServer, folder: Path, ledger: SqlLedger, *, timezone: str = "UTC") -> Messages:
    (folder / "url").write_text(server.url.replace("http://", "json://"))
    more = f'[notify]\nurls = ["file:{folder / "url"}"]\n[reports]\ntimezone = "{timezone}"\n'
    settings = loaded(folder, RIGHT + more)
    return run_messages(settings, {}, ledger, Memory(folder / "told.json"))


def tell(server: LoopbackServer, folder: Path, ledger: SqlLedger, *runs: RunRecord, timezone: str = "UTC") -> None:
    """Each run recorded and told by a process of its own."""
    for run in runs:
        ledger.record(run)
        messages(server, folder, ledger, timezone=timezone).write(run)


def test_the_first_complete_run_of_a_month_sends_the_xlsx_of_the_month_before_once(
    server: LoopbackServer, received: Received, ledger: SqlLedger, tmp_path: Path
) -> None:
    tell(server, tmp_path, ledger, *(a_run(f"june-{number}", JUNE + number * timedelta(hours=1)) for number in (1, 2)))
    (message,) = received.messages
    assert message["title"] == "The month 2026-05 is over"
    assert "by the last complete run of 2026-05 (UTC), may: 1 drifts, 0 held" in message["message"]
    (file,) = message["attachments"]
    assert file["filename"] == "reconciler-2026-05.xlsx"
    book = workbook_of(base64.b64decode(file["base64"]))
    assert book["Roll-forward"]["A1"].value == "Roll-forward from april to may"


def test_a_month_is_told_again_only_when_the_next_one_is_over(
    server: LoopbackServer, received: Received, ledger: SqlLedger, tmp_path: Path
) -> None:
    tell(server, tmp_path, ledger, a_run("june", JUNE), a_run("july", JUNE + timedelta(days=30)))
    assert received.titles == ["The month 2026-05 is over", "The month 2026-06 is over"]
    assert set(Memory(tmp_path / "told.json").told()) == {"month:2026-06"}


def test_what_a_receiver_did_not_take_is_sent_after_the_next_complete_run(
    server: LoopbackServer, received: Received, ledger: SqlLedger, tmp_path: Path
) -> None:
    server.add_fault(Fault(times=1, status=500))
    tell(server, tmp_path, ledger, a_run("june-1", JUNE))
    assert received.messages == []
    tell(server, tmp_path, ledger, a_run("june-2", JUNE + timedelta(hours=1)))
    assert received.titles == ["The month 2026-05 is over"]


def test_no_incomplete_partial_or_dry_run_sends_it(
    server: LoopbackServer, received: Received, ledger: SqlLedger, tmp_path: Path
) -> None:
    tell(
        server,
        tmp_path,
        ledger,
        a_run("incomplete", JUNE, complete=False),
        a_run("partial", JUNE, partial=True),
        a_run("dry", JUNE, mode=RunMode.DRY_RUN),
    )
    assert [title for title in received.titles if "month" in title] == []


def test_the_month_ends_where_the_reports_say(
    server: LoopbackServer, received: Received, ledger: SqlLedger, tmp_path: Path
) -> None:
    tell(server, tmp_path, ledger, a_run("may-here", JUNE), timezone="America/New_York")
    assert received.titles == ["The month 2026-04 is over"]


def test_a_month_without_a_complete_run_has_no_report(ledger: SqlLedger, tmp_path: Path) -> None:
    settings = loaded(tmp_path)
    assert month_over(a_run("august", JUNE + timedelta(days=65)), settings, ledger) is None
    assert month_over(a_run("june", JUNE), settings, ledger) is not None

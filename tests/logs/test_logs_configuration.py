"""One pipeline for the product's events and the libraries': its form, its levels and its fields."""

from __future__ import annotations

import ast
import io
import json
import logging
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from werkzeug.wrappers import Response

from reconciler.logs import Event, configure_logs
from reconciler.sandbox.server import LoopbackServer

ROOT = Path(__file__).parents[2]
INTERFACES = ROOT.parent / "shared" / "interfaces.md"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("reconciler")
    before = root.handlers, root.level, ours.level
    yield
    root.handlers, root.level, ours.level = before
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def objects(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_object_with_an_aware_utc_time() -> None:
    stream = io.StringIO()
    configure_logs("json", "info", stream)
    structlog.get_logger("reconciler.test").info(Event.SOURCE_READ, source="lago", rows=3, text="two\nlines")
    (event,) = objects(stream)
    timestamp = datetime.fromisoformat(event.pop("timestamp"))
    assert timestamp.tzinfo == UTC
    assert event == {"event": "source.read", "level": "info", "source": "lago", "rows": 3, "text": "two\nlines"}


def test_the_run_id_stands_on_every_line_of_a_run_the_store_s_included() -> None:
    stream = io.StringIO()
    configure_logs("json", "info", stream)
    with structlog.contextvars.bound_contextvars(run_id="run_1"):
        structlog.get_logger("reconciler.cycle").info("run.started")
        logging.getLogger("reconciler.org_manager").warning("store.recovered", extra={"verdict": "torn"})
    structlog.get_logger("reconciler.cycle").info("daemon.started")
    started, recovered, daemon = objects(stream)
    assert (started["run_id"], recovered["run_id"]) == ("run_1", "run_1")
    assert (recovered["event"], recovered["verdict"], recovered["level"]) == ("store.recovered", "torn", "warning")
    assert "run_id" not in daemon


def test_what_json_does_not_know_is_written_as_text() -> None:
    stream = io.StringIO()
    configure_logs("json", "info", stream)
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    cycle: list[Any] = []
    cycle.append(cycle)
    structlog.get_logger("reconciler.test").info(
        "run.started", at=at, share=float("nan"), ratio=0.5, codes={"b", "a"}, where=Path("/x"), cycle=cycle
    )
    (event,) = objects(stream)
    assert event["at"] == "2026-01-02T03:04:05+00:00"
    assert (event["share"], event["ratio"], event["codes"], event["where"]) == ("nan", 0.5, ["a", "b"], "/x")


def test_httpx_tells_no_query_string_even_at_debug() -> None:
    stream = io.StringIO()
    configure_logs("json", "debug", stream)
    with LoopbackServer(lambda _: Response("{}")) as server:
        httpx.get(f"{server.url}/customers", params={"name": "Ann Example"})
    assert "Ann" not in stream.getvalue()


@pytest.mark.parametrize(
    ("level", "heard"),
    [("debug", ["debug", "info", "warning", "error"]), ("warning", ["warning", "error"]), ("error", ["error"])],
)
def test_only_the_level_and_what_is_above_it_is_heard(level: str, heard: list[str]) -> None:
    stream = io.StringIO()
    configure_logs("json", level, stream)
    log = structlog.get_logger("reconciler.test")
    for name in ("debug", "info", "warning", "error"):
        getattr(log, name)("run.started")
    assert [event["level"] for event in objects(stream)] == heard


def test_libraries_are_heard_from_warnings_on_and_no_lower_than_the_level() -> None:
    stream = io.StringIO()
    for level in ("debug", "error"):
        configure_logs("json", level, stream)
        for name in ("info", "warning", "error"):
            getattr(logging.getLogger("some.library"), name)("%s at %s", name, level)
    assert [event["event"] for event in objects(stream)] == ["warning at debug", "error at debug", "error at error"]


def test_auto_is_for_people_on_a_terminal_and_json_elsewhere() -> None:
    for stream, is_json in ((Terminal(), False), (io.StringIO(), True)):
        configure_logs("auto", "info", stream)
        structlog.get_logger("reconciler.test").info("run.started")
        assert stream.getvalue().startswith("{") is is_json


@pytest.mark.parametrize("no_color", ["", "1"])
def test_no_color_takes_the_colour_out(monkeypatch: pytest.MonkeyPatch, no_color: str) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    stream = Terminal()
    configure_logs("console", "info", stream)
    structlog.get_logger("reconciler.test").info("run.started")
    assert ("\x1b[" in stream.getvalue()) is (no_color == "")


def test_the_console_shows_an_exception_redacted() -> None:
    stream = io.StringIO()
    configure_logs("console", "info", stream)
    structlog.get_logger("reconciler.test").error("run.finished", exc_info=ValueError("ann@example.com"))
    assert "ValueError: [redacted]" in stream.getvalue()


def test_called_again_the_last_call_holds() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure_logs("json", "info", first)
    configure_logs("json", "info", second)
    structlog.get_logger("reconciler.test").info("run.started")
    assert (first.getvalue(), len(objects(second))) == ("", 1)


def test_logs_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("json", "info")
    structlog.get_logger("reconciler.test").info("run.started")
    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err)["event"] == "run.started"


def test_every_public_event_has_its_constant() -> None:
    if not INTERFACES.exists():
        pytest.skip("the description of the interfaces is not beside this checkout")
    section = INTERFACES.read_text(encoding="utf-8").split("## Log events")[1].split("##")[0]
    assert {event.value for event in Event} >= set(re.findall(r"`([a-z]+\.[a-z_]+)`", section))


def test_the_product_logs_no_event_that_is_not_listed() -> None:
    beside = {"store.copy_failed"}  # the store's own, of use to whoever keeps the machine
    used = {
        call.args[0].value
        for file in (ROOT / "reconciler").rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in {"debug", "info", "warning", "error", "exception"}
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id in {"_log", "log"}
        and isinstance(call.args[0], ast.Constant)
    }
    assert used - beside <= {event.value for event in Event}
    assert "run.started" in used


def page_of_events() -> dict[str, set[str]]:
    """The fields of each event, as the page lists them."""
    page = (ROOT / "docs" / "logs.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| `")]
    return {
        name: set(re.findall(r"`([a-z0-9_]+)`", row[4]))
        for row in rows
        for name in re.findall(r"`([a-z]+\.[a-z_]+)`", row[1])
    }


def test_every_event_is_in_the_page_of_log_events() -> None:
    assert set(page_of_events()) == {event.value for event in Event} | {"store.copy_failed"}


def test_every_field_that_an_event_is_logged_with_is_in_the_page_of_log_events() -> None:
    page = page_of_events()
    seen = 0
    for file in (ROOT / "reconciler").rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or not call.args or not isinstance(call.args[0], ast.Constant):
                continue
            fields = {keyword.arg for keyword in call.keywords if keyword.arg} - {"extra"}  # the store's own
            if isinstance(call.func, ast.Attribute) and call.args[0].value in page and fields:
                assert fields <= page[call.args[0].value], f"{file}: {call.args[0].value}"
                seen += 1
    assert seen > 10


@pytest.mark.parametrize(("level", "priority"), [("debug", 7), ("info", 6), ("warning", 4), ("error", 3)])
def test_a_line_to_journald_begins_with_its_priority(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: str, priority: int
) -> None:
    with (tmp_path / "journal").open("w+") as stream:
        beneath = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{beneath.st_dev}:{beneath.st_ino}")
        configure_logs("auto", "debug", stream)
        getattr(structlog.get_logger("reconciler.test"), level)("run.started")
        stream.seek(0)
        line = stream.read()
    assert line.startswith(f"<{priority}>{{")
    assert json.loads(line.removeprefix(f"<{priority}>"))["level"] == level


def test_a_line_to_anything_else_begins_with_no_priority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "1:2")
    with (tmp_path / "file").open("w+") as stream:
        configure_logs("auto", "debug", stream)
        structlog.get_logger("reconciler.test").info("run.started")
        stream.seek(0)
        assert stream.read().startswith("{")

"""Progress on a real terminal: the command in a pty of 80 columns, its standard error alone."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from e2e.e2e_support import Site, site_of
from reconciler.sandbox.demo import LAGO_KEY, STRIPE_KEY, build_business
from reconciler.sandbox.server import Fault

NOW = datetime.now(UTC).replace(microsecond=0)
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_BAR = re.compile(r"(lago|stripe) +\S+ [\d,]+(?:/[\d,]+)? rows  \d+ pages  [\d,]+/s(?:  \d+:\d\d left)?")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Site]:
    with site_of(build_business(organisations=60, now=NOW), tmp_path, monkeypatch, capsys) as made:
        yield made


def seen(site: Site, *words: str, slow_s: float = 0.25, **environ: str) -> tuple[int, str, str]:
    """Exit code, standard output (a pipe), and what a terminal of 80 columns gets on standard error."""
    for server in (site.lago, site.stripe):
        server.add_fault(Fault(target="", delay_s=slow_s, times=None))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    keys = {"LAGO_API_KEY": LAGO_KEY, "STRIPE_API_KEY": STRIPE_KEY, "STATE_DIRECTORY": str(site.folder / "state")}
    report = site.folder / "report.txt"
    with report.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 -- the command itself, with this test's own settings
            [sys.executable, "-m", "reconciler", "--dry-run", "--config", str(site.config), *words],
            env={**os.environ, "TERM": "xterm-256color", **keys, **environ},
            stdout=out,
            stderr=theirs,
        )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # the last one to hold the terminal is gone
        pass
    finally:
        os.close(ours)
    return process.wait(timeout=30), report.read_text(encoding="utf-8"), shown.decode()


def test_rows_pages_and_rate_of_each_source_are_shown_and_taken_away_again(site: Site) -> None:
    code, out, shown = seen(site)
    assert code == 2
    lines = [line for line in re.split(r"[\r\n]+", _ESCAPES.sub("", shown)) if line]
    bars = [found for line in lines if (found := _BAR.match(line))]
    assert {each[1] for each in bars} == {"lago", "stripe"}
    assert any("left" in each[0] for each in bars)
    assert max(len(line) for line in lines) <= 80
    assert shown.count("\x1b[?25l") == 0 or shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
    assert "rows  " not in out


def test_lines_of_the_log_stand_above_the_bars_and_stay(site: Site) -> None:
    _, _, shown = seen(site, "-v")
    plain = _ESCAPES.sub("", shown)
    assert _BAR.search(plain)
    assert re.search(r"[\r\n]\S+ \[info +\] run\.finished", plain)


@pytest.mark.parametrize(
    ("words", "environ", "slow_s"),
    [
        (["-q"], {}, 0.25),
        ([], {"RECONCILER__LOG__FORMAT": "json"}, 0.25),
        ([], {"TERM": "dumb"}, 0.25),
        ([], {}, 0.0),  # done within a second, or nearly
    ],
    ids=["quiet", "logs as json", "a dumb terminal", "quick"],
)
def test_where_nobody_can_or_wants_to_look_there_are_no_bars(
    site: Site, words: list[str], environ: dict[str, str], slow_s: float
) -> None:
    code, _, shown = seen(site, *words, slow_s=slow_s, **environ)
    assert code == 2
    if slow_s:
        assert "pages" not in shown
        assert "\x1b[?25l" not in shown
    else:
        assert len(_BAR.findall(_ESCAPES.sub("", shown))) <= 4


def test_without_a_terminal_there_is_not_a_byte_of_it(site: Site) -> None:
    for server in (site.lago, site.stripe):
        server.add_fault(Fault(target="", delay_s=0.4, times=None))
    said = site.reconcile("--dry-run")
    assert said.exit_code == 2
    assert "\x1b" not in said.err
    assert "pages" not in said.err

"""Progress on a real terminal: the command in a pty of 80 columns, its standard error alone."""

from __future__ import annotations

import fcntl
import io
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
from rich.console import Console

from e2e.e2e_support import Site, site_of
from reconciler.cli.progress import Bars
from reconciler.model.billing import Source
from reconciler.sandbox.demo import LAGO_KEY, STRIPE_KEY, build_business
from reconciler.sandbox.server import Fault

NOW = datetime.now(UTC).replace(microsecond=0)
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_BAR = re.compile(r"(lago|stripe) +\S+ [\d,]+(?:/[\d,]+)? rows  \d+ pages  [\d,]+/s(?:  \d+:\d\d left)?")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Site]:
    with site_of(build_business(organisations=60, now=NOW), tmp_path, monkeypatch, capsys) as made:
        yield made


def seen(site: Site, *words: str, **environ: str) -> tuple[int, str, str]:
    """Exit code, standard output (a pipe), and what a terminal of 80 columns gets on standard error."""
    for server in (site.lago, site.stripe):
        server.add_fault(Fault(target="", delay_s=0.25, times=None))
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
    assert max(len(line) for line in lines) <= 80
    assert shown.count("\x1b[?25l") == 0 or shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
    assert "rows  " not in out


def test_lines_of_the_log_stand_above_the_bars_and_stay(site: Site) -> None:
    _, _, shown = seen(site, "-v")
    plain = _ESCAPES.sub("", shown)
    assert _BAR.search(plain)
    assert re.search(r"[\r\n]\S+ \[info +\] run\.finished", plain)


@pytest.mark.parametrize(
    ("words", "environ"),
    [
        (["-q"], {}),
        ([], {"RECONCILER__LOG__FORMAT": "json"}),
        ([], {"TERM": "dumb"}),
    ],
    ids=["quiet", "logs as json", "a dumb terminal"],
)
def test_where_nobody_can_or_wants_to_look_there_are_no_bars(
    site: Site, words: list[str], environ: dict[str, str]
) -> None:
    code, _, shown = seen(site, *words, **environ)
    assert code == 2
    assert "pages" not in shown
    assert "\x1b[?25l" not in shown


def test_without_a_terminal_there_is_not_a_byte_of_it(site: Site) -> None:
    for server in (site.lago, site.stripe):
        server.add_fault(Fault(target="", delay_s=0.4, times=None))
    said = site.reconcile("--dry-run")
    assert said.exit_code == 2
    assert "\x1b" not in said.err
    assert "pages" not in said.err


class Screen:
    """Bars on a terminal of 80 columns, and a clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._file = io.StringIO()
        console = Console(file=self._file, force_terminal=True, width=80, height=24)
        self.bars = Bars(console, monotonic=lambda: self.now_s)

    @property
    def text(self) -> str:
        """Everything since it was last asked for."""
        drawn = _ESCAPES.sub("", self._file.getvalue())
        self._file.seek(0)
        self._file.truncate()
        return drawn

    def page(self, source: Source, rows: int, counted: int = 0, *, after_s: float) -> str:
        self.now_s += after_s
        self.bars.page(source, rows, counted)
        return self.text


def test_the_first_second_shows_nothing_and_then_ten_times_a_second_is_enough() -> None:
    screen = Screen()
    assert screen.page(Source.LAGO, 100, 8_200, after_s=0.9) == ""
    assert "200/8,200 rows" in screen.page(Source.LAGO, 100, after_s=0.2)
    assert screen.page(Source.LAGO, 100, after_s=0.05) == ""
    assert "400/8,200 rows  4 pages" in screen.page(Source.LAGO, 100, after_s=0.1)
    screen.bars.done()


def test_the_time_left_is_told_where_it_is_known_how_much_there_is() -> None:
    screen = Screen()
    screen.bars.expects({Source.STRIPE: 1_000})
    assert "200/1,000 rows  1 pages  100/s  0:08 left" in screen.page(Source.STRIPE, 200, after_s=2)
    assert "lago    ━━━━━━━━━━ 20 rows  1 pages  10/s  " in screen.page(Source.LAGO, 20, after_s=0.1)
    assert "left" not in screen.page(Source.STRIPE, 900, after_s=1).partition("lago")[0]
    screen.bars.done()


def test_long_numbers_keep_within_eighty_columns() -> None:
    screen = Screen()
    screen.bars.expects({Source.STRIPE: 2_000_000})
    screen.page(Source.STRIPE, 100, after_s=2)
    drawn = screen.page(Source.STRIPE, 1_000_000, after_s=86_400)
    assert "1,000,100/2,000,000 rows" in drawn
    assert "left" in drawn
    assert max(map(len, re.split(r"[\r\n]+", drawn))) <= 80
    screen.bars.done()


def test_after_the_reading_come_the_rules_and_the_fixes_and_then_nothing_is_drawn() -> None:
    screen = Screen()
    screen.page(Source.LAGO, 100, 300, after_s=2)
    screen.now_s += 1
    screen.bars.judging(10_000)
    judging = screen.text
    assert "judging 10,000 organisations" in judging
    screen.now_s += 1
    screen.bars.applied(3, 20)
    assert "3/20 fixes" in screen.text
    screen.bars.done()
    screen.text  # noqa: B018 # what takes the bars away
    screen.bars.done()
    assert screen.page(Source.LAGO, 100, after_s=1) == ""

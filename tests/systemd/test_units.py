"""The units as systemd's own tools judge them, without starting anything."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "systemd"
NAMES = ("reconciler.service", "reconciler-once.service", "reconciler-once.timer")

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - words of this test
        ["systemd-analyze", *words],  # noqa: S607 - of the system
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine with the units, the command and the documentation pages they name, and nothing else."""
    for unit in NAMES:
        (tmp_path / "etc/systemd/system").mkdir(parents=True, exist_ok=True)
        shutil.copy(UNITS / unit, tmp_path / "etc/systemd/system" / unit)
    for program in ("opt/reconciler/bin/reconcile", "bin/kill"):
        place = tmp_path / program
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch(mode=0o755)
    for target in ("network-online", "multi-user", "sysinit", "basic", "timers", "shutdown", "nss-lookup", "time-sync"):
        place = tmp_path / f"usr/lib/systemd/system/{target}.target"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("[Unit]\n")
    return tmp_path


@needs_systemd
def test_systemd_has_nothing_to_say_about_the_units(root: Path) -> None:
    done = analyze("verify", f"--root={root}", "--man=no", *NAMES)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_systemd
@pytest.mark.parametrize("unit", NAMES[:2])
def test_the_exposure_of_a_service_is_at_most_1_3(unit: str) -> None:
    done = analyze("security", "--offline=true", "--threshold=13", str(UNITS / unit))
    level = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert level is not None, done.stderr
    assert float(level[1]) <= 1.3


def directives(unit: str) -> list[str]:
    return [line for line in (UNITS / unit).read_text().splitlines() if re.match(r"[A-Z]\w+=", line)]


def test_each_block_of_protection_of_the_daemon_stands_below_its_reason() -> None:
    lines = (UNITS / "reconciler.service").read_text().split("# Files\n")[1].split("[Install]")[0].splitlines()
    for number, line in enumerate(lines):
        if re.match(r"[A-Z]\w+=", line):
            above = next(each for each in reversed(lines[:number]) if not re.match(r"[A-Z]\w+=", each))
            assert above.startswith("# "), line


def test_the_single_pass_is_protected_as_the_daemon_is() -> None:
    daemon = directives("reconciler.service")
    protection = daemon[daemon.index("User=reconciler") : daemon.index("WantedBy=multi-user.target")]
    assert [each for each in protection if each not in directives("reconciler-once.service")] == [
        "SocketBindAllow=ipv4:tcp:9464"
    ]

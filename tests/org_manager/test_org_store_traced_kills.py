"""Killed at every system call of a change that touches a file, as a tracer lists them, the change is whole or not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from org_manager import crash

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace, which lists and kills at system calls"),
]
# The two calls between which the change lies in the trace.
BEGIN, END = "/the-change-begins", "/the-change-ends"
CHANGE = f"""
import os, sys
from org_manager import crash
from reconciler.org_manager import OrgManager
crash.use_fixed_ids()
manager = OrgManager(sys.argv[1])
change = crash.SCENARIOS[sys.argv[2]].change
os.access({BEGIN!r}, 0)
change(manager)
os.access({END!r}, 0)
"""
CALL = re.compile(r"^(?:\d+ +)?(\w+)\(")


def traced(folder: Path, scenario: str, *options: str) -> int:
    """Run the change under the tracer; gives its exit code."""
    command = ["strace", *options, sys.executable, "-c", CHANGE, str(folder), scenario]
    environment = os.environ | {
        "PYTHONPATH": f"{Path(crash.__file__).parent.parent}:{Path(crash.__file__).parent.parent.parent}",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return subprocess.run(command, env=environment, stderr=subprocess.DEVNULL, check=False).returncode  # noqa: S603 # our own


def calls_of_the_change(folder: Path, scenario: str, log: Path) -> list[tuple[str, int]]:
    """Every system call of the change that takes a file, and the how manyth of its kind it is in the process."""
    assert traced(folder, scenario, "-o", str(log), "-e", "trace=%file,%desc,flock") == 0
    counted: Counter[str] = Counter()
    calls = []
    inside = False
    for line in log.read_text().splitlines():
        match = CALL.match(line)
        if match is None:
            continue
        counted[match[1]] += 1
        if BEGIN in line or END in line:
            inside = BEGIN in line
        elif inside:
            calls.append((match[1], counted[match[1]]))
    return calls


@pytest.mark.parametrize("scenario", ["same length", "create"])
def test_a_change_killed_at_any_system_call_that_takes_a_file_is_whole_or_not_there(
    tmp_path: Path, scenario: str
) -> None:
    template, trial = tmp_path / "template", tmp_path / "trial"
    crash.seed(template)
    before = crash.state(template)
    shutil.copytree(template, trial)
    calls = calls_of_the_change(trial, scenario, tmp_path / "trace")
    after = crash.state(trial)
    names = {re.sub(r"\d+$", "", name) for name, _ in calls}
    assert names >= {"openat", "flock", "pwritev", "ftruncate", "fsync", "unlink", "rename"}

    kills = 0
    for name, number in calls:
        shutil.rmtree(trial)
        shutil.copytree(template, trial)
        ended = traced(trial, scenario, "-o", os.devnull, "-e", f"inject={name}:signal=SIGKILL:when={number}")
        kills += ended in (-9, 137)
        assert crash.read(trial) in (before, after), (name, number)
        assert crash.written(trial) in (before, after), (name, number)

    assert kills == len(calls)

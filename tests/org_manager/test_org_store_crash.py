"""Killed anywhere, a change is there whole or not at all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("crash.py")


def kill(folder: Path, *, rounds: int, only: int, moments: int, scenarios: tuple[str, ...] = ()) -> Any:
    command = [sys.executable, str(PROGRAM), str(folder), str(rounds), str(only), str(moments), *scenarios]
    ended = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603 # our own program
    return json.loads(ended.stdout)


def test_a_change_killed_at_some_of_its_file_calls_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    report = kill(tmp_path, rounds=1, only=4, moments=4)

    assert sum(report["kills"].values()) == 13 * 4 + 4
    assert report["losses"] == []


def test_the_kills_find_the_losses_of_a_writer_without_a_journal(tmp_path: Path) -> None:
    report = kill(tmp_path, rounds=1, only=0, moments=0, scenarios=("careless",))

    assert len(report["losses"]) > 3


@pytest.mark.slow
def test_a_change_killed_at_any_of_its_file_calls_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    report = kill(tmp_path, rounds=2, only=0, moments=150)

    assert sum(report["kills"].values()) >= 2000
    assert report["losses"] == []

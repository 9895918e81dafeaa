"""One pass at a time writes on a machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.errors import LedgerError, RunLockedError
from reconciler.ledger.run_lock import run_lock
from run_builders import T0


def test_a_second_run_is_refused_and_told_who_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with run_lock(path, since=T0):
        words = f"pid {os.getpid()}, since 2026-10-01T12:00:00"
        with pytest.raises(RunLockedError, match=words), run_lock(path, since=T0):
            pass
        assert RunLockedError.exit_code == 75
    with run_lock(path, since=T0):
        pass


def test_the_lock_is_let_go_when_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    code = (
        "import sys, pathlib, datetime; from reconciler.ledger.run_lock import run_lock\n"
        "with run_lock(pathlib.Path(sys.argv[1]), since=datetime.datetime.now(datetime.UTC)):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:  # noqa: S603 -- the code above
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(RunLockedError, match=f"pid {holder.pid}"), run_lock(path, since=T0):
            pass
        holder.kill()
        holder.wait()
    with run_lock(path, since=T0):
        pass


def test_a_place_where_no_lock_can_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="nowhere"), run_lock(tmp_path / "nowhere" / "run.lock", since=T0):
        pass

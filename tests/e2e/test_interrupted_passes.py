"""The command while another pass runs, and when somebody stops it in the middle of writing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from e2e.e2e_support import Site, site_of
from reconciler.ledger.run_lock import run_lock
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model.run import RunResult
from reconciler.sandbox.demo import LAGO_KEY, STRIPE_KEY, build_business
from reconciler.sandbox.server import Fault

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Site]:
    with site_of(build_business(organisations=60, now=NOW), tmp_path, monkeypatch, capsys) as made:
        yield made


def test_while_another_pass_runs_the_command_ends_with_75_and_a_dry_run_goes_on(site: Site) -> None:
    before = site.store.read_bytes()
    with run_lock(site.folder / "state" / "run.lock", since=NOW):
        said = site.reconcile()
        assert (said.exit_code, said.out) == (75, "")
        assert f"pid {os.getpid()}" in said.err
        assert site.reconcile("--dry-run").exit_code == 2
    assert site.store.read_bytes() == before


@pytest.mark.parametrize(("asked", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_pass_that_is_stopped_while_it_writes_says_so_and_is_in_the_ledger(
    site: Site, asked: signal.Signals, code: int
) -> None:
    site.lago.add_fault(Fault(target="/customers/[^?]", delay_s=0.2, times=None))
    before = site.store.read_bytes()
    process = subprocess.Popen(  # noqa: S603 -- the command itself, with this test's own settings
        [sys.executable, "-m", "reconciler", "--config", str(site.config)],
        env={
            **os.environ,
            "LAGO_API_KEY": LAGO_KEY,
            "STRIPE_API_KEY": STRIPE_KEY,
            "STATE_DIRECTORY": str(site.folder / "state"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    while site.store.read_bytes() == before and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(asked)
    _, told = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in told
    if asked is signal.SIGINT:
        assert told.splitlines()[-1].startswith("reconcile: Interrupted. What a pass wrote until then is in the ledger")
    with SqlLedger(f"sqlite:///{site.folder / 'state' / 'ledger.sqlite3'}") as ledger:
        (summary,) = ledger.runs(9)
        assert summary.result in {RunResult.FAILED, RunResult.REFUSED}
        run = ledger.run(summary.id)
    assert run is not None
    assert any(each.written for each in run.outcomes)
    assert len(run.outcomes) < len(run.plan.to_write)

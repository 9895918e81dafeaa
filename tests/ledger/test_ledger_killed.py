"""A process killed at any moment of recording leaves a ledger that opens, is whole, and agrees with its chain."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from reconciler.ledger.sql_ledger import SqlLedger
from run_builders import T0

TESTS = Path(__file__).parent.parent
RECORD_ON = """
import sys
from datetime import timedelta
from reconciler.ledger.sql_ledger import SqlLedger
from run_builders import T0, decision, drift, fix, org, outcome, run_record
with SqlLedger(f"sqlite:///{sys.argv[1]}") as ledger:
    number = len(ledger.runs(10_000))
    while True:
        at = T0 + number * timedelta(hours=1)
        seen = [decision(drift(f"org_{(number + each) % 60}", text=str(number))) for each in range(40)]
        fixes = [fix(f"org_{(number + each) % 60}") for each in range(3)]
        ledger.intend(f"run-{number}", fixes, at)
        outcomes = [outcome(each, at=at) for each in fixes]
        orgs = [org(each, tier=str(number % 3)) for each in range(200)]
        ledger.record(run_record(f"run-{number}", decisions=seen, outcomes=outcomes, orgs=orgs, started_at=at))
        print(number, flush=True)
        number += 1
"""


def test_a_ledger_whose_writer_is_killed_at_random_moments_stays_whole(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    luck = random.Random(3)  # noqa: S311 -- a test that must be the same twice
    recorded = 0
    for _ in range(5):
        command = [sys.executable, "-c", RECORD_ON, str(path)]
        with subprocess.Popen(command, cwd=TESTS, stdout=subprocess.PIPE) as writer:  # noqa: S603 -- this very Python
            assert writer.stdout is not None
            for _ in range(luck.randint(2, 6)):
                assert writer.stdout.readline()
            time.sleep(luck.uniform(0.0, 0.1))
            writer.send_signal(signal.SIGKILL)
        with SqlLedger(f"sqlite:///{path}") as ledger:
            assert ledger.audit().faults == ()
            runs = ledger.runs(10_000)
            assert len(runs) >= recorded
            recorded = len(runs)
            assert [each.id for each in reversed(runs)] == [f"run-{number}" for number in range(recorded)]
            if runs:
                last = ledger.run(runs[0].id)
                assert last is not None
                assert (len(last.decisions), len(last.outcomes)) == (40, 3)
            left = ledger.history(T0).unfinished
            assert [each.run_id for each in left] in ([], [f"run-{recorded}"])
    assert recorded >= 5


FILL = """
import resource, signal, sys
from pathlib import Path
from reconciler.errors import LedgerError
from reconciler.ledger.sql_ledger import SqlLedger
from run_builders import T0, fix
path = Path(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with SqlLedger(f"sqlite:///{path}") as ledger:
    ledger.intend("run-0", [fix()], T0)
    room = max(each.stat().st_size for each in path.parent.glob("ledger.db*")) + 2000
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    try:
        ledger.intend("run-1", [fix(f"org_{number}") for number in range(400)], T0)
    except LedgerError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print([each.run_id for each in ledger.history(T0).unfinished], ledger.audit().faults)
"""


def test_an_intent_that_finds_no_room_is_not_kept_and_says_that_nothing_was_written(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FILL, str(tmp_path / "ledger.db")]
    said = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False)  # noqa: S603 -- this Python
    refused, after = said.stdout.splitlines()
    assert "Nothing was written" in refused
    assert "disk" in refused
    assert after == "['run-0'] ()"

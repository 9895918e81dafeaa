"""A pass that is killed at any step of its writing leaves what the next one finishes and explains."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import e2e.killed_pass
from e2e.e2e_support import Site, site_of
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model.run import RunRecord, Shows
from reconciler.sandbox.demo import LAGO_KEY, STRIPE_KEY, SeededBusiness
from reconciler.sandbox.demo.business import Business, Paying

NOW = datetime.now(UTC).replace(microsecond=0)


def small() -> SeededBusiness:
    """One organisation to raise, one to lower, one to link, one in order."""
    business = Business(NOW)
    pays = Paying(tier="professional")
    for tier, recorded in (("starter", True), ("enterprise", True), ("professional", False), ("professional", True)):
        org_id = business.add_record(tier)
        business.bill_in_lago(org_id, pays)
        business.records[org_id]["lago_customer_id"] = org_id
        business.bill_in_stripe(business.stripe_customer(org_id, recorded=recorded), pays)
    return SeededBusiness(business=business, seeds=[], authority_of={})


@dataclass(slots=True)
class Trial:
    """The same small business over and over, each time as it was at first."""

    site: Site
    seeded: SeededBusiness

    def begin(self) -> None:
        for name in ("store", "state"):
            shutil.rmtree(self.site.folder / name)
        self.seeded.business.write_store(self.site.folder / "store")
        (self.site.folder / "state").mkdir()

    def killed(self, asked: str) -> int:
        program = str(Path(e2e.killed_pass.__file__))
        return subprocess.run(  # noqa: S603 -- this test's own program
            [sys.executable, program, str(self.site.config), asked],
            env={
                **os.environ,
                "LAGO_API_KEY": LAGO_KEY,
                "STRIPE_API_KEY": STRIPE_KEY,
                "STATE_DIRECTORY": str(self.site.folder / "state"),
            },
            check=False,
            capture_output=True,
            timeout=300,
        ).returncode

    def steps(self) -> list[str]:
        self.begin()
        file = self.site.folder / "steps.json"
        assert self.killed(str(file)) == 0
        return list(json.loads(file.read_text()))

    def ledger(self) -> SqlLedger:
        return SqlLedger(f"sqlite:///{self.site.folder / 'state' / 'ledger.sqlite3'}")


@pytest.fixture
def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Trial]:
    seeded = small()
    with site_of(seeded, tmp_path, monkeypatch, capsys) as site:
        # As many as there are to do, so that a fix that counted twice would be refused.
        wide = site.config.read_text()
        site.config.write_text(wide.replace("= 100000", "= 1").replace("[reports]", "always_allowed = 0\n[reports]"))
        yield Trial(site=site, seeded=seeded)


def wanted(trial: Trial) -> dict[str, dict[str, Any]]:
    """The store as a run without the kill leaves it."""
    trial.begin()
    assert trial.site.reconcile().exit_code == 0
    return trial.site.records()


def outcome_of_next_run(trial: Trial) -> tuple[dict[str, dict[str, Any]], RunRecord]:
    said = trial.site.reconcile("--format", "json")
    with trial.ledger() as ledger:
        run = ledger.run(said.document["run"]["id"])
        assert run is not None
        assert ledger.history(datetime.now(UTC)).unfinished == ()
    assert said.exit_code == 0, said.out
    return trial.site.records(), run


def try_step(trial: Trial, number: int, name: str, whole: dict[str, dict[str, Any]]) -> None:
    trial.begin()
    assert trial.killed(str(number)) == -signal.SIGKILL, name
    with trial.ledger() as ledger:
        unfinished = ledger.history(datetime.now(UTC)).unfinished
        recorded = [summary.id for summary in ledger.runs(9)]
    records, run = outcome_of_next_run(trial)
    assert records == whole, name
    if unfinished:
        (told,) = run.explained
        assert (told.run_id, [fix for fix, _ in told.fixes]) == (unfinished[0].run_id, list(unfinished[0].fixes)), name
        written = sum(shows is Shows.WRITTEN for _, shows in told.fixes)
        assert len(run.outcomes) == len(told.fixes) - written, name
    else:
        assert run.explained == (), name
        assert len(run.outcomes) == (0 if recorded else 3), name


def test_after_a_kill_at_telling_steps_the_next_run_leaves_what_a_run_without_it_would(trial: Trial) -> None:
    steps, whole = trial.steps(), wanted(trial)
    for name in ("intend", "read_customer", "get_org", "update_org_plan", "update_org_billing_ids", "record"):
        assert {name, f"after {name}"} <= set(steps)
    assert {"intend: commit", "record: INSERT", "update_org_plan: fsync"} <= set(steps)
    half = [number for number, name in enumerate(steps) if name == "update_org_plan: the second half of pwritev"]
    for number in (steps.index("after update_org_plan"), half[-1], steps.index("record: commit")):
        try_step(trial, number, f"{number} {steps[number]}", whole)


@pytest.mark.slow
def test_after_a_kill_at_any_step_the_next_run_leaves_what_a_run_without_it_would(trial: Trial) -> None:
    steps, whole = trial.steps(), wanted(trial)
    for number, name in enumerate(steps):
        try_step(trial, number, f"{number} {name}", whole)

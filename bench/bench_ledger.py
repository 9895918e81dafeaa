# ruff: noqa: INP001, T201, S311 # a program, not a package; prints its figures, of a business that is the same each time
"""Measures the ledger: a run recorded, history and a report told, and what a year of runs every 15 minutes weighs.

The year is written through the real recording code, as many runs of it as asked for; what a year weighs is then the
first run's weight plus that of each later run, 35,040 times. Churn per run is that of a business of 10,000
organisations and 20,000 subscriptions: renewals, a few organisations changed, drift that comes, changes and goes.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import structlog

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from reconciler.gather import background_of
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model.billing import Source
from reconciler.model.drift import Decided, Decision, Direction
from reconciler.model.observation import ListProof, ReadProof
from reconciler.model.run import RunMode, RunRecord, SeenSubscription, SourceRead
from reconciler.reports.compose import book_of
from reconciler.reports.json_report import json_report
from reconciler.settings import load_settings
from run_builders import T0, decision, drift, fix, org, outcome, plan_of, run_record

YEAR = 35_040
EVERY = timedelta(minutes=15)
SUBSCRIPTIONS_CHANGED = 8  # a run: 20,000 that renew monthly, and some more
ORGS_CHANGED = 0.3
DRIFTS_CHANGED = 1.0  # decided anew: a settle time over, an amount moved
DRIFTS_MOVED = 0.25  # come and gone
FIXES = 0.1


class Business:
    """Organisations, subscriptions and drift that change a little from run to run, the same in every bench."""

    def __init__(self, orgs: int, subscriptions: int, drifts: int) -> None:
        self._luck = random.Random(1)
        self.orgs = [org(number, lago_id=f"org_{number}", stripe_id=f"cus_{number:014}") for number in range(orgs)]
        self.subscriptions = [
            SeenSubscription(id=f"sub_{number:024}", digest=f"{self._luck.getrandbits(256):064x}")
            for number in range(subscriptions)
        ]
        self._next = drifts
        self.drifts = [self._decision(number) for number in range(drifts)]

    def change(self) -> list[Decision]:
        """One quarter of an hour passes; gives what a fix ended."""
        for _ in range(SUBSCRIPTIONS_CHANGED):
            at = self._luck.randrange(len(self.subscriptions))
            self.subscriptions[at] = replace(self.subscriptions[at], digest=f"{self._luck.getrandbits(256):064x}")
        if self._happens(ORGS_CHANGED):
            at = self._luck.randrange(len(self.orgs))
            self.orgs[at] = replace(self.orgs[at], tier=self._luck.choice(["starter", "professional", "enterprise"]))
        if self._happens(DRIFTS_CHANGED):
            at = self._luck.randrange(len(self.drifts))
            self.drifts[at] = replace(self.drifts[at], reason=f"changed {self._luck.random()}")
        if self._happens(DRIFTS_MOVED):
            self.drifts.pop(self._luck.randrange(len(self.drifts)))
            self.drifts.append(self._decision(self._next))
            self._next += 1
        return [self.drifts.pop(0)] if self._happens(FIXES) else []

    def run(self, number: int, fixed: list[Decision]) -> RunRecord:
        """The run over it."""
        at = T0 + number * EVERY
        fixes = [fix(each.drift.org_id or "", drift_id=each.drift.id, direction=Direction.RAISE) for each in fixed]
        self.drifts.extend(self._decision(self._next + each) for each in range(len(fixed)))
        self._next += len(fixed)
        return run_record(
            f"{at:%Y%m%dT%H%M%SZ}-{number:06x}",
            mode=RunMode.FIX,
            decisions=[*fixed, *self.drifts],
            plan=plan_of(fixes),
            outcomes=[outcome(each, at=at) for each in fixes],
            orgs=self.orgs,
            subscriptions=self.subscriptions,
            started_at=at,
            notes=["Metered parts of 120 subscriptions are not in the amounts", "Refunds are not read"],
            sources={source: _read(at, len(self.subscriptions)) for source in Source},
        )

    def _decision(self, number: int) -> Decision:
        evidence = {
            "lago": {"customer": f"lago-{number}", "plan": "professional_monthly", "status": "active"},
            "stripe": {"customer": f"cus_{number}", "subscription": f"sub_{number}", "price": "price_professional"},
        }
        found = drift(f"org_{number:036}", evidence=evidence, text="Has enterprise, pays for professional " * 2)
        return decision(found, Decided.FLAG, confirms=f"{number:016}")

    def _happens(self, odds: float) -> bool:
        return self._luck.random() < odds


def _read(at: object, rows: int) -> SourceRead:
    lists = tuple(
        ListProof(name=name, rows=rows, pages=rows // 100, counted=rows, first_id="first", last_id="last")
        for name in ("customers", "subscriptions", "plans", "open invoices")
    )
    proof = ReadProof(read_from=T0, read_until=T0, rows=rows, pages=400, requests=410, retries=1, lists=lists)
    return SourceRead(complete=True, rows=rows, proof=proof, about=str(at))


def main() -> None:
    """Print the figures."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--orgs", type=int, default=10_000)
    asked.add_argument("--subscriptions", type=int, default=20_000)
    asked.add_argument("--drifts", type=int, default=100)
    asked.add_argument("--runs", type=int, default=200, help=f"of the {YEAR:,} of a year")
    asked.add_argument("--seconds", type=float, default=240, help="stop after as long")
    said = asked.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    business = Business(said.orgs, said.subscriptions, drifts=said.drifts)
    with tempfile.TemporaryDirectory() as folder, SqlLedger(f"sqlite:///{folder}/ledger.db") as ledger:
        _measure(ledger, business, Path(folder) / "ledger.db", runs=said.runs, seconds=said.seconds)


def _measure(ledger: SqlLedger, business: Business, path: Path, *, runs: int, seconds: float) -> None:
    def weight() -> float:
        return sum(each.stat().st_size for each in path.parent.glob("ledger.db*")) / 1e6

    with _timed("the first run recorded"):
        ledger.record(business.run(0, []))
    with _timed("an unchanged run recorded"):
        ledger.record(business.run(1, []))
    first, started, cpu, done = weight(), time.perf_counter(), time.process_time(), 0
    for number in range(2, runs + 2):
        ledger.record(business.run(number, business.change()))
        done += 1
        if time.perf_counter() - started > seconds:
            break
    each_s, cpu_s = (time.perf_counter() - started) / done, (time.process_time() - cpu) / done
    now = T0 + (done + 5) * EVERY
    grown = (weight() - first) / done
    print(f"{'a run recorded, of ' + format(done, ','):<44}{each_s * 1000:9.0f} ms, {cpu_s * 1000:.0f} ms of CPU")
    with _timed("history"):
        ledger.history(now)
    with _timed("what people said (before each write)"):
        ledger.acts(now)
    settings = load_settings(Path(__file__).parent.parent / "config" / "reconciler.toml", {})
    with _timed("the latest report, as JSON"):
        latest = ledger.run(ledger.runs(1)[0].id)
        if latest is not None:
            json_report(latest, book_of(latest, background_of(latest, settings, ledger)))
    with _timed("every open drift"):
        ledger.drifts(now, open_only=True)
    with _timed("the audit"):
        found = ledger.audit()
    print(f"{'rows proven':<44}{found.rows:9,}  faults {len(found.faults)}")
    print(f"{'the ledger':<44}{weight():9.1f} MB")
    print(f"{'a year of such runs':<44}{first + grown * YEAR:9.0f} MB ({grown * 1000:.1f} kB a run)")


@contextmanager
def _timed(what: str) -> Iterator[None]:
    started, cpu = time.perf_counter(), time.process_time()
    yield
    wall_ms, cpu_ms = (time.perf_counter() - started) * 1000, (time.process_time() - cpu) * 1000
    print(f"{what:<44}{wall_ms:9.0f} ms, {cpu_ms:.0f} ms of CPU")


if __name__ == "__main__":
    main()

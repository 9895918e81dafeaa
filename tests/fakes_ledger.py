"""A ledger in memory that tells history by going through every run again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from reconciler.errors import LedgerError
from reconciler.model.billing import Source
from reconciler.model.drift import Decided, Fix
from reconciler.model.history import DoneFix, History, Sighting
from reconciler.model.run import OutcomeResult, RunRecord, RunResult


class FakeLedger:
    """`recorded` is every run in the order of recording; with `broken` every call raises LedgerError."""

    def __init__(self, *recorded: RunRecord) -> None:
        self.recorded = list(recorded)
        self.intents: list[tuple[str, Fix, datetime]] = []
        self.broken = False

    def history(self, now: datetime) -> History:
        self._fail_if_broken()
        open_drifts: dict[str, Sighting] = {}
        population: int | None = None
        source_rows: dict[Source, int] = {}
        confirmed: dict[str, tuple[str, Sighting]] = {}  # by the fix confirmed: its drift, and how long
        config = ""
        for run in self.recorded:
            if counts(run):
                population = len(run.orgs)
                source_rows = {source: read.proof.rows for source, read in run.sources.items() if read.proof}
                seen = [each.drift.id for each in run.decisions if each.decided is not Decided.OK]
                open_drifts = {drift_id: seen_again(open_drifts.get(drift_id), run) for drift_id in seen}
                before = confirmed if run.config_sha256 == config else {}
                config = run.config_sha256
                confirmed = {
                    each.confirms: (each.drift.id, seen_again(before.get(each.confirms, (None, None))[1], run))
                    for each in run.decisions
                    if each.confirms and each.decided is not Decided.OK
                }
            fixed = {each.fix.drift_id for each in run.outcomes if each.result is OutcomeResult.FIXED}
            open_drifts = {drift_id: each for drift_id, each in open_drifts.items() if drift_id not in fixed}
            confirmed = {key: each for key, each in confirmed.items() if each[0] not in fixed}
        ids = {run.id for run in self.recorded}
        written = [(each.fix, each.at) for run in self.recorded for each in run.outcomes if each.written]
        meant = [(fix, at) for run_id, fix, at in self.intents if run_id not in ids]
        done = tuple(
            DoneFix(key=fix.key, direction=fix.direction, at=at)
            for fix, at in (*written, *meant)
            if at > now - timedelta(hours=24)
        )
        return History(
            open_drifts=open_drifts,
            done=done,
            population=population,
            source_rows=source_rows,
            confirmations={key: seen for key, (_, seen) in confirmed.items()},
            config_sha256=config,
        )

    def intend(self, run_id: str, fixes: Sequence[Fix], at: datetime) -> None:
        self._fail_if_broken()
        self.intents.extend((run_id, fix, at) for fix in fixes)

    def record(self, run: RunRecord) -> None:
        self._fail_if_broken()
        if any(earlier.id == run.id for earlier in self.recorded):
            raise LedgerError(f"The run {run.id} is recorded already", remedy="Give every run an id of its own")
        self.recorded.append(run)

    def _fail_if_broken(self) -> None:
        if self.broken:
            raise LedgerError("The ledger is broken", remedy="Mend it, or run with --no-record")


def counts(run: RunRecord) -> bool:
    refused = (run.result is RunResult.REFUSED or run.refusal is not None) and not run.plan.refused_by
    return run.complete and not run.partial and not refused


def seen_again(earlier: Sighting | None, run: RunRecord) -> Sighting:
    if earlier is None:
        return Sighting(first_seen=run.as_of, runs_seen=1)
    return Sighting(first_seen=earlier.first_seen, runs_seen=earlier.runs_seen + 1)

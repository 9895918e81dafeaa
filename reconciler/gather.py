"""Gathers from the ledger and the settings what a report tells beside its run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reconciler.errors import LedgerError
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.ledger.states import DriftState, RecordedDrift, RunSummary, WaiverState
from reconciler.model.drift import Decided
from reconciler.model.run import RunRecord
from reconciler.reports.background import Background, Earlier, Known, Opening, Written
from reconciler.settings import Settings

_TREND = timedelta(days=31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What a report covers besides its run: runs started from `since` on, before `until`, in words."""

    since: datetime
    until: datetime
    words: str


def background_of(
    run: RunRecord, settings: Settings, ledger: SqlLedger | None, *, period: Period | None = None
) -> Background:
    """Without a ledger, the addresses of screens alone. Raises LedgerError."""
    screens = Background(
        lago_app_url=settings.lago.app_url if settings.lago else "",
        stripe_account=settings.stripe.account if settings.stripe else "",
        livemode=settings.billing.livemode if settings.stripe else None,
        period=period.words if period else "",
    )
    if ledger is None:
        return screens
    standing = ledger.drifts_at(run.id) or ()
    return replace(
        screens,
        known={each.id: Known(state=each.state.value, first_ever_seen=each.first_ever_seen) for each in standing},
        waivers=tuple(each.waiver for each in ledger.waivers(run.finished_at) if each.state is not WaiverState.EXPIRED),
        contracts=ledger.contracts(),
        trend=tuple(_earlier(each) for each in _last_of_each_day(ledger, run)),
        opening=_opening(run, ledger, standing, since=period.since if period else run.started_at),
        written=_written(run, ledger, period) if period else (),
    )


def background_at_hand(run: RunRecord, settings: Settings, ledger: SqlLedger | None) -> Background:
    """As `background_of`; of a ledger that cannot be read, nothing: a run that wrote must be told."""
    try:
        return background_of(run, settings, ledger)
    except LedgerError:
        return background_of(run, settings, None)


def _earlier(run: RunSummary) -> Earlier:
    return Earlier(id=run.id, as_of=run.as_of, result=run.result, totals=run.totals)


def _last_of_each_day(ledger: SqlLedger, run: RunRecord) -> Iterable[RunSummary]:
    """Of the month before `run`, complete runs only."""
    runs = ledger.runs_between(run.started_at - _TREND, run.started_at)
    return {each.started_at.date(): each for each in runs if each.counts}.values()


def _opening(
    run: RunRecord, ledger: SqlLedger, standing: Iterable[RecordedDrift], *, since: datetime
) -> Opening | None:
    """None where the run is no complete run, or the first one."""
    begun = ledger.last_complete_run(since)
    if begun is None or begun.id == run.id or not run.complete or run.partial or run.refusal:
        return None
    before = ledger.drifts_at(begun.id) or ()
    counted = {each.id: each.decision for each in before if _counts(each)}
    over = {each.id: each for each in standing if each.state.is_over}
    return Opening(
        run_id=begun.id,
        as_of=begun.as_of,
        open=counted,
        beside=frozenset(each.id for each in before if not each.state.is_over) - counted.keys(),
        seen_before=frozenset(each.id for each in before),
        gone={drift_id: each.state.value for drift_id, each in over.items()},
        passed=tuple(each.decision for each in over.values() if each.first_seen > begun.as_of and _decided(each)),
    )


def _counts(drift: RecordedDrift) -> bool:
    return not drift.state.is_over and drift.state is not DriftState.WAIVED and _decided(drift)


def _decided(drift: RecordedDrift) -> bool:
    return drift.decision.decided in {Decided.FIX, Decided.FLAG}


def _written(run: RunRecord, ledger: SqlLedger, period: Period) -> tuple[Written, ...]:
    """What other runs of the period did."""
    return tuple(
        Written(run_id=each.run_id, approved_by=each.approved_by, outcome=each.outcome)
        for each in ledger.outcomes_between(period.since, period.until)
        if each.run_id != run.id
    )

"""Gathers from the ledger and the settings what a report tells beside its run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from reconciler.errors import LedgerError
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.ledger.states import DriftState, RecordedDrift, RunSummary, WaiverState
from reconciler.model.acts import ActKind, RecordedAct
from reconciler.model.drift import Decided
from reconciler.model.moments import utc
from reconciler.model.private import without_email
from reconciler.model.run import RunRecord
from reconciler.reports.background import Background, Earlier, Known, Opening, Written
from reconciler.reports.document import instant
from reconciler.settings import Settings

_TREND = timedelta(days=31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What a report covers besides its run: runs started from `since` on, before `until`, in words."""

    since: datetime
    until: datetime
    words: str


def month_period(month: date, timezone: str) -> Period:
    """The month of a day, from midnight to midnight in that time zone."""
    first = month.replace(day=1)
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return Period(
        since=midnight(first, timezone), until=midnight(following, timezone), words=f"{first:%Y-%m} ({timezone})"
    )


def midnight(day: date, timezone: str) -> datetime:
    """When a day begins in that time zone; UTC."""
    return datetime.combine(day, time.min, ZoneInfo(timezone)).astimezone(UTC)


def background_of(
    run: RunRecord,
    settings: Settings,
    ledger: SqlLedger | None,
    *,
    period: Period | None = None,
    signed: tuple[str, ...] = (),
) -> Background:
    """Without a ledger, the addresses of screens alone; `signed` are lines about who prepared. Raises LedgerError."""
    screens = Background(
        lago_app_url=settings.lago.app_url if settings.lago else "",
        stripe_account=settings.stripe.account if settings.stripe else "",
        livemode=settings.billing.livemode if settings.stripe else None,
        period=period.words if period else "",
        signed=signed,
    )
    if ledger is None:
        return screens
    standing = ledger.drifts_at(run.id) or ()
    return replace(
        screens,
        known={each.id: Known(state=each.state.value, first_ever_seen=each.first_ever_seen) for each in standing},
        names={each.org_id: each.decision.drift.org_name for each in standing if each.org_id},
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
    """Before `since`, else, in a period with nothing before it, the first complete run of the period.

    None where the run is no complete run, or the first one.
    """
    begun = ledger.last_complete_run(since) or _first_complete(ledger, since, run.started_at)
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


def _first_complete(ledger: SqlLedger, since: datetime, before: datetime) -> RunSummary | None:
    return next((each for each in ledger.runs_between(since, before) if each.counts), None)


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


def acts_about(ledger: SqlLedger, kind: ActKind, subject: str) -> list[RecordedAct]:
    """Every act of that kind and subject, in the order of saying."""
    earliest, latest = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    return [each for each in ledger.acts_between(earliest, latest) if each.kind is kind and each.subject == subject]


def signed_lines(ledger: SqlLedger, month: str) -> tuple[str, ...]:
    """Who prepared and who reviewed the last statement of a month; empty for one that is not closed."""
    closed = acts_about(ledger, ActKind.CLOSE, month)
    if not closed:
        return ()
    manifest = closed[-1].body.get("manifest_sha256")
    number = closed[-1].body.get("number")
    what = f"Restatement {number} prepared" if number else "Prepared"
    lines = [f"{what} by {_who(closed[-1])}, manifest SHA-256 {manifest}"]
    for act in acts_about(ledger, ActKind.SIGN, month):
        if act.body.get("manifest_sha256") == manifest:
            names = "names verified" if act.body.get("names_verified") else "names not verified"
            lines.append(f"Reviewed by {_who(act)}, {names}")
    return tuple(lines)


def _who(act: RecordedAct) -> str:
    return f"{act.by} (user {act.os_user} on {act.host}) at {utc(act.at)}"


def month_data(ledger: SqlLedger, period: Period) -> dict[str, Any]:
    """What the ledger holds of a period beyond the report of its last run: its runs, fixes and people's acts."""
    return {
        "period": {"since": instant(period.since), "until": instant(period.until), "words": period.words},
        "runs": [
            {
                "id": each.id,
                "mode": each.mode.value,
                "result": each.result.value,
                "complete": each.counts,
                "exit_code": each.exit_code,
                "started_at": instant(each.started_at),
                "as_of": instant(each.as_of),
                "drift": each.totals.drift,
                "held": each.totals.held,
                "approved_by": each.approved_by,
            }
            for each in ledger.runs_between(period.since, period.until)
        ],
        "fixes": [
            {
                "run_id": each.run_id,
                "approved_by": each.approved_by,
                "org_id": each.outcome.fix.org_id,
                "drift_id": without_email(each.outcome.fix.drift_id),
                "call": each.outcome.fix.call.value,
                "arguments": dict(each.outcome.fix.arguments),
                "expects": dict(each.outcome.fix.expects),
                "result": each.outcome.result.value,
                "at": instant(each.outcome.at),
            }
            for each in ledger.outcomes_between(period.since, period.until)
        ],
        "acts": [
            {
                "event": each.seq,
                "kind": each.kind.value,
                "subject": without_email(each.subject),
                "by": without_email(each.by),
                "os_user": each.os_user,
                "host": each.host,
                "at": instant(each.at),
                "reason": without_email(each.reason),
            }
            for each in ledger.acts_between(period.since, period.until)
        ],
    }

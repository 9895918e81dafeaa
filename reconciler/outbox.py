"""Gathers what goes out to people: the receivers of the settings, the news of a run, and the report of a month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from reconciler.errors import LedgerError
from reconciler.gather import Period, background_of, month_period, signed_lines
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.logs import hide
from reconciler.model.run import RunRecord
from reconciler.notify.memory import Memory
from reconciler.notify.messages import Messages
from reconciler.notify.news import Ending, MonthOver
from reconciler.notify.post import Post
from reconciler.reports.render import ReportFormat, render
from reconciler.settings import Settings, read_reference

_SOON = timedelta(days=7)  # people are told so long before an agreement ends


def receivers(settings: Settings, environ: Mapping[str, str]) -> tuple[list[str], str]:
    """The URLs of [notify] and the one that is pinged, from where they are kept. Raises CredentialError."""
    said = settings.notify
    urls = [read_reference(url, "[notify] urls", environ).get_secret_value() for url in said.urls]
    ping = read_reference(said.ping_url, "[notify] ping_url", environ).get_secret_value() if said.ping_url else ""
    for secret in (*urls, ping):
        hide(secret)
    return urls, ping


def make_post(settings: Settings, environ: Mapping[str, str], memory: Memory) -> Post:
    """What sends to the receivers of the settings. Raises CredentialError."""
    return Post(receivers(settings, environ)[0], memory)


def run_messages(settings: Settings, environ: Mapping[str, str], ledger: SqlLedger, memory: Memory) -> Messages:
    """What tells people of each run. Raises CredentialError."""
    urls, ping_url = receivers(settings, environ)
    return Messages(
        urls,
        ping_url=ping_url,
        after=settings.notify.after,
        memory=memory,
        endings=lambda run: tuple(_endings(ledger, run.finished_at)),
        month_over=lambda run: month_over(run, settings, ledger),
    )


def month_over(run: RunRecord, settings: Settings, ledger: SqlLedger) -> MonthOver | None:
    """The month before that of `run`, in `[reports] timezone`; None where it had no complete run. Raises LedgerError.

    Its report is the one of `reconcile report --month`.
    """
    timezone = settings.reports.timezone
    day = run.started_at.astimezone(ZoneInfo(timezone)).date().replace(day=1) - timedelta(days=1)
    month, period = f"{day:%Y-%m}", month_period(day, timezone)
    last = ledger.last_complete_run(period.until)
    if last is None or last.started_at < period.since:
        return None
    counts = f"{last.totals.drift} drifts, {last.totals.held} held"
    return MonthOver(
        month=month,
        text=f"Its report is attached, by the last complete run of {period.words}, {last.id}: {counts}. "
        f"To freeze and sign it: reconcile close {month} --by NAME",
        xlsx=lambda: _xlsx(last.id, month, period, settings, ledger),
    )


def _xlsx(run_id: str, month: str, period: Period, settings: Settings, ledger: SqlLedger) -> bytes:
    run = ledger.run(run_id)
    if run is None:
        raise LedgerError(f"The run {run_id} is no longer in the ledger", remedy="See reconcile runs")
    beside = background_of(run, settings, ledger, period=period, signed=signed_lines(ledger, month))
    return render(run, ReportFormat.XLSX, beside=beside)


def _endings(ledger: SqlLedger, now: datetime) -> Iterator[Ending]:
    soon = now + _SOON
    for told in ledger.waivers(now):
        waiver = told.waiver
        if now < waiver.until <= soon:
            text = f"The waiver of {waiver.drift_id} by {waiver.by} ends {waiver.until:%Y-%m-%d}: {waiver.reason}"
            yield Ending(key=f"waiver {waiver.drift_id} {waiver.until.isoformat()}", text=text)
    for contract in ledger.contracts():
        if contract.end is not None and now.date() <= contract.end <= soon.date():
            text = f"The contract {contract.reference} of {contract.org_id} for {contract.tier} ends {contract.end}"
            yield Ending(key=f"contract {contract.id} {contract.end}", text=text)

"""What lies ahead in thirty days, what people agreed on, and what nothing is concluded of because it is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from reconciler.model.drift import Decided, Decision
from reconciler.model.money import Money
from reconciler.model.run import RunRecord
from reconciler.reports.background import Background
from reconciler.reports.document import listed, plain
from reconciler.reports.remedies import remedy_of
from reconciler.reports.tables import Cell, Column, Kind, Sheet, Table

UPCOMING, AGREED, HELD = "Upcoming", "Contracts and waivers", "Held"
AHEAD = timedelta(days=30)
# Where rules and sources say when something ends.
_DATES = ("until", "cancel_at", "trial_end", "next_at", "resumes_at")


def upcoming_sheet(run: RunRecord, beside: Background) -> Sheet:
    """Cancels, trial ends and other changes that wait, and ends of waivers and contracts; soonest first."""
    horizon = run.as_of + AHEAD
    rows = [*_waits(run, horizon), *_ends(run, beside, horizon)]
    rows.sort(key=lambda row: (row[0] is None, str(row[0]), str(row[1]), str(row[2])))
    return Sheet(
        title=UPCOMING,
        tables=(
            Table(
                key="upcoming",
                title="The next 30 days",
                columns=(
                    Column(key="at", label="When", kind=Kind.MOMENT, width=17),
                    Column(key="what", label="What", kind=Kind.WORD, width=24),
                    Column(key="org_id", label="Organisation", kind=Kind.ID, width=42),
                    Column(key="org_name", label="Name", width=28),
                    Column(key="text", label="What it is", width=60),
                    Column(key="at_risk", label="At risk", kind=Kind.MONEY, width=14),
                    Column(key="drift_id", label="Drift", kind=Kind.ID, width=50),
                ),
                rows=tuple(rows),
                about="Lawful for now, no drift. Without a date: the end of the wait is not known.",
            ),
        ),
    )


def _waits(run: RunRecord, horizon: datetime) -> Iterator[tuple[Cell, ...]]:
    for decision in listed(run):
        if decision.decided is not Decided.WAIT:
            continue
        drift = decision.drift
        at = decision.waived_until or _ahead(decision, run.as_of)
        if at is not None and at > horizon:
            continue
        risk = drift.money.at_risk if drift.money else None
        yield (
            at,
            "waiver ends" if decision.waived_until else drift.code.value,
            drift.org_id,
            drift.org_name or None,
            drift.text,
            Money(minor=risk, currency=drift.money.currency) if drift.money and risk else None,
            drift.id,
        )


def _ahead(decision: Decision, as_of: datetime) -> datetime | None:
    """The next date ahead that the drift or its evidence names."""
    effective = decision.drift.effective_at
    dates = [effective] if effective else []
    dates += _dates_in(plain(decision.drift.evidence))
    return min((date for date in dates if date > as_of), default=None)


def _dates_in(value: Any) -> Iterator[datetime]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in _DATES and isinstance(inner, str):
                yield from _read(inner)
            else:
                yield from _dates_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _dates_in(inner)


def _read(text: str) -> Iterator[datetime]:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return
    yield moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _ends(run: RunRecord, beside: Background, horizon: datetime) -> Iterator[tuple[Cell, ...]]:
    names = _names(run)
    for contract in beside.contracts:
        end = datetime.combine(contract.end + timedelta(days=1), time.min, UTC) if contract.end else None
        if end and run.as_of < end <= horizon:
            text = f"Contract {contract.reference} for {contract.tier}, approved by {contract.approver}"
            yield (end, "contract ends", contract.org_id, names.get(contract.org_id), text, None, None)


def _names(run: RunRecord) -> dict[str, str | None]:
    known = {each.drift.org_id: each.drift.org_name or None for each in run.decisions if each.drift.org_id}
    return {**known, **{org.id: org.name for org in run.orgs}}


def agreed_sheet(run: RunRecord, beside: Background) -> Sheet:
    """Waivers and contracts as they stand."""
    names = _names(run)
    drifts = {each.drift.id: each.drift for each in run.decisions}
    return Sheet(
        title=AGREED,
        tables=(
            Table(
                key="contracts",
                title="Contracts",
                columns=(
                    Column(key="org_id", label="Organisation", kind=Kind.ID, width=42),
                    Column(key="org_name", label="Name", width=28),
                    Column(key="tier", label="Tier", kind=Kind.WORD, width=16),
                    Column(key="amount", label="Amount", kind=Kind.MONEY, width=14),
                    Column(key="period", label="Per", kind=Kind.WORD, width=12),
                    Column(key="start", label="From", width=12),
                    Column(key="end", label="To", width=12),
                    Column(key="approver", label="Approved by", width=20),
                    Column(key="reference", label="Reference", width=28),
                    Column(key="contract_id", label="Contract", kind=Kind.ID, width=24),
                ),
                rows=tuple(
                    (
                        each.org_id,
                        names.get(each.org_id),
                        each.tier,
                        Money(minor=each.amount_minor, currency=each.currency),
                        f"{each.period.count} {each.period.interval.value}",
                        each.start.isoformat(),
                        each.end.isoformat() if each.end else None,
                        each.approver,
                        each.reference,
                        each.id,
                    )
                    for each in sorted(beside.contracts, key=lambda each: (each.org_id, each.start, each.id))
                ),
                about="Tiers agreed outside billing; both days belong to them.",
            ),
            Table(
                key="waivers",
                title="Waivers",
                columns=(
                    Column(key="drift_id", label="Drift", kind=Kind.ID, width=42),
                    Column(key="org_name", label="Name", width=28),
                    Column(key="until", label="Until", kind=Kind.MOMENT, width=17),
                    Column(key="by", label="By", width=20),
                    Column(key="reason", label="Reason", width=44),
                    Column(key="at", label="Said", kind=Kind.MOMENT, width=17),
                    Column(key="pinned", label="Accepts", width=44),
                ),
                rows=tuple(
                    (
                        each.drift_id,
                        drifts[each.drift_id].org_name or None if each.drift_id in drifts else None,
                        each.until,
                        each.by,
                        each.reason,
                        each.at,
                        ", ".join(f"{name} {value}" for name, value in sorted(each.pinned.items())) or None,
                    )
                    for each in sorted(beside.waivers, key=lambda each: (each.until, each.drift_id))
                ),
                about="Drifts that a person accepts until a date; other values open them again.",
            ),
        ),
    )


def held_sheet(run: RunRecord) -> Sheet:
    """What nothing is concluded of, and what is missing."""
    return Sheet(
        title=HELD,
        tables=(
            Table(
                key="held",
                title="Held: nothing concluded, no money summed",
                columns=(
                    Column(key="org_id", label="Organisation", kind=Kind.ID, width=42),
                    Column(key="org_name", label="Name", width=28),
                    Column(key="code", label="Code", kind=Kind.WORD, width=24),
                    Column(key="text", label="What is missing", width=60),
                    Column(key="reason", label="Why held", width=44),
                    Column(key="remedy", label="Remedy", width=60),
                    Column(key="first_seen", label="First seen", kind=Kind.MOMENT, width=17),
                    Column(key="runs_seen", label="Runs seen", kind=Kind.COUNT, width=10),
                    Column(key="drift_id", label="Drift", kind=Kind.ID, width=50),
                ),
                rows=tuple(
                    (
                        each.drift.org_id,
                        each.drift.org_name or None,
                        each.drift.code.value,
                        each.drift.text,
                        each.reason,
                        remedy_of(each),
                        each.first_seen,
                        each.runs_seen,
                        each.drift.id,
                    )
                    for each in listed(run)
                    if each.decided is Decided.HOLD
                ),
            ),
        ),
    )

"""The listed drifts as CSV for a spreadsheet: a row each, amounts in minor and in major units, no name a formula."""

from __future__ import annotations

import csv
import io

from reconciler.model.drift import Decision
from reconciler.model.run import RunRecord
from reconciler.reports.document import instant, listed
from reconciler.reports.money_text import major_units
from reconciler.reports.remedies import remedy_of
from reconciler.reports.safe_text import shown

_AMOUNTS = ("leak", "owed", "overbilled", "variance", "at_risk", "overdue")
# What spreadsheets begin a formula with, the wide forms of East Asian keyboards included.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")

COLUMNS = (
    "code",
    "severity",
    "decision",
    "org_id",
    "org_name",
    "primary",
    "blocked_by",
    "has_tier",
    "has_status",
    "due_tier",
    "due_status",
    "currency",
    *(f"{amount}_minor" for amount in _AMOUNTS),
    *_AMOUNTS,
    "effective_at",
    "first_seen",
    "runs_seen",
    "text",
    "remedy",
    "reason",
    "drift_id",
)


def csv_report(run: RunRecord) -> bytes:
    """UTF-8 without BOM, CRLF, a header row, then the drifts in the order of the JSON report.

    Amounts are plain numbers, the monthly ones per month; an empty cell is unpriced, or no money at all. Text that a
    spreadsheet would take for a formula begins with an apostrophe.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for decision in listed(run):
        writer.writerow(_row(decision))
    return file.getvalue().encode()


def _row(decision: Decision) -> list[str]:
    drift, money, due = decision.drift, decision.drift.money, decision.drift.due
    amounts = [getattr(money, amount) if money else None for amount in _AMOUNTS]
    return [
        drift.code.value,
        decision.severity.value,
        decision.decided.value,
        _text(drift.org_id),
        _text(drift.org_name),
        "true" if decision.primary else "false",
        _text(decision.blocked_by),
        _text(drift.has.tier),
        _text(drift.has.status),
        _text(due.tier if due else None),
        _text(due.status if due else None),
        _text(money.currency if money else None),
        *("" if minor is None else str(minor) for minor in amounts),
        *("" if minor is None or money is None else major_units(minor, money.currency) for minor in amounts),
        instant(drift.effective_at) if drift.effective_at else "",
        instant(decision.first_seen),
        str(decision.runs_seen),
        _text(drift.text),
        _text(remedy_of(decision)),
        _text(decision.reason),
        _text(drift.id),
    ]


def _text(value: str | None) -> str:
    if not value:
        return ""
    return ("'" if value.startswith(_FORMULA_STARTS) else "") + shown(value)

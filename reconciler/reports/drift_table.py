"""Every listed drift as a row: what it is, its money, its age, why it was decided so, and room for a person's word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.model.drift import Decided, Decision
from reconciler.model.money import Money
from reconciler.model.run import OutcomeResult, RunRecord
from reconciler.reports.ageing import accrued_money, age_days, bucket, first_seen
from reconciler.reports.background import Background
from reconciler.reports.document import listed
from reconciler.reports.fates import fates_of
from reconciler.reports.links import links_of
from reconciler.reports.remedies import remedy_of
from reconciler.reports.tables import Cell, Column, Kind, Table
from reconciler.reports.words import before_and_after

AMOUNTS = ("leak", "owed", "overbilled", "variance", "at_risk", "overdue")
NO_CURRENCY = "none"

_LABELS = {"at_risk": "At risk", "overdue": "Overdue, once"}
COLUMNS = (
    Column(key="code", label="Code", kind=Kind.WORD, width=23),
    Column(key="org_name", label="Name", width=26),
    Column(key="has_tier", label="Has tier", kind=Kind.WORD, width=14),
    Column(key="due_tier", label="Due tier", kind=Kind.WORD, width=14),
    Column(key="currency", label="Currency", kind=Kind.WORD, width=8),
    *(Column(key=each, label=_LABELS.get(each, each.capitalize()), kind=Kind.MONEY, width=14) for each in AMOUNTS),
    Column(key="accrued", label="Accrued", kind=Kind.MONEY, width=15),
    Column(key="age_days", label="Age, days", kind=Kind.COUNT, width=10),
    Column(key="age", label="Age", kind=Kind.WORD, width=10),
    Column(key="state", label="State", kind=Kind.WORD, width=13),
    Column(key="severity", label="Severity", kind=Kind.WORD, width=9),
    Column(key="decision", label="Decided", kind=Kind.WORD, width=9),
    Column(key="decide", label="Decision", kind=Kind.BLANK, width=10),
    Column(key="decide_until", label="Until", kind=Kind.BLANK, width=11),
    Column(key="decide_reason", label="Reason", kind=Kind.BLANK, width=26),
    Column(key="org_id", label="Organisation", kind=Kind.ID, width=42),
    Column(key="text", label="What it is", width=60),
    Column(key="remedy", label="Remedy", width=60),
    Column(key="reason", label="Why decided so", width=44),
    Column(key="blocked_by", label="Stopped by", kind=Kind.WORD, width=18),
    Column(key="fix", label="Fix", width=38),
    Column(key="fate", label="What became of it", kind=Kind.WORD, width=18),
    Column(key="effective_at", label="In effect since", kind=Kind.MOMENT, width=17),
    Column(key="first_seen", label="First seen", kind=Kind.MOMENT, width=17),
    Column(key="runs_seen", label="Runs seen", kind=Kind.COUNT, width=10),
    Column(key="has_status", label="Has status", kind=Kind.WORD, width=11),
    Column(key="due_status", label="Due status", kind=Kind.WORD, width=11),
    Column(key="primary", label="Main drift", kind=Kind.YES, width=11),
    Column(key="stripe_link", label="Stripe", kind=Kind.LINK, width=8),
    Column(key="lago_link", label="Lago", kind=Kind.LINK, width=8),
    Column(key="drift_id", label="Drift", kind=Kind.ID, width=62),
)


def drift_table(run: RunRecord, beside: Background) -> Table:
    """The drifts in the order of the JSON report. What is held has no money: nothing is concluded about it."""
    return Table(
        key="drifts",
        title="Drifts",
        columns=COLUMNS,
        rows=tuple(_rows(run, beside)),
        about="Money is per month, overdue once. To decide: fill in Decision (waive, ack, approve), Until and Reason, "
        "then run: reconcile decide FILE --by NAME",
    )


def _rows(run: RunRecord, beside: Background) -> Iterator[tuple[Cell, ...]]:
    fates = {fate.planned.fix.drift_id: fate for fate in fates_of(run)}
    fixed = {each.fix.drift_id for each in run.outcomes if each.result is OutcomeResult.FIXED}
    for decision in listed(run):
        drift, due = decision.drift, decision.drift.due
        money = None if decision.decided is Decided.HOLD else drift.money
        seen = first_seen(decision, beside)
        age = age_days(seen, run.as_of)
        fate, links = fates.get(drift.id), links_of(drift.evidence, beside)
        said: Mapping[str, Cell] = {
            "code": drift.code.value,
            "severity": decision.severity.value,
            "decision": decision.decided.value,
            "state": "fixed" if drift.id in fixed else state_of(decision, beside),
            "org_id": drift.org_id,
            "org_name": drift.org_name or None,
            "has_tier": drift.has.tier,
            "due_tier": due.tier if due else None,
            "has_status": drift.has.status,
            "due_status": due.status if due else None,
            "currency": money.currency if money else None,
            **{
                each: None
                if money is None or (minor := getattr(money, each)) is None
                else Money(minor=minor, currency=money.currency)
                for each in AMOUNTS
            },
            "accrued": accrued_money(money, drift.effective_at, run.as_of),
            "effective_at": drift.effective_at,
            "first_seen": seen,
            "age_days": age,
            "age": bucket(age),
            "runs_seen": decision.runs_seen,
            "text": drift.text,
            "remedy": remedy_of(decision),
            "reason": decision.reason,
            "fix": before_and_after(fate.planned) if fate else None,
            "fate": fate.words if fate else None,
            "primary": decision.primary,
            "blocked_by": decision.blocked_by,
            "stripe_link": links.stripe or None,
            "lago_link": links.lago or None,
            "drift_id": drift.id,
        }
        yield tuple(said.get(column.key) for column in COLUMNS)


def state_of(decision: Decision, beside: Background) -> str:
    """`waived` where a person accepted it, else the ledger's word for its state, `open` where it has none."""
    if decision.waived_until is not None:
        return "waived"
    known = beside.known.get(decision.drift.id)
    return known.state if known else "open"

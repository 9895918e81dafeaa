"""Drifts as people read them: what remains, what is upcoming, what is held; in each by code, the most severe first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.model.drift import Code, Decided, Decision, Severity
from reconciler.model.moments import utc
from reconciler.model.run import Approval, RunRecord
from reconciler.reports.document import listed, plain
from reconciler.reports.fates import Fate, fates_of
from reconciler.reports.money_words import columns_of, money_words
from reconciler.reports.remedies import remedy_of
from reconciler.reports.words import counted, has_and_due, since

LONGEST = 10  # of a list in a report that was not asked to be long

_SECTIONS = {
    "Drift": {Decided.FIX, Decided.FLAG},
    "Upcoming: lawful for now, no drift": {Decided.WAIT},
    "Held: nothing concluded, no money summed": {Decided.HOLD},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One drift of a group; `facts` are short phrases, `background` is for who wants to know all of it."""

    key: str
    name: str
    text: str
    remedy: str
    facts: tuple[str, ...]
    decision: Decision

    @property
    def background(self) -> tuple[str, ...]:
        """Why it was decided so, since when it is known, and the evidence, a line for each value."""
        drift = self.decision.drift
        return (
            f"Why {self.decision.decided}: {self.decision.reason}",
            f"First seen {utc(self.decision.first_seen)}, drift {drift.id}",
            *(f"{path}: {value}" for path, value in _leaves(plain(drift.evidence))),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The drifts of one code, the most money first; `severity` is that of the worst, `facts` count and sum them."""

    code: Code
    severity: Severity
    facts: tuple[str, ...]
    entries: tuple[Entry, ...]

    @property
    def shared_remedy(self) -> str | None:
        """The remedy of all of them, if it is the same."""
        remedies = {entry.remedy for entry in self.entries}
        return remedies.pop() if len(remedies) == 1 else None

    def alike(self, length: int) -> Iterator[tuple[str, str, list[Entry]]]:
        """The first `length` entries, together where text and remedy are the same: text, remedy, entries."""
        found: dict[tuple[str, str], list[Entry]] = {}
        for entry in self.entries[:length]:
            found.setdefault((entry.text, entry.remedy), []).append(entry)
        for (text, remedy), entries in found.items():
            yield text, remedy, entries


def sections_of(run: RunRecord) -> dict[str, list[Group]]:
    """Groups by the title of their section; empty sections are left out, and so is what policy ignores."""
    fates = {fate.planned.fix.drift_id: fate for fate in fates_of(run)}
    sections: dict[str, list[Group]] = {}
    decisions = listed(run)
    for title, decided in _SECTIONS.items():
        by_code: dict[Code, list[Decision]] = {}
        for decision in decisions:
            if decision.decided in decided:
                by_code.setdefault(decision.drift.code, []).append(decision)
        if by_code:
            sections[title] = [_group(group, fates, run.as_of) for group in by_code.values()]
    return sections


def _group(decisions: Sequence[Decision], fates: dict[str, Fate], as_of: datetime) -> Group:
    first = decisions[0]
    moneys = [each.drift.money for each in decisions if each.drift.money and each.decided is not Decided.HOLD]
    return Group(
        code=first.drift.code,
        severity=first.severity,
        facts=(counted(len(decisions), "drift"), *money_words(*moneys)),
        entries=tuple(
            _entry(decision, fates.get(decision.drift.id), as_of)
            for decision in sorted(decisions, key=_most_money_first)
        ),
    )


def _most_money_first(decision: Decision) -> tuple[str, int, str, str]:
    money = decision.drift.money
    amount = sum(abs(minor or 0) for minor in columns_of(money).values()) if money else 0
    return (money.currency if money else "", -amount, decision.drift.org_id or "", decision.drift.id)


def _entry(decision: Decision, fate: Fate | None, as_of: datetime) -> Entry:
    drift = decision.drift
    # An applied plan writes what policy holds back: there the fate alone says what became of it.
    let_through = fate is not None and fate.planned.approval is Approval.GIVEN
    facts = [
        has_and_due(drift.has, drift.due),
        *(money_words(drift.money) if drift.money else ()),
        since(drift.effective_at, as_of) if drift.effective_at else "",
        f"seen in {counted(decision.runs_seen, 'run')}" if decision.runs_seen else "new",
        "" if decision.primary else "beside its main drift",
        fate.words if fate else "",
        f"not fixed: {decision.reason.rstrip('.')}" if decision.blocked_by and not let_through else "",
    ]
    return Entry(
        key=drift.org_id or drift.id,
        name=drift.org_name,
        text=drift.text,
        remedy=remedy_of(decision),
        facts=tuple(fact for fact in facts if fact),
        decision=decision,
    )


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every single value with the way to it: `stripe.items.0.price_id`."""
    if isinstance(value, dict):
        branches = list(value.items())
    elif isinstance(value, list):
        branches = list(enumerate(value))
    else:
        yield path, "none" if value is None else str(value)
        return
    for key, branch in branches:
        yield from _leaves(branch, f"{path}.{key}" if path else str(key))

"""How what was open at one time became what is open at another: opening + new + reopened - fixed - ... = closing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from reconciler.model.drift import Decided, Decision
from reconciler.model.money import Money
from reconciler.model.run import OutcomeResult, RunRecord
from reconciler.reports.background import Background, Opening
from reconciler.reports.drift_table import AMOUNTS
from reconciler.reports.tables import Balance, Cell, Column, Kind, Sheet, Table

ROLL_FORWARD = "Roll-forward"


class Movement(StrEnum):
    """What happened to a drift, in the order of the roll-forward's columns."""

    NEW = "new"
    REOPENED = "reopened"
    FIXED = "fixed"
    WAIVED = "waived"
    RESOLVED = "resolved"
    DECIDED_IN = "decided in"
    DECIDED_OUT = "decided out"
    CHANGED = "changed"


_ADDED = (Movement.NEW, Movement.REOPENED, Movement.DECIDED_IN, Movement.CHANGED)
_TAKEN = (Movement.FIXED, Movement.WAIVED, Movement.RESOLVED, Movement.DECIDED_OUT)
_COUNTED = frozenset({Decided.FIX, Decided.FLAG})
_COUNT = ("", "drifts")
# A currency and the name of an amount; the count of drifts stands under no currency.
Measure = tuple[str, str]
Moved = tuple[Movement, Decision, Mapping[Measure, int]]


def open_drifts(run: RunRecord) -> dict[str, Decision]:
    """By id, what a run left open for people or for a later run: neither held, waiting, hidden nor mended by it."""
    fixed = {each.fix.drift_id for each in run.outcomes if each.result is OutcomeResult.FIXED}
    return {each.drift.id: each for each in run.decisions if each.decided in _COUNTED and each.drift.id not in fixed}


def roll_forward_sheet(run: RunRecord, beside: Background) -> Sheet:
    """The movements since `beside.opening`, and each drift that moved; empty without an opening."""
    opening = beside.opening
    moved = list(_moved(run, beside, opening)) if opening else []
    return Sheet(title=ROLL_FORWARD, tables=(_totals(run, opening, moved), _movements(moved)))


def _moved(run: RunRecord, beside: Background, opening: Opening) -> Iterator[Moved]:
    closing = open_drifts(run)
    ended = _Ends(run, beside, opening)
    for drift_id, decision in closing.items():
        before = opening.open.get(drift_id)
        if before is None:
            yield _how_it_came(drift_id, opening), decision, _measured(decision)
        elif changed := _difference(_measured(decision), _measured(before)):
            yield Movement.CHANGED, decision, changed
    for drift_id, before in opening.open.items():
        if drift_id not in closing:
            yield ended.by(drift_id), before, _measured(before)
    here = [each for each in run.decisions if each.drift.id in ended.mended]
    for decision in _once((*opening.passed, *here)):
        drift_id = decision.drift.id
        if drift_id not in closing and drift_id not in opening.open:
            yield _how_it_came(drift_id, opening), decision, _measured(decision)
            yield ended.by(drift_id), decision, _measured(decision)


def _once(decisions: Iterable[Decision]) -> list[Decision]:
    return list({each.drift.id: each for each in decisions}.values())


def _how_it_came(drift_id: str, opening: Opening) -> Movement:
    if drift_id in opening.beside:
        return Movement.DECIDED_IN
    return Movement.REOPENED if drift_id in opening.seen_before else Movement.NEW


class _Ends:
    """How drifts that are open no longer ended: by this run's own fix, by a decision, else as the ledger says."""

    def __init__(self, run: RunRecord, beside: Background, opening: Opening) -> None:
        self.mended = {each.fix.drift_id for each in run.outcomes if each.result is OutcomeResult.FIXED}
        self._still = {each.drift.id: each for each in run.decisions if each.decided not in _COUNTED}
        self._states = {**{drift_id: each.state for drift_id, each in beside.known.items()}, **opening.gone}

    def by(self, drift_id: str) -> Movement:
        if drift_id in self.mended:
            return Movement.FIXED
        if (still := self._still.get(drift_id)) is not None:
            return Movement.WAIVED if still.waived_until else Movement.DECIDED_OUT
        state = self._states.get(drift_id)
        return Movement(state) if state in {Movement.FIXED, Movement.WAIVED} else Movement.RESOLVED


def _measured(decision: Decision) -> dict[Measure, int]:
    money = decision.drift.money
    amounts = {} if money is None else {(money.currency, name): getattr(money, name) or 0 for name in AMOUNTS}
    return {_COUNT: 1, **{measure: minor for measure, minor in amounts.items() if minor}}


def _difference(now: Mapping[Measure, int], before: Mapping[Measure, int]) -> dict[Measure, int]:
    changes = {measure: now.get(measure, 0) - before.get(measure, 0) for measure in {*now, *before}}
    return {measure: change for measure, change in changes.items() if change}


def _totals(run: RunRecord, opening: Opening | None, moved: Iterable[Moved]) -> Table:
    sums: dict[Measure, dict[str, int]] = {}
    ends = (("opening", opening.open if opening else {}), ("closing", open_drifts(run) if opening else {}))
    for name, decisions in ends:
        for decision in decisions.values():
            for measure, minor in _measured(decision).items():
                _add(sums, measure, name, minor)
    for movement, _, measured in moved:
        for measure, minor in measured.items():
            _add(sums, measure, movement, minor)
    if opening:
        sums.setdefault(_COUNT, {})
    parts = ("opening", *Movement, "closing")
    return Table(
        key="roll_forward",
        title="Roll-forward" + (f" from {opening.run_id} to {run.id}" if opening else ""),
        columns=(
            Column(key="measure", label="Of", kind=Kind.WORD),
            Column(key="currency", label="Currency", kind=Kind.WORD),
            Column(key="opening", label="Opening", kind=Kind.MONEY),
            *(Column(key=each, label=_signed(each), kind=Kind.MONEY) for each in Movement),
            Column(key="closing", label="= Closing", kind=Kind.MONEY),
            Column(
                key="residual",
                label="Left over",
                kind=Kind.MONEY,
                formula=Balance(plus=("opening", *_ADDED), minus=(*_TAKEN, "closing")),
            ),
        ),
        rows=tuple(_row(measure, [sums[measure].get(part, 0) for part in parts]) for measure in sorted(sums)),
        about="Drifts to fix or decide; what is held, waived, waits or is hidden is in neither end, and decided in or "
        "out where that changes. Resolved: gone without a fix of ours. Ties out where nothing is left over."
        if opening
        else "There is no earlier complete run to begin from.",
    )


def _signed(movement: Movement) -> str:
    return f"{'-' if movement in _TAKEN else '+'} {movement.value.capitalize()}"


def _add(sums: dict[Measure, dict[str, int]], measure: Measure, part: str, minor: int) -> None:
    parts = sums.setdefault(measure, {})
    parts[part] = parts.get(part, 0) + minor


def _row(measure: Measure, numbers: list[int]) -> tuple[Cell, ...]:
    currency, name = measure
    opening, *moved, closing = numbers
    signs = (-1 if movement in _TAKEN else 1 for movement in Movement)
    residual = opening + sum(sign * number for sign, number in zip(signs, moved, strict=True)) - closing
    cells: Iterable[Cell] = (
        (Money(minor=each, currency=currency) for each in (*numbers, residual)) if currency else (*numbers, residual)
    )
    return (name.replace("_", " "), currency or None, *cells)


def _movements(moved: Iterable[Moved]) -> Table:
    order = list(Movement)
    rows = sorted(moved, key=lambda each: (order.index(each[0]), each[1].drift.code, each[1].drift.id))
    return Table(
        key="movements",
        title="Each drift that moved",
        columns=(
            Column(key="movement", label="Movement", kind=Kind.WORD),
            Column(key="code", label="Code", kind=Kind.WORD),
            Column(key="currency", label="Currency", kind=Kind.WORD),
            *(Column(key=each, label=each.replace("_", " ").capitalize(), kind=Kind.MONEY) for each in AMOUNTS),
            Column(key="org_name", label="Name"),
            Column(key="drift_id", label="Drift", kind=Kind.ID),
        ),
        rows=tuple(_moved_row(*each) for each in rows),
        about="Of what changed, the change.",
    )


def _moved_row(movement: Movement, decision: Decision, measured: Mapping[Measure, int]) -> tuple[Cell, ...]:
    drift = decision.drift
    currency = drift.money.currency if drift.money else ""
    return (
        movement.value,
        drift.code.value,
        currency or None,
        *(
            Money(minor=minor, currency=currency) if (minor := measured.get((currency, name))) else None
            for name in AMOUNTS
        ),
        drift.org_name or None,
        drift.id,
    )

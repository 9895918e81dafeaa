"""Fixes that do not come to last: one that fails again and again, and one that somebody else undoes each time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.model.drift import Code, Drift
from reconciler.rules.case import Case
from reconciler.rules.row import LOWERING
from reconciler.rules.schedules import said

_TRIES = 5
_TIMES_UNDONE = 3


def not_lasting(case: Case, drifts: Iterable[Drift]) -> Iterator[Drift]:
    """What earlier writes of the very fixes of `drifts` ran into, for a person.

    What is undone is written no more, what fails lowers no more. The ledger tells failures in a row since the drift was
    last gone, and the fixes that were written in seven days.
    """
    history = case.world.past.history
    for drift in drifts:
        if drift.fix is None:
            continue
        failures = history.failures.get(drift.fix.key)
        if failures is not None and failures.count >= _TRIES:
            yield case.drift(
                Code.FIX_FAILED,
                subject=drift.id,
                detail=f"{drift.id}, {failures.count} times in a row, the last at {said(failures.last_at)} "
                f"({failures.error})",
                effective_at=failures.last_at,
                stops=LOWERING,  # what the customer pays for is tried again, at most once a day
            )
        written = history.fixed_at.get(drift.fix.key, ())
        if len(written) >= _TIMES_UNDONE:
            values = ", ".join(f"{name} {value}" for name, value in sorted(drift.fix.arguments.items()))
            times = ", ".join(said(at) for at in written)
            yield case.drift(
                Code.FIX_NOT_STICKING,
                subject=drift.id,
                detail=f"{values} was written at {times}, and each time undone",
                effective_at=written[0],
            )

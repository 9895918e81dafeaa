"""Tells what led from the drifts of one run to those of a later one, so that it ties out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from reconciler.ledger.states import DriftState, RecordedDrift


class Moved(StrEnum):
    """How a drift came to count, or to count no longer.

    opening + new + reopened + decided in - fixed - resolved - waived - decided out = closing, in count; in money with
    `changed`, what those that count at both ends are worth more or less, on its right side.
    """

    NEW = "new"
    REOPENED = "reopened"  # it was gone or waived before
    DECIDED_IN = "decided in"  # it was there, and did not count by what was decided about it
    FIXED = "fixed"
    RESOLVED = "resolved"
    WAIVED = "waived"
    DECIDED_OUT = "decided out"
    KEPT = "kept"

    @property
    def sign(self) -> int:
        """1 where it adds to the opening, -1 where it takes away, 0 where it does neither."""
        if self in {Moved.NEW, Moved.REOPENED, Moved.DECIDED_IN}:
            return 1
        return 0 if self is Moved.KEPT else -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One drift that counts at either end; `before` and `after` as the ledger had it there, None where it had not."""

    moved: Moved
    before: RecordedDrift | None
    after: RecordedDrift | None


def roll_forward(
    opening: Iterable[RecordedDrift],
    closing: Iterable[RecordedDrift],
    *,
    counted: Callable[[RecordedDrift], bool] = lambda _: True,
) -> tuple[Movement, ...]:
    """The movement of each drift that counts at either end, in the order of the closing, then of the opening.

    Both are `SqlLedger.drifts_at` of two runs, all of it. A drift counts while it is neither over nor waived and
    `counted` takes it. One that came and went in between counts at neither end and is not told.
    """
    before = {each.id: each for each in opening}
    after = {each.id: each for each in closing}
    movements: list[Movement] = []
    for drift_id in (*after, *(each for each in before if each not in after)):
        moved = _moved(before.get(drift_id), after.get(drift_id), counted)
        if moved is not None:
            movements.append(Movement(moved=moved, before=before.get(drift_id), after=after.get(drift_id)))
    return tuple(movements)


def _moved(
    before: RecordedDrift | None, after: RecordedDrift | None, counted: Callable[[RecordedDrift], bool]
) -> Moved | None:
    counted_before = before is not None and _stands(before) and counted(before)
    counted_after = after is not None and _stands(after) and counted(after)
    if counted_before and counted_after:
        return Moved.KEPT
    if counted_after and after is not None:
        if before is not None and _stands(before):
            return Moved.DECIDED_IN
        came_back = before is not None or after.first_ever_seen != after.first_seen
        return Moved.REOPENED if came_back else Moved.NEW
    if counted_before:
        return _gone(after)
    return None


def _gone(after: RecordedDrift | None) -> Moved:
    if after is None or after.state is DriftState.RESOLVED:
        return Moved.RESOLVED
    if after.state is DriftState.FIXED:
        return Moved.FIXED
    return Moved.WAIVED if after.state is DriftState.WAIVED else Moved.DECIDED_OUT


def _stands(drift: RecordedDrift) -> bool:
    return not drift.state.is_over and drift.state is not DriftState.WAIVED

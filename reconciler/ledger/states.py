"""What the ledger tells of runs, drifts and people's acts beyond the run record itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from reconciler.model.acts import Waiver
from reconciler.model.drift import Code, Decision
from reconciler.model.run import Outcome, RunMode, RunResult, Totals, Trigger


class EndedAs(StrEnum):
    """How an unbroken sequence of sightings ended."""

    FIXED = "fixed"
    RESOLVED = "resolved"


class DriftState(StrEnum):
    """How a drift stands.

    The last complete run saw it: open, acknowledged by a person, waived (with values that the waiver pins), or
    reopened: it was gone before, or a waiver no longer holds. It did not: fixed by us, or resolved elsewhere.
    """

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    WAIVED = "waived"
    REOPENED = "reopened"
    FIXED = "fixed"
    RESOLVED = "resolved"

    @property
    def is_over(self) -> bool:
        """Whether the last complete run did not see it, or a fix ended it since."""
        return self in {DriftState.FIXED, DriftState.RESOLVED}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDrift:
    """A drift that complete runs saw, how it stands at an instant, and the last that any run decided about it.

    `first_seen`, `last_seen` and `runs_seen` are of its latest unbroken sequence of complete runs, which is also what
    the decision carries; `first_ever_seen` is when its first sequence began, earlier for a drift that came back.
    `waiver` is the last one that was not taken back, whether or not it still holds.
    """

    id: str
    code: Code
    org_id: str | None
    state: DriftState
    first_seen: datetime
    last_seen: datetime
    runs_seen: int
    first_ever_seen: datetime
    decision: Decision
    waiver: Waiver | None = None

    def age(self, now: datetime) -> timedelta:
        """How long ago it was first seen, in its first sequence; up to when it was last seen for one that is over."""
        return (self.last_seen if self.state.is_over else now) - self.first_ever_seen


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A run as one line of a list; `counts` when it is a complete run in the sense of design.md."""

    id: str
    mode: RunMode
    trigger: Trigger
    result: RunResult
    complete: bool
    partial: bool
    counts: bool
    exit_code: int
    started_at: datetime
    finished_at: datetime
    as_of: datetime
    refusal: str | None
    totals: Totals
    approved_by: str | None = None
    refusal_digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedOutcome:
    """What became of a fix, by the run that wrote it; `approved_by` where a person's word let it."""

    run_id: str
    approved_by: str | None
    outcome: Outcome


class WaiverState(StrEnum):
    """Whether a waiver does what it was given for."""

    HOLDS = "holds"  # its drift is open, with the values that it pins
    CHANGED = "changed"  # its drift is open with other values, and so not waived
    UNUSED = "unused"  # its drift is not open
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedWaiver:
    """A waiver that was not taken back, how it stands, and its drift as it was last seen (None: never recorded)."""

    waiver: Waiver
    state: WaiverState
    drift: RecordedDrift | None

"""What the ledger tells of runs and drifts beyond the run record itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.model.drift import Code, Decision
from reconciler.model.run import RunMode, RunResult, Totals, Trigger


class DriftState(StrEnum):
    """Whether the last complete run saw a drift; if not, whether a fix of ours ended it."""

    OPEN = "open"
    FIXED = "fixed"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDrift:
    """A drift that complete runs saw, and the last decision about it by any run.

    `first_seen`, `last_seen` and `runs_seen` are of its latest unbroken sequence of complete runs, which is also what
    the decision carries; `first_ever_seen` is when its first sequence began, earlier for a drift that came back.
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

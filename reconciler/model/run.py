"""The plan of a run, what became of its fixes, and the record from which every report is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reconciler.model.billing import Source
from reconciler.model.drift import Decision, Direction, Fix
from reconciler.model.observation import ReadProof, SideRead
from reconciler.model.orgs import Org


class Approval(StrEnum):
    """Whether a fix may be written by a pass, or waits for a person's word."""

    GIVEN = "given"
    NEEDED = "needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFix:
    """A fix of the plan and whether it may be written; `released`: a person acknowledged it above the limits."""

    fix: Fix
    approval: Approval
    released: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The fixes of a run in the order of writing; `refused_by` names the limit that refuses a direction.

    `digest` is `sha256:` and the hash over the fixes alone, so two runs over the same facts give the same digest.
    `notes` say in figures what refuses a direction, and what else a reader of the plan must know.
    """

    digest: str
    fixes: tuple[PlannedFix, ...]
    refused_by: Mapping[Direction, str]
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def to_write(self) -> tuple[Fix, ...]:
        """What a pass may write: approved, and in a direction that no limit refuses unless it is released."""
        return tuple(
            planned.fix
            for planned in self.fixes
            if planned.approval is Approval.GIVEN and (planned.released or planned.fix.direction not in self.refused_by)
        )


class OutcomeResult(StrEnum):
    """What became of a fix: written and read back, no longer true, refused or read back otherwise, not tried."""

    FIXED = "fixed"
    STALE = "stale"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one fix, and when; `written` where the store took it or may have, however it was read back."""

    fix: Fix
    result: OutcomeResult
    at: datetime
    error: str | None = None
    written: bool = False


class Shows(StrEnum):
    """What the store shows of a fix that may or may not have been written."""

    WRITTEN = "written"
    NOT_WRITTEN = "not written"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A run that left no record, and what the store showed of each fix that it had meant to write."""

    run_id: str
    at: datetime
    fixes: tuple[tuple[Fix, Shows], ...]


class RunMode(StrEnum):
    """Whether a run may write, and if so how its policy stands."""

    DRY_RUN = "dry-run"
    FIX = "fix"
    FLAG = "flag"


class RunResult(StrEnum):
    """The word that a report begins with."""

    CLEAN = "clean"
    DRIFT = "drift"
    INCOMPLETE = "incomplete"
    REFUSED = "refused"
    FAILED = "failed"


class Trigger(StrEnum):
    """Who started a run."""

    CLI = "cli"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRead:
    """How one side was read, for the report; `about` and `side_reads` are those of its snapshot."""

    complete: bool
    rows: int
    proof: ReadProof | None = None
    problem: str | None = None
    about: str = ""
    side_reads: tuple[SideRead, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyTotals:
    """Monthly minor units of one currency; `residual` is what the tie-out leaves over, and must be 0.

    billed - overbilled + variance + leak - owed = had (drift_codes.md, Tie-out). `unpriced` counts what was left out.
    """

    leak: int = 0
    owed: int = 0
    overbilled: int = 0
    variance: int = 0
    at_risk: int = 0
    overdue: int = 0
    billed: int = 0
    had: int = 0
    residual: int = 0
    unpriced: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargedTwice:
    """An organisation whose money Lago and Stripe may both take; monthly minor units of each, None where unpriced."""

    org_id: str
    org_name: str
    currency: str
    lago: int | None
    stripe: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Organisations, each counted once, drifts by code, and money by currency.

    Beside them `other_products`: how many live subscriptions of each source are of nothing but other products; and
    who may be `charged_twice`. Both are None in the records of versions that did not count them.
    """

    orgs: int
    in_sync: int
    waiting: int
    drift: int
    held: int
    waived: int
    excluded: int
    unclaimed: int
    by_code: Mapping[str, int]
    money: Mapping[str, CurrencyTotals]
    other_products: Mapping[str, int] | None = None
    charged_twice: tuple[ChargedTwice, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSubscription:
    """A subscription as a run saw it: a hash over all that rules look at, and when the change it waits for is due."""

    id: str
    digest: str
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerHead:
    """How far the ledger's chain of events had come: their number, and the hash over the last, which holds all others.

    Whoever keeps it elsewhere can show that nothing up to there was changed or taken away since.
    """

    events: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run, whole: what was read, concluded, planned and done. Reports are made from this and nothing else.

    `partial` runs looked at some organisations or codes only; `orgs` is what the run saw of every organisation,
    `subscriptions` of every subscription that has not ended. `ledger` is the head of the ledger once it held the run.
    `refusal_digest` is what a person acknowledges where a limit refused: the plan's, or that of the refusal of the
    whole run; None where nothing was refused. `explained` are earlier runs that left no record. `approved_by` is the
    person by whose word a plan was applied.
    """

    id: str
    mode: RunMode
    result: RunResult
    complete: bool
    partial: bool
    exit_code: int
    started_at: datetime
    finished_at: datetime
    as_of: datetime
    version: str
    config_sha256: str
    trigger: Trigger
    refusal: str | None
    notes: tuple[str, ...]
    store: SourceRead
    sources: Mapping[Source, SourceRead]
    totals: Totals
    decisions: tuple[Decision, ...]
    plan: Plan
    outcomes: tuple[Outcome, ...]
    orgs: tuple[Org, ...]
    subscriptions: tuple[SeenSubscription, ...] = ()
    ledger: LedgerHead | None = None
    refusal_digest: str | None = None
    explained: tuple[Explained, ...] = ()
    approved_by: str | None = None

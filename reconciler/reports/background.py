"""What a report tells beside its run: addresses of screens, and what the ledger knows of drifts, people and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.model.acts import Contract, Waiver
from reconciler.model.drift import Decision
from reconciler.model.run import Outcome, RunResult, Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A drift as the ledger knows it: its state in a word, and when its very first sequence of runs began."""

    state: str
    first_ever_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An earlier run, as one point of a trend."""

    id: str
    as_of: datetime
    result: RunResult
    totals: Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What was open where a roll-forward begins, what came and went since, and what had been seen before that.

    `open` are decisions by drift id; `beside` are drifts that were there and not counted as open: held, waiting, waived
    or hidden. `gone` tells of drifts that are there no longer, by id, how they ended; `passed` came and went meanwhile.
    """

    run_id: str
    as_of: datetime
    open: Mapping[str, Decision]
    beside: frozenset[str] = frozenset()
    seen_before: frozenset[str] = frozenset()
    gone: Mapping[str, str] = field(default_factory=dict)
    passed: tuple[Decision, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of a fix of another run of the period, and by whose word it was written (None: by policy)."""

    run_id: str
    approved_by: str | None
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """Everything that a report tells beyond its RunRecord; each part is empty where it is not known.

    `written` are fixes of other runs of the period that the report covers; `period` says in words which. `signed` are
    lines about who prepared and reviewed. `names` are those of organisations by id, as far as their drifts tell them.
    """

    lago_app_url: str = ""
    stripe_account: str = ""
    livemode: bool | None = None
    known: Mapping[str, Known] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    contracts: tuple[Contract, ...] = ()
    written: tuple[Written, ...] = ()
    trend: tuple[Earlier, ...] = ()
    opening: Opening | None = None
    signed: tuple[str, ...] = ()
    period: str = ""


NO_BACKGROUND = Background()

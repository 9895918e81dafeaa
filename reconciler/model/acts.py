"""What people said about drifts, organisations and refusals: kept in the ledger, heard by the rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from reconciler.model.money import MONTH, Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A person's word that a drift is accepted until a moment.

    It pins the values it accepts: `pinned` is `Drift.values` of the drift as it was waived; another value reopens it.
    """

    drift_id: str
    pinned: Mapping[str, str]
    until: datetime
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A tier agreed outside billing from `start` to `end`, both days included; no `end`: until it is ended.

    `amount_minor` of `currency` per `period`; 0 for a comp. It grants by itself (drift_codes.md, Authority).
    """

    id: str
    org_id: str
    tier: str
    amount_minor: int
    currency: str
    start: date
    approver: str
    reference: str
    end: date | None = None
    period: Period = MONTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A person's word, for 24 hours, for what limits refused: everything that was recorded under `digest`.

    `digest` is a RunRecord.refusal_digest. `fixes` are the keys (Fix.key) of every fix, approved or not, that a run
    recorded under it in a direction that was refused there. For a whole run that was refused there are none, and
    `population` is how many organisations it held: the baseline from then on.
    """

    digest: str
    until: datetime
    by: str
    reason: str
    at: datetime
    fixes: frozenset[str] = field(default_factory=frozenset)
    population: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts:
    """What people said that bears on a pass, as History has it: read again, cheaply, before each write."""

    waivers: Mapping[str, Waiver] = field(default_factory=dict)
    contracts: tuple[Contract, ...] = ()
    releases: tuple[Release, ...] = ()

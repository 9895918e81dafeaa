"""What people said about drifts, organisations and refusals: kept in the ledger, heard by the rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from reconciler.model.money import MONTH, Period


class ActKind(StrEnum):
    """What a person did; the subject of each in brackets."""

    ACK = "ack"  # a drift is known and being looked after (drift)
    WAIVE = "waive"  # (drift)
    UNWAIVE = "unwaive"  # (drift)
    NOTE = "note"  # (drift or organisation)
    CONTRACT = "contract"  # added (organisation)
    CONTRACT_END = "contract_end"  # (contract)
    RELEASE = "release"  # what a limit refused is acknowledged (digest)
    APPLY = "apply"  # a plan file is applied (its seal)
    LINK = "link"  # billing ids were set by hand (organisation)
    DECIDE = "decide"  # decisions of a file were taken over (its name)
    CLOSE = "close"  # a month is closed (month)
    SIGN = "sign"  # a closed month is signed (month)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What one person did: by the name given, and why. `body` holds what the kind says besides, in JSON's types."""

    kind: ActKind
    subject: str
    by: str
    at: datetime
    reason: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAct:
    """An act as the ledger keeps it: with its event's number, and the system's user and host beside the name given."""

    seq: int
    kind: ActKind
    subject: str
    by: str
    os_user: str
    host: str
    at: datetime
    reason: str
    body: Mapping[str, Any]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanUse:
    """By whose word a plan file was applied, and when."""

    by: str
    at: datetime

"""What earlier runs and people left in the ledger, as far as a pass must know it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.model.acts import Contract, Release, Waiver
from reconciler.model.billing import Source
from reconciler.model.drift import Direction, Fix


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """An open drift, or its very fix, as the ledger knows it: since when, in how many complete runs without a gap."""

    first_seen: datetime
    runs_seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgState:
    """An organisation as the last complete run recorded it; `since`: the first complete run that saw it so.

    `since` is None where that was the first complete run of all, in which nothing has changed.
    """

    tier: str
    status: str
    lago_id: str | None
    stripe_id: str | None
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionState:
    """A subscription as the last complete run recorded it: a hash over all that rules look at, since when.

    `since` is as in OrgState. `next_at` is the earliest date that was recorded for the change it waits for.
    """

    digest: str
    since: datetime | None
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TierChange:
    """The last change of an organisation's tier between two complete runs; `our_own`: by a fix of ours.

    `before_our_own`: the tier it had before was itself a fix of ours.
    """

    before: str
    after: str
    seen_at: datetime
    our_own: bool
    before_our_own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneFix:
    """A fix that was written, or may have been; `monthly` minor units of list value, None where it is unpriced."""

    key: str
    direction: Direction
    at: datetime
    currency: str = ""
    monthly: int | None = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """How often in a row a fix failed, when last, and how."""

    count: int
    last_at: datetime
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Latch:
    """A direction that a limit refused and that stays refused until a person acknowledges it.

    `digest` is of the first run that was refused since the last Release for this direction; dry runs do not latch.
    A Release of any digest under which the direction was refused, a dry run's included, ends every latch before it.
    """

    digest: str
    rule: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedRun:
    """A run that meant to write `fixes` from `at` on and left no record: it was killed, or the ledger broke.

    It may have written any of them. Told until a later run is recorded that explains it (RunRecord.explained).
    """

    run_id: str
    at: datetime
    fixes: tuple[Fix, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a pass must know of earlier ones; empty before the first.

    `population` counts the organisations of the last complete run, `source_rows` the customers and subscriptions of
    each source. `confirmations` are by `Decision.confirms`, and hold for runs under `config_sha256` only. `orgs` and
    `subscriptions` are what the last complete run recorded, by id. `done` are the fixes of the last 24 hours;
    `fixed_at` when each fix, by key, was done in the last seven days; `failures` by the same key. `own_status` holds
    organisations whose last change of status was a write of ours that every complete run since saw, with that status;
    `status_set` the status that our last write of one gave each organisation, however long ago.
    `waivers` are by drift. A waiver or release is told until 24 hours after its end, a contract for good. `done` counts
    every fix of an unfinished run, of an explained one all but those that the store showed as not written; these are no
    proof of a write of ours, since somebody else may have done the same. `unfinished` are in the order in which they
    began to write.
    """

    open_drifts: Mapping[str, Sighting] = field(default_factory=dict)
    done: tuple[DoneFix, ...] = ()
    population: int | None = None
    source_rows: Mapping[Source, int] = field(default_factory=dict)
    confirmations: Mapping[str, Sighting] = field(default_factory=dict)
    config_sha256: str = ""
    orgs: Mapping[str, OrgState] = field(default_factory=dict)
    subscriptions: Mapping[str, SubscriptionState] = field(default_factory=dict)
    tier_changes: Mapping[str, TierChange] = field(default_factory=dict)
    own_status: Mapping[str, str] = field(default_factory=dict)
    status_set: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[str, Failures] = field(default_factory=dict)
    fixed_at: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    waivers: Mapping[str, Waiver] = field(default_factory=dict)
    contracts: tuple[Contract, ...] = ()
    releases: tuple[Release, ...] = ()
    latches: Mapping[Direction, Latch] = field(default_factory=dict)
    unfinished: tuple[UnfinishedRun, ...] = ()

"""What one pass saw: the store, each source's snapshot with its proof, and what the ledger remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from reconciler.model.billing import Customer, Source, Subscription
from reconciler.model.drift import Direction
from reconciler.model.orgs import InvalidRecord, Org


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedRange:
    """Rows created from `from_s` on and before `before_s`, in seconds of the epoch; None: without a bound."""

    from_s: int | None = None
    before_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListProof:
    """How one list of a source was read, and in which ranges of creation, newest first, where it was read in ranges.

    `counted` is how many rows the source itself said there were when its last page was read, None where it does not
    say. `first_id` and `last_id` are the ends of the list in the source's own order, empty where it held nothing.
    """

    name: str
    rows: int
    pages: int
    counted: int | None = None
    first_id: str = ""
    last_id: str = ""
    ranges: tuple[CreatedRange, ...] = ()

    @property
    def adjoins(self) -> bool:
        """Whether the ranges leave no gap and do not overlap, from the newest row there may be to the oldest."""
        if not self.ranges:
            return True
        open_ended = self.ranges[0].before_s is None and self.ranges[-1].from_s is None
        return open_ended and all(a.from_s == b.before_s for a, b in pairwise(self.ranges))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadProof:
    """How a source was read: counts of rows, pages, requests and retries, and the window in which it happened.

    `lists` tells it of each list that was read, as far as it was.
    """

    read_from: datetime
    read_until: datetime
    rows: int = 0
    pages: int = 0
    requests: int = 0
    retries: int = 0
    lists: tuple[ListProof, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What one source said. Without `complete`, absence from it proves nothing, and `problem` says what is missing."""

    source: Source
    customers: tuple[Customer, ...]
    subscriptions: tuple[Subscription, ...]
    complete: bool
    proof: ReadProof
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerReading:
    """One customer read afresh, with all subscriptions, ended ones included. Always whole: else the read raises."""

    customer: Customer
    subscriptions: tuple[Subscription, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreReading:
    """Every organisation of the store, in file order, the records that are not sound, and a version to compare."""

    orgs: tuple[Org, ...]
    invalid: tuple[InvalidRecord, ...]
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """An open drift, or its very fix, as the ledger knows it: since when, in how many complete runs without a gap."""

    first_seen: datetime
    runs_seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What earlier runs left: open drifts, fixes done in the last 24 hours, and what the last complete run held.

    `population` counts its organisations, `source_rows` the customers and subscriptions of each source.
    `confirmations` are by `Decision.confirms`, and hold for runs under `config_sha256` only.
    """

    open_drifts: Mapping[str, Sighting] = field(default_factory=dict)
    fixes_done: Mapping[Direction, int] = field(default_factory=dict)
    population: int | None = None
    source_rows: Mapping[Source, int] = field(default_factory=dict)
    confirmations: Mapping[str, Sighting] = field(default_factory=dict)
    config_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """All that a pass knows. A side without a snapshot is not configured."""

    as_of: datetime
    store: StoreReading
    snapshots: Mapping[Source, Snapshot]
    history: History

    @property
    def complete(self) -> bool:
        """Whether every configured source was swept in full and proven."""
        return all(snapshot.complete for snapshot in self.snapshots.values())

"""What one pass saw: the store, and each source's snapshot with its proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from reconciler.model.billing import Customer, Invoice, Source, Subscription
from reconciler.model.history import History
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

    `rows` counts customers and subscriptions that have not ended: ended ones are not always read, and a later run
    must find a number to compare with. `lists` tells of each list that was read, as far as it was.
    """

    read_from: datetime
    read_until: datetime
    rows: int = 0
    pages: int = 0
    requests: int = 0
    retries: int = 0
    lists: tuple[ListProof, ...] = ()


class SideList(StrEnum):
    """What is read beside customers, subscriptions, plans and prices; a run stays complete without it."""

    OPEN_INVOICES = "open invoices"
    LOST_DISPUTES = "invoices with a lost dispute"
    COUPONS = "applied coupons"
    SCHEDULES = "subscription schedules"


@dataclass(frozen=True, slots=True, kw_only=True)
class SideRead:
    """One side list of a source; `problem` says why it was not read, empty where it was read whole."""

    name: SideList
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What one source said. Without `complete`, absence from it proves nothing, and `problem` says what is missing.

    `ended_of` are the customers whose ended subscriptions are in it, None: of all. `about` says who answered, in a few
    words; `notes` are told in the report: words outside the known vocabulary, a version below what is relied on.
    """

    source: Source
    customers: tuple[Customer, ...]
    subscriptions: tuple[Subscription, ...]
    complete: bool
    proof: ReadProof
    problem: str | None = None
    invoices: tuple[Invoice, ...] = ()
    side_reads: tuple[SideRead, ...] = ()
    ended_of: frozenset[str] | None = None
    about: str = ""
    notes: tuple[str, ...] = ()

    def has_read(self, name: SideList) -> bool:
        """Whether a side list was read whole, so that what is not in it is not there."""
        return any(each.name is name and not each.problem for each in self.side_reads)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a pass needs of a source beyond its lists: recorded ids that no list held, and ended subscriptions.

    `ended_of` are customers whose ended subscriptions decide something, as far as the lists left them out.
    """

    recorded_ids: frozenset[str] = frozenset()
    ended_of: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Whether anything is wanted."""
        return bool(self.recorded_ids or self.ended_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerReading:
    """One customer read afresh, with all subscriptions, ended ones included. Always whole: else the read raises.

    `invoices` are those that are unpaid, each read by itself; None where the key may not read invoices.
    """

    customer: Customer
    subscriptions: tuple[Subscription, ...]
    invoices: tuple[Invoice, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreReading:
    """Every organisation of the store, in file order, the records that are not sound, and a version to compare."""

    orgs: tuple[Org, ...]
    invalid: tuple[InvalidRecord, ...]
    version: str


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

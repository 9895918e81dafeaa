"""What the line needs from the outside, as Protocols; bootstrap.py decides which real thing stands behind each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from reconciler.model.acts import Acts, PlanUse
from reconciler.model.billing import Customer, Source
from reconciler.model.drift import Fix
from reconciler.model.history import History
from reconciler.model.observation import CustomerReading, Snapshot, StoreReading, Wanted
from reconciler.model.run import LedgerHead, RunRecord


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        ...


class OrganizationRecord(Protocol):
    """A record of the store as the application's own model has it; `created_at` may be naive, meaning UTC."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def plan_tier(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def lago_customer_id(self) -> str | None: ...
    @property
    def stripe_customer_id(self) -> str | None: ...


class UnsoundRecord(Protocol):
    """A record that the application's own validation refuses; `problem` names no personal data."""

    @property
    def key(self) -> str: ...
    @property
    def problem(self) -> str: ...
    @property
    def readable(self) -> bool: ...


class StoreSnapshot(Protocol):
    """The whole store at one instant, in file order."""

    @property
    def organizations(self) -> Mapping[str, OrganizationRecord]: ...
    @property
    def invalid(self) -> Sequence[UnsoundRecord]: ...
    @property
    def version(self) -> str: ...


class OrgManager(Protocol):
    """The organisation store. Updates return False for an unknown organisation.

    With `expected` (field name to value) an update writes only if the record still holds these values, and raises
    StaleOrganizationError otherwise. Every method may raise another StoreError.
    """

    def snapshot(self) -> StoreSnapshot:
        """Everything, read under one lock."""
        ...

    def get_org(self, org_id: str) -> OrganizationRecord | None:
        """One organisation as it is now."""
        ...

    def update_org_plan(self, org_id: str, plan_tier: str, *, expected: Mapping[str, str | None] | None = None) -> bool:
        """Set the tier."""
        ...

    def update_org_status(self, org_id: str, status: str, *, expected: Mapping[str, str | None] | None = None) -> bool:
        """Set the status."""
        ...

    def update_org_billing_ids(
        self,
        org_id: str,
        lago_id: str | None = None,
        stripe_id: str | None = None,
        *,
        expected: Mapping[str, str | None] | None = None,
    ) -> bool:
        """Set the ids that are given; None leaves an id as it was."""
        ...


class BillingSource(Protocol):
    """Lago or Stripe, read only."""

    @property
    def source(self) -> Source: ...

    def read_all(self, as_of: datetime) -> Snapshot:
        """Every customer and every subscription; ended ones as far as `ended_of` says, and the side lists.

        What could not be read makes the snapshot incomplete, never shorter without saying so. Raises SetupError where
        the key, its mode or the address is at fault; an outage is an incomplete snapshot, not an error. A side list
        that is refused or away is in `side_reads` with its problem, and the snapshot is complete without it.
        """
        ...

    def read_more(self, snapshot: Snapshot, wanted: Wanted, as_of: datetime) -> Snapshot:
        """`snapshot`, a complete one of `read_all`, with what `wanted` names beyond its lists, as it is now.

        A recorded id that leads to a customer which the source deleted adds that customer, `deleted`; one that leads
        nowhere adds nothing. The ended subscriptions of every customer of `wanted.ended_of` are in, and `ended_of` says
        so. What could not be read makes the snapshot incomplete; `proof.rows` stays what the lists held.
        """
        ...

    def read_customer(self, customer: Customer) -> CustomerReading:
        """One customer with every subscription, ended ones included, as it is now.

        A customer that is gone comes back with `deleted`. Raises SourceUnavailableError or SourceRefusedError where
        the answer is not whole.
        """
        ...

    def find_customer(self, org_id: str) -> Customer | None:
        """The customer whose `org_key` is `org_id`, as it is now; None where there is none or the source cannot say.

        Raises SourceUnavailableError or SourceRefusedError.
        """
        ...


class Ledger(Protocol):
    """The append-only history of runs."""

    def history(self, now: datetime) -> History:
        """What earlier runs left. Raises LedgerError."""
        ...

    def acts(self, now: datetime) -> Acts:
        """What people said, the same as `history` tells of it, read without the rest. Raises LedgerError."""
        ...

    def intend(self, run_id: str, fixes: Sequence[Fix], at: datetime) -> None:
        """Keep what a run is about to write, until `record` keeps that run: `history` counts it as done.

        Raises LedgerError; then nothing may be written.
        """
        ...

    def record(self, run: RunRecord) -> LedgerHead:
        """Keep one run, in one transaction; gives how far the chain of events has come with it.

        Raises LedgerError; then nothing of the run was kept.

        The runs that it explains are unfinished no longer.
        """
        ...

    def plan_use(self, seal: str) -> PlanUse | None:
        """By whom and when the plan file sealed by `seal` was applied; None where it was not. Raises LedgerError."""
        ...

    def use_plan(self, seal: str, *, digest: str, by: str, at: datetime) -> None:
        """Keep that the plan file sealed by `seal` is being applied, by whose word.

        A seal is used once. Raises PlanUsedError for one that was used, and LedgerError; then nothing may be written.
        """
        ...


class Watcher(Protocol):
    """Is told how far a pass has come, in any thread; never raises."""

    def expects(self, rows: Mapping[Source, int]) -> None:
        """How many rows each source held in the last complete run."""
        ...

    def page(self, source: Source, rows: int, counted: int) -> None:
        """A page of `rows` was read; the source counts `counted` more in its list than was told before."""
        ...

    def judging(self, orgs: int) -> None:
        """Everything is read."""
        ...

    def applied(self, done: int, of: int) -> None:
        """So many fixes were begun, of so many."""
        ...

    def done(self) -> None:
        """The pass is over, however it ended."""
        ...


class ObservationKeeper(Protocol):
    """Keeps what a pass saw, beside the answers of the sources, which it has by then."""

    def keep(self, *, as_of: datetime, store: StoreReading, history: History) -> None:
        """Everything is read. Never raises."""
        ...


class ReportWriter(Protocol):
    """Puts a run before people."""

    def write(self, run: RunRecord) -> None:
        """Make every configured report of `run`."""
        ...

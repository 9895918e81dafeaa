"""What a pass stands on: the real things, what their owner decided, and how this one pass is to be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.billing import Source
from reconciler.model.history import History
from reconciler.model.run import RunMode, Trigger
from reconciler.model.sealed import SealedPlan
from reconciler.model.terms import Limits, Policy, Terms
from reconciler.ports import BillingSource, Clock, Ledger, ObservationKeeper, OrgManager, ReportWriter, Watcher
from reconciler.rules.decide import Scope


class _Unwatched:
    """A Watcher that shows nothing."""

    def expects(self, rows: Mapping[Source, int]) -> None:
        """Show nothing, here and below."""

    def page(self, source: Source, rows: int, counted: int) -> None:
        """Show nothing."""

    def judging(self, orgs: int) -> None:
        """Show nothing."""

    def applied(self, done: int, of: int) -> None:
        """Show nothing."""

    def done(self) -> None:
        """Show nothing."""


UNWATCHED: Watcher = _Unwatched()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Everything real that a pass stands on, and what its owner decided. Without a ledger nothing is recorded.

    `store_at` is where the store is, as configured, so that a plan made for another is known. Without a
    ledger `remembered` is what is known of earlier runs. With a `keeper` what is read is kept.
    """

    store: OrgManager
    sources: Mapping[Source, BillingSource]
    ledger: Ledger | None
    reports: ReportWriter
    clock: Clock
    terms: Terms
    policy: Policy
    limits: Limits
    config_sha256: str
    version: str
    store_at: str = ""
    remembered: History = field(default_factory=History)
    keeper: ObservationKeeper | None = None
    watcher: Watcher = UNWATCHED


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A person's word that the fixes of a plan may be written, whatever policy says of them."""

    plan: SealedPlan
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """How one pass is to be done; a dry run writes nothing. `notes` are told in the report.

    With `approval` it plans nothing but the fixes of that plan, as far as they still hold.
    """

    mode: RunMode
    scope: Scope = field(default_factory=Scope)
    trigger: Trigger = Trigger.CLI
    notes: tuple[str, ...] = ()
    approval: Approval | None = None

"""Every deliberate error of the product: what is wrong, what was NOT done because of it, and what to do next.

ReconcilerError
├── SetupError                 settings, keys or addresses are at fault; trying again changes nothing
│   ├── SettingsError          the configuration file or a variable
│   ├── CredentialError        a key that is missing, refused, or of the wrong mode
│   └── NotThatSourceError     a server answers, but it is not the Lago or Stripe that was asked for
├── StoreError                 the organisation store
│   ├── StoreMissingError
│   ├── StoreDamagedError
│   ├── StoreAccessError       the system does not let us read or lock it
│   ├── StoreLockedError       another program holds it; try again
│   ├── StoreReadOnlyError
│   ├── StoreWriteError
│   │   └── StoreUnfinishedError  it may yet come about
│   └── StaleOrganizationError the organisation is not as the caller expected
├── SourceUnavailableError     Lago or Stripe does not or no longer answers; try again
├── SourceRefusedError         Lago or Stripe answered and refused one request; giving up on it is right
├── LedgerError                the ledger cannot be opened, read or written
│   └── LedgerMissingError     there is none yet, and none was made
├── SnapshotFileError          a snapshot file is missing, damaged, foreign or newer
├── ReportError                a report cannot be put where it was asked for
├── RunRefusedError            a limit refuses the whole run before anything is judged
│   └── PlanUsedError          a plan that was applied once is not applied again
├── RunLockedError             another run holds the lock of this machine
└── UsageError                 the command was called wrongly
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

NOTHING_DONE = "Nothing was judged or written"


class ReconcilerError(Exception):
    """Root of the tree. `str()` is one line: the problem, what was not done, what to do.

    `exit_code` is what the command ends with when the error reaches it (interfaces.md).
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, problem: str, *, remedy: str, not_done: str = NOTHING_DONE) -> None:
        """Say `problem`, `not_done` and `remedy` without a full stop at their ends."""
        super().__init__(f"{problem}. {not_done}. {remedy}.")
        self.problem = problem
        self.not_done = not_done
        self.remedy = remedy


class SetupError(ReconcilerError):
    """Settings, keys or addresses are at fault; trying again changes nothing."""


class SettingsError(SetupError):
    """A configuration file or environment variable cannot be used as it is."""


class CredentialError(SetupError):
    """A key is missing, refused, or of another mode than configured."""


class NotThatSourceError(SetupError):
    """A server answers at the configured address, but it is not the Lago or Stripe that was asked for."""


class StoreError(ReconcilerError):
    """The organisation store cannot be used as asked."""


class StoreMissingError(StoreError):
    """There is no store at the configured place; none was made."""


class StoreDamagedError(StoreError):
    """The store's file is empty, cut off or not what it should be; it was left as it is."""


class StoreAccessError(StoreError):
    """The system does not let this user read or lock the store."""


class StoreLockedError(StoreError):
    """Another program kept the store locked for longer than the configured time; try again."""


class StoreReadOnlyError(StoreError):
    """A store opened for reading only was asked to write."""


class StoreWriteError(StoreError):
    """A write was refused by the system, or reading it back showed something else."""


class StoreUnfinishedError(StoreWriteError):
    """A write was broken off and may yet come about: the next one to write the store finishes or drops it."""


class StaleOrganizationError(StoreError):
    """The organisation is no longer as the caller expected to find it; nothing was written.

    `expected` and `found` hold only the fields that differ.
    """

    def __init__(
        self, org_id: str, *, expected: Mapping[str, str | None], found: Mapping[str, str | None] | None
    ) -> None:
        """`found` is None when the organisation is no longer there."""
        names = ", ".join(sorted(expected))
        problem = f"{org_id} is no longer in the store" if found is None else f"{org_id} has another {names} by now"
        super().__init__(problem, not_done="The organisation was not written", remedy="The next run judges it anew")
        self.org_id = org_id
        self.expected = dict(expected)
        self.found = None if found is None else dict(found)


class SourceUnavailableError(ReconcilerError):
    """Lago or Stripe does not or no longer answers, or not in time; try again."""

    exit_code = 4


class SourceRefusedError(ReconcilerError):
    """Lago or Stripe answered and refused one request for good."""

    exit_code = 4

    def __init__(
        self, problem: str, *, status: int, remedy: str, not_done: str = "The source counts as not read whole"
    ) -> None:
        """`status` is the HTTP status of the refusal."""
        super().__init__(problem, remedy=remedy, not_done=not_done)
        self.status = status


class LedgerError(ReconcilerError):
    """The ledger cannot be opened, read or written."""


class LedgerMissingError(LedgerError):
    """There is no ledger at the configured place; none was made."""


class SnapshotFileError(ReconcilerError):
    """A snapshot file is missing, damaged, foreign or newer than this version."""


class ReportError(ReconcilerError):
    """A report cannot be put where it was asked for; the run that it tells of stands."""

    def __init__(self, problem: str, *, remedy: str, not_done: str = "The report was not written") -> None:
        """Whatever stood in its place is as it was."""
        super().__init__(problem, remedy=remedy, not_done=not_done)


class RunRefusedError(ReconcilerError):
    """A limit refuses the whole run before anything is judged; `rule` names it."""

    exit_code = 3

    def __init__(self, problem: str, *, rule: str, remedy: str, not_done: str = NOTHING_DONE) -> None:
        """`rule` is the setting or safety rule that refused."""
        super().__init__(problem, remedy=remedy, not_done=not_done)
        self.rule = rule


class PlanUsedError(RunRefusedError):
    """A plan was applied before, and is applied once only."""

    def __init__(self, *, by: str, at: datetime) -> None:
        """Who applied it, and when."""
        super().__init__(
            f"This plan was applied by {by} at {at:%Y-%m-%d %H:%M} UTC",
            rule="plan_used",
            remedy="Make a new one with reconcile --plan-out FILE",
        )


class RunLockedError(ReconcilerError):
    """Another run holds the lock of this machine; try again when it ended."""

    exit_code = 75


class UsageError(ReconcilerError):
    """The command was called with words or values it does not take."""

    exit_code = 64

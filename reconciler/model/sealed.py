"""A plan as it leaves a pass for a person to read, approve and have applied."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.model.drift import Fix

VALID_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedPlan:
    """The fixes of one pass that are left to write, with the store and configuration they were made for.

    `digest` is over the fixes alone, `seal` over all the rest of it: the same for this one plan of this one run only.
    """

    seal: str
    digest: str
    run_id: str
    as_of: datetime
    made_at: datetime
    config_sha256: str
    store_at: str
    fixes: tuple[Fix, ...]

    @property
    def expires_at(self) -> datetime:
        """From when on it may not be applied."""
        return self.made_at + VALID_FOR

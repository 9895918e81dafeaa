"""What stands in a line for the real things: sources that keep or repeat their proofs, a store, a clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from reconciler.errors import StoreReadOnlyError
from reconciler.model.billing import Customer, Source
from reconciler.model.observation import CustomerReading, ReadProof, Snapshot, StoreReading, Wanted
from reconciler.model.orgs import InvalidRecord, Org
from reconciler.ports import BillingSource


class Proven(Protocol):
    """Takes in the proof of each read."""

    def proven(self, proof: ReadProof) -> None:
        """Keep how a read went."""
        ...


class KeepingSource:
    """A source whose proofs are kept; what it answers is kept beneath it."""

    def __init__(self, beneath: BillingSource, keeper: Proven) -> None:
        self._beneath = beneath
        self._keeper = keeper

    @property
    def source(self) -> Source:
        """The same as beneath, like all the rest."""
        return self._beneath.source

    def read_all(self, as_of: datetime) -> Snapshot:
        """The whole source (ports.BillingSource)."""
        return self._proven(self._beneath.read_all(as_of))

    def read_more(self, snapshot: Snapshot, wanted: Wanted, as_of: datetime) -> Snapshot:
        """What no list held (ports.BillingSource)."""
        return self._proven(self._beneath.read_more(snapshot, wanted, as_of))

    def read_customer(self, customer: Customer) -> CustomerReading:
        """One customer (ports.BillingSource)."""
        return self._beneath.read_customer(customer)

    def find_customer(self, org_id: str) -> Customer | None:
        """The customer of an organisation (ports.BillingSource)."""
        return self._beneath.find_customer(org_id)

    def _proven(self, snapshot: Snapshot) -> Snapshot:
        self._keeper.proven(snapshot.proof)
        return snapshot


class KeptSource(KeepingSource):
    """A source that answers from a file: its reads are proven by what proved them then, times and counts included."""

    def __init__(self, beneath: BillingSource, proofs: Sequence[ReadProof]) -> None:
        super().__init__(beneath, self)
        self._proofs = list(proofs)

    def proven(self, proof: ReadProof) -> None:
        """Nothing: it is no proof of anything that happens now."""

    def _proven(self, snapshot: Snapshot) -> Snapshot:
        return replace(snapshot, proof=self._proofs.pop(0)) if self._proofs else snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """A record of the store as ports.OrganizationRecord names its fields."""

    id: str
    name: str
    created_at: datetime
    plan_tier: str
    status: str
    lago_customer_id: str | None
    stripe_customer_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    organizations: Mapping[str, _Record]
    invalid: Sequence[InvalidRecord]
    version: str


class KeptStore:
    """The store as it was; it takes no update."""

    def __init__(self, reading: StoreReading) -> None:
        self._held = _Held(
            organizations={each.id: _record(each) for each in reading.orgs},
            invalid=reading.invalid,
            version=reading.version,
        )

    def snapshot(self) -> _Held:
        """Everything."""
        return self._held

    def get_org(self, org_id: str) -> _Record | None:
        """One organisation as it was."""
        return self._held.organizations.get(org_id)

    def update_org_plan(self, *_: object, **__: object) -> bool:
        """Raise StoreReadOnlyError, as the other two do."""
        raise StoreReadOnlyError(
            "A snapshot file is no store", not_done="Nothing was written", remedy="Run without --from-snapshot"
        )

    update_org_status = update_org_billing_ids = update_org_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptClock:
    """Stands at the moment that is judged."""

    as_of: datetime

    def now(self) -> datetime:
        """That moment."""
        return self.as_of


def _record(org: Org) -> _Record:
    return _Record(
        id=org.id,
        name=org.name,
        created_at=org.created_at,
        plan_tier=org.tier,
        status=org.status,
        lago_customer_id=org.lago_id,
        stripe_customer_id=org.stripe_id,
    )

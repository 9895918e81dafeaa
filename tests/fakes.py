"""An organisation store in memory, a clock that stands still, and reports that are only collected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from builders import NOW
from reconciler.errors import StaleOrganizationError
from reconciler.model.orgs import InvalidRecord, Org
from reconciler.model.run import RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeRecord:
    """A record of the store, by the application's names."""

    id: str
    name: str
    created_at: datetime
    plan_tier: str
    status: str
    lago_customer_id: str | None
    stripe_customer_id: str | None


def record_of(org: Org) -> FakeRecord:
    return FakeRecord(
        id=org.id,
        name=org.name,
        created_at=org.created_at,
        plan_tier=org.tier,
        status=org.status,
        lago_customer_id=org.lago_id,
        stripe_customer_id=org.stripe_id,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeStoreSnapshot:
    organizations: Mapping[str, FakeRecord]
    invalid: tuple[InvalidRecord, ...]
    version: str


@dataclass(slots=True)
class FakeOrgManager:
    """An OrgManager over a dict. `before_update` is called before each write, to let another writer be first."""

    records: dict[str, FakeRecord]
    invalid: tuple[InvalidRecord, ...] = ()
    before_update: Callable[[FakeOrgManager, str], None] | None = None
    fail_with: Exception | None = None
    loses_writes: bool = False
    writes: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @classmethod
    def of(cls, orgs: Iterable[Org]) -> FakeOrgManager:
        return cls({org.id: record_of(org) for org in orgs})

    def snapshot(self) -> FakeStoreSnapshot:
        return FakeStoreSnapshot(
            organizations=dict(self.records), invalid=self.invalid, version=str(hash(frozenset(self.records.items())))
        )

    def get_org(self, org_id: str) -> FakeRecord | None:
        return self.records.get(org_id)

    def update_org_plan(self, org_id: str, plan_tier: str, *, expected: Mapping[str, str | None] | None = None) -> bool:
        return self._update(org_id, {"plan_tier": plan_tier}, expected)

    def update_org_status(self, org_id: str, status: str, *, expected: Mapping[str, str | None] | None = None) -> bool:
        return self._update(org_id, {"status": status}, expected)

    def update_org_billing_ids(
        self,
        org_id: str,
        lago_id: str | None = None,
        stripe_id: str | None = None,
        *,
        expected: Mapping[str, str | None] | None = None,
    ) -> bool:
        given = {"lago_customer_id": lago_id, "stripe_customer_id": stripe_id}
        return self._update(org_id, {name: value for name, value in given.items() if value is not None}, expected)

    def change(self, org_id: str, **fields: str | None) -> None:
        """Change a record behind the manager's back, as the application or a person would."""
        self.records[org_id] = replace(self.records[org_id], **fields)  # type: ignore[arg-type]  # only text fields

    def _update(self, org_id: str, fields: dict[str, str], expected: Mapping[str, str | None] | None) -> bool:
        if self.before_update is not None:
            self.before_update(self, org_id)
        if self.fail_with is not None:
            raise self.fail_with
        record = self.records.get(org_id)
        if record is None:
            return False
        differing = {name: value for name, value in (expected or {}).items() if getattr(record, name) != value}
        if differing:
            raise StaleOrganizationError(
                org_id, expected=differing, found={name: getattr(record, name) for name in differing}
            )
        self.writes.append((org_id, fields))
        if not self.loses_writes:
            self.change(org_id, **fields)
        return True


@dataclass(slots=True)
class FakeClock:
    """Stands at `at` until it is moved."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


@dataclass(slots=True)
class FakeReports:
    """Collects the runs it is given."""

    runs: list[RunRecord] = field(default_factory=list)

    def write(self, run: RunRecord) -> None:
        self.runs.append(run)

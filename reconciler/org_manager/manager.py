"""The OrgManager: the application's fourteen operations, and what the reconciler adds to them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from reconciler.errors import (
    StaleOrganizationError,
    StoreError,
    StoreMissingError,
    StoreWriteError,
)
from reconciler.org_manager.commit import keep_copy
from reconciler.org_manager.copies import Copies
from reconciler.org_manager.files import create_empty
from reconciler.org_manager.locks import require
from reconciler.org_manager.models import DEFAULT_PLAN_TIER, Organization, OrgUser, checked, refuse_unfit, utc_now
from reconciler.org_manager.record_text import append_entry, new_record, remove_entry, set_fields, set_role
from reconciler.org_manager.records import members_named, mentions, read_members, read_organization
from reconciler.org_manager.session import Session, session
from reconciler.org_manager.snapshot import Judge, Snapshot
from reconciler.org_manager.store import Loaded, Records, Store

_LONGEST_NAME = 200
_COMPARED = frozenset({"name", "plan_tier", "status", "lago_customer_id", "stripe_customer_id"})


class OrgManager:
    """The organisation store in one folder, for any number of threads and processes at once.

    Every change is one locked read-modify-write that is on the disk when the method returns. Every method may raise a
    StoreError; an empty or damaged file is one, never an empty answer. Organisations that a method returns are copies:
    changing one changes nothing in the store.
    """

    def __init__(
        self,
        data_dir: str | os.PathLike[str] = "/app/data",
        *,
        create: bool = True,
        read_only: bool = False,
        lock_timeout_s: float | None = None,
        foreign_wait_s: float = 2.0,
        backups_keep: int = 20,
        backups_keep_days: int = 30,
    ) -> None:
        """Make the folder and what is missing of the two files, unless `create=False` or `read_only`.

        Then a missing store raises StoreMissingError. `read_only` writes nothing, ever, and takes shared locks only.
        `lock_timeout_s` bounds the wait for another program's lock (StoreLockedError; None waits for ever),
        `foreign_wait_s` the wait for one that emptied a file to fill it again (StoreDamagedError).
        """
        self.data_dir = Path(data_dir)
        self.store = Store(
            self.data_dir,
            read_only=read_only,
            lock_timeout_s=lock_timeout_s,
            foreign_wait_s=foreign_wait_s,
            copies=Copies(self.data_dir, keep=backups_keep, keep_days=backups_keep_days),
        )
        self.orgs_file = self.store.organizations.path
        self.org_users_file = self.store.org_users.path
        self._thread = threading.local()
        self._judge = Judge()
        if create and not read_only:
            self._create_missing()
        else:
            require(self.orgs_file)

    def _create_missing(self) -> None:
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            for file in (self.store.organizations, self.store.org_users):
                # A file that vanished while copies of it stand is a loss to be told, not a new store.
                if not file.path.exists() and not self.store.copies.of(file.name):
                    create_empty(file.path)
        except OSError as error:
            raise StoreWriteError(
                f"no store can be made in {self.data_dir}: {error.strerror}",
                not_done="None was made",
                remedy="Check the configured folder and the permissions of this user",
            ) from error

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Everything this thread does in the block under one lock, written at its end in one write.

        Nothing is written if the block raises. Reads of this thread see what it changed; `snapshot` sees the store as
        it was. Others wait until the block ends, the application too.
        """
        with self._session():
            yield

    @contextmanager
    def _session(self) -> Iterator[Session]:
        current = self._current()
        if current is not None:
            yield current
            return
        with session(self.store) as ours:
            self._thread.session = ours
            try:
                yield ours
            finally:
                self._thread.session = None

    def _current(self) -> Session | None:
        return getattr(self._thread, "session", None)

    def _organizations(self) -> Records:
        current = self._current()
        return current.organizations if current else self.store.read(self.store.organizations).document

    def _org_users(self) -> Records:
        current = self._current()
        return current.org_users if current else self.store.read(self.store.org_users).document

    def _matching(self, wanted: Callable[[Organization], bool]) -> list[Organization]:
        read = (read_organization(key, record)[0] for key, record in self._organizations().records())
        return [organization for organization in read if organization is not None and wanted(organization)]

    def create_organization(self, name: str, plan_tier: str = DEFAULT_PLAN_TIER) -> str:
        """Add an active organisation without members; gives its new id. Raises ValueError for an unfit name."""
        stripped = name.strip() if name else ""
        if not stripped:
            raise ValueError("Organization name cannot be empty")
        org_id = f"org_{uuid4()}"
        organization = checked(Organization, id=org_id, name=stripped, plan_tier=plan_tier, created_at=utc_now())
        with self._session() as ours:
            if self._matching(lambda other: other.name.lower() == stripped.lower()):
                raise ValueError("An organization with this name already exists")
            ours.organizations.put(org_id, new_record(organization.model_dump()))
            ours.org_users.put(org_id, new_record([]))
        return org_id

    def get_org(self, org_id: str) -> Organization | None:
        """One organisation; None where it is unknown or its record cannot be read."""
        record = self._organizations().record(org_id)
        return None if record is None else read_organization(org_id, record)[0]

    def list_all_organizations(self) -> list[Organization]:
        """Every organisation whose record can be read, in file order."""
        return self._matching(lambda _: True)

    def search_organizations(self, query: str) -> list[Organization]:
        """Those whose name contains the query, in any letter case."""
        return self._matching(lambda organization: query.lower() in organization.name.lower())

    def get_organizations_by_plan(self, plan_tier: str) -> list[Organization]:
        """Those on exactly this tier."""
        return self._matching(lambda organization: organization.plan_tier == plan_tier)

    def update_org_plan(self, org_id: str, plan_tier: str, *, expected: Mapping[str, str | None] | None = None) -> bool:
        """Set the tier; False where the organisation is unknown.

        `expected` maps fields to the values that they must still have, else StaleOrganizationError; for an unknown
        organisation too.
        """
        return self._update(org_id, {"plan_tier": plan_tier}, expected)

    def update_org_status(self, org_id: str, status: str, *, expected: Mapping[str, str | None] | None = None) -> bool:
        """Set the status, like update_org_plan. Raises ValueError for one that the application refuses."""
        return self._update(org_id, {"status": status}, expected)

    def update_org_billing_ids(
        self,
        org_id: str,
        lago_id: str | None = None,
        stripe_id: str | None = None,
        *,
        expected: Mapping[str, str | None] | None = None,
    ) -> bool:
        """Set the ids that are given, like update_org_plan; None leaves one as it was."""
        given = {"lago_customer_id": lago_id, "stripe_customer_id": stripe_id}
        return self._update(org_id, {field: value for field, value in given.items() if value is not None}, expected)

    def _update(self, org_id: str, fields: Mapping[str, str], expected: Mapping[str, str | None] | None) -> bool:
        expected_fields = dict(expected or {})
        unknown = set(expected_fields) - _COMPARED
        if unknown:
            raise ValueError(f"expected: {', '.join(sorted(unknown))} is none of {', '.join(sorted(_COMPARED))}")
        with self._session() as ours:
            record = ours.organizations.record(org_id)
            organization = None if record is None else read_organization(org_id, record)[0]
            if record is None or organization is None:
                if expected is not None:
                    raise StaleOrganizationError(org_id, expected=expected, found=None)
                return False
            found = {field: getattr(organization, field) for field in expected_fields}
            stale = [field for field, value in expected_fields.items() if found[field] != value]
            if stale:
                raise StaleOrganizationError(
                    org_id,
                    expected={field: expected_fields[field] for field in stale},
                    found={field: found[field] for field in stale},
                )
            refuse_unfit(**fields)
            changed = {field: value for field, value in fields.items() if getattr(organization, field) != value}
            if changed:
                ours.organizations.put(org_id, set_fields(record, changed))
        return True

    def add_user_to_org(self, org_id: str, user_id: str, role: str = "member") -> bool:
        """Add a member; False where the organisation is unknown.

        Raises ValueError for one who is a member already, and for an unknown role.
        """
        with self._session() as ours:
            if self.get_org(org_id) is None:
                return False
            members = ours.org_users.record(org_id) or new_record([])
            if members_named(org_id, members, user_id):
                raise ValueError(f"This user is already in organization {org_id}")
            member = checked(OrgUser, org_id=org_id, user_id=user_id, role=role, joined_at=utc_now())
            ours.org_users.put(org_id, append_entry(members, member.model_dump()))
        return True

    def remove_user_from_org(self, org_id: str, user_id: str) -> bool:
        """Remove a member; False where the organisation or the member is unknown."""
        with self._session() as ours:
            members = ours.org_users.record(org_id) or new_record([])
            places = members_named(org_id, members, user_id)
            for place in reversed(places):
                members = remove_entry(members, place)
            if places:
                ours.org_users.put(org_id, members)
        return bool(places)

    def update_user_role(self, org_id: str, user_id: str, new_role: str) -> bool:
        """Set a member's role; False where the organisation or the member is unknown. Raises ValueError."""
        with self._session() as ours:
            members = ours.org_users.record(org_id) or new_record([])
            places = members_named(org_id, members, user_id)
            if places:
                checked(OrgUser, org_id=org_id, user_id=user_id, role=new_role)
                ours.org_users.put(org_id, set_role(members, places[0], new_role))
        return bool(places)

    def get_user_orgs(self, user_id: str) -> list[Organization]:
        """The organisations that the user is a member of, in the order of org_users.json; unknown ones are left out."""
        named = [key for key, record in self._org_users().records() if mentions(record, user_id)]
        organizations = self._organizations()
        records = ((key, organizations.record(key)) for key in named)
        read = (read_organization(key, record)[0] for key, record in records if record is not None)
        return [organization for organization in read if organization is not None]

    def get_org_users(self, org_id: str) -> list[OrgUser]:
        """The members that can be read, in file order; none where the organisation is unknown."""
        record = self._org_users().record(org_id) or new_record([])
        return [member for member, _ in read_members(record) if member is not None]

    def get_user_role_in_org(self, org_id: str, user_id: str) -> str | None:
        """The member's role; None where the organisation or the member is unknown."""
        return next((member.role for member in self.get_org_users(org_id) if member.user_id == user_id), None)

    def snapshot(self) -> Snapshot:
        """All organisations, read under one lock, with the invalid records of both files.

        Finishes first what a writer that died left half written, since the application would read that as no store at
        all. Keeps a good copy of what it read where the newest is neither the same nor fresh. Raises StoreError.
        """
        current = self._current()
        if current:
            organizations, org_users = current.organizations.loaded, current.org_users.loaded
            return self._judge.snapshot(organizations, org_users)
        self._finish_left_writes()
        organizations, members = self.store.read(self.store.organizations), self._users_if_any()
        self._keep_due_copies()
        return self._judge.snapshot(organizations, members)

    def _users_if_any(self) -> Loaded | None:
        try:
            return self.store.read(self.store.org_users)
        except StoreMissingError:  # the application takes a missing one for no members, rightly
            return None

    def _finish_left_writes(self) -> None:
        if not self.store.read_only and self.store.journal_path.exists():
            # Reading goes on where this user may not write: it takes the content from the journal.
            with suppress(StoreError), session(self.store):
                pass

    def _keep_due_copies(self) -> None:
        if self.store.read_only:
            return
        files = (self.store.organizations, self.store.org_users)
        if any(file.kept and self.store.copies.is_due(file.name, file.kept.checksum) for file in files):
            # Reading goes on where this user may not write, or another program holds the lock.
            with suppress(StoreError), session(self.store) as ours:
                for pending in (ours.organizations, ours.org_users):
                    document, stat = pending.loaded.document, pending.loaded.stat
                    keep_copy(pending.file, [document.raw], pending.loaded.checksum, stat)

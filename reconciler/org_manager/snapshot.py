"""All organisations at one instant, read when they are asked for, with a version to compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.org_manager.codec import Document
from reconciler.org_manager.models import Organization
from reconciler.org_manager.records import REPEATED, InvalidRecord, judge_members, read_organization
from reconciler.org_manager.store import Loaded


class Organizations(Mapping[str, Organization]):
    """Organisations by id, in file order. Each look-up builds a fresh one: changing it changes nothing here."""

    def __init__(self, document: Document, readable: tuple[str, ...]) -> None:
        """`readable` are the keys of the records that can be read."""
        self._document = document
        self._readable = dict.fromkeys(readable)

    def __getitem__(self, org_id: str) -> Organization:
        record = self._document.record(org_id)
        organization = None if record is None else read_organization(org_id, record)[0]
        if organization is None:
            raise KeyError(org_id)
        return organization

    def __iter__(self) -> Iterator[str]:
        return iter(self._readable)

    def __len__(self) -> int:
        return len(self._readable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The store at one instant. Equal versions mean that organizations.json held the same bytes.

    `invalid` names every record of both files that the application's own validation refuses or that can be taken
    in two ways; those of them that can be read are in `organizations` too.
    """

    organizations: Mapping[str, Organization]
    invalid: tuple[InvalidRecord, ...]
    version: str


def judge_organizations(document: Document) -> tuple[tuple[str, ...], tuple[InvalidRecord, ...]]:
    """The keys of the records that can be read, and the records that are invalid."""
    readable = []
    invalid = []
    for key, record in document.records():
        organization, problem = read_organization(key, record)
        if organization is not None:
            readable.append(key)
        if problem is not None:
            invalid.append(problem)
        if key in document.repeated:
            invalid.append(InvalidRecord(key=key, problem=REPEATED, readable=organization is not None))
    return tuple(readable), tuple(invalid)


def judge_org_users(document: Document) -> tuple[InvalidRecord, ...]:
    """The lists of members that are invalid."""
    invalid = []
    for key, record in document.records():
        problem = judge_members(key, record)
        if problem is not None:
            invalid.append(problem)
        if key in document.repeated:
            invalid.append(InvalidRecord(key=key, problem=f"in org_users.json {REPEATED}", readable=True))
    return tuple(invalid)


class Judge:
    """Makes snapshots, and remembers what it found in the content it judged last. Safe for threads."""

    def __init__(self) -> None:
        self._organizations: tuple[str, tuple[str, ...], tuple[InvalidRecord, ...]] | None = None
        self._org_users: tuple[str, tuple[InvalidRecord, ...]] | None = None

    def snapshot(self, organizations: Loaded, org_users: Loaded | None) -> Snapshot:
        """The snapshot of what was read; None stands for no members."""
        judged = self._organizations
        if judged is None or judged[0] != organizations.checksum:
            judged = (organizations.checksum, *judge_organizations(organizations.document))
            self._organizations = judged
        version, readable, invalid = judged
        if org_users is not None:
            invalid = (*invalid, *self._invalid_members(org_users))
        return Snapshot(organizations=Organizations(organizations.document, readable), invalid=invalid, version=version)

    def _invalid_members(self, org_users: Loaded) -> tuple[InvalidRecord, ...]:
        judged = self._org_users
        if judged is None or judged[0] != org_users.checksum:
            judged = self._org_users = (org_users.checksum, judge_org_users(org_users.document))
        return judged[1]

"""Takes organisations out of the store as one JSON document, and into it from one, all or none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.org_manager.codec import Document, DocumentError
from reconciler.org_manager.manager import OrgManager
from reconciler.org_manager.record_text import new_record
from reconciler.org_manager.records import REPEATED, InvalidRecord, judge_members, read_members, read_organization
from reconciler.org_manager.session import Session, session


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did. With anything in `refused` nothing was written, and `added` is empty."""

    added: tuple[str, ...]
    unchanged: tuple[str, ...]
    refused: tuple[InvalidRecord, ...]


def export_store(manager: OrgManager) -> bytes:
    """`{"organizations": {id: record}, "org_users": {id: [member]}}`, in file order, odd records included.

    Not in a batch. Raises StoreError.
    """
    store = manager.store
    # Members first: then no list is without its organisation.
    org_users = store.read(store.org_users).document
    organizations = store.read(store.organizations).document
    files = {"organizations": organizations, "org_users": org_users}
    content = {name: {key: json.loads(text) for key, text in file.records()} for name, file in files.items()}
    return json.dumps(content, indent=2).encode()


def import_store(manager: OrgManager, content: bytes) -> Imported:
    """Add the organisations of an exported document, with their members, behind those of the store.

    One that the store holds with the same values is left alone. Refused, and with it the whole import: what the
    application would refuse, another record under an id of the store, a name that is taken, members of nobody. Raises
    ValueError where the document cannot be read, StoreError. Not in a batch.
    """
    try:
        both = Document.read(content)
        organizations = Document.read(both.record("organizations") or b"{}")
        org_users = Document.read(both.record("org_users") or b"{}")
    except DocumentError as error:
        raise ValueError(
            f"nothing was imported: at byte {error.offset} of its part the document is {error.problem}"
        ) from None
    with session(manager.store) as ours:
        unchanged = tuple(
            key for key, text in organizations.records() if _is_same(text, ours.organizations.record(key))
        )
        added = {key: text for key, text in organizations.records() if key not in unchanged}
        refused = (*_unfit(ours, organizations, added), *_unfit_members(ours, organizations, org_users, added))
        if refused:
            return Imported(added=(), unchanged=unchanged, refused=refused)
        for key, text in added.items():
            members = org_users.record(key) or b"[]"
            ours.organizations.put(key, new_record(json.loads(text)))
            ours.org_users.put(key, new_record(json.loads(members)))
    return Imported(added=tuple(added), unchanged=unchanged, refused=())


def _is_same(text: bytes, there: bytes | None) -> bool:
    return there is not None and json.loads(text) == json.loads(there)


def _unfit(ours: Session, organizations: Document, added: dict[str, bytes]) -> Iterator[InvalidRecord]:
    taken = set()
    for key, text in ours.organizations.records():
        organization, _ = read_organization(key, text)
        if organization is not None:
            taken.add(organization.name.lower())
    for key, text in added.items():
        organization, problem = read_organization(key, text)
        if problem is not None:
            yield problem
        elif key in organizations.repeated:
            yield InvalidRecord(key=key, problem=REPEATED, readable=True)
        elif ours.organizations.record(key) is not None:
            yield InvalidRecord(key=key, problem="the store holds another record under its id", readable=True)
        elif organization is not None:
            if organization.name.strip().lower() in taken:
                yield InvalidRecord(key=key, problem="its name is taken", readable=True)
            taken.add(organization.name.strip().lower())


def _unfit_members(
    ours: Session, organizations: Document, org_users: Document, added: dict[str, bytes]
) -> Iterator[InvalidRecord]:
    for key, text in org_users.records():
        problem = judge_members(key, text)
        members = [member for member, _ in read_members(text) if member is not None]
        if problem is not None:
            yield problem
        elif key in org_users.repeated:
            yield InvalidRecord(key=key, problem=f"in its list of members: {REPEATED}", readable=True)
        elif organizations.record(key) is None:
            yield InvalidRecord(key=key, problem="its members come without their organisation", readable=True)
        elif len({member.user_id for member in members if member.org_id == key}) != len(members):
            yield InvalidRecord(
                key=key, problem="a member stands there twice or names another organisation", readable=True
            )
        elif not _is_same(text, ours.org_users.record(key) or (b"[]" if key not in added else text)):
            yield InvalidRecord(key=key, problem="the store holds another list of members under its id", readable=True)

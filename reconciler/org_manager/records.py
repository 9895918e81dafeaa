"""Reads one record of the store's files: what it says, and whether the application's own validation refuses it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from pydantic import BaseModel, TypeAdapter, ValidationError

from reconciler.errors import StoreDamagedError
from reconciler.org_manager.models import (
    ROLES,
    STATUSES,
    Organization,
    OrganizationAsFound,
    OrgUser,
    OrgUserAsFound,
)

EMPTIES_THE_STORE = (
    "the application's own validation refuses this record and so sees an EMPTY store, which its next save writes"
)
REPEATED = "its id stands more than once in the file; the application reads the last and drops the others"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidRecord:
    """A record that the application would refuse, or that two readers may take differently.

    `key` is the organisation's key in its file; `problem` says it in words and quotes no value of the record;
    `readable` tells whether the record is served all the same.
    """

    key: str
    problem: str
    readable: bool


_HALF_A_PAIR = re.compile("[\ud800-\udfff]")
_CUT = "its {} holds half a character"
_MEMBERS = TypeAdapter(list[OrgUser])

# A field's name and what pydantic calls the fault -> the same in words without the value.
_WORDS = {
    ("id", "value_error"): "its id does not start with org_",
    ("id", "missing"): "it has no id",
    ("name", "value_error"): "its name is blank",
    ("name", "string_too_short"): "its name is empty",
    ("name", "string_too_long"): "its name has more than 200 characters",
    ("status", "value_error"): f"its status is none of {', '.join(STATUSES)}",
    ("role", "value_error"): f"a role is none of {', '.join(ROLES)}",
}


def _in_words(error: ValidationError) -> str:
    words = []
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        field = str(fault["loc"][0]) if fault["loc"] else ""
        if not field:
            words.append("it is no object of fields")
        elif fault["type"] == "missing":
            words.append(f"it has no {field}")
        else:
            words.append(_WORDS.get((field, fault["type"]), f"its {field} cannot be read"))
    return ", ".join(words)


def _cut_texts(model: type[BaseModel], value: object) -> list[str]:
    # Half of a surrogate pair is read by the standard library, and breaks whoever writes it anywhere but in JSON.
    texts = {name: text for name, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}
    return [name for name, text in texts.items() if name in model.model_fields and _HALF_A_PAIR.search(text)]


def read_organization(key: str, record: bytes) -> tuple[Organization | None, InvalidRecord | None]:
    """One record of organizations.json, from its text; None where it cannot be told what it says.

    Odd values are kept as they are found. A record whose id is not its key belongs to nobody for certain: it is held.
    """
    try:
        organization = Organization.model_validate_json(record)
    except ValidationError:
        return _read_odd(key, json.loads(record))
    return _identified(key, organization)


def _identified(key: str, organization: Organization) -> tuple[Organization | None, InvalidRecord | None]:
    if organization.id == key:
        return organization, None
    return None, InvalidRecord(key=key, problem="its id differs from its key", readable=False)


def _read_odd(key: str, value: object) -> tuple[Organization | None, InvalidRecord | None]:
    cut = _cut_texts(Organization, value)
    if cut:
        return None, InvalidRecord(key=key, problem=_CUT.format(", ".join(cut)), readable=False)
    try:  # in fields that are not ours the standard library reads more than pydantic does
        return _identified(key, Organization.model_validate(value))
    except ValidationError as refusal:
        problem = f"{_in_words(refusal)}: {EMPTIES_THE_STORE}"
    try:
        found = OrganizationAsFound.model_validate(value)
    except ValidationError:
        return None, InvalidRecord(key=key, problem=problem, readable=False)
    if found.id != key:
        return None, InvalidRecord(key=key, problem=f"its id differs from its key, and {problem}", readable=False)
    odd = Organization.model_construct(found.model_fields_set, **found.__dict__)
    return odd, InvalidRecord(key=key, problem=problem, readable=True)


def read_members(record: bytes) -> list[tuple[OrgUser | None, str | None]]:
    """One list of org_users.json, from its text, in its order: each member (None where unreadable) and its fault."""
    value = json.loads(record)
    if not isinstance(value, list):
        return [(None, "its members are no list")]
    return [_read_member(entry) for entry in value]


def _read_member(entry: object) -> tuple[OrgUser | None, str | None]:
    cut = _cut_texts(OrgUser, entry)
    if cut:
        return None, _CUT.format(", ".join(cut))
    try:
        return OrgUser.model_validate(entry), None
    except ValidationError as refusal:
        problem = _in_words(refusal)
    try:
        found = OrgUserAsFound.model_validate(entry)
    except ValidationError:
        return None, problem
    return OrgUser.model_construct(found.model_fields_set, **found.__dict__), problem


def judge_members(key: str, record: bytes) -> InvalidRecord | None:
    """What the application's own validation refuses in one organisation's list of members."""
    try:
        _MEMBERS.validate_json(record)
    except ValidationError:
        pass
    else:
        return None
    faults = [(member, problem) for member, problem in read_members(record) if problem is not None]
    if not faults:
        return None
    words = ", ".join(sorted({problem for _, problem in faults}))
    return InvalidRecord(
        key=key,
        problem=f"in its list of members: {words}: {EMPTIES_THE_STORE}",
        readable=all(member is not None for member, _ in faults),
    )


def members_named(key: str, record: bytes, user_id: str) -> list[int]:
    """The places of a user in one list of org_users.json. Raises StoreDamagedError where it is no list."""
    if not record.startswith(b"["):
        raise StoreDamagedError(
            f"the members of {key} in org_users.json are no list",
            not_done="They were left as they are",
            remedy="Run `reconcile orgs verify` and mend the file by hand, or `reconcile orgs restore`",
        )
    members = enumerate(read_members(record))
    return [place for place, (member, _) in members if member is not None and member.user_id == user_id]


def mentions(record: bytes, user_id: str) -> bool:
    """Whether the user is in one list of org_users.json."""
    # Where nothing is escaped a name that is nowhere in the bytes is no member's: most lists need no reading.
    if record.isascii() and b"\\" not in record and json.dumps(user_id).encode() not in record:
        return False
    return any(member is not None and member.user_id == user_id for member, _ in read_members(record))

"""Changes one field of a record, or one entry of a list of members, in the record's own text and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reconciler.org_manager.codec import elements_of_list, members_of_object

_RECORD_INDENT = "\n  "
_ENTRY_INDENT = "\n    "


def new_record(value: Any) -> bytes:
    """The text of a record as the application would write it: two spaces a level, ASCII, times by `str()`."""
    return json.dumps(value, indent=2, default=str).replace("\n", _RECORD_INDENT).encode()


def set_fields(record: bytes, fields: Mapping[str, str | None]) -> bytes:
    """The record with these fields set; a field that it lacks goes behind its last. All other bytes stay."""
    text = record.decode()
    for name, value in fields.items():
        text = _set_field(text, name, json.dumps(value))
    return text.encode()


def _set_field(text: str, name: str, value: str) -> str:
    members = members_of_object(text)
    same = [(start, end) for key, start, end in members if key == name]
    if same:
        start, end = same[-1]
        return text[:start] + value + text[end:]
    if not members:
        return f"{{{json.dumps(name)}: {value}}}"
    lead = text[1 : text.index('"')] or " "
    _, _, end = members[-1]
    return f"{text[:end]},{lead}{json.dumps(name)}: {value}{text[end:]}"


def append_entry(members: bytes, entry: Mapping[str, Any]) -> bytes:
    """The list with one more member at its end."""
    text = members.decode()
    elements = elements_of_list(text)
    added = json.dumps(entry, indent=2, default=str).replace("\n", _ENTRY_INDENT)
    if not elements:
        return f"[{_ENTRY_INDENT}{added}{_RECORD_INDENT}]".encode()
    lead = text[1 : elements[0][0]]
    end = elements[-1][1]
    return f"{text[:end]},{lead}{added}{text[end:]}".encode()


def remove_entry(members: bytes, index: int) -> bytes:
    """The list without its member at `index`."""
    text = members.decode()
    elements = elements_of_list(text)
    if len(elements) == 1:
        return b"[]"
    if index == 0:
        return (text[: elements[0][0]] + text[elements[1][0] :]).encode()
    return (text[: elements[index - 1][1]] + text[elements[index][1] :]).encode()


def set_role(members: bytes, index: int, role: str) -> bytes:
    """The list with another role for its member at `index`."""
    text = members.decode()
    start, end = elements_of_list(text)[index]
    return (text[:start] + _set_field(text[start:end], "role", json.dumps(role)) + text[end:]).encode()

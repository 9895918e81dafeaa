"""Writes tables as TOML text, the same text for the same values, with a comment behind each value that was given."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from reconciler.model.moments import duration_text

_Path = tuple[str, ...]
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml_text(tables: Mapping[str, Any], given: Mapping[_Path, str]) -> str:
    """`tables` as TOML; None is left out. `given` names where the value at a path, or above it, came from."""
    return "\n".join(_table((), tables, given))


def _table(path: _Path, table: Mapping[str, Any], given: Mapping[_Path, str]) -> Iterable[str]:
    below = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    values = {key: value for key, value in table.items() if key not in below and value is not None}
    if path and (values or not below):
        lines = [f"[{'.'.join(map(_key, path))}]"]
        lines += [f"{_key(key)} = {_value(value)}{_comment((*path, key), given)}" for key, value in values.items()]
        yield "\n".join(lines) + "\n"
    for key in sorted(below) if path else below:
        yield from _table((*path, key), below[key], given)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _quoted(key)


def _quoted(text: str) -> str:
    """As JSON writes it, which TOML reads; DEL apart, which only TOML escapes."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    match value:
        case bool():
            text = "true" if value else "false"
        case timedelta():
            text = _quoted(duration_text(value))
        case Decimal():
            text = f"{value.normalize():f}"
        case float():
            text = str(int(value)) if value.is_integer() else repr(value)
        case int():
            text = str(value)
        case tuple():
            text = f"[{', '.join(map(_value, value))}]"
        case _:
            text = _quoted(str(value))
    return text


def _comment(path: _Path, given: Mapping[_Path, str]) -> str:
    for depth in range(len(path), 0, -1):
        if path[:depth] in given:
            return f"  # {' '.join(given[path[:depth]].split())}"
    return ""

"""Writes a configuration as TOML, with a comment behind each value that says where it came from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SECTIONS_OF_SECTIONS = frozenset({"tiers"})


def toml_text(tables: Mapping[str, Mapping[str, Any]], origins: Mapping[str, str]) -> str:
    """`tables` as TOML text; `origins` by dotted key."""
    return "\n".join(_lines(tables, origins)).strip() + "\n"


def _lines(tables: Mapping[str, Mapping[str, Any]], origins: Mapping[str, str]) -> Iterator[str]:
    for name, table in tables.items():
        if name in _SECTIONS_OF_SECTIONS:
            for inner, rows in table.items():
                yield from _table(f"{name}.{_key(inner)}", f"{name}.{inner}", rows, origins)
        else:
            yield from _table(name, name, table, origins)


def _table(head: str, path: str, rows: Mapping[str, Any], origins: Mapping[str, str]) -> Iterator[str]:
    yield f"\n[{head}]"
    for key, value in rows.items():
        dotted = f"{path}.{key}"
        said = sorted(
            {origin for place, origin in origins.items() if place == dotted or place.startswith(f"{dotted}.")}
        )
        comment = f"  # {', '.join(said)}" if said else ""
        yield f"{_key(key)} = {_value(value)}{comment}"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return f"[{', '.join(_value(each) for each in value)}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_key(name)} = {_value(each)}' for name, each in value.items())} }}"
    return repr(value)

"""Values of the model as indented text that people read in a review: every field that says anything, sorted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import MISSING, Field, fields
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

_WIDEST = 200


def lines_of(value: Any, indent: str = "") -> Iterator[str]:
    """`value` in lines; what is short stands in one. A field that has its default is left out."""
    match _plain(value):
        case dict() as named:
            for name, each in named.items():
                yield from _named(str(name), each, indent)
        case list() as several:
            for each in several:
                yield from _named("-", each, indent)
        case scalar:
            yield f"{indent}{scalar}"


def _named(name: str, plain: Any, indent: str) -> Iterator[str]:
    colon = name if name == "-" else f"{name}:"
    short = _short(plain)
    if len(indent) + len(colon) + len(short) < _WIDEST or isinstance(plain, str):
        yield f"{indent}{colon} {short}"
    else:
        yield f"{indent}{colon}"
        yield from lines_of(plain, f"{indent}  ")


def _short(plain: Any) -> str:
    match plain:
        case dict() as named:
            return "{" + ", ".join(f"{name}: {_short(each)}" for name, each in named.items()) + "}"
        case list() as several:
            return "[" + ", ".join(_short(each) for each in several) + "]"
        case _:
            return str(plain)


def _plain(value: Any) -> Any:
    """Dictionaries, lists and strings alone; None, numbers and texts that look alike stay apart."""
    match value:
        case str() | None | bool() | int() | Decimal() | date():
            return _word(value)
        case Mapping():
            return {_word(key): _plain(value[key]) for key in sorted(value)}
        case AbstractSet():
            return sorted(_short(_plain(each)) for each in value)
        case Sequence():
            return [_plain(each) for each in value]
        case _:
            told = ((each, getattr(value, each.name)) for each in fields(value))
            return {each.name: _plain(said) for each, said in told if not _is_default(each, said)}


def _word(value: object) -> str:
    match value:
        case Enum() if isinstance(value, str):
            return str(value)
        case str():
            return value if value and value.strip() == value and value[0] not in "'[{<" else repr(value)
        case datetime():
            return value.isoformat(" ", "minutes").removesuffix("+00:00")
        case None | bool():
            return f"<{value}>"
        case _:
            return str(value)


def _is_default(named: Field[Any], value: Any) -> bool:
    default = named.default_factory() if named.default_factory is not MISSING else named.default
    return type(value) is type(default) and bool(value == default)

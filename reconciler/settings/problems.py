"""Turns what is wrong with a configuration into lines a person can act on: the full key, plain words, no secret."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from reconciler.settings.leaks import MASK, belongs, is_secret_name, looks_secret

Path = tuple[str | int, ...]

_LONGEST_ECHO = 40
_MUST_SAY: Mapping[Path, str] = {
    ("orgs", "store"): 'say where the store is, "json:/app/data"',
    ("billing", "authority"): "say which side grants the tier: lago, stripe, both or either",
    ("lago", "url"): "say where Lago is, or leave [lago] out",
    ("statuses", "unpaid_tier"): "say which tier an organisation falls to",
}
_KINDS = {
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "tuple_type": "must be a list",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, at one key; `text` follows the key in a sentence."""

    path: Path
    text: str

    def line(self, origin: str = "") -> str:
        """The line to show; `origin` names the environment variable that gave the value, if one did."""
        where = key_name(self.path)
        return f"{where} {self.text}" + (f" (from {origin})" if origin else "")


def key_name(path: Path) -> str:
    """A key as people write it: `[tiers.professional] rank`; parts that look like secrets are masked."""
    shown = [MASK if isinstance(part, str) and looks_secret(part) else part for part in path]
    depth = 2 if shown[0] == "tiers" else 1
    header = f"[{'.'.join(map(str, shown[:depth]))}]"
    rest = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in shown[depth:])
    return f"{header} {rest.lstrip('.')}".rstrip()


def one_of(words: Iterable[str]) -> str:
    """The words as an enumeration: `a, b or c`."""
    *most, last = list(words)
    return f"{', '.join(most)} or {last}" if most else last


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is most like `word`."""
    return get_close_matches(word.lower(), sorted(known), n=1, cutoff=0.0)[0]


def _hint(word: str, known: Iterable[str], *, spelt: str = "{}") -> str:
    """`; the nearest is ...` for a word that is near one of the known, else nothing."""
    near = _near(word, known)
    return "".join(f"; the nearest is {spelt.format(each)}" for each in near)


def _near(word: str, known: Iterable[str]) -> list[str]:
    return get_close_matches(word.lower(), sorted(known), n=1)


def problems_of(errors: Iterable[ErrorDetails], root: type[BaseModel]) -> list[Problem]:
    """The problems that pydantic found in a file of kind `root`, a misspelt key counted once."""
    errors = list(errors)
    unknown = [_bare(error["loc"]) for error in errors if error["type"] == "extra_forbidden"]
    meant = {(*path[:-1], near) for path in unknown for near in _near(str(path[-1]), _keys_at(path[:-1], root))}
    return [
        Problem(path, _text(error, path, root))
        for error in errors
        for path in [_bare(error["loc"])]
        if not (error["type"] == "missing" and path in meant)
    ]


def _bare(loc: Path) -> Path:
    return tuple(part for part in loc if part != "[key]")


def _text(error: ErrorDetails, path: Path, root: type[BaseModel]) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            return _unknown_key(path, root)
        case "missing":
            return f"is missing: {_MUST_SAY.get(path, 'it has no default')}"
        case "enum" | "literal_error":
            expected = str(context["expected"]).replace("''", "empty").replace("'", "")
            return f"{_echo(error['input'])}must be {expected}"
        case "greater_than_equal":
            return f"{_echo(error['input'])}must be at least {context['ge']}"
        case "value_error":
            return str(context["error"])
        case kind:
            return _KINDS.get(kind, error["msg"])


def _echo(value: object) -> str:
    if isinstance(value, str | int) and len(str(value)) <= _LONGEST_ECHO and not looks_secret(str(value)):
        return f"is {value!r}: "
    return ""


def _unknown_key(path: Path, root: type[BaseModel]) -> str:
    name = str(path[-1])
    known = _keys_at(path[:-1], root)
    if is_secret_name(name):
        return f"does not belong here: {belongs(path)}"
    if len(path) == 1:
        return f"is not a known section{_hint(name, known, spelt='[{}]')}"
    elsewhere = [section for section in _keys_at((), root) if name in _keys_at((section,), root)]
    if elsewhere:
        return f"is not a known key here; there is {one_of(f'[{section}] {name}' for section in elsewhere)}"
    return f"is not a known key{_hint(name, known)}"


def _keys_at(table: Path, root: type[BaseModel]) -> list[str]:
    """The keys that a table of the file may have, as the file spells them; none for a table of free names."""
    kind: Any = root
    for part in table:
        kind = _below(kind, part)
    kind = _plain(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [field.alias or name for name, field in kind.model_fields.items()]
    return []


def _below(kind: Any, part: str | int) -> Any:
    kind = _plain(kind)
    if get_origin(kind) is dict:
        return get_args(kind)[1]
    fields: Mapping[str, Any] = kind.model_fields
    return next(field.annotation for name, field in fields.items() if part in {name, field.alias})


def _plain(kind: Any) -> Any:
    """The kind without what annotates it, and without None."""
    if get_origin(kind) is Annotated:
        return _plain(get_args(kind)[0])
    if get_origin(kind) in {Union, types.UnionType}:
        return _plain(next(each for each in get_args(kind) if each is not type(None)))
    return kind

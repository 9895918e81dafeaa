"""Finds secrets that someone wrote into the configuration, where they do not belong, without repeating them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

MASK = "(a secret)"

_SECRET = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:sk|rk|pk)_(?:live|test)_|(?:sk|rk)_(?=\w*\d)\w{10,}|whsec_|xox[abeoprs]-)"
    r"|\b(?:Bearer|Basic)\s+[\w.~+/=-]{8,}"
    r"|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"
    r"|://[^/\s@]*:[^/\s@]+@"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY",
    re.IGNORECASE,
)
_LAGO_KEY = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_SECRET_NAME = re.compile(r"key$|secret|token|passw|credential", re.IGNORECASE)
_MAY_HOLD_IDS = frozenset({"tiers", "catalog"})  # a plan code may be any text, a UUID too

_HOW = "by environment, by file ({name}_FILE) or as a systemd credential"


def looks_secret(text: str) -> bool:
    """Whether `text` holds what looks like a key, a token or a password in a URL, or is a UUID, as Lago's keys are."""
    return _SECRET.search(text) is not None or _LAGO_KEY.fullmatch(text.strip()) is not None


def is_secret_name(key: str) -> bool:
    """Whether a key of that name would hold a secret."""
    return _SECRET_NAME.search(key) is not None


def belongs(path: tuple[str | int, ...]) -> str:
    """Where the secret at `path` belongs, for an error."""
    words = "_".join(str(part) for part in path if isinstance(part, str) and not looks_secret(part)).lower()
    for source in ("lago", "stripe"):
        if source in words:
            name = f"{source.upper()}_API_KEY"
            return f"secrets never stand in the configuration; give it as {name} {_HOW.format(name=name)}"
    how = _HOW.format(name="<NAME>")
    return f"secrets never stand in the configuration; give LAGO_API_KEY and STRIPE_API_KEY {how}"


def find_secrets(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of everything under `value`, keys included, that looks like a secret."""
    match value:
        case Mapping():
            for key, below in value.items():
                if _SECRET.search(key):
                    yield (*path, key)
                else:
                    yield from find_secrets(below, (*path, key))
        case list():
            for place, below in enumerate(value):
                yield from find_secrets(below, (*path, place))
        case str() if _SECRET.search(value) or (_LAGO_KEY.fullmatch(value.strip()) and path[0] not in _MAY_HOLD_IDS):
            yield path
        case _:
            return

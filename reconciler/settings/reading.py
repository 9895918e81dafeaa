"""Finds the configuration file, reads it and lays the environment over it; what the keys mean is not known here."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from reconciler.errors import SettingsError
from reconciler.settings.leaks import looks_secret

PLACES = (Path("/etc/reconciler/reconciler.toml"), Path("config/reconciler.toml"))
FILE_VARIABLE = "RECONCILER_CONFIG"
PREFIX = "RECONCILER__"

KeyPath = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawSettings:
    """Tables as written. `given` says for each value where it came from: the file, or a variable's name."""

    origin: str
    tables: Mapping[str, Any]
    given: Mapping[KeyPath, str]


def read_raw(path: Path | None, environ: Mapping[str, str], places: Sequence[Path] = PLACES) -> RawSettings:
    """Read `path`, else the file that RECONCILER_CONFIG names, else the first of `places`. Raises SettingsError."""
    file, text = _find(path, environ, places)
    tables = _parse(file, text)
    given = dict.fromkeys(_leaves(tables), str(file))
    _lay_over(tables, given, environ)
    return RawSettings(origin=str(file), tables=tables, given=given)


def _find(path: Path | None, environ: Mapping[str, str], places: Sequence[Path]) -> tuple[Path, str]:
    named = environ.get(FILE_VARIABLE, "")
    if path is not None or named:
        file = path if path is not None else Path(named)
        by = "--config" if path is not None else FILE_VARIABLE
        text = _read(file)
        if text is None:
            raise SettingsError(f"{file}, named by {by}, is not there", remedy="Name the configuration file that is")
        return file, text
    for place in places:
        text = _read(place)
        if text is not None:
            return place, text
    tried = " and ".join(str(place.absolute()) for place in places)
    raise SettingsError(
        f"There is no configuration: neither --config nor {FILE_VARIABLE} names one, and there is none at {tried}",
        remedy="`reconcile config init` drafts one; name it with --config",
    )


def _read(file: Path) -> str | None:
    """The text of `file`, or None where there is none. A byte order mark is passed over."""
    try:
        return file.read_bytes().decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except IsADirectoryError:
        problem = f"{file} is a folder, not a configuration file"
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        problem = f"{file} is not UTF-8 text: line {line} has bytes that are none"
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        problem = f"{file} cannot be read: {getattr(error, 'strerror', None) or error}"
    raise SettingsError(problem, remedy="Name a TOML file that this user may read")


def _parse(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        problem = str(error)
    except RecursionError:
        problem = "it is nested too deeply"
    raise SettingsError(f"{file} is not TOML: {problem}", remedy="Correct it there") from None


def _leaves(value: Any, path: KeyPath = ()) -> list[KeyPath]:
    if not isinstance(value, dict):
        return [path]
    return [leaf for key, below in value.items() for leaf in _leaves(below, (*path, key))]


def _lay_over(tables: dict[str, Any], given: dict[KeyPath, str], environ: Mapping[str, str]) -> None:
    """Every RECONCILER__SECTION__KEY takes the place of that key; a whole table before what stands in it."""
    names = [name for name in environ if name.startswith(PREFIX)]
    for name in sorted(names, key=lambda name: (name.count("__"), name)):
        path, table = _place(name, tables)
        value = _value(name, environ[name])
        for stale in [leaf for leaf in given if leaf[: len(path)] == path]:
            del given[stale]
        table[path[-1]] = value
        given.update(dict.fromkeys(_leaves(value, path), name))


def _place(name: str, tables: dict[str, Any]) -> tuple[KeyPath, dict[str, Any]]:
    """The path that the variable means and the table it ends in; letter case follows a key that is there already."""
    shown = "A variable" if looks_secret(name) else name
    segments = name.removeprefix(PREFIX).split("__")
    if not all(segments):
        raise SettingsError(f"{shown} names no key", remedy="Write RECONCILER__SECTION__KEY, or unset it")
    table = tables
    path: list[str] = []
    for segment in segments:
        path.append(next((key for key in table if key.lower() == segment.lower()), segment.lower()))
        if len(path) < len(segments):
            below = table.setdefault(path[-1], {})
            if not isinstance(below, dict):
                raise SettingsError(
                    f"{shown} names a key inside {'.'.join(path)}, which is no table", remedy="Correct or unset it"
                )
            table = below
    return tuple(path), table


def _value(name: str, text: str) -> Any:
    """The text as a TOML value where it is one, else the text itself."""
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", text):
        raise SettingsError(f"{name} holds bytes that are no text", remedy="Correct or unset it")
    try:
        parsed = tomllib.loads(f"value = {text}", parse_float=Decimal)
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    return parsed["value"] if parsed.keys() == {"value"} else text

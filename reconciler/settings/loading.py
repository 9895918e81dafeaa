"""Finds, reads and merges the configuration, and says everything that is wrong with it in one error."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from reconciler.errors import SettingsError
from reconciler.settings.checks import problems_of
from reconciler.settings.credentials import refuse_secrets
from reconciler.settings.settings import Settings

_PREFIX = "RECONCILER__"
_PLACES = (Path("/etc/reconciler/reconciler.toml"), Path("config/reconciler.toml"))


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings of `path`, else of `RECONCILER_CONFIG`, else of the usual places, with `environ` laid over them.

    Raises SettingsError with every problem there is, each with its section and key.
    """
    file = _find(path, environ)
    tables = _read(file)
    origins = dict.fromkeys(_leaves(tables), file.name)
    for name, value in sorted(environ.items()):
        if name.startswith(_PREFIX):
            keys = [key.lower() for key in name.removeprefix(_PREFIX).split("__")]
            _lay(tables, keys, _parsed(value), name)
            origins[".".join(keys)] = name
    refuse_secrets(tables)
    try:
        settings = Settings.model_validate(tables)
    except ValidationError as error:
        problems = [_words(each) for each in error.errors(include_url=False, include_input=False)]
        raise _refusal(file, problems) from None
    problems = list(problems_of(settings))
    if problems:
        raise _refusal(file, problems)
    return settings.came_from(str(file), origins)


def _refusal(file: Path, problems: list[str]) -> SettingsError:
    return SettingsError(f"{file}: {'; '.join(problems)}", remedy="Correct the configuration and run again")


def _find(path: Path | None, environ: Mapping[str, str]) -> Path:
    if path is not None:
        return path
    if environ.get("RECONCILER_CONFIG"):
        return Path(environ["RECONCILER_CONFIG"])
    for place in _PLACES:
        if place.exists():
            return place
    raise SettingsError(
        f"There is no configuration: no --config, no RECONCILER_CONFIG, no {' and no '.join(map(str, _PLACES))}",
        remedy="Write one (config/reconciler.toml explains every key) and name it with --config",
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        problem = f"The configuration {file} cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        problem = f"The configuration {file} is no UTF-8 text"
    except tomllib.TOMLDecodeError as error:
        problem = f"The configuration {file} is no TOML: {error}"
    raise SettingsError(problem, remedy="Name a configuration with --config, or correct this one")


def _parsed(value: str) -> Any:
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return value


def _lay(tables: dict[str, Any], keys: list[str], value: Any, name: str) -> None:
    *tables_above, key = keys
    for each in tables_above:
        inner = tables.setdefault(each, {})
        if not isinstance(inner, dict):
            raise SettingsError(f"{name} looks for a table {each}, which is a value", remedy=f"Correct {name}")
        tables = inner
    tables[key] = value


def _leaves(table: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}"


def _words(error: ErrorDetails) -> str:
    """One problem with its place: `[tiers.professional] rank must be said`."""
    *above, key = [str(part) for part in error["loc"]] or [""]
    place = f"[{'.'.join(above)}] {key}" if above else f"[{key}]"
    kind = error["type"]
    if kind == "extra_forbidden":
        near = get_close_matches(key, _keys_at(above), n=1)
        return f"{place} is unknown" + (f"; the nearest key is {near[0]}" if near else "")
    if kind == "missing":
        return f"{place} must be said"
    if kind == "value_error":
        return f"{place} {error['msg'].removeprefix('Value error, ')}"
    message = error["msg"]
    return f"{place}: {message[:1].lower()}{message[1:]}"


def _keys_at(above: list[str]) -> list[str]:
    """The keys known in the table at `above`."""
    model: Any = Settings
    for part in above:
        field = model.model_fields.get(part) if _is_section(model) else None
        model = next(_sections_in(field.annotation if field is not None else model), None)
    if not _is_section(model):
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _sections_in(annotation: Any) -> Iterator[Any]:
    if _is_section(annotation):
        yield annotation
    for inner in get_args(annotation):
        yield from _sections_in(inner)


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)

"""Loads the configuration: file and environment in, checked settings out, or one error that lists all that is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reconciler.errors import SettingsError
from reconciler.settings.checks import check
from reconciler.settings.leaks import belongs, find_secrets
from reconciler.settings.problems import Problem, problems_of
from reconciler.settings.reading import PLACES, RawSettings, read_raw
from reconciler.settings.settings import Settings

_OPTIONAL = frozenset({"lago", "stripe"})


def load_settings(path: Path | None, environ: Mapping[str, str], *, places: Sequence[Path] = PLACES) -> Settings:
    """The settings from `path`, else RECONCILER_CONFIG, else the first file of `places`, under the environment.

    Raises SettingsError, which lists every problem with its key; no message repeats what looks like a secret.
    """
    raw = read_raw(path, environ, places)
    tables = {name: {} for name in Settings.model_fields if name not in _OPTIONAL} | dict(raw.tables)
    leaks = [Problem(where, f"holds what looks like a secret: {belongs(where)}") for where in find_secrets(tables)]
    settings, problems = _validate(tables)
    leaking = {problem.path for problem in leaks}
    problems = leaks + [problem for problem in problems if not _inside(problem.path, leaking)]
    if problems:
        raise _error(problems, raw)
    return settings.came_from(raw.origin, raw.given)


def _validate(tables: Mapping[str, Any]) -> tuple[Settings, list[Problem]]:
    """The settings and what is wrong with them; only where nothing is wrong may they be used."""
    try:
        settings = Settings.model_validate(tables)
    except ValidationError as error:
        problems = problems_of(error.errors(include_url=False), Settings)
        faulty = {str(problem.path[0]) for problem in problems}
        sound = set(Settings.model_fields) - faulty
        part = _part(tables, sound)
        return part, problems + check(part, sound)
    return settings, check(settings, Settings.model_fields)


def _part(tables: Mapping[str, Any], sound: set[str]) -> Settings:
    """Only the sound sections, for the checks between them."""
    read: dict[str, Any] = {}
    for name in sound & tables.keys():
        kind: Any = Settings.model_fields[name].annotation
        read[name] = TypeAdapter(kind).validate_python(tables[name])
    return Settings.model_construct(**read)


def _inside(path: tuple[str | int, ...], places: set[tuple[str | int, ...]]) -> bool:
    return any(path[: len(place)] == place for place in places)


def _error(problems: list[Problem], raw: RawSettings) -> SettingsError:
    lines = [problem.line(_variable(problem, raw)) for problem in problems]
    if len(lines) == 1:
        return SettingsError(f"{raw.origin}: {lines[0]}", remedy="Correct it")
    listed = "".join(f"\n  {line}" for line in lines)
    return SettingsError(f"{raw.origin} has {len(lines)} problems", remedy=f"Correct each:{listed}")


def _variable(problem: Problem, raw: RawSettings) -> str:
    """The variable that gave the value which is wrong, if one did."""
    path = tuple(part for part in problem.path if isinstance(part, str))
    names = {name for leaf, name in raw.given.items() if leaf[: len(path)] == path or path[: len(leaf)] == leaf}
    return ", ".join(sorted(names - {raw.origin}))

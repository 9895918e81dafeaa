"""Errors of a source as plain values that a file can hold, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.billing.asking import OutageError
from reconciler.errors import ReconcilerError

Plain = str | int | float | bool | None | list[str]


def plain(error: ReconcilerError) -> dict[str, Plain]:
    """The error's class by name and its fields; sets become sorted lists."""
    said = {"class": type(error).__name__, "text": str(error)}
    fields = {name: sorted(value) if isinstance(value, frozenset) else value for name, value in vars(error).items()}
    return {**said, **fields}


def failure_of(said: Mapping[str, Plain]) -> ReconcilerError:
    """The error that `plain` told of; an OutageError where this version has no such class."""
    known = {each.__name__: each for each in _classes(ReconcilerError)}
    kind = known.get(str(said.get("class")))
    if kind is None:
        return OutageError(str(said.get("problem")))
    error = kind.__new__(kind)
    error.args = (said.get("text"),)
    for name, value in said.items():
        if name not in {"class", "text"}:
            setattr(error, name, frozenset(value) if isinstance(value, list) else value)
    return error


def _classes(root: type[ReconcilerError]) -> Iterator[type[ReconcilerError]]:
    yield root
    for each in root.__subclasses__():
        yield from _classes(each)

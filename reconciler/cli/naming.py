"""The name that a person gives with --by: whose word an act is."""

from __future__ import annotations

from reconciler.errors import UsageError

_LONGEST = 200


def named(by: str, not_done: str) -> str:
    """The name on one line. Raises UsageError where it names nobody, or nobody could read it."""
    name = " ".join(by.split())
    if not name or len(name) > _LONGEST or not name.isprintable():
        raise UsageError("--by names nobody", not_done=not_done, remedy="Say who it is, on one line")
    return name

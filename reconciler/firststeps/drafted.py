"""Tells on the terminal what was drafted, what is still to be decided, and what to type next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from reconciler.firststeps.draft import Draft
from reconciler.firststeps.wrapping import wrapped


def drafted(draft: Draft, file: Path, *, command: str) -> str:
    """The text, at 80 columns; `command`, as a shell takes it, is on a line of its own, to be typed as it stands."""
    return "".join(f"{line}\n" for line in _lines(draft, file, command))


def _lines(draft: Draft, file: Path, command: str) -> Iterator[str]:
    for line in draft.read:
        yield from wrapped(line)
    yield ""
    yield f"Written: {file}"
    yield f"Tiers, lowest first: {', '.join(tier.name for tier in draft.tiers.tiers)}"
    yield f"Authority: {draft.authority.authority}"
    yield from wrapped(" ".join(draft.authority.why), first="  ", rest="  ")
    yield ""
    yield "Decide, in that file:"
    for number, point in enumerate(draft.open_points, start=1):
        yield from wrapped(point, first=f"{number:>3}. ", rest="     ")
    yield ""
    yield "Then look. It only reads; nothing is written but its own ledger and reports:"
    yield ""
    yield f"  {command} --dry-run --config {shlex.quote(str(file))}"

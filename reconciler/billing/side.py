"""Reads what a run can do without: a list that is refused or away is said, and the snapshot stays complete."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.billing.asking import Tally
from reconciler.errors import SetupError, SourceRefusedError, SourceUnavailableError
from reconciler.model.observation import SideList, SideRead


def side_read(name: SideList, tally: Tally, read: Callable[[Tally], list[str]]) -> SideRead:
    """How the list was read by `read`, which gets a tally of its own and returns what is not proven, in words."""
    part = tally.apart()
    try:
        problems = read(part)
    except (SetupError, SourceRefusedError, SourceUnavailableError) as error:
        problems = [error.problem]
    finally:
        tally.add(part)
    return SideRead(name=name, problem="; ".join(problems))

"""Reads what a run can do without: a list that is refused or away is said, and the snapshot stays complete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from reconciler.billing.breadth import Breadth
from reconciler.billing.crew import do_all
from reconciler.billing.network import Asking
from reconciler.billing.tally import Tally
from reconciler.errors import SetupError, SourceRefusedError, SourceUnavailableError
from reconciler.model.observation import SideList, SideRead

Read = Callable[[Tally], list[str]]


def read_sides(asking: Asking, tally: Tally, reads: Mapping[SideList, Read]) -> tuple[SideRead, ...]:
    """How each list was read, in their order: `reads` get a tally of their own and return what is not proven, in words.

    They are read at once; how many requests are in flight is for the breadth to say, which learns nothing from them:
    they are short. One that is not done when the read must end is said not to be.
    """
    whole = tally.apart(watched=False)
    jobs = [(name.value, partial(_side_read, name, whole.apart(), tally, read)) for name, read in reads.items()]
    whole.breadth = Breadth(len(reads), width=len(reads))
    done: dict[str, SideRead] = {}
    late = ""
    try:
        with asking.crew(whole) as crew:
            done.update(do_all(crew, jobs))
    except SourceUnavailableError as error:
        late = error.problem
    return tuple(done.get(name.value) or SideRead(name=name, problem=late) for name in reads)


def _side_read(name: SideList, part: Tally, tally: Tally, read: Read) -> SideRead:
    try:
        problems = read(part)
    except (SetupError, SourceRefusedError, SourceUnavailableError) as error:
        problems = [error.problem]
    finally:
        tally.add(part)
    return SideRead(name=name, problem="; ".join(problems))

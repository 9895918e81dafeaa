"""Reads several lists of one source at once; how many requests are in flight remains for the breadth to say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from reconciler.billing.breadth import Breadth
from reconciler.billing.crew import do_all
from reconciler.billing.network import Asking
from reconciler.billing.tally import Tally
from reconciler.errors import SourceRefusedError, SourceUnavailableError

Read = Callable[[], list[str]]


def abreast(asking: Asking, tally: Tally, reads: Mapping[str, Read]) -> dict[str, list[str]]:
    """What each of `reads` says is not proven, in words, or why its source did not answer.

    Where one says something, the read that `tally` counts is given up and the others are cut off: they are not in the
    answer, and what they have is not to be used. Any other error goes through. Each ends by itself when the read must.
    """
    done: dict[str, list[str]] = {}
    jobs = [(name, partial(_said, read)) for name, read in reads.items()]
    at_once = Breadth(len(jobs), width=len(jobs))
    try:
        with asking.crew(Tally(read_from=tally.read_from, breadth=at_once)) as crew:
            for name, problems in do_all(crew, jobs):
                done[name] = problems
                if problems:
                    break
    finally:
        if len(done) < len(reads):
            tally.given_up = True
    return done


def _said(read: Read) -> list[str]:
    try:
        return read()
    except (SourceUnavailableError, SourceRefusedError) as error:
        return [error.problem]

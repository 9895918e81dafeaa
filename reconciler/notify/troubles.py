"""Decides what people are told of a daemon that makes no run at all, which no run can tell; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.model.moments import utc
from reconciler.notify.news import Kind, Message, one_line

_KEY = "trouble:"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastingTrouble:
    """What is wrong with a part of the daemon, and since when."""

    part: str
    problem: str
    since: datetime


def trouble_news(
    troubles: Sequence[LastingTrouble], told: Mapping[str, str], *, at: datetime, after: timedelta, judged: bool
) -> Iterator[Message]:
    """The messages about `troubles` as they are `at`, where `told` is what messages said before.

    One that has lasted for `after` is told once, with all others that have. That they are over is told once none is
    left and a pass `judged` again: what one cannot open hides what it would have opened next.
    """
    known = {key.removeprefix(_KEY): since for key, since in told.items() if key.startswith(_KEY)}
    lasting = [each for each in troubles if at - each.since >= after]
    if {each.part for each in lasting} - known.keys():
        since = {each.part: known.get(each.part, utc(each.since)) for each in lasting}
        yield Message(
            kind=Kind.TROUBLE,
            title=f"The daemon is in trouble: {' and '.join(sorted(since))}",
            body=one_line("; ".join(f"{each.part} since {since[each.part]}: {each.problem}" for each in lasting)),
            sets={f"{_KEY}{part}": moment for part, moment in since.items()},
        )
    elif known and judged and not troubles:
        yield Message(
            kind=Kind.TROUBLE,
            title=f"The daemon is in order again: {' and '.join(sorted(known))}",
            body=f"From {min(known.values())} to {utc(at)}.",
            clears=frozenset(f"{_KEY}{part}" for part in known),
        )

"""One line of the doctor: what was looked at, what was found, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from reconciler.errors import ReconcilerError


class Verdict(IntEnum):
    """How bad it is; the worst of all decides how the command ends."""

    GOOD = 0
    LOOK = 1  # a pass runs, a person should look
    STOPS = 2  # no pass can run like this

    @property
    def exit_code(self) -> int:
        """0, 2 or 1 (interfaces.md: 1 is settings, key or store at fault)."""
        return {Verdict.GOOD: 0, Verdict.LOOK: 2, Verdict.STOPS: 1}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found about `subject`; `remedy` says what to do, and is empty where nothing is to be done.

    `commands` are to be typed exactly as they stand.
    """

    verdict: Verdict
    subject: str
    text: str
    remedy: str = ""
    commands: tuple[str, ...] = ()


def good(subject: str, text: str) -> Checked:
    """Nothing to do."""
    return Checked(verdict=Verdict.GOOD, subject=subject, text=text)


def look(subject: str, text: str, remedy: str, *, commands: Iterable[str] = ()) -> Checked:
    """Something that a person should look at."""
    return Checked(verdict=Verdict.LOOK, subject=subject, text=text, remedy=remedy, commands=tuple(commands))


def stops(subject: str, error: ReconcilerError) -> Checked:
    """What would end a pass with this error."""
    return Checked(verdict=Verdict.STOPS, subject=subject, text=error.problem, remedy=error.remedy)


def counted(count: int, noun: str) -> str:
    """`1 organisation`, `1,200 organisations`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"

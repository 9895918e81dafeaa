"""Lays out the doctor's lines for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.firststeps.checked import Checked, Verdict, counted
from reconciler.firststeps.wrapping import plain, wrapped

_WORDS = {Verdict.GOOD: "ok", Verdict.LOOK: "LOOK", Verdict.STOPS: "STOPS"}
_HANGING = " " * 14


def told(checked: Checked) -> str:
    """What was found, beneath it what to do; a command stands on a line of its own, never broken."""
    lines = wrapped(checked.text, first=f"{_WORDS[checked.verdict]:<6}{checked.subject:<8}", rest=_HANGING)
    if checked.remedy:
        lines += wrapped(checked.remedy, first=f"{_HANGING}-> ", rest=f"{_HANGING}   ")
    lines += [f"                 {plain(command)}" for command in checked.commands]
    return "".join(f"{line}\n" for line in lines)


def summary(verdicts: Sequence[Verdict]) -> str:
    """The last line."""
    stop, looks = verdicts.count(Verdict.STOPS), verdicts.count(Verdict.LOOK)
    if stop:
        return f"\nNo pass can run like this: see {counted(stop, 'line')} with STOPS above.\n"
    if looks:
        return f"\nA pass can run. See {counted(looks, 'line')} with LOOK above.\n"
    return "\nNothing is wrong.\n"

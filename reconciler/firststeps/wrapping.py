"""Breaks a sentence into lines that fit a terminal of 80 columns, and makes text from outside harmless to show."""

from __future__ import annotations

import textwrap

WIDTH = 80


def wrapped(text: str, *, first: str = "", rest: str = "", width: int = WIDTH) -> list[str]:
    """The lines of `text`; `first` and `rest` begin them. A word longer than a line is left whole."""
    return textwrap.wrap(
        plain(text), width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def plain(text: str) -> str:
    """One line; what would end it, act on a terminal or turn the reading direction stands as its escape."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)

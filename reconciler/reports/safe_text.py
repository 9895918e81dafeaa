"""Makes text from outside harmless to show: organisation names are chosen by customers, and some choose badly."""

from __future__ import annotations

import unicodedata

from rich.cells import cell_len

from reconciler.model.private import without_email

# Cc moves cursors and starts escapes, Cf turns the reading direction or hides, Zl and Zp break lines, Cs cannot be
# written as UTF-8, Co and Cn show as anything.
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"})
# Zero-width (non-)joiner: Persian and Indic words and composed emoji are made with them.
_JOINERS = frozenset({"\u200c", "\u200d"})
_MARKS = frozenset({"Mn", "Me"})
# Living scripts stack up to three or four; a longer stack is there to smear over the lines around it.
_MAX_MARKS = 4
_ELLIPSIS = "..."
# What spreadsheets begin a formula with, the wide forms of East Asian keyboards included.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def is_unsafe(character: str) -> bool:
    """Whether a single character may act on a terminal, hide, or turn the reading direction."""
    return unicodedata.category(character) in _UNSAFE_CATEGORIES and character not in _JOINERS


def escaped(character: str) -> str:
    r"""One character as `\n`, `\u202e` or the like."""
    return character.encode("unicode_escape").decode("ascii")


def shown(text: str) -> str:
    """`text` on one line, every character visible: whatever may act, hide or break the line stands as its escape.

    Letters of every script and emoji stay, e-mail addresses do not. Markup of any language is left alone: whoever
    writes it escapes it.
    """
    if text.isascii() and text.isprintable():
        return without_email(text)
    safe: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if character in _JOINERS or unicodedata.category(character) in _MARKS else 0
        safe.append(escaped(character) if is_unsafe(character) or marks > _MAX_MARKS else character)
    return without_email("".join(safe))


def fitted(text: str, cells: int) -> str:
    """`text` made safe and cut, with an ellipsis, to at most `cells` columns of a terminal (at least 4)."""
    safe = shown(text)
    if cell_len(safe) <= cells:
        return safe
    room = max(cells, len(_ELLIPSIS) + 1) - len(_ELLIPSIS)
    kept = safe[:room]  # a character takes a column or more, marks aside: never cuts more than it must by much
    while cell_len(kept) > room:
        kept = kept[:-1]
    return kept.rstrip() + _ELLIPSIS

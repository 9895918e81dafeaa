"""Collects words of a source that are outside its known vocabulary: they pass, and are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from reconciler.model.billing import Source

_MOST = 10  # a source that says more new words than that has changed, and the first ten say so
_LONGEST = 40


class Strange:
    """Words of one source that nobody here knows, with how often each was met."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._met: Counter[tuple[str, str]] = Counter()

    def look(self, what: str, word: str | None, known: Collection[str]) -> None:
        """Keep `word`, a `what`, unless it is `known`; None and nothing are no word."""
        if word and word not in known:
            self._met[what, word] += 1

    def notes(self) -> tuple[str, ...]:
        """One sentence for each word, the most met first, at most ten and one that counts the rest."""
        ranked = sorted(self._met.items(), key=lambda each: (-each[1], each[0]))
        said = [
            f"{self._source.value.capitalize()} says {what} {_printable(word)!r}, which this version does not know, "
            f"{count} time{'s' if count > 1 else ''}"
            for (what, word), count in ranked[:_MOST]
        ]
        if len(ranked) > _MOST:
            said.append(f"{self._source.value.capitalize()} says {len(ranked) - _MOST} further unknown words")
        return tuple(said)


def _printable(word: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in word[:_LONGEST])

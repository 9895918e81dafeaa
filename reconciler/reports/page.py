"""Writes lines of safe text to a Rich console: indented, wrapped at its width, nothing read as markup."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from reconciler.reports.safe_text import fitted, shown

_HANGING = 2
_GAP = "  "

Part = str | tuple[str, str]


class Page:
    """A console that takes text from anywhere: every part passes `shown`; a part may be a pair of text and style."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @property
    def width(self) -> int:
        """Columns of the console."""
        return self._console.width

    def line(self, *parts: Part, indent: int = 0) -> None:
        """One paragraph. What does not fit goes on below, two columns further in; long words are folded, not cut."""
        pairs = ((part, "") if isinstance(part, str) else part for part in parts)
        text = Text.assemble(*((shown(words), style) for words, style in pairs))
        room = self.width - indent
        rows = [text] if text.cell_len <= room else text.wrap(self._console, max(room - _HANGING, 1))
        for number, row in enumerate(rows):
            row.rstrip()
            margin = " " * (indent + (_HANGING if number else 0))
            self._console.print(Text(margin) + row, soft_wrap=True)

    def named(self, key: str, name: str, *, indent: int) -> None:
        """A key, never cut, and a name cut to the room left; last, so that no script reorders what follows."""
        room = self.width - indent - _HANGING - cell_len(shown(key)) - len(_GAP)
        self.line((key, "bold"), _GAP + fitted(name, room), indent=indent)

    def heading(self, text: str) -> None:
        """An empty line and a heading."""
        self.blank()
        self.line((text, "bold underline"))

    def blank(self) -> None:
        """An empty line."""
        self._console.print()

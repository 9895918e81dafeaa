"""How this very command was called, for hints that a reader can paste: it need not be on the PATH."""

from __future__ import annotations

import sys
from pathlib import Path
from shlex import quote
from shutil import which

_NAME = "reconcile"


def called() -> str:
    """The plain name where the PATH leads to this very command, or how it was called is unknown; else where it lies.

    `.venv/bin/reconcile`: seen from the current folder where it lies in it.
    """
    said = Path(sys.argv[0])
    if said.name == "__main__.py":
        return f"{quote(str(near(Path(sys.executable))))} -m reconciler"
    if which(_NAME) == str(said):
        return _NAME
    return quote(str(near(said))) if said.name == _NAME and said.is_file() else _NAME


def near(path: Path) -> Path:
    """`path` seen from the current folder where it lies in it, else as it is, absolute."""
    whole = path.absolute()
    here = Path.cwd()
    return whole.relative_to(here) if whole.is_relative_to(here) else whole

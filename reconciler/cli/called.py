"""How this very command was called, for hints that a reader can paste: it need not be on the PATH."""

from __future__ import annotations

import sys
from pathlib import Path

_NAME = "reconcile"


def called() -> str:
    """`.venv/bin/reconcile`, seen from the current folder where it lies in it; the plain name where that is unknown."""
    said = Path(sys.argv[0])
    if said.name == "__main__.py":
        return f"{near(Path(sys.executable))} -m reconciler"
    return str(near(said)) if said.name == _NAME and said.is_file() else _NAME


def near(path: Path) -> Path:
    """`path` seen from the current folder where it lies in it, else as it is, absolute."""
    whole = path.absolute()
    here = Path.cwd()
    return whole.relative_to(here) if whole.is_relative_to(here) else whole

"""Keeps the head of the chain in a file beside the ledger, so that rows cut off the ledger's end are missed.

It is written after each event is kept, so after a crash it may be some events behind, which is no fault; ahead of the
ledger it can only be where rows were cut off. Whoever may write both can set both back: that a report or a log tells
which is kept elsewhere.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from reconciler.model.run import LedgerHead


def head_file(ledger: Path) -> Path:
    """Where the head of the ledger is kept."""
    return ledger.with_name(f"{ledger.name}.head")


def write_head(ledger: Path, head: LedgerHead) -> None:
    """Put `head` into the file, whole or not at all. Raises OSError."""
    path = head_file(ledger)
    new = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file:
        file.write(json.dumps({"events": head.events, "sha256": head.sha256}) + "\n")
    new.replace(path)


def read_head(ledger: Path) -> LedgerHead | None:
    """The head that was kept last; None where there is no such file. Raises ValueError where it does not hold one."""
    try:
        text = head_file(ledger).read_text()
    except FileNotFoundError:
        return None
    held = json.loads(text)
    try:
        return LedgerHead(events=int(held["events"]), sha256=str(held["sha256"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"{head_file(ledger)} holds no head") from error

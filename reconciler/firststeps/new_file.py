"""Puts a new file in place whole, once it has been found good, and never over another."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from reconciler.errors import UsageError

_MODE = 0o644  # it holds no secret, and the daemon's user must read it


def refuse_existing(path: Path) -> None:
    """Raise UsageError where anything stands at `path`."""
    if os.path.lexists(path):
        raise UsageError(
            f"{path} is there already",
            not_done="It was left as it is",
            remedy="Name another file with --output, or move that one away",
        )


def write_new(path: Path, text: str, *, check: Callable[[Path], object]) -> None:
    """Write `text` to `path` once `check`, given a file that holds it, has not raised.

    Raises UsageError where something stands there or nothing can be made there, and what `check` raises; then
    nothing is left behind.
    """
    refuse_existing(path)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".toml")
    except OSError as error:
        raise _cannot(path, error) from error
    whole = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), _MODE)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        check(whole)
        path.hardlink_to(whole)  # unlike a rename, it refuses what came there meanwhile
    except FileExistsError:
        refuse_existing(path)
        raise
    except OSError as error:
        raise _cannot(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            whole.unlink()


def _cannot(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"{path} cannot be written: {error.strerror}",
        not_done="Nothing was written",
        remedy="Name a file in a folder that this user may write, with --output",
    )

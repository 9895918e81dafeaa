"""Puts a finished report where it was asked for, whole or not at all, and says beforehand where that cannot be."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from reconciler.errors import ReportError, UsageError

_MODE = 0o640


def refuse_place(path: Path) -> None:
    """Raise UsageError for a place where `write_report` would fail as things are now; nothing is written."""
    try:
        target = path.resolve()
        folder = target.parent
        if target.exists() and not target.is_file():
            problem = f"{path} is no regular file"
        elif not folder.is_dir():
            problem = f"{folder} is no folder that is there"
        elif not os.access(folder, os.W_OK | os.X_OK):
            problem = f"{folder} may not be written by this user"
        else:
            return
    except (OSError, RuntimeError):
        problem = f"{path} cannot be resolved"
    raise UsageError(f"No report can be put at {path}: {problem}", remedy="Name a file in a folder that can be written")


def write_report(path: Path, content: bytes, *, mode: int = _MODE) -> None:
    """Write `content` under a temporary name beside `path`, flush it to the disk, and rename it into place; mode 0640.

    A symbolic link is followed. The folder must be there. Raises ReportError; whatever stood at `path` is then as it
    was, and no temporary file is left.
    """
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            # Renaming over /dev/null or a pipe would replace the device itself.
            raise ReportError(f"{path} is no regular file", remedy="Name a file, or leave --output out to print")
        _replace(target, content, mode)
    except (OSError, RuntimeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "the path cannot be resolved"
        raise ReportError(
            f"The report cannot be written to {path}: {reason}",
            remedy="Name a file in a folder that is there and can be written, with room on its disk",
        ) from error


def point_latest(path: Path) -> None:
    """Make `latest.<suffix>` beside `path` a link to it, in one step. Raises ReportError; nothing else is touched."""
    link = path.with_name(f"latest{path.suffix}")
    fresh = path.with_name(f".latest-{os.getpid()}{path.suffix}")
    try:
        if link.exists() and not link.is_symlink():
            raise ReportError(f"{link} is no link", remedy="Move it away", not_done="It was left as it is")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(path.name)
        fresh.replace(link)
    except OSError as error:
        raise ReportError(
            f"The link {link} cannot be made: {error.strerror}",
            remedy="Name a folder for reports that takes links",
            not_done=f"The report itself is at {path}",
        ) from error


def _replace(target: Path, content: bytes, mode: int) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".report-")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

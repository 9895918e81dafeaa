"""The folder of the demo: only an earlier demo may have stood in it, and none that is still up loses it."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from reconciler.errors import UsageError

_MARK = ".made-by-reconcile-demo"
_ANOTHER = "Name another place with --folder"


@contextmanager
def demo_folder(folder: Path) -> Iterator[Path]:
    """An empty folder with a `state` in it, absolute, kept from other demos for as long as this one is up.

    The lock is the system's, on the file that marks the folder: it ends with the process, however that ends. Raises
    UsageError for a folder that no demo made, that another one holds, or that cannot be made; it is then as it was.
    """
    made = folder.absolute()
    try:
        held = _take(made)
    except OSError as error:
        raise UsageError(
            f"The demo cannot be set up in {folder}: {error.strerror or error}",
            not_done="Nothing was judged",
            remedy=_ANOTHER,
        ) from error
    with held:
        yield made


def _take(folder: Path) -> TextIO:
    """The open file that holds the lock; the folder is as a new demo needs it."""
    mark = folder / _MARK
    if folder.exists() and not mark.is_file():
        raise UsageError(
            f"{folder} is there already and no demo made it",
            not_done="It was left as it is, and nothing was started",
            remedy=_ANOTHER,
        )
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        held = stack.enter_context(mark.open("a"))
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"Another demo is up in {folder}",
                not_done="It was left as it is, and nothing was started",
                remedy=f"End that one with Ctrl-C, or n{_ANOTHER[1:]}",
            ) from None
        for each in folder.iterdir():
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each)
            elif each != mark:
                each.unlink()
        (folder / "state").mkdir()
        stack.pop_all()
        return held

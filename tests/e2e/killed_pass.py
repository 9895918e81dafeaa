"""A real pass that kills itself, as kill -9 does, at one of the steps of its writing; run as a program of its own.

`killed_pass.py CONFIG FILE` goes through with the pass and writes the names of its steps to FILE, in their order;
`killed_pass.py CONFIG NUMBER` dies right before the step of that number, from 0.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from reconciler.bootstrap.line import make_line
from reconciler.cycle.line import Pass
from reconciler.cycle.run import run_pass
from reconciler.model.run import RunMode
from reconciler.settings import load_settings


@dataclass(slots=True)
class Steps:
    """Every step in the order in which it is taken; `last` is the one that is not taken any more."""

    last: int | None
    taken: list[str] = field(default_factory=list)
    within: str = ""

    def take(self, name: str) -> None:
        if len(self.taken) == self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        self.taken.append(f"{self.within}: {name}" if self.within else name)

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        self.take(name)
        before, self.within = self.within, name
        try:
            yield
        finally:
            self.within = before
        self.take(f"after {name}")


class Watched:
    """Any of the line's real things, with the calls of some of its methods as steps."""

    def __init__(self, real: Any, steps: Steps, names: Sequence[str]) -> None:
        self._real = real
        for name in names:
            setattr(self, name, self._step(name, steps))

    def _step(self, name: str, steps: Steps) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with steps.inside(name):
                return getattr(self._real, name)(*args, **kwargs)

        return call

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def watch_the_disk(steps: Steps) -> None:
    """Each change of a file within a step is a step; a write can end in its middle."""
    for name in ("ftruncate", "fsync", "unlink", "link", "rename", "replace"):
        real = getattr(os, name)

        def call(*args: Any, _name: str = name, _real: Callable[..., Any] = real, **kwargs: Any) -> Any:
            if steps.within.startswith("update_"):
                steps.take(_name)
            return _real(*args, **kwargs)

        setattr(os, name, call)
    pwritev = os.pwritev

    def write(fd: int, buffers: Sequence[bytes], offset: int, flags: int = 0) -> int:
        if steps.within.startswith("update_"):
            steps.take("pwritev")
            whole = b"".join(bytes(each) for each in buffers)
            if len(steps.taken) == steps.last:
                pwritev(fd, [whole[: len(whole) // 2]], offset, flags)
            steps.take("the second half of pwritev")
        return pwritev(fd, buffers, offset, flags)

    os.pwritev = write  # type: ignore[assignment]  # as this program's own code calls it


def watch_the_ledger(steps: Steps) -> None:
    """Each statement and commit within a step of the ledger is a step."""

    @event.listens_for(Engine, "before_cursor_execute")
    def _(*args: Any) -> None:
        if steps.within in {"intend", "record"}:
            steps.take(args[2].split()[0])

    @event.listens_for(Engine, "commit")
    def _(*_: Any) -> None:
        if steps.within in {"intend", "record"}:
            steps.take("commit")


def main(config: str, asked: str) -> None:
    steps = Steps(last=int(asked) if asked.isdigit() else None)
    settings = load_settings(Path(config), os.environ)
    with make_line(settings, os.environ, dry_run=False, record=True) as made:
        watch_the_disk(steps)
        watch_the_ledger(steps)
        line = made.line
        updates = ("get_org", "update_org_plan", "update_org_status", "update_org_billing_ids")
        sources: Any = {name: Watched(source, steps, ["read_customer"]) for name, source in line.sources.items()}
        store: Any = Watched(line.store, steps, updates)
        ledger: Any = Watched(line.ledger, steps, ["intend", "record"])
        watched = replace(line, store=store, ledger=ledger, sources=sources)
        run_pass(watched, Pass(mode=RunMode.FIX, notes=made.notes))
    if not asked.isdigit():
        Path(asked).write_text(json.dumps(steps.taken))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

"""Lets a pass be stopped while it writes and records, so that it ends between two fixes and in the ledger."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

EXIT_CODE = 128 + signal.SIGTERM

_log = structlog.get_logger()


class Stopped(SystemExit):
    """Somebody asked to stop, and no fix is in hand."""

    def __init__(self) -> None:
        """Ends the process with the exit code of SIGTERM unless it is caught."""
        super().__init__(EXIT_CODE)


class Stop:
    """Asks a pass to stop; may be used from any thread and from a signal handler, and is never taken back.

    `held` says that the pass is writing or recording: wait for it. While it is not, whoever asked may leave at once,
    since a pass that was asked before it holds writes nothing any more.
    """

    def __init__(self) -> None:
        """Nobody asked yet."""
        self.asked = False
        self.held = False

    def ask(self) -> None:
        """Stop before the next fix."""
        self.asked = True


@contextmanager
def stop_held(given: Stop | None) -> Iterator[Stop]:
    """Hold the process until what is written is recorded: `given` is asked by its owner, or else SIGTERM asks.

    Raises Stopped where `given` was asked before, and at the end of the context where SIGTERM asked. Only the main
    thread may hold signals: whoever runs a pass elsewhere gives a Stop.
    """
    if given is not None:
        with _holding(given):
            yield given
        return
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.signal(signal.SIGTERM, lambda *_: stop.ask())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)
    if stop.asked:
        raise Stopped


@contextmanager
def _holding(stop: Stop) -> Iterator[None]:
    stop.held = True  # before the question: who asks looks at `held` after asking
    try:
        if stop.asked:
            _log.warning("run.stopped")
            raise Stopped
        yield
    finally:
        stop.held = False

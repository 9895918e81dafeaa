"""Holds SIGTERM back while a pass writes and records, so that it ends between two fixes and in the ledger."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

EXIT_CODE = 128 + signal.SIGTERM


@dataclass(slots=True)
class Stop:
    """Whether somebody asked to stop."""

    asked: bool = False


@contextmanager
def sigterm_held() -> Iterator[Stop]:
    """SIGTERM inside only asks; then the end of the context raises SystemExit(143).

    Only the main thread may hold signals: elsewhere whoever started the thread has to.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(*_: object) -> None:
        stop.asked = True

    before = signal.signal(signal.SIGTERM, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)
    if stop.asked:
        raise SystemExit(EXIT_CODE)

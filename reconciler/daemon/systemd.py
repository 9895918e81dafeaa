"""Tells systemd how the service is, by the datagrams of sd_notify(3)."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

_MOST_STATUS = 1_000
_PATIENCE_S = 1.0  # a manager that does not read must not hold up the loop


class ServiceManager:
    """The manager that started this process; tells nobody where none did. Never raises: no word to it is worth that."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID."""
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watched = "WATCHDOG_USEC" in environ and environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())

    def ready(self, status: str) -> None:
        """Started, or done with reloading."""
        self._tell("READY=1", _status(status))

    def reloading(self) -> None:
        """Begins to reload; `ready` ends it. The time is what Type=notify-reload wants with it."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self, status: str) -> None:
        """Begins to stop."""
        self._tell("STOPPING=1", _status(status))

    def status(self, status: str) -> None:
        """One line for `systemctl status`."""
        self._tell(_status(status))

    def alive(self) -> None:
        """Feed the watchdog, where there is one."""
        if self.watched:
            self._tell("WATCHDOG=1")

    def _tell(self, *assignments: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as told:
            told.settimeout(_PATIENCE_S)
            told.connect(self._address)
            told.send("\n".join(assignments).encode())


def _status(text: str) -> str:
    return f"STATUS={' '.join(text.split())[:_MOST_STATUS]}"

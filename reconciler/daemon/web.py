"""Answers /healthz, /readyz and /metrics, a few at a time and each in bounded time: no client can hold it up."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any

from reconciler.errors import SettingsError

_CONNECTIONS = 8
_PATIENCE_S = 5.0  # for one connection, from its first byte to its last


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is answered."""

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


Pages = Mapping[str, Callable[[], Page]]


class Web:
    """A server on `listen`, address and port; it serves `pages` by path from the moment it is made until `close`."""

    def __init__(self, listen: str, pages: Pages) -> None:
        """Raises SettingsError where the address cannot be taken."""
        host, _, port = listen.rpartition(":")
        try:
            family, *_, address = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
            self._server = _Server(family, address, pages)
        except OSError as error:
            raise SettingsError(
                f"[http] listen {listen} cannot be taken: {error.strerror}", remedy="Name an address that is free"
            ) from error
        self.address = ":".join((host, str(self._server.server_address[1])))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), name="web", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it still takes connections."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Take no more connections and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=_PATIENCE_S)


class _Server(ThreadingMixIn, TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 16

    def __init__(self, family: int, address: Any, pages: Pages) -> None:
        self.address_family = family
        self.pages = pages
        self._room = threading.BoundedSemaphore(_CONNECTIONS)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that left or that was too slow is no event."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "reconciler"
    sys_version = ""

    def setup(self) -> None:
        super().setup()
        self.rfile = io.BufferedReader(_Patient(self.connection))

    def do_GET(self) -> None:
        page = self.server.pages.get(self.path.partition("?")[0])
        self._answer(page() if page else Page(status=404, body=b"no such page\n"))

    do_HEAD = do_GET  # noqa: N815 - the parent calls it so

    def log_message(self, *_: object) -> None:
        """Say nothing: a scrape is no event."""

    def _answer(self, page: Page) -> None:
        self.send_response(page.status)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(page.body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page.body)


class _Patient(io.RawIOBase):
    """Reads from a socket until its time is over, however slowly the bytes come."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._until = time.monotonic() + _PATIENCE_S
        connection.settimeout(_PATIENCE_S)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        try:
            return self._connection.recv_into(buffer)
        finally:
            self._connection.settimeout(_PATIENCE_S)

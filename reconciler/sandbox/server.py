"""Serves one WSGI application on a loopback port from a thread, keeps a log of requests and plays scripted faults."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

Application = Callable[[Request], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """One request as it came in; `target` is path and query exactly as sent."""

    method: str
    target: str
    headers: Mapping[str, str]


class Break(StrEnum):
    """Ways to spoil an answer that no status code expresses."""

    RESET = "reset"  # the connection is reset, nothing is answered
    CUT = "cut"  # the answer stops half-way through its body
    HANG = "hang"  # nothing is answered for `delay_s`, then the connection is reset


@dataclass(slots=True, kw_only=True)
class Fault:
    """Spoils the requests it matches: `times` of them (None: all), after letting `skip` of them pass.

    With `status` that answer is given and the application is not asked; with `breaks` the connection suffers;
    with only `delay_s` the true answer comes late. `target` is a regular expression searched in path and query.
    """

    target: str = ""
    method: str | None = None
    skip: int = 0
    times: int | None = 1
    status: int | None = None
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    breaks: Break | None = None
    delay_s: float = 0.0

    def takes(self, method: str, target: str) -> bool:
        """Whether this request is spoiled; counts it."""
        if self.method not in (None, method) or not re.search(self.target, target) or self.times == 0:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the parent's name
        """Say nothing: the server keeps its own log."""


class LoopbackServer:
    """A started server on 127.0.0.1; use as a context manager. `url` has no trailing slash."""

    def __init__(self, application: Application, *, port: int = 0) -> None:
        """Bind to `port` (0: any free one) and serve until `close`."""
        self._application = application
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self.requests: list[LoggedRequest] = []
        self._server: BaseWSGIServer = make_server(
            "127.0.0.1", port, self._serve, threaded=True, request_handler=_Quiet
        )
        self._server.daemon_threads = True  # type: ignore[attr-defined]  # set on the threading subclass that make_server returns
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def add_fault(self, fault: Fault) -> None:
        """Play `fault` from now on; the first fault that takes a request wins."""
        with self._lock:
            self._faults.append(fault)

    def clear_faults(self) -> None:
        """Answer truly again."""
        with self._lock:
            self._faults.clear()

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serve(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        target = str(environ.get("REQUEST_URI", request.full_path))
        with self._lock:
            self.requests.append(LoggedRequest(method=request.method, target=target, headers=dict(request.headers)))
            fault = next((f for f in self._faults if f.takes(request.method, target)), None)
        if fault is None:
            return self._application(request)(environ, start_response)
        time.sleep(fault.delay_s)
        if fault.breaks in (Break.RESET, Break.HANG):
            return _reset(environ)
        if fault.status is not None:
            answer = Response(
                fault.body, status=fault.status, content_type=fault.content_type, headers=dict(fault.headers)
            )
        else:
            answer = self._application(request)
        if fault.breaks is Break.CUT:
            whole = answer.get_data()
            answer.response = [whole[: len(whole) // 2]]
            answer.headers["Content-Length"] = str(len(whole))
            answer.headers["Connection"] = "close"
        return answer(environ, start_response)


def _reset(environ: dict[str, Any]) -> Iterable[bytes]:
    connection: socket.socket = environ["werkzeug.socket"]
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)  # close() alone waits for the handler's own references to the socket
    raise ConnectionResetError

"""The pages of the daemon, before clients that are slow, many, or strange."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from collections.abc import Iterator

import pytest

from daemon.daemon_support import until
from reconciler.daemon.web import Page, Web
from reconciler.errors import SettingsError


@pytest.fixture
def web() -> Iterator[Web]:
    made = Web("127.0.0.1:0", {"/healthz": lambda: Page(status=200, body=b"alive\n")})
    yield made
    made.close()


def connected(web: Web) -> socket.socket:
    host, _, port = web.address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def answer(web: Web, request: bytes) -> bytes:
    with connected(web) as client:
        client.sendall(request)
        said = b""
        while piece := client.recv(65536):
            said += piece
        return said


def test_a_page_is_answered_by_its_path_whatever_the_query(web: Web) -> None:
    with urllib.request.urlopen(f"http://{web.address}/healthz?x=1", timeout=5) as said:
        assert said.read() == b"alive\n"


def test_head_is_answered_without_a_body(web: Web) -> None:
    said = answer(web, b"HEAD /healthz HTTP/1.0\r\n\r\n")
    assert said.startswith(b"HTTP/1.0 200")
    assert said.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("request_line", "status"),
    [(b"GET /other HTTP/1.0", 404), (b"POST /healthz HTTP/1.0", 501), (b"\x16\x03\x01", 400)],
)
def test_anything_else_is_refused(web: Web, request_line: bytes, status: int) -> None:
    assert str(status).encode() in answer(web, request_line + b"\r\n\r\n")[:400]


def test_a_client_that_sends_byte_after_byte_is_left_after_five_seconds(web: Web) -> None:
    began = time.monotonic()
    with connected(web) as client:
        until(lambda: is_left(client), "the end of the connection", 20)
    assert 4 < time.monotonic() - began < 15


def is_left(client: socket.socket) -> bool:
    """Whether the other side has closed; sends another byte to find out."""
    try:
        client.sendall(b"G")
        time.sleep(0.1)
    except OSError:
        return True
    return False


def test_clients_that_hold_all_places_are_gone_in_time_and_more_of_them_are_turned_away(web: Web) -> None:
    before = threading.active_count()
    idle = [connected(web) for _ in range(30)]
    until(lambda: threading.active_count() >= before + 8, "eight threads")
    assert threading.active_count() <= before + 8
    until(lambda: answered(web), "an answer after the idle ones were left", 15)
    for client in idle:
        client.close()


def answered(web: Web) -> bool:
    try:
        return b"alive" in answer(web, b"GET /healthz HTTP/1.0\r\n\r\n")
    except OSError:
        return False


def test_an_address_that_is_taken_or_none_is_refused_with_its_key(web: Web) -> None:
    for listen in (web.address, "203.0.113.1:80"):
        with pytest.raises(SettingsError, match=r"\[http\] listen"):
            Web(listen, {})

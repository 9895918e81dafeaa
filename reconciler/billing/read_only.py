"""Holds back every request to a billing source that is not a GET: this product only reads there."""

from __future__ import annotations

import httpx


class WriteHeldBackError(RuntimeError):
    """Something in this product tried to write to a billing source; the request was not sent."""


def only_get(method: str) -> None:
    """Raise WriteHeldBackError unless `method` is GET."""
    if method.upper() != "GET":
        raise WriteHeldBackError(f"A {method.upper()} to a billing source was held back and not sent")


class ReadOnlyTransport(httpx.BaseTransport):
    """An HTTP transport that sends nothing but GET."""

    def __init__(self) -> None:
        self._transport = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request`, or raise WriteHeldBackError."""
        only_get(request.method)
        return self._transport.handle_request(request)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

"""Holds back every request to a billing source that is not a GET: this product only reads there."""

from __future__ import annotations


class WriteHeldBackError(RuntimeError):
    """Something in this product tried to write to a billing source; the request was not sent."""


def only_get(method: str) -> None:
    """Raise WriteHeldBackError unless `method` is GET."""
    if method.upper() != "GET":
        raise WriteHeldBackError(f"A {method.upper()} to a billing source was held back and not sent")

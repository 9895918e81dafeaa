"""Compares a source's clock with ours, by the Date header of an answer that needs no key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from reconciler.ports import Clock


def clock_skew(url: str, clock: Clock, *, timeout_s: float) -> timedelta | None:
    """How far the server's clock is ahead of ours, to about a second; None where it does not say.

    Any status counts: a refusal has a date too.
    """
    asked = clock.now()
    try:
        with httpx.stream("GET", url, timeout=timeout_s) as answer:
            said = answer.headers.get("Date", "")
    except httpx.HTTPError:
        return None
    try:
        there = parsedate_to_datetime(said)
    except ValueError:
        return None
    there = there.replace(tzinfo=UTC) if there.tzinfo is None else there
    here: datetime = asked + (clock.now() - asked) / 2
    return there - here

"""Organisations as the store holds them, and the records of the store that are not sound."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

ACTIVE = "active"
SUSPENDED = "suspended"
DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Org:
    """One record of the store. `tier` and `status` are the store's own words, whatever they are."""

    id: str
    name: str
    tier: str
    status: str
    created_at: datetime
    lago_id: str | None = None
    stripe_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidRecord:
    """A record that the application's own validation refuses; `readable` when it can still be judged."""

    key: str
    problem: str
    readable: bool

"""Gives the chain out as JSON lines that can be checked with nothing but SHA-256 (chain.py says how)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlalchemy import Connection

from reconciler.ledger.audit import joined
from reconciler.ledger.chain import canonical


def export(connection: Connection) -> Iterator[str]:
    """Each event's columns, and in `rows` the lines that its `content` is the hash over, in their order.

    Holds one event's rows at a time. Raises ValueError for a body that was edited into no JSON.
    """
    for _, event, written in joined(connection, None):
        if event is not None:
            rows = [json.loads(row.line) for row in written]
            yield canonical({**event, "body": json.loads(event["body"]), "rows": rows})

"""Gives the chain out as JSON lines that can be checked with nothing but SHA-256 (chain.py says how)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlalchemy import Connection, select

from reconciler.ledger.chain import lines_of, raw
from reconciler.ledger.tables import events


def export(connection: Connection) -> Iterator[str]:
    """Each event's columns, and in `rows` the lines that its `content` is the hash over, in their order."""
    names = [column.name for column in events.c]
    for values in connection.execute(select(*(raw(column) for column in events.c)).order_by(events.c.seq)):
        event = dict(zip(names, values, strict=True))
        event["body"] = json.loads(event["body"])
        rows = [json.loads(line) for _, _, line in lines_of(connection, event["seq"])]
        yield json.dumps({**event, "rows": rows}, sort_keys=True, separators=(",", ":"))

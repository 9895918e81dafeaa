"""Proves the ledger by its chain of events, or names the rows that do not agree with it."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, or_, select

from reconciler.ledger.chain import FIRST_PREVIOUS, MARK, Content, Part, event_hash, mark_of, parts, raw
from reconciler.ledger.tables import ENDINGS, events
from reconciler.model.run import LedgerHead

PRUNED = "pruned"
_NO_EVENT = 1 << 63  # of a row whose number of an event is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What does not agree: `row` is the table with the row's own key, `decisions 17`."""

    row: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What the chain proves: each event from `first` to the head, and all that they wrote, unless there are faults.

    A lone database cannot prove that nothing was cut off its end, nor that all of it was not made anew: that takes a
    head that was kept elsewhere, in the file beside it, a report or a log.
    """

    first: int
    head: LedgerHead
    rows: int
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row as an event wrote or ended it, and as it is hashed."""

    event: int
    part: Part
    key: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where pruning cut: the last event that went, its hash, and the hash over what is left of what went with it."""

    through: int = 0
    sha256: str = FIRST_PREVIOUS
    carried: str = Content().sha256


def audit(connection: Connection, kept: Mapping[str, LedgerHead] | None = None, until: int | None = None) -> Audit:
    """Check every event and every row, up to the event `until` where that is given.

    `kept` are heads that were kept elsewhere, by where. Holds one event's rows at a time, whatever the ledger's size.
    """
    checkpoint = last_checkpoint(connection)
    faults: list[Fault] = []
    hashes = {checkpoint.through: checkpoint.sha256}
    wanted = {head.events for head in (kept or {}).values()}
    carried = Content()
    first = before = checkpoint.through
    previous, rows = checkpoint.sha256, 0
    for seq, event, written in joined(connection, until):
        rows += len(written)
        if event is None and seq <= checkpoint.through:
            for row in written:
                carried.add(row.part, row.line)
            continue
        if event is None:
            faults += [_fault(row, f"there is no event {seq} that wrote it") for row in written]
            continue
        faults += _chain_faults(event, before, previous)
        faults += _row_faults(event, written)
        before, previous = seq, event["sha256"]
        first = first if first != checkpoint.through else seq
        if seq in wanted:
            hashes[seq] = previous
    faults += _early_endings(connection)
    if carried.sha256 != checkpoint.carried:
        faults.append(Fault(row="what pruning left", text="a row that an event before the pruning wrote was changed"))
    faults += _head_faults(kept or {}, before, checkpoint.through, hashes)
    return Audit(first=first, head=LedgerHead(events=before, sha256=previous), rows=rows, faults=tuple(faults))


def last_checkpoint(connection: Connection) -> Checkpoint:
    """Where the ledger was pruned last, as it says itself; the chain proves that too."""
    pruned = select(raw(events.c.body)).where(events.c.kind == PRUNED).order_by(events.c.seq.desc()).limit(1)
    body = _parsed(connection.scalar(pruned))
    try:
        return Checkpoint(through=int(body["through"]), sha256=str(body["sha256"]), carried=str(body["carried"]))
    except (KeyError, TypeError, ValueError):
        return Checkpoint()


def rows_of(connection: Connection, until: int | None) -> Iterator[Row]:
    """Every row that an event wrote or ended, by event, then as it is hashed."""

    def of(place: int, part: Part) -> Iterator[tuple[int, int, Row]]:
        query = part.rows().where(part.by.is_not(None))
        for event, *values in connection.execute(query if until is None else query.where(part.by <= until)):
            known = event if isinstance(event, int) else _NO_EVENT
            yield known, place, Row(event=known, part=part, key=part.key(values), line=part.line(values))

    streams = [of(place, part) for place, part in enumerate(parts())]
    yield from (row for _, _, row in heapq.merge(*streams, key=lambda each: each[:2]))


def joined(connection: Connection, until: int | None) -> Iterator[tuple[int, Mapping[str, Any] | None, Sequence[Row]]]:
    """Events with the rows that they wrote, rows without an event, events without a row, in the order of events.

    An event comes by its columns, as the database holds them, `body` as its text.
    """
    names = tuple(column.name for column in events.c)
    query = select(*(raw(column) for column in events.c)).order_by(events.c.seq)
    told = connection.execute(query if until is None else query.where(events.c.seq <= until))
    chained: Iterator[tuple[int, Any]] = ((row[0], dict(zip(names, row, strict=True))) for row in told)
    groups: Iterator[tuple[int, Any]] = (
        (seq, list(group)) for seq, group in groupby(rows_of(connection, until), key=lambda row: row.event)
    )
    for seq, both in groupby(heapq.merge(chained, groups, key=lambda each: each[0]), key=lambda each: each[0]):
        found = [each for _, each in both]
        event = next((each for each in found if isinstance(each, dict)), None)
        yield seq, event, next((each for each in found if isinstance(each, list)), ())


def _chain_faults(event: Mapping[str, Any], before: int, previous: str) -> Iterator[Fault]:
    seq = event["seq"]
    if seq != before + 1:
        gone = f"event {before + 1} is" if seq == before + 2 else f"events {before + 1} to {seq - 1} are"
        yield Fault(row=f"events {before + 1}", text=f"{gone} not there")
    elif event["previous"] != previous:
        yield Fault(row=f"events {seq}", text=f"it does not follow on event {before} as that stands")
    if event_hash({**event, "body": _parsed(event["body"])}) != event["sha256"]:
        yield Fault(row=f"events {seq}", text="it was edited")


def _row_faults(event: Mapping[str, Any], written: Sequence[Row]) -> Iterator[Fault]:
    """The rows that are not as the event wrote them, by the marks that it kept."""
    content = Content()
    for row in written:
        content.add(row.part, row.line)
    if content.sha256 == event["content"]:
        return
    marks = _parsed(event["body"]).get("marks", {})
    named = False
    for part in parts():
        text = str(marks.get(part.name, "")) if isinstance(marks, dict) else ""
        expected = Counter(text[at : at + MARK] for at in range(0, len(text), MARK))
        there = [row for row in written if row.part is part]
        other = [row for row in there if not _take(expected, mark_of(row.line))]
        missing = expected.total() - len(other)
        named = named or bool(other) or missing > 0
        yield from (_fault(row, f"it is not as event {event['seq']} wrote it") for row in other)
        if missing > 0:
            text = f"{missing} of the rows that event {event['seq']} {part.verb} there {_are(missing)} gone"
            yield Fault(row=f"{part.table.name} ({event['kind']} {event['subject']})", text=text)
    if not named:
        yield Fault(row=f"events {event['seq']}", text="its rows are not what it says that it wrote")


def _early_endings(connection: Connection) -> Iterator[Fault]:
    """Rows that say how they ended while no event ended them."""
    for table, endings in ENDINGS.items():
        how = [table.c[name].is_not(None) for name in endings if name != "ended_by"]
        if how:
            for (seq,) in connection.execute(select(table.c.seq).where(table.c.ended_by.is_(None), or_(*how))):
                yield Fault(row=f"{table.name} {seq}", text="it says how it ended, and no event ended it")


def _head_faults(kept: Mapping[str, LedgerHead], last: int, through: int, hashes: Mapping[int, str]) -> Iterator[Fault]:
    for where, head in kept.items():
        if head.events > last:
            cut = f"{where} saw {head.events} events: {head.events - last} {_are(head.events - last)} cut off the end"
            yield Fault(row=f"events {last + 1}", text=cut)
        elif head.events >= through and hashes.get(head.events, head.sha256) != head.sha256:
            yield Fault(row=f"events {head.events}", text=f"it is not the event that {where} saw")


def _fault(row: Row, text: str) -> Fault:
    return Fault(row=f"{row.part.table.name} {row.key}", text=text)


def _take(counted: Counter[str], mark: str) -> bool:
    if counted[mark] <= 0:
        return False
    counted[mark] -= 1
    return True


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _parsed(text: object) -> dict[str, Any]:
    """A body as it was before it became text; of another text what no event ever said."""
    try:
        body = json.loads(str(text))
    except ValueError:
        return {"unreadable": str(text)}
    return body if isinstance(body, dict) else {"unreadable": str(text)}

"""Finds the records in a store file's bytes and changes single ones, leaving every other byte as it was.

A file is one JSON object. It is read in chunks and written as pieces of the old bytes around the new ones, so that
memory stays near the size of the file, and unknown fields, odd spellings and the order of keys survive every write.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

# A chunk ends where a line begins with two spaces and a quote: in the application's own layout, between two records.
_BETWEEN_RECORDS = b'\n  "'
_CHUNK_SIZE = 1 << 18
_BLANK_BYTES = b" \t\n\r"
_BLANK = r"[ \t\n\r]*"
_BLANKS = re.compile(_BLANK)
_COLON = re.compile(f"{_BLANK}:{_BLANK}")
_COMMA = re.compile(f"{_BLANK},{_BLANK}")
_OPENING = re.compile(f"{{{_BLANK}")
_CLOSING = re.compile(f"{_BLANK}}}{_BLANK}")
_OPENING_OF_LIST = re.compile(rf"\[{_BLANK}")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# raw_decode is this with one more call for each of tens of thousands of values.
_decode = json.JSONDecoder().scan_once  # type: ignore[attr-defined] # missing from its stub

Piece = bytes | memoryview


class DocumentError(Exception):
    """The bytes are not one JSON object; `offset` is the byte where that shows."""

    def __init__(self, problem: str, offset: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.offset = offset


# A key of an object, and the range of bytes (or characters) that its value's text takes up.
Member = tuple[str, int, int]


def _blank_end(text: str, at: int) -> int:
    return _BLANKS.match(text, at).end()  # type: ignore[union-attr] # the pattern matches the empty text too


def _expect(text: str, at: int, mark: re.Pattern[str]) -> int:
    match = mark.match(text, at)
    if match is None:
        raise DocumentError(f"expected {mark.pattern.replace(_BLANK, '')}", at)
    return match.end()


def _scan(text: str, at: int, found: list[Member]) -> tuple[int, bool]:
    """Append the members from `at` on; tells where they stop, and whether a comma asks for another there."""
    at, more = _blank_end(text, at), False
    try:
        while text.startswith('"', at):
            key, at = _decode(text, at)
            start = at = _expect(text, at, _COLON)
            _, at = _decode(text, at)
            found.append((key, start, at))
            comma = _COMMA.match(text, at)
            if comma is None:
                return at, False
            at, more = comma.end(), True
    except StopIteration as stop:
        raise DocumentError("expected a value", stop.value) from None
    except json.JSONDecodeError as error:
        raise DocumentError(error.msg, error.pos) from None
    except RecursionError:
        raise DocumentError("nested too deeply to read", at) from None
    except ValueError:  # the interpreter refuses numbers of thousands of digits
        raise DocumentError("a number too long to read", at) from None
    return at, more


def _finish(text: str, at: int, found: list[Member]) -> None:
    at, more = _scan(text, at, found)
    if more:
        raise DocumentError("expected another key after the comma", at)
    at = _expect(text, at, _CLOSING)
    if at != len(text):
        raise DocumentError("more text after its end", at)


def members_of_object(text: str) -> list[Member]:
    """The members of the object that `text` is, ranges in characters. Raises DocumentError."""
    found: list[Member] = []
    _finish(text, _expect(text, 0, _OPENING), found)
    return found


def elements_of_list(text: str) -> list[tuple[int, int]]:
    """Where the elements of the list stand that `text` is, in characters. It is known to be whole."""
    found: list[tuple[int, int]] = []
    at = _expect(text, 0, _OPENING_OF_LIST)
    while not text.startswith("]", at):
        at = _expect(text, at, _COMMA) if found else at
        _, end = _decode(text, at)
        found.append((at, end))
        at = _blank_end(text, end)
    return found


def _in_bytes(found: list[Member], text: str, base: int) -> list[Member]:
    if text.isascii():
        return [(key, start + base, end + base) for key, start, end in found]
    moved, seen, byte = [], 0, base
    for key, start, end in found:
        first = byte + len(text[seen:start].encode())
        byte = first + len(text[start:end].encode())
        seen = end
        moved.append((key, first, byte))
    return moved


def _text(part: bytes, base: int) -> str:
    try:
        return part.decode()
    except UnicodeDecodeError as error:
        raise DocumentError("not UTF-8", base + error.start) from None


def _opening(raw: bytes) -> int:
    first = len(raw) - len(raw.lstrip(_BLANK_BYTES))
    if first == len(raw):
        raise DocumentError("empty", 0)
    if raw.startswith(_BYTE_ORDER_MARK):
        raise DocumentError("it begins with a byte order mark", 0)
    if raw[first : first + 1] != b"{":
        raise DocumentError("not an object of organisations", first)
    return first + 1


def read_members(raw: bytes) -> Iterator[Member]:
    """The records of a file in its order, ranges in bytes; raises DocumentError where the file stops being whole.

    What was yielded before the error are whole records of the file.
    """
    first = _opening(raw)
    while (cut := raw.find(_BETWEEN_RECORDS, first + _CHUNK_SIZE)) != -1:
        found: list[Member] = []
        try:
            text = _text(raw[first:cut], first)
            at, more = _scan(text, 0, found)
        except DocumentError:
            break
        if not more or at != len(text):
            break
        yield from _in_bytes(found, text, first)
        first = cut
    yield from _rest(raw, first)


def _rest(raw: bytes, first: int) -> Iterator[Member]:
    text = _text(raw[first:], first)
    found: list[Member] = []
    try:
        _finish(text, 0, found)
    except DocumentError as error:
        yield from _in_bytes(found, text, first)
        raise DocumentError(error.problem, first + len(text[: error.offset].encode())) from None
    yield from _in_bytes(found, text, first)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """New bytes for a file, as pieces that follow one another, and how the old bytes come back from them.

    The first `prefix` and the last `suffix` bytes are those of the old file; `middle` is what stood between them.
    """

    pieces: tuple[Piece, ...]
    prefix: int
    suffix: int
    middle: bytes


class Document:
    """One file's content, whole and read, with the byte range of each record's text. Never changed."""

    def __init__(self, raw: bytes, spans: Mapping[str, tuple[int, int]], repeated: frozenset[str]) -> None:
        """`repeated` are the keys that stand more than once."""
        self.raw = raw
        self.spans = spans
        self.repeated = repeated

    @classmethod
    def read(cls, raw: bytes) -> Document:
        """Raises DocumentError. Of a key that stands twice the last counts, as with the application."""
        spans: dict[str, tuple[int, int]] = {}
        repeated = set()
        for key, start, end in read_members(raw):
            if key in spans:
                repeated.add(key)
            spans[key] = start, end
        return cls(raw, spans, frozenset(repeated))

    def record(self, key: str) -> bytes | None:
        """The text of one record as it stands in the file; None where there is none."""
        span = self.spans.get(key)
        return None if span is None else self.raw[span[0] : span[1]]

    def records(self) -> Iterator[tuple[str, bytes]]:
        """Every key with its record's text, in file order."""
        for key, (start, end) in self.spans.items():
            yield key, self.raw[start:end]

    def edit(self, changes: Mapping[str, bytes]) -> tuple[Edit, dict[str, tuple[int, int]]]:
        """Put new text for records: for those of the file in their place, for others behind the last, in order.

        `changes` is not empty. Also gives the ranges of the records in the new bytes.
        """
        places = sorted((*self.spans[key], key) for key in changes if key in self.spans)
        splices = [(start, end, changes[key]) for start, end, key in places]
        shifts = list(accumulate((len(text) - (end - start) for start, end, text in splices), initial=0))
        starts = [start for start, _, _ in splices]
        spans = {
            key: (start + shifts[bisect_left(starts, start)], end + shifts[bisect_right(starts, start)])
            for key, (start, end) in self.spans.items()
        }
        behind_last = max((end for _, end in self.spans.values()), default=_opening(self.raw))
        appended = bytearray()
        for key in changes:
            if key not in self.spans:
                appended += (b"," if spans else b"") + b"\n  " + json.dumps(key).encode() + b": "
                start = behind_last + shifts[-1] + len(appended)
                spans[key] = start, start + len(changes[key])
                appended += changes[key]
        if appended:
            splices.append((behind_last, behind_last, bytes(appended) + (b"" if self.spans else b"\n")))
        return self._spliced(splices), spans

    def _spliced(self, splices: Sequence[tuple[int, int, bytes]]) -> Edit:
        old = memoryview(self.raw)
        pieces: list[Piece] = []
        done = [0, *(end for _, end, _ in splices)]
        for number, (start, _, text) in enumerate(splices):
            pieces += [old[done[number] : start], text]
        first, last = splices[0][0], splices[-1][1]
        return Edit(
            pieces=(*pieces, old[last:]), prefix=first, suffix=len(self.raw) - last, middle=self.raw[first:last]
        )

"""Recorded exchanges of a real Lago, and how an answer of ours is likened to one: ids one to one, times by kind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

SHARED = Path(__file__).parents[3] / "shared"
RECORDINGS = SHARED / "recordings" / "lago" / "v1.51.0"

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT(\d\d:\d\d)(:\d\d)?(\.\d+)?(Z|\+00:00)")
_WHILE_RECORDING = (
    "22:31",
    "22:34",
)  # the time of day of the recordings and of their replay
_RECORDED_PREFIX = "UC -C724"
_FREE = frozenset({"public_key"})  # compared by type only


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of a recording: an exchange, or with `did` something that was done on the server's side."""

    name: str
    did: str | None
    method: str = ""
    target: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    status: int = 0
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    answer: str = ""


def steps_of(file: str) -> Iterator[Step]:
    """The lines of one recording in their order."""
    for line in (RECORDINGS / f"{file}.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if "did" in row:
            yield Step(name=row["step"], did=row["did"])
            continue
        request, response = row["request"], row["response"]
        yield Step(
            name=row["step"],
            did=None,
            method=request["method"],
            target=request["target"],
            headers=request["headers"],
            body=request["body"],
            status=response["status"],
            answer_headers=response["headers"],
            answer=response["body"],
        )


class Likeness:
    """Holds answers of ours against recorded ones; what it learned of ids in one answer counts in the next."""

    def __init__(self, *, prefix: str) -> None:
        self._prefix = prefix
        self._ours: dict[str, str] = {}
        self._recorded: dict[str, str] = {}

    def translate(self, text: str) -> str:
        """`text` of a recorded request with its ids turned into ours."""
        return _UUID.sub(lambda found: self._ours.get(found[0], found[0]), text)

    def differences(self, recorded: str, ours: str) -> list[str]:
        """Where the two bodies differ in more than ids, moments and addresses; each difference with its path."""
        try:
            there = json.loads(recorded)
        except ValueError:
            return [] if _alike_text(recorded, ours) else [f"text: recorded {recorded[:80]!r}, ours {ours[:80]!r}"]
        try:
            here = json.loads(ours)
        except ValueError:
            return [f"not JSON: {ours[:80]!r}"]
        return list(self._walk("", there, here))

    def _walk(self, path: str, there: Any, here: Any) -> Iterator[str]:
        if isinstance(there, dict) and isinstance(here, dict):
            yield from (f"{path}.{key}: missing" for key in there.keys() - here.keys())
            yield from (f"{path}.{key}: too much" for key in here.keys() - there.keys())
            for key in (there.keys() & here.keys()) - _FREE:
                yield from self._walk(f"{path}.{key}", there[key], here[key])
        elif isinstance(there, list) and isinstance(here, list):
            if len(there) != len(here):
                yield f"{path}: recorded {len(there)} entries, ours {len(here)}"
            for place, (one, other) in enumerate(zip(there, here, strict=False)):
                yield from self._walk(f"{path}[{place}]", one, other)
        elif type(there) is not type(here) or not self._alike(there, here):
            yield f"{path}: recorded {there!r}, ours {here!r}"

    def _alike(self, there: Any, here: Any) -> bool:
        if not isinstance(there, str):
            return bool(there == here)
        if _UUID.fullmatch(there):
            return self._same_id(there, here)
        if _INSTANT.fullmatch(there):
            return _alike_instants(there, here)
        ours = str(here).replace(self._prefix, _RECORDED_PREFIX).replace(quote(self._prefix), quote(_RECORDED_PREFIX))
        if there.startswith("http"):
            return ours.startswith("http") and there.rpartition("/")[2] == ours.rpartition("/")[2]
        return there == ours

    def _same_id(self, there: str, here: str) -> bool:
        known = self._ours.setdefault(there, here), self._recorded.setdefault(here, there)
        return known == (here, there)


def _alike_text(there: str, here: str) -> bool:
    # The only texts are empty bodies and a public key, which is not the recorded server's.
    return len(there.partition("\n")[0]) == len(here.partition("\n")[0])


def _alike_instants(there: str, here: str) -> bool:
    recorded, ours = _INSTANT.fullmatch(there), _INSTANT.fullmatch(here)
    if not recorded or not ours or len(there) != len(here) or recorded[4] != ours[4]:
        return False
    first, last = _WHILE_RECORDING
    if first <= recorded[1] < last:
        return first <= ours[1] < last and datetime.fromisoformat(there).date() == datetime.fromisoformat(here).date()
    return there == here

"""Remembers what people were told, in one small file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


class Memory:
    """What was told, by key. Where the file cannot be written it is remembered as long as this object is."""

    def __init__(self, file: Path) -> None:
        """Nothing is read before it is asked for, and nothing made before something is kept."""
        self._file = file
        self._unkept: dict[str, str] | None = None

    def told(self) -> dict[str, str]:
        """What was told so far; empty where nothing was, or the file was cut off: people are told once more.

        Raises OSError where the file cannot be read.
        """
        if self._unkept is not None:
            return dict(self._unkept)
        with suppress(FileNotFoundError, ValueError):
            read = json.loads(self._file.read_text(encoding="utf-8"))
            if isinstance(read, dict):
                return {str(key): str(value) for key, value in read.items()}
        return {}

    def keep(self, told: Mapping[str, str]) -> None:
        """Keep it in the place of what was there, through a crash. Raises OSError where it cannot be written."""
        self._unkept = dict(told)
        beside = self._file.with_suffix(".new")
        with beside.open("w", encoding="utf-8") as file:
            json.dump(self._unkept, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._file)
        self._unkept = None

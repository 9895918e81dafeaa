"""What the commands around the ledger share: opening it, finding a run, and short lines."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer

from reconciler.bootstrap.stores import open_ledger
from reconciler.errors import UsageError
from reconciler.ledger.sql_ledger import NO_ACT, SqlLedger
from reconciler.logs import configure_logs
from reconciler.model.run import RunRecord
from reconciler.one_ledger import refuse_other
from reconciler.reports.safe_text import shown
from reconciler.settings import Settings, load_settings

Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The configuration (TOML).")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who says so.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for whoever reads it later.")]

WIDTH = 80
_ALL_RUNS = 1_000_000
LATEST = "latest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The settings, the ledger and the present instant."""

    settings: Settings
    ledger: SqlLedger
    now: datetime


@contextmanager
def opened(config: Path | None, *, says: bool = False) -> Iterator[Opened]:
    """The ledger of the configuration, which must be there. Raises SetupError and LedgerError.

    A person `says` something only into the ledger that keeps the store: no pass would hear of it in another.
    """
    settings = load_settings(config, os.environ)
    configure_logs(settings.log.format, "warning")
    with open_ledger(settings, os.environ) as ledger:
        if says:
            refuse_other(ledger, settings.orgs.folder, not_done=NO_ACT)
        yield Opened(settings=settings, ledger=ledger, now=datetime.now(UTC))


def run_named(ledger: SqlLedger, word: str, *, not_done: str = "Nothing was shown") -> RunRecord:
    """The run of that id, of the one id that begins so, or the latest. Raises UsageError, which names the nearest."""
    run = ledger.run(word)
    if run is not None:
        return run
    ids = [each.id for each in ledger.runs(1 if word == LATEST else _ALL_RUNS)]
    found = ids if word == LATEST else [each for each in ids if each.startswith(word)]
    near = found[:3] or get_close_matches(word, ids, n=3)
    run = ledger.run(found[0]) if len(found) == 1 else None
    if run is None:
        what = f"{len(found)} runs begin with {word!r}" if found else f"There is no run {word!r} in the ledger"
        hint = f"; the nearest are {', '.join(near)}" if near else ""
        raise UsageError(what + hint, not_done=not_done, remedy="reconcile runs names them")
    return run


def day(text: str, option: str) -> date:
    """A day as it was typed. Raises UsageError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} is {text!r}, which is no day", not_done="Nothing was recorded", remedy="Say it as 2026-01-31"
        ) from None


def say(line: str, *, indent: str = "") -> None:
    """A line for people, wrapped to 80 columns, with nothing in it that could act on a terminal."""
    safe = shown(line)
    wrapped = textwrap.wrap(
        safe, WIDTH, subsequent_indent=indent or "  ", break_long_words=False, break_on_hyphens=False
    )
    sys.stdout.write("\n".join(wrapped or [""]) + "\n")


def say_whole(line: str) -> None:
    """A line as one piece, however long: what is looked for or copied, such as an id, stays beside its word."""
    sys.stdout.write(f"{shown(line)}\n")


def minute(moment: datetime) -> str:
    """`2026-10-01 12:00`, UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def lasted(span: timedelta) -> str:
    """`5m`, `3h`, `12d`: the largest whole unit."""
    seconds = int(span.total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{max(seconds, 0)}s"

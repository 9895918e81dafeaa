"""`reconcile audit`: the proof of the ledger, and the whole of it for somebody else to check."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from reconciler.bootstrap.machine import reports_folder
from reconciler.cli.ledger_access import Config, opened, say
from reconciler.errors import UsageError
from reconciler.model.run import LedgerHead

audit_app = typer.Typer(help="The proof of the ledger.", rich_markup_mode=None)

_NOT_PROVEN = 2
_SHOWN = 20


@audit_app.command()
def verify(
    head: Annotated[
        list[str] | None,
        typer.Option("--head", metavar="EVENTS:SHA256", help="A head from a report or log kept elsewhere."),
    ] = None,
    config: Config = None,
) -> int:
    """Check every row of the ledger; ends with 2 where any was changed, taken out or put in.

    Checked against: the chain of hashes in the ledger, the head file beside it, the heads in the JSON reports of the
    reports folder, and every --head. The ledger alone cannot prove that nothing was cut off its end: keep a head
    somewhere that whoever writes the ledger cannot write.
    """
    kept = dict(_typed(word) for word in head or ())
    with opened(config) as at:
        kept |= _reported(reports_folder(at.settings, os.environ))
        found = at.ledger.audit(kept)
    for fault in found.faults[:_SHOWN]:
        say(f"{fault.row}: {fault.text}")
    if len(found.faults) > _SHOWN:
        say(f"and {len(found.faults) - _SHOWN} more")
    say(f"Head: {found.head.events}:{found.head.sha256}")
    known = f"{len(kept)} heads kept elsewhere" if kept else "no head but the one beside it"
    if found.faults:
        say(f"NOT PROVEN: {len(found.faults)} faults in {found.rows:,} rows, checked against {known}.")
        return _NOT_PROVEN
    since = f" from event {found.first} on, what was before is pruned" if found.first > 1 else ""
    say(f"Proven: {found.head.events:,} events, {found.rows:,} rows{since}; checked against {known}.")
    return 0


@audit_app.command()
def export(
    output: Annotated[Path | None, typer.Option("--output", metavar="PATH", help="A file, not the terminal.")] = None,
    config: Config = None,
) -> int:
    """Write every event with its rows, a JSON object a line; docs/ledger.md says how to check it."""
    with opened(config) as at:
        if output is None:
            for line in at.ledger.export():
                sys.stdout.write(f"{line}\n")
            return 0
        new = output.with_name(f"{output.name}.new")
        try:
            with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o640), "w") as file:
                file.writelines(f"{line}\n" for line in at.ledger.export())
            new.replace(output)
        except OSError as error:
            raise UsageError(
                f"{output} cannot be written: {error.strerror}", not_done="Nothing was exported", remedy="Name another"
            ) from error
    return 0


def _typed(word: str) -> tuple[str, LedgerHead]:
    events, _, sha256 = word.partition(":")
    if not events.isdecimal() or len(sha256) != len("0" * 64):
        raise UsageError(
            f"--head is {word!r}, which is no head", not_done="Nothing was checked", remedy="Say it as EVENTS:SHA256"
        )
    return f"--head {events}", LedgerHead(events=int(events), sha256=sha256)


def _reported(folder: Path) -> dict[str, LedgerHead]:
    """The heads in the JSON reports of the folder; a file that is no report of ours tells nothing."""
    found: dict[str, LedgerHead] = {}
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        if path.is_symlink():  # latest.json is one of the others
            continue
        try:
            said = json.loads(path.read_bytes())["run"]["ledger"]
            found[path.name] = LedgerHead(events=int(said["events"]), sha256=str(said["sha256"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found

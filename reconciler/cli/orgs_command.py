"""`reconcile orgs`: look into the organisation store, and mend it when it is damaged."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from reconciler.bootstrap.stores import open_store
from reconciler.errors import StoreError, UsageError
from reconciler.org_manager import OrgManager, export_store, import_store, restore, verify
from reconciler.reports.report_file import write_report
from reconciler.reports.safe_text import shown
from reconciler.settings import load_settings

orgs_app = typer.Typer(help="Look into the organisation store, and mend it.", rich_markup_mode=None)

_Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The configuration (TOML).")]
_Store = Annotated[
    Path | None, typer.Option("--store", metavar="FOLDER", help="The store's folder, in place of a configuration.")
]
_NOT_SOUND = 2


@orgs_app.command("list")
def list_(config: _Config = None, store: _Store = None) -> int:
    """Print every organisation: id, tier, status, name."""
    held = _open(config, store).snapshot()
    for org in held.organizations.values():
        _say(f"{org.id}  {shown(org.plan_tier):<16}  {shown(org.status):<9}  {shown(org.name)}")
    for record in held.invalid:
        sys.stderr.write(f"reconcile: {shown(record.key)}: {shown(record.problem)}\n")
    return 0


@orgs_app.command()
def show(org_id: str, config: _Config = None, store: _Store = None) -> int:
    """Print one organisation and how many members it has."""
    manager = _open(config, store)
    org = manager.get_org(org_id)
    if org is None:
        raise UsageError(
            f"There is no organisation {org_id} in the store",
            not_done="Nothing was shown",
            remedy="reconcile orgs list names those there are",
        )
    for name, value in org.model_dump(mode="json").items():
        _say(f"{name:<19} {'none' if value is None else shown(str(value))}")
    _say(f"{'members':<19} {len(manager.get_org_users(org_id))}")
    return 0


@orgs_app.command("verify")
def verify_(config: _Config = None, store: _Store = None) -> int:
    """Say whether the application can read the whole store; ends with 2 where it cannot."""
    found = verify(_open(config, store))
    for file in found.files:
        newest = f"newest good copy {file.copies[0].path}" if file.copies else "no good copy yet"
        _say(f"{file.path}: {file.problem or f'{file.records:,} records'}; {newest}")
    if found.journal != "none":
        _say(f"A writer died in the middle: its journal is {found.journal}; the next write settles it.")
    for record in found.invalid:
        _say(f"{shown(record.key)}: {shown(record.problem)}")
    _say("The store is sound." if found.is_sound else "The store is NOT sound: mend what is named above.")
    return 0 if found.is_sound else _NOT_SOUND


@orgs_app.command("restore")
def restore_(
    copy: Annotated[Path | None, typer.Argument(help="A copy to bring back; without it, what is damaged.")] = None,
    config: _Config = None,
    store: _Store = None,
) -> int:
    """Bring damaged files back from their newest good copies, or one file from the copy given.

    Ends with 2 where there is nothing to bring back and the store is not sound all the same.
    """
    manager = _open(config, store, read_only=False, for_restore=True)
    try:
        done = restore(manager, copy)
    except (ValueError, FileNotFoundError) as error:
        raise UsageError(str(error), not_done="Nothing was restored", remedy="orgs verify names the copies") from error
    for each in done:
        kept = f", with {len(each.kept)} newer organisations kept" if each.kept else ""
        _say(f"{each.file} is restored from {each.copy}{kept}. What stood there before: {each.set_aside}")
    if done:
        return 0
    if verify(manager).is_sound:
        _say("Nothing was restored: the store is sound.")
        return 0
    _say("Nothing was restored: no file is damaged, yet the store is NOT sound. Correct the records that orgs verify")
    _say("names, or name a copy to bring back.")
    return _NOT_SOUND


@orgs_app.command("import")
def import_(file: Path, config: _Config = None, store: _Store = None) -> int:
    """Add the organisations of an exported file, all or none."""
    manager = _open(config, store, read_only=False)
    try:
        done = import_store(manager, file.read_bytes())
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read: {error.strerror}", not_done="Nothing was imported", remedy="Name another file"
        ) from error
    except ValueError as error:
        raise UsageError(str(error), not_done="Nothing was imported", remedy="Name a file of orgs export") from error
    for record in done.refused:
        _say(f"{shown(record.key)}: {shown(record.problem)}")
    if done.refused:
        raise StoreError(
            f"{len(done.refused)} of the records are refused",
            not_done="Nothing was imported",
            remedy="Correct them in the file, or take them out",
        )
    _say(f"{len(done.added)} organisations were added, {len(done.unchanged)} were there already.")
    return 0


@orgs_app.command("export")
def export_(
    output: Annotated[Path | None, typer.Option("--output", metavar="PATH", help="A file, not the terminal.")] = None,
    config: _Config = None,
    store: _Store = None,
) -> int:
    """Write every organisation with its members as one JSON document."""
    content = export_store(_open(config, store))
    json.loads(content)  # what cannot be read again is no export
    if output is not None:
        write_report(output, content)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
    return 0


def _open(config: Path | None, store: Path | None, *, read_only: bool = True, for_restore: bool = False) -> OrgManager:
    of = load_settings(config, os.environ) if store is None else store
    return open_store(of, read_only=read_only, for_restore=for_restore)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")

"""The store as another user meets it, on real files: what is said, and that the printed commands mend it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.firststeps.checked import Verdict
from reconciler.firststeps.store_check import Place, check_store, commands, places
from reconciler.model.observation import StoreReading
from reconciler.model.orgs import InvalidRecord
from reconciler.model.terms import Mode

NOBODY = 65_534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not below pytest's own folder, which other users may not enter."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    store = made / "app data"
    (store / ".backup").mkdir(parents=True)
    for name in ("organizations.json", "org_users.json"):
        (store / name).write_text("{}")
        (store / name).chmod(0o644)
    yield store
    shutil.rmtree(made)


def reading(*invalid: InvalidRecord) -> StoreReading:
    return StoreReading(orgs=(), invalid=invalid, version="1")


def place(path: Path, *, may_write: bool) -> Place:
    return Place(path=path, owner="root", group="root", mode=0o644, may_read=True, may_write=may_write)


def as_nobody(code: str) -> str:
    """What `code` prints when an ordinary user runs it; what it needs of ours was imported before."""
    lines = (
        "import os, sys, json",
        "from pathlib import Path",
        "from reconciler.errors import StoreAccessError",
        "from reconciler.firststeps.ledger_check import check_ledger",
        "from reconciler.firststeps.store_check import places, unreadable",
        f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})",
        code,
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def writable_by_nobody(store: Path) -> dict[str, bool]:
    code = f"print(json.dumps({{each.path.name: each.may_write for each in places(Path({str(store)!r}))}}))"
    return dict(json.loads(as_nobody(code)))


def test_every_place_is_looked_at_with_its_owner_and_mode(folder: Path) -> None:
    found = {each.path.name: each for each in places(folder)}
    assert set(found) == {"app data", "organizations.json", "org_users.json", ".backup"}
    assert found["organizations.json"].mode == 0o644
    assert all(each.may_read and each.may_write for each in found.values())


@as_root
def test_another_user_may_read_and_not_write_what_belongs_to_root(folder: Path) -> None:
    assert not any(writable_by_nobody(folder).values())


@as_root
def test_a_ledger_that_another_user_cannot_write_stops(folder: Path) -> None:
    (folder / "open").mkdir()
    (folder / "open").chmod(0o777)
    code = (
        f"urls = [f'sqlite:///{folder}/{{each}}/new/ledger.sqlite3' for each in ('.', 'open')]\n"
        "print([check_ledger(url, user='me').verdict.name for url in urls])"
    )
    assert as_nobody(code) == "['STOPS', 'GOOD']"


@as_root
def test_the_printed_commands_let_another_user_write_and_leave_the_owner(folder: Path) -> None:
    group = "nogroup"
    made = commands(folder, "nobody", places(folder))
    assert made[0].startswith("groupadd")
    for command in made[1:]:
        if command.startswith("usermod"):  # the group and its members are there on this machine already
            continue
        subprocess.run(["sh", "-ec", command.replace(" reconciler ", f" {group} ")], check=True)  # noqa: S603, S607 - the commands under test
    assert all(writable_by_nobody(folder).values())
    assert (folder / "organizations.json").stat().st_uid == 0
    as_nobody(f"(Path({str(folder)!r}) / 'made').mkdir()")
    assert (folder / "made").stat().st_gid == folder.stat().st_gid


def test_a_group_that_is_not_roots_is_joined_and_not_changed() -> None:
    folder = Path("/app/data")
    made = commands(folder, "reconciler", [replace(place(folder, may_write=False), group="app")])
    assert made[0] == "usermod --append --groups app reconciler"
    assert not any(command.startswith(("groupadd", "chgrp")) for command in made)


def test_files_that_a_containers_root_made_in_a_folder_of_the_hosts_get_its_group() -> None:
    folder = Path("/app/data")
    found = [
        replace(place(folder, may_write=True), group="app"),
        place(folder / "organizations.json", may_write=False),
        replace(place(folder / "org_users.json", may_write=True), group="app"),
    ]
    made = commands(folder, "reconciler", found)
    assert [command for command in made if command.startswith("chgrp")] == [
        "chgrp --recursive app /app/data/organizations.json"
    ]


@as_root
def test_a_folder_above_that_may_not_be_entered_is_what_is_named(folder: Path) -> None:
    folder.parent.chmod(0o700)
    code = (
        "error = StoreAccessError('no', remedy='no', not_done='no')\n"
        "error.__cause__ = PermissionError()\n"
        f"print(unreadable(error, Path({str(folder)!r}), user='me', found=()).commands)"
    )
    assert as_nobody(code) == f"('chmod a+x {folder.parent}',)"


def test_a_group_without_a_name_here_gets_one() -> None:
    folder = Path("/app/data")
    made = commands(folder, "reconciler", [replace(place(folder, may_write=False), group="1000")])
    assert made[0] == "groupadd --gid 1000 reconciler"
    assert not any(command.startswith("chgrp") for command in made)


def test_a_folder_that_cannot_be_entered_still_gets_commands_for_both_files() -> None:
    assert "/app/data/organizations.json /app/data/org_users.json" in commands(Path("/app/data"), "reconciler", ())[-1]


@pytest.mark.parametrize(("mode", "verdict"), [(Mode.FLAG, Verdict.LOOK), (Mode.FIX, Verdict.STOPS)])
def test_a_store_that_cannot_be_written_stops_only_who_would_write(mode: Mode, verdict: Verdict) -> None:
    folder = Path("/app/data")
    found = (place(folder, may_write=True), place(folder / "organizations.json", may_write=False))
    *_, line = check_store(reading(), folder, user="reconciler", mode=mode, found=found)
    assert line.verdict is verdict
    assert "/app/data/organizations.json, which belongs to root:root, mode 0644" in line.text
    assert "usermod --append --groups reconciler reconciler" in line.commands


def test_records_that_the_application_would_refuse_are_named_the_first_five_by_key(folder: Path) -> None:
    invalid = [InvalidRecord(key=f"org_{number}", problem="its name is blank", readable=True) for number in range(7)]
    lines = list(check_store(reading(*invalid), folder, user="me", mode=Mode.FLAG, found=places(folder)))
    named = [line for line in lines if line.subject == "Record"]
    assert len(named) == 6
    assert named[0].text == "org_0: its name is blank"
    assert "2 more" in named[-1].text

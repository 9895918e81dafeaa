"""Looks at the store as the daemon's user will meet it: whether it can be read, written, and what it would refuse."""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import stat
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import StoreError
from reconciler.firststeps.checked import Checked, Verdict, counted, good, look
from reconciler.model.observation import StoreReading
from reconciler.model.terms import Mode

FILES = ("organizations.json", "org_users.json")
_SUBJECT = "Store"
_GROUP = "reconciler"
_ROOT = "root"
_NAMED = 5
_OURS = (".org_store.journal", ".backup")
_AS_ROOT = (
    "As root, where the folder is; the application may go on meanwhile. Then restart the daemon and log in anew, for "
    "the group to count"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A file or folder of the store: who owns it, and whether this user may do what the reconciler does there."""

    path: Path
    owner: str
    group: str
    mode: int
    may_read: bool
    may_write: bool


def places(folder: Path) -> tuple[Place, ...]:
    """The folder and what of the store is in it, as far as this user can see it."""
    return tuple(_place(path) for path in (folder, *(folder / name for name in (*FILES, *_OURS))) if _is_seen(path))


def unreadable(error: StoreError, folder: Path, *, user: str, found: Collection[Place]) -> Checked:
    """The line of a store that cannot be read, with the commands that mend it where it is permissions that lack."""
    blocked = isinstance(error.__cause__, PermissionError)
    closed = next((above for above in reversed(folder.parents) if not os.access(above, os.X_OK)), None)
    if blocked and closed is not None and closed.exists():
        return Checked(
            verdict=Verdict.STOPS,
            subject=_SUBJECT,
            text=f"{user} may not enter {closed}, and the store lies in it",
            remedy="As root, let others pass there, which shows them nothing of what is in it; or move the store",
            commands=(f"chmod a+x {shlex.quote(str(closed))}",),
        )
    return Checked(
        verdict=Verdict.STOPS,
        subject=_SUBJECT,
        text=error.problem,
        remedy=_AS_ROOT if blocked else error.remedy,
        commands=commands(folder, user, found) if blocked else (),
    )


def check_store(
    reading: StoreReading, folder: Path, *, user: str, mode: Mode, found: Collection[Place]
) -> Iterator[Checked]:
    """The lines of a store that was read; `user` runs this, `found` are its places as that user meets them."""
    yield good(_SUBJECT, f"{folder} holds {counted(len(reading.orgs), 'organisation')}")
    yield from _refused(reading)
    yield _writable(folder, user, mode, found)


def _refused(reading: StoreReading) -> Iterator[Checked]:
    for record in reading.invalid[:_NAMED]:
        yield look(
            "Record",
            f"{record.key}: {record.problem}",
            "Correct the record in the file, then see reconcile orgs verify",
        )
    if len(reading.invalid) > _NAMED:
        yield look(
            "Record",
            f"{counted(len(reading.invalid) - _NAMED, 'more record')} that the application refuses",
            "reconcile orgs verify names them all",
        )


def _writable(folder: Path, user: str, mode: Mode, found: Collection[Place]) -> Checked:
    blocked = [place for place in found if not place.may_write]
    if not blocked:
        return good(_SUBJECT, f"{user} may write it")
    first = blocked[0]
    text = f"{user} may not write {first.path}, which belongs to {first.owner}:{first.group}, mode {first.mode:04o}"
    return Checked(
        verdict=Verdict.STOPS if mode is Mode.FIX else Verdict.LOOK,
        subject=_SUBJECT,
        text=f"{text}: no fix can be written" + ("" if mode is Mode.FIX else " when [policy] mode is fix"),
        remedy=_AS_ROOT,
        commands=commands(folder, user, found),
    )


def commands(folder: Path, user: str, found: Collection[Place]) -> tuple[str, ...]:
    """Give `user` the store by its group, or by a new one where that is root's: owner and application stay as they are.

    The folder passes its group on to what is made in it: the journal and the good copies.
    """
    seen = [place.path.name for place in found if place.path != folder]
    where = shlex.quote(str(folder))
    files = " ".join(shlex.quote(str(folder / name)) for name in seen or FILES)
    theirs = next((place.group for place in found), _ROOT)
    apart = [shlex.quote(str(place.path)) for place in found if place.group != theirs]
    if theirs == _ROOT:
        group = _GROUP
        first = [f"groupadd --force {group}", f"chgrp {group} {where}", f"chgrp --recursive {group} {files}"]
    elif theirs.isdecimal():  # known inside the container only
        group = _GROUP
        first = [f"groupadd --gid {theirs} {group}"]
    else:
        group = shlex.quote(theirs)
        first = []
    if theirs != _ROOT and apart:  # a folder of the host's, with files that a container's root made
        first.append(f"chgrp --recursive {group} {' '.join(apart)}")
    return (
        *first,
        f"usermod --append --groups {group} {shlex.quote(user)}",
        f"chmod g+rwxs {where}",
        f"chmod --recursive g+rwX {files}",
    )


def _is_seen(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True


def _place(path: Path) -> Place:
    seen = path.stat()
    enter = os.X_OK if stat.S_ISDIR(seen.st_mode) else 0
    return Place(
        path=path,
        owner=_name(seen.st_uid, lambda uid: pwd.getpwuid(uid).pw_name),
        group=_name(seen.st_gid, lambda gid: grp.getgrgid(gid).gr_name),
        mode=stat.S_IMODE(seen.st_mode),
        may_read=os.access(path, os.R_OK | enter),
        may_write=os.access(path, os.W_OK | enter),
    )


def _name(number: int, look_up: Callable[[int], str]) -> str:
    try:
        return look_up(number)
    except KeyError:  # an owner known inside the container only
        return str(number)

"""Kills real processes with SIGKILL at every call of a change that touches a file, and reports what the store holds.

Run as a program, so that its children are forked from one thread:
`crash.py FOLDER ROUNDS ONLY MOMENTS [SCENARIO...]` prints the kills and the losses as JSON. ONLY bounds the kills of
each scenario and round (0: at every call), MOMENTS are kills of a busy process from outside.
"""

from __future__ import annotations

import fcntl
import io
import itertools
import json
import logging
import os
import random
import shutil
import signal
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import reconciler.org_manager.manager as manager_module
from reconciler.org_manager import OrgManager, StoreDamagedError, import_store, restore
from reconciler.org_manager.session import session

FILES = ("organizations.json", "org_users.json")
CALLS = (
    (os, "open"),
    (os, "close"),
    (os, "pread"),
    (os, "pwritev"),
    (os, "ftruncate"),
    (os, "fsync"),
    (os, "fstat"),
    (os, "lstat"),
    (os, "stat"),
    (os, "mkdir"),
    (os, "chmod"),
    (os, "fchmod"),
    (os, "chown"),
    (os, "fchown"),
    (os, "link"),
    (os, "unlink"),
    (os, "rename"),
    (os, "listdir"),
    (io, "open"),
    (fcntl, "flock"),
)
CARELESS = "careless"
State = tuple[bytes, bytes]


def use_fixed_ids() -> None:
    """Make new ids and times the same in every process, so that the new state is one state."""
    manager_module.uuid4 = lambda: uuid.UUID(int=7)  # type: ignore[attr-defined] # imported by name there
    manager_module.utc_now = lambda: datetime(2025, 10, 13, 2, 12, 33)  # type: ignore[attr-defined] # noqa: DTZ001


def seed(folder: Path, *, organizations: int = 3) -> None:
    """A store of a few organisations with two members each, and one good copy of it."""
    ids = [f"org_{number}" for number in range(organizations)]
    records = {
        key: {
            "id": key,
            "name": f"Company {key}",
            "created_at": "2025-01-02 03:04:05",
            "plan_tier": "trial",
            "lago_customer_id": None,
            "stripe_customer_id": None,
            "status": "active",
            "seats": 3,
        }
        for key in ids
    }
    members = {
        key: [
            {"org_id": key, "user_id": f"user_{n}", "role": "member", "joined_at": "2025-01-02 03:04:05"}
            for n in range(2)
        ]
        for key in ids
    }
    folder.mkdir(parents=True)
    for name, content in zip(FILES, (records, members), strict=True):
        (folder / name).write_text(json.dumps(content, indent=2))
    OrgManager(folder).snapshot()


def state(folder: Path) -> State:
    """The bytes of both files."""
    return (folder / FILES[0]).read_bytes(), (folder / FILES[1]).read_bytes()


def _batch(manager: OrgManager) -> None:
    with manager.batch():
        manager.update_org_plan("org_0", "basic")
        manager.update_org_plan("org_2", "basic")
        manager.update_org_status("org_1", "suspended")
        manager.add_user_to_org("org_1", "user_9")


def _import(manager: OrgManager) -> None:
    organization = {"id": "org_new", "name": "New", "created_at": "2025-01-02 03:04:05", "status": "active"}
    member = {"org_id": "org_new", "user_id": "user_1", "role": "owner", "joined_at": "2025-01-02 03:04:05"}
    content = {"organizations": {"org_new": organization}, "org_users": {"org_new": [member]}}
    import_store(manager, json.dumps(content).encode())


def _carelessly(manager: OrgManager) -> None:
    # What the application's own module does: no journal, no rename, the file emptied first.
    records = json.loads(manager.orgs_file.read_bytes())
    records["org_1"]["plan_tier"] = "basic"
    fd = os.open(manager.orgs_file, os.O_WRONLY | os.O_TRUNC)
    os.pwritev(fd, [json.dumps(records, indent=2).encode()], 0)
    os.close(fd)


def _finish(manager: OrgManager) -> None:
    with session(manager.store):
        pass


def _tear(folder: Path) -> None:
    # What a writer of ours leaves that died in the middle of writing the first file.
    reach(folder, SCENARIOS["batch"], Kill(call=2, moment="half", name="pwritev"))


def _damage(folder: Path) -> None:
    (folder / FILES[0]).write_bytes(b"")
    (folder / FILES[1]).write_bytes(state(folder)[1][:100])


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A change to kill in, and what is done to the store before it."""

    change: Callable[[OrgManager], Any]
    prepare: Callable[[Path], None] | None = None


SCENARIOS: dict[str, Scenario] = {
    "same length": Scenario(change=lambda manager: manager.update_org_plan("org_1", "basic")),
    "longer": Scenario(change=lambda manager: manager.update_org_plan("org_1", "professional")),
    "shorter": Scenario(change=lambda manager: manager.update_org_plan("org_1", "x")),
    "status": Scenario(change=lambda manager: manager.update_org_status("org_2", "deleted")),
    "billing ids": Scenario(change=lambda manager: manager.update_org_billing_ids("org_0", "lago_1", "cus_1")),
    "create": Scenario(change=lambda manager: manager.create_organization("Another")),
    "add user": Scenario(change=lambda manager: manager.add_user_to_org("org_1", "user_9", "owner")),
    "remove user": Scenario(change=lambda manager: manager.remove_user_from_org("org_1", "user_0")),
    "role": Scenario(change=lambda manager: manager.update_user_role("org_1", "user_1", "owner")),
    "batch": Scenario(change=_batch),
    "import": Scenario(change=_import),
    "recovery": Scenario(change=_finish, prepare=_tear),
    "restore": Scenario(change=restore, prepare=_damage),
    CARELESS: Scenario(change=_carelessly),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """Where to die: the how manyth call (of `name` only, if given), and when in it; `cut` is the share then written."""

    call: int
    moment: str
    name: str | None = None
    cut: float = 0.5


@dataclass(slots=True)
class Counter:
    """Counts the calls of a process, and kills it at one of them."""

    kill: Kill | None
    names: list[str] = field(default_factory=list)

    def install(self) -> None:
        for module, name in CALLS:
            setattr(module, name, self._wrapped(name, getattr(module, name)))

    def _wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            number = len(self.names) if self.kill is None or self.kill.name is None else self.names.count(name)
            due = self.kill is not None and self.kill.name in (None, name) and number == self.kill.call
            self.names.append(name)
            if due and self.kill is not None:
                if self.kill.moment == "before":
                    os.kill(os.getpid(), signal.SIGKILL)
                if self.kill.moment == "half" and name == "pwritev":
                    whole = b"".join(args[1])
                    call(args[0], [whole[: int(self.kill.cut * len(whole))]], args[2])
                    os.kill(os.getpid(), signal.SIGKILL)
            try:
                return call(*args, **kwargs)
            finally:
                if due:
                    os.kill(os.getpid(), signal.SIGKILL)

        return counted


def reach(folder: Path, scenario: Scenario, kill: Kill | None) -> list[str]:
    """Run the change in a process of its own, which dies at `kill`; without one, gives the calls it made."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            use_fixed_ids()
            opened = OrgManager(folder, foreign_wait_s=0)
            counter = Counter(kill)
            counter.install()
            scenario.change(opened)
            os.write(writing, json.dumps(counter.names).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    names = b""
    while block := os.read(reading, 1 << 16):
        names += block
    os.close(reading)
    _, status = os.waitpid(child, 0)
    if kill is None:
        assert os.waitstatus_to_exitcode(status) == 0, f"the change failed: {status}"
        return list(json.loads(names))
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, f"it was not killed at {kill}: {status}"
    return []


def read(folder: Path) -> State:
    """The store as a read-only opener reads it; a damaged file as it stands. Fails if that writes anything."""
    reader = OrgManager(folder, read_only=True, foreign_wait_s=0)
    raw = state(folder)
    documents = []
    for file, there in zip((reader.store.organizations, reader.store.org_users), raw, strict=True):
        try:
            documents.append(reader.store.read(file).document.raw)
        except StoreDamagedError:
            documents.append(there)
    assert state(folder) == raw, "a read-only opener wrote"
    return documents[0], documents[1]


def written(folder: Path) -> State:
    """Both files as the next writer leaves them."""
    writer = OrgManager(folder, foreign_wait_s=0)
    with suppress(StoreDamagedError), session(writer.store):
        pass
    assert not writer.store.journal_path.exists(), "the journal was left"
    return state(folder)


def kill_everywhere(folder: Path, name: str, round_number: int, only: int | None = None) -> tuple[int, list[str]]:
    """Kill the scenario's change at every call, on stores of growing size; how many kills, and each loss in words."""
    scenario = SCENARIOS[name]
    template, trial = folder / "template", folder / "trial"
    seed(template, organizations=3 + 50 * round_number)
    if scenario.prepare is not None:
        scenario.prepare(template)
    before = read(template)
    shutil.copytree(template, trial)
    names = reach(trial, scenario, None)
    after = state(trial)
    kills, losses = 0, []
    chance = random.Random(f"{name} {round_number}")  # noqa: S311 # places to cut a write
    moments = [
        Kill(call=number, moment=moment, cut=chance.random())
        for number, called in enumerate(names)
        for moment in (("before", "half", "half", "half", "after") if called == "pwritev" else ("before", "after"))
    ]
    for kill in moments if only is None else chance.sample(moments, only):
        shutil.rmtree(trial)
        shutil.copytree(template, trial)
        reach(trial, scenario, kill)
        kills += 1
        for who, store in (("reader", read(trial)), ("writer", written(trial))):
            if store not in (before, after):
                losses.append(f"{name}, {who}, killed at {names[kill.call]} {kill}")
    shutil.rmtree(template)
    shutil.rmtree(trial)
    return kills, losses


def kill_at_any_moment(folder: Path, kills: int) -> list[str]:
    """Kill a process that writes one change after another on a large store, from outside; each loss in words."""
    seed(folder / "large", organizations=3000)
    chance = random.Random("any moment")  # noqa: S311 # moments
    losses = []
    last = "trial"
    for number in range(kills):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            manager = OrgManager(folder / "large")
            for step in itertools.count():
                # The same length each time: a torn write is whole JSON then.
                tier = f"tier {number:04} {step:04}"
                os.write(writing, f"{tier}\n".encode())
                with manager.batch():
                    for org_id in ("org_0", "org_1500", "org_2999"):
                        manager.update_org_plan(org_id, tier)
                os.write(writing, b"ok\n")
        os.close(writing)
        time.sleep(chance.uniform(0.03, 0.12))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        said = b""
        while block := os.read(reading, 1 << 16):
            said += block
        os.close(reading)
        lines = said.decode().splitlines()
        tiers = [line for line in lines if line != "ok"]
        possible = {tiers[-1] if tiers else last}
        if tiers and lines[-1] != "ok":
            possible.add(tiers[-2] if len(tiers) > 1 else last)
        for opened in (OrgManager(folder / "large", read_only=True), OrgManager(folder / "large")):
            there = {opened.snapshot().organizations[org_id].plan_tier for org_id in ("org_0", "org_1500", "org_2999")}
            if len(there) != 1 or not there <= possible:
                losses.append(f"any moment {number}: {there} is not one of {possible}")
            last = there.pop()
    return losses


def main() -> None:
    folder, rounds, only, moments = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    kills = {}
    losses = []
    logging.disable()
    for name in sys.argv[5:] or [name for name in SCENARIOS if name != CARELESS]:
        kills[name] = 0
        for round_number in range(rounds):
            done, lost = kill_everywhere(folder / "at-calls", name, round_number, only or None)
            kills[name] += done
            losses += lost
    losses += kill_at_any_moment(folder, moments)
    sys.stdout.write(json.dumps({"kills": kills | {"any moment": moments}, "losses": losses}))


if __name__ == "__main__":
    main()

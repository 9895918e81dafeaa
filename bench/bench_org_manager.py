# ruff: noqa: INP001 # programs, not a package
"""Measures the organisation store beside TinyDB and beside a module that loads and saves everything each time.

Run with `uv run --group bench python bench/bench_org_manager.py [ORGANIZATIONS] [MEMBERS_OF_EACH]`. Each store is
measured in a process of its own, on the same organisations in the same file system; times are medians in ms. Only
ours has its change on the disk (fsync of journal and file) when a call returns; the others write no more than the
system's cache.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from tinydb import TinyDB, where

from reconciler.org_manager import Organization, OrgManager, OrgUser

ORGANIZATIONS, MEMBERS = 10_000, 10
BATCH = 1_000
Files = tuple[dict[str, Any], dict[str, Any]]


class _Measured(Protocol):
    def list_all(self) -> int: ...
    def get(self, org_id: str) -> object: ...
    def update(self, org_id: str, tier: str) -> None: ...
    def update_many(self, org_ids: list[str], tier: str) -> None: ...
    def add_member(self, org_id: str, user_id: str) -> None: ...


def make(organizations: int, members: int) -> Files:
    """The content of both files; the same each time."""
    chance = random.Random(1)  # noqa: S311 # the same data each time

    def new_id() -> str:
        return str(uuid.UUID(int=chance.getrandbits(128), version=4))

    def moment() -> str:
        return str(datetime(2025, 1, 1) + timedelta(microseconds=chance.randrange(10**13)))  # noqa: DTZ001 # as the store has it

    ids = [f"org_{new_id()}" for _ in range(organizations)]
    records = {
        org_id: {
            "id": org_id,
            "name": f"Company {number}",
            "created_at": moment(),
            "plan_tier": chance.choice(["founders_friend", "starter", "professional", "enterprise"]),
            "lago_customer_id": new_id(),
            "stripe_customer_id": None,
            "status": "active",
        }
        for number, org_id in enumerate(ids)
    }
    joined = {
        org_id: [
            {"org_id": org_id, "user_id": new_id(), "role": "member", "joined_at": moment()} for _ in range(members)
        ]
        for org_id in ids
    }
    return records, joined


class _Ours:
    def __init__(self, folder: Path) -> None:
        self._manager = OrgManager(folder)

    def list_all(self) -> int:
        return len(self._manager.list_all_organizations())

    def get(self, org_id: str) -> object:
        return self._manager.get_org(org_id)

    def update(self, org_id: str, tier: str) -> None:
        self._manager.update_org_plan(org_id, tier)

    def update_many(self, org_ids: list[str], tier: str) -> None:
        with self._manager.batch():
            for org_id in org_ids:
                self._manager.update_org_plan(org_id, tier)

    def add_member(self, org_id: str, user_id: str) -> None:
        self._manager.add_user_to_org(org_id, user_id)


class _Plain:
    """Loads everything into models, changes one, saves everything: no lock, no fsync."""

    def __init__(self, folder: Path) -> None:
        self._orgs, self._users = folder / "organizations.json", folder / "org_users.json"

    def _load(self) -> dict[str, Any]:
        return {key: Organization(**record) for key, record in json.loads(self._orgs.read_text()).items()}

    def _save(self, organizations: dict[str, Any]) -> None:
        content = {key: organization.model_dump() for key, organization in organizations.items()}
        self._orgs.write_text(json.dumps(content, indent=2, default=str))

    def list_all(self) -> int:
        return len(list(self._load().values()))

    def get(self, org_id: str) -> object:
        return self._load().get(org_id)

    def update(self, org_id: str, tier: str) -> None:
        self.update_many([org_id], tier)

    def update_many(self, org_ids: list[str], tier: str) -> None:
        organizations = self._load()
        for org_id in org_ids:
            organizations[org_id].plan_tier = tier
        self._save(organizations)

    def add_member(self, org_id: str, user_id: str) -> None:
        content = {
            key: [OrgUser(**member) for member in members]
            for key, members in json.loads(self._users.read_text()).items()
        }
        content[org_id].append(OrgUser(org_id=org_id, user_id=user_id, role="member"))
        dumped = {key: [member.model_dump() for member in members] for key, members in content.items()}
        self._users.write_text(json.dumps(dumped, indent=2, default=str))


class _Tiny:
    """TinyDB, organisations and members in a database each, as it comes."""

    def __init__(self, folder: Path) -> None:
        self._orgs, self._users = TinyDB(folder / "organizations.tiny"), TinyDB(folder / "org_users.tiny")

    def list_all(self) -> int:
        return len(self._orgs.all())

    def get(self, org_id: str) -> object:
        return self._orgs.get(where("id") == org_id)

    def update(self, org_id: str, tier: str) -> None:
        self._orgs.update({"plan_tier": tier}, where("id") == org_id)

    def update_many(self, org_ids: list[str], tier: str) -> None:
        wanted = set(org_ids)
        self._orgs.update({"plan_tier": tier}, where("id").test(wanted.__contains__))

    def add_member(self, org_id: str, user_id: str) -> None:
        self._users.insert({"org_id": org_id, "user_id": user_id, "role": "member"})


STORES: dict[str, Callable[[Path], _Measured]] = {"ours": _Ours, "plain": _Plain, "TinyDB": _Tiny}


def fill(folder: Path, store: str, content: Files) -> None:
    """Put the content where the store keeps it."""
    records, joined = content
    if store == "TinyDB":
        rows = [member for members in joined.values() for member in members]
        for name, table in (("organizations", list(records.values())), ("org_users", rows)):
            documents = {str(number): row for number, row in enumerate(table, start=1)}
            (folder / f"{name}.tiny").write_text(json.dumps({"_default": documents}))
    else:
        (folder / "organizations.json").write_text(json.dumps(records, indent=2))
        (folder / "org_users.json").write_text(json.dumps(joined, indent=2))


def _peak_mb() -> float:
    # Not getrusage: what it gives is inherited from the program that started this one.
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _median_ms(repeats: int, call: Callable[[int], object]) -> float:
    took = []
    for number in range(repeats):
        started = time.perf_counter()
        call(number)
        took.append((time.perf_counter() - started) * 1000)
    return statistics.median(took)


def measure(store: str, folder: Path) -> dict[str, float]:
    """Every number of one store, in this process."""
    ids = json.loads((folder / "ids").read_bytes())
    make_store = STORES[store]
    before = _peak_mb()
    opened = _median_ms(7, lambda _: make_store(folder).list_all())
    measured = make_store(folder)
    measured.get(ids[0])
    time.sleep(0.2)  # past the tick within which a change could hide
    measured.get(ids[0])
    warm = _median_ms(20, lambda number: measured.get(ids[number]))
    updated = _median_ms(9, lambda number: measured.update(ids[number * 7], f"tier {number}"))
    batch = _median_ms(3, lambda number: measured.update_many(ids[:BATCH], f"tier {number}"))
    added = _median_ms(3, lambda number: measured.add_member(ids[number], f"user {number}"))
    return {
        "open and list all, ms": opened,
        "get one, warm, ms": warm,
        "one update, ms": updated,
        f"{BATCH} updates at once, ms": batch,
        "add one member, ms": added,
        "peak above import, MB": _peak_mb() - before,
    }


# What ours must reach at the default size.
LIMITS = {
    "open and list all, ms": 80.0,
    "get one, warm, ms": 1.0,
    "one update, ms": 60.0,
    f"{BATCH} updates at once, ms": 250.0,
    "peak above import, MB": 60.0,
}


def measure_apart(store: str, organizations: int, members: int) -> dict[str, float]:
    """The numbers of one store, measured in a process of its own on fresh files."""
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as name:
        folder = Path(name)
        content = make(organizations, members)
        fill(folder, store, content)
        (folder / "ids").write_text(json.dumps(list(content[0])))
        command = [sys.executable, __file__, "--measure", store, name]
        ended = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603 # this program
        return dict(json.loads(ended.stdout))


def main() -> None:
    """Print the table."""
    if sys.argv[1:2] == ["--measure"]:
        sys.stdout.write(json.dumps(measure(sys.argv[2], Path(sys.argv[3]))))
        return
    organizations, members = (int(text) for text in sys.argv[1:]) if sys.argv[1:] else (ORGANIZATIONS, MEMBERS)
    results = {store: measure_apart(store, organizations, members) for store in STORES}
    lines = [f"{organizations} organisations, {organizations * members} members"]
    lines.append(f"{'':28}{'limit':>10}" + "".join(f"{store:>12}" for store in STORES))
    for row in results["ours"]:
        limit = f"{LIMITS[row]:g}" if row in LIMITS else ""
        lines.append(f"{row:28}{limit:>10}" + "".join(f"{results[store][row]:12.2f}" for store in STORES))
    alone = measure_apart("ours", organizations, 0)["one update, ms"]
    ratio = results["ours"]["one update, ms"] / alone
    lines.append(f"one update of ours with these members, against none: {ratio:.2f} times as long")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

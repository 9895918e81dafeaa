"""Behaves like the application's own module at its worst: `foreign_writer.py FOLDER SEED` runs until it is ended.

It empties a file before it has the lock (a change is load, unlock, empty, lock, save), takes any file that it cannot
read for an empty store, and saves that.
"""

from __future__ import annotations

import fcntl
import json
import random
import sys
import time
from pathlib import Path
from typing import Any


def load(path: Path) -> Any:
    try:
        with path.open() as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            return json.load(handle)
    except ValueError:
        return {}


def save(path: Path, content: Any) -> None:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        json.dump(content, handle, indent=2, default=str)


def main() -> None:
    path, chance = Path(sys.argv[1]) / "organizations.json", random.Random(sys.argv[2])  # noqa: S311 # a test's choices
    made = 0
    while True:
        time.sleep(chance.random() * 0.02)
        content = load(path)
        if chance.random() < 0.1:
            made += 1
            org_id = f"org_foreign_{sys.argv[2]}_{made}"
            content[org_id] = {"id": org_id, "name": org_id, "created_at": "2025-10-13 02:12:33", "plan_tier": "trial"}
            save(path, content)
        elif "org_19" in content:
            content["org_19"]["lago_customer_id"] = f"lago_{chance.random()}"
            save(path, content)


if __name__ == "__main__":
    main()

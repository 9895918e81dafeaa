"""Stores to test on: records as the application writes them, put into files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def organization(org_id: str, **fields: Any) -> dict[str, Any]:
    """One record of organizations.json."""
    return {
        "id": org_id,
        "name": f"Company {org_id}",
        "created_at": "2025-10-13 02:12:33.123456",
        "plan_tier": "trial",
        "lago_customer_id": None,
        "stripe_customer_id": None,
        "status": "active",
    } | fields


def member(org_id: str, user_id: str, **fields: Any) -> dict[str, Any]:
    """One entry of a list in org_users.json."""
    return {"org_id": org_id, "user_id": user_id, "role": "member", "joined_at": "2025-10-13 02:12:33"} | fields


def put(folder: Path, organizations: Any, org_users: Any = None) -> Path:
    """Write both files as the application lays them out; gives the folder."""
    folder.mkdir(exist_ok=True)
    (folder / "organizations.json").write_text(json.dumps(organizations, indent=2))
    users = {key: [] for key in organizations} if org_users is None else org_users
    (folder / "org_users.json").write_text(json.dumps(users, indent=2))
    return folder


def put_two(folder: Path) -> Path:
    """Two organisations with one member each."""
    ids = ("org_1", "org_2")
    return put(folder, {key: organization(key) for key in ids}, {key: [member(key, "user_1")] for key in ids})


def everything(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def as_nobody(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python code on the package as a user without rights, for whom permissions count; root passes them all."""
    dropped = f"import os, sys\nfrom reconciler.org_manager import *\nos.setgid(65534); os.setuid(65534)\n{code}"
    command = [sys.executable, "-c", dropped, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 # our own code


@contextmanager
def small_disk(folder: Path, *, size: int) -> Iterator[Path]:
    """A file system of `size` bytes, for the block; only root can mount one."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)  # noqa: S603, S607 # a test's own mount
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)  # noqa: S603, S607 # a test's own mount

"""A Debian with systemd in a folder, made once and copied for each test session, with the product installed in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "systemd"

_PACKAGES = "systemd,systemd-sysv,procps,python3"
_TOOLS = ("debootstrap", "systemd-nspawn", "nsenter", "systemd-sysusers", "systemd-tmpfiles")


def why_not() -> str:
    """Why no systemd can be booted here; empty where it can."""
    if os.geteuid() != 0:
        return "needs root: systemd-nspawn boots a root of its own"
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        return f"needs {', '.join(missing)} (Debian: debootstrap, systemd-container)"
    if _uv() is None:
        return "needs uv, to install the product"
    return ""


def make_root(folder: Path) -> None:
    """Debian 12 with the product at /opt/reconciler and its units, as docs/systemd.md says; nothing is started."""
    said(f"cp -a --reflink=auto {_base()}/. {folder}")
    _install_product(folder)
    units = folder / "etc/systemd/system"
    for unit in ("reconciler.service", "reconciler-once.service", "reconciler-once.timer"):
        shutil.copy(UNITS / unit, units / unit)
    for kind in ("sysusers", "tmpfiles"):
        (folder / f"etc/{kind}.d").mkdir(exist_ok=True)
        shutil.copy(UNITS / f"reconciler.{kind}.conf", folder / f"etc/{kind}.d/reconciler.conf")
    said(f"systemd-sysusers --root={folder}")
    said(f"systemd-tmpfiles --root={folder} --create reconciler.conf")


def said(command: str) -> str:
    """What a command on this machine prints; fails with it where the command fails."""
    done = subprocess.run(command.split(), capture_output=True, text=True, check=False)  # noqa: S603 - words of tests
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def _base() -> Path:
    """The bare system; kept for the next session, since making it takes a minute."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reconciler-tests"
    base = cache / f"debian-12-{_PACKAGES.replace(',', '-')}"
    if not base.exists():
        cache.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(dir=cache))
        making_it = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", "bookworm", str(making)]
        done = subprocess.run(making_it, capture_output=True, text=True, check=False)  # noqa: S603 - words of tests
        if done.returncode:
            shutil.rmtree(making, ignore_errors=True)
            pytest.skip(f"debootstrap could not make a Debian: {done.stderr[-300:]}")
        making.chmod(0o755)
        making.rename(base)
    return base


def _install_product(folder: Path) -> None:
    uv = _uv()
    said(f"chroot {folder} python3 -m venv --without-pip /opt/reconciler")
    with tempfile.TemporaryDirectory() as built:
        said(f"{uv} build --wheel -q -o {built} {ROOT}")
        said(f"{uv} export -q --project {ROOT} --frozen --no-dev --no-emit-project --no-hashes -o {built}/needs.txt")
        (wheel,) = Path(built).glob("*.whl")
        packages = folder / "opt/reconciler/lib/python3.11/site-packages"
        version = "--python-version 3.11 --no-deps"  # of Debian 12, whatever runs the tests
        said(f"{uv} pip install -q --target {packages} {version} -r {built}/needs.txt {wheel}")
    command = folder / "opt/reconciler/bin/reconcile"
    command.write_text("#!/opt/reconciler/bin/python\nfrom reconciler.cli.main import main\n\nmain()\n")
    command.chmod(0o755)


def _uv() -> str | None:
    beside = ROOT / ".bootstrap/bin/uv"
    return os.environ.get("UV") or shutil.which("uv") or (str(beside) if beside.exists() else None)

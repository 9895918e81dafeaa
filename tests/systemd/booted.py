"""A booted systemd with the reconciler's units in it, and a Lago, a Stripe and a store with drift for them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconciler.sandbox.demo import LAGO_KEY, STRIPE_KEY, SeededBusiness, build_business
from reconciler.sandbox.server import LoopbackServer
from site_settings import site_toml
from systemd.debian_root import make_root

_PATIENCE_S = 60.0


@dataclass(slots=True, kw_only=True)
class Booted:
    """The container: `leader` is its systemd as this machine knows it, `limits` are more lines of [limits]."""

    root: Path
    leader: int
    seeded: SeededBusiness
    lago: LoopbackServer
    stripe: LoopbackServer
    schedule: str = 'every = "1h"'
    limits: str = ""

    @property
    def config(self) -> Path:
        return self.root / "etc/reconciler/reconciler.toml"

    @property
    def store(self) -> Path:
        return self.root / "app/data/organizations.json"

    def run(self, command: str, *, fails: bool = False) -> str:
        """What a command inside prints; it must end with 0 unless it `fails`."""
        done = subprocess.run(  # noqa: S603 - words of this test
            ["nsenter", "--target", str(self.leader), "--all", *command.split()],  # noqa: S607 - of the system
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_S,
        )
        assert fails or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """Properties of a unit."""
        said = self.run(f"systemctl show {unit} --property={','.join(properties)}")
        return dict(line.split("=", 1) for line in said.splitlines())

    def pid(self) -> int:
        """The daemon's process, as the container numbers it; 0 where there is none."""
        return int(self.show("reconciler.service", "MainPID")["MainPID"])

    def kill(self, asked: signal.Signals) -> None:
        """Send a signal to the daemon."""
        self.run(f"systemctl kill --kill-whom=main --signal={asked.value} reconciler.service")

    def entries(self, unit: str = "reconciler.service") -> list[dict[str, Any]]:
        """The journal of a unit, the service's own lines only."""
        lines = self.run(f"journalctl --no-pager -o json -u {unit} _TRANSPORT=stdout").splitlines()
        return [dict(json.loads(line)) for line in lines]

    def events(self, name: str = "", unit: str = "reconciler.service") -> list[dict[str, Any]]:
        """The events in the journal of a unit."""
        found = [json.loads(entry["MESSAGE"]) for entry in self.entries(unit)]
        return [event for event in found if not name or event["event"] == name]

    def until(self, true: Callable[[], Any], what: str, patience_s: float = _PATIENCE_S) -> Any:
        """The first true answer; fails with the journal's end after `patience_s`."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            answer = true()
            if answer:
                return answer
            time.sleep(0.1)
        raise AssertionError(f"not within {patience_s} s: {what}\n{self.run('journalctl --no-pager -n 40')}")

    def override(self, unit: str, text: str) -> None:
        """A drop-in of this test's own."""
        folder = self.root / f"etc/systemd/system/{unit}.d"
        folder.mkdir(exist_ok=True)
        (folder / "test.conf").write_text(text)
        self.run("systemctl daemon-reload")

    def configure(self, more: str = "") -> None:
        """Write the settings."""
        self.config.write_text(
            site_toml(
                self.seeded,
                store=Path("/app/data"),
                lago=self.lago,
                stripe=self.stripe,
                lines={"limits": self.limits, "schedule": self.schedule},
                more=more,
            )
        )

    def new_store(self) -> None:
        """The store with its drift as it was in the beginning, owned and writable by the application's group."""
        shutil.rmtree(self.root / "app", ignore_errors=True)
        self.seeded.business.write_store(self.store.parent)
        self.run("chown -R root:app /app/data")
        self.run("chmod -R g+rwX,o-rwx /app/data")

    def records(self) -> dict[str, dict[str, Any]]:
        return dict(json.loads(self.store.read_text()))


@contextmanager
def booted(folder: Path, *, orgs: int = 60) -> Iterator[Booted]:
    """A machine that is up, the product installed, settings, keys and store in place, and nothing started."""
    make_root(folder)
    seeded = build_business(organisations=orgs, now=datetime.now(UTC).replace(microsecond=0))
    log = folder.with_name("console.log")
    with (
        seeded.business.lago.serve() as lago,
        seeded.business.stripe.serve() as stripe,
        log.open("wb") as console,
        subprocess.Popen(  # noqa: S603 - words of this test
            ["systemd-nspawn", "-q", "-D", str(folder), "--register=no", "--keep-unit", "--boot"],  # noqa: S607
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
        ) as nspawn,
    ):
        try:
            leader = _leader(nspawn)
            machine = Booted(root=folder, leader=leader, seeded=seeded, lago=lago, stripe=stripe)
            state = "systemctl is-system-running"
            machine.until(lambda: machine.run(state, fails=True).strip() in {"running", "degraded"}, "the boot")
            machine.configure()
            machine.new_store()
            for name, key in (("lago_api_key", LAGO_KEY), ("stripe_api_key", STRIPE_KEY)):
                place = folder / "etc/reconciler/credentials" / name
                place.write_text(f"{key}\n")
                place.chmod(0o600)
            yield machine
        finally:
            _power_off(nspawn)


def _leader(nspawn: subprocess.Popen[bytes]) -> int:
    """The container's first process: the child of systemd-nspawn that became systemd."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        assert nspawn.poll() is None, "systemd-nspawn ended"
        for child in Path(f"/proc/{nspawn.pid}/task/{nspawn.pid}/children").read_text().split():
            for inner in (child, *Path(f"/proc/{child}/task/{child}/children").read_text().split()):
                if Path(f"/proc/{inner}/comm").read_text().strip() == "systemd":
                    return int(inner)
        time.sleep(0.05)
    raise AssertionError("no systemd within the container")


def _power_off(nspawn: subprocess.Popen[bytes]) -> None:
    nspawn.send_signal(signal.SIGTERM)
    try:
        nspawn.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.kill(nspawn.pid, signal.SIGKILL)

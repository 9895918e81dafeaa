"""The daemon as a process of its own, against sandboxes over real HTTP, with the test as its service manager."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from reconciler.sandbox.demo import LAGO_KEY, STRIPE_KEY, SeededBusiness, build_business
from reconciler.sandbox.server import LoopbackServer
from site_settings import site_toml

_PATIENCE_S = 90.0  # a machine may be busy with much else


def until(true: Callable[[], Any], what: str, patience_s: float = _PATIENCE_S) -> Any:
    """The first true answer; fails naming `what` after `patience_s`."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        answer = true()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"not within {patience_s} s: {what}")


@dataclass(slots=True, kw_only=True)
class Site:
    """A folder with a store and settings, and both sandboxes up."""

    folder: Path
    seeded: SeededBusiness
    lago: LoopbackServer
    stripe: LoopbackServer
    schedule: str = 'every = "1h"'
    more: str = ""
    policy: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "reconciler.toml"

    @property
    def store(self) -> Path:
        return self.folder / "store" / "organizations.json"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RECONCILER")}
        return {**kept, "LAGO_API_KEY": LAGO_KEY, "STRIPE_API_KEY": STRIPE_KEY, "STATE_DIRECTORY": str(self.state)}

    def records(self) -> dict[str, dict[str, Any]]:
        return dict(json.loads(self.store.read_text()))

    def configure(self) -> None:
        """Write the settings."""
        schedule = f"{self.schedule}\njitter_ratio = 0"
        self.config.write_text(
            site_toml(
                self.seeded,
                store=self.folder / "store",
                lago=self.lago,
                stripe=self.stripe,
                policy=self.policy,
                lines={"orgs": "lock_timeout_s = 0.5", "schedule": schedule, "http": 'listen = "127.0.0.1:0"'},
                more=self.more,
            )
        )


@contextmanager
def daemon_site(folder: Path, *, orgs: int = 60, **site: Any) -> Iterator[Site]:
    """A site with drift seeded, its servers up until the end."""
    seeded = build_business(organisations=orgs, now=datetime.now(UTC).replace(microsecond=0))
    seeded.business.write_store(folder / "store")
    with seeded.business.lago.serve() as lago, seeded.business.stripe.serve() as stripe:
        made = Site(folder=folder, seeded=seeded, lago=lago, stripe=stripe, **site)
        made.configure()
        yield made


class Running:
    """`reconcile daemon` on a site; ends with the context, killed if need be."""

    def __init__(self, site: Site, **environ: str) -> None:
        self.site = site
        self._environ = environ
        self._name = f"daemon-{time.monotonic_ns()}"
        self._log = site.folder / f"{self._name}.log"
        self.told: list[str] = []  # every assignment that the service manager was given

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            address = str(self.site.folder / f"{self._name}.notify")
            self._socket = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
            self._socket.bind(address)
            self._socket.settimeout(0.1)
            self._ended = threading.Event()
            listener = threading.Thread(target=self._listen)
            listener.start()
            stack.callback(listener.join)
            stack.callback(self._ended.set)
            stderr = stack.enter_context(self._log.open("ab"))
            self.process = subprocess.Popen(  # noqa: S603 - the command itself, with this test's own settings
                [sys.executable, "-m", "reconciler", "daemon", "--config", str(self.site.config)],
                env={**self.site.environ, "NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000", **self._environ},
                stderr=stderr,
                stdout=subprocess.DEVNULL,
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=10)
        self._stack.close()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.read_text().splitlines() if line.endswith("}")]

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == name]

    def wait_for(self, name: str, count: int = 1, patience_s: float = _PATIENCE_S) -> dict[str, Any]:
        """The `count`th event of that name, once it is there."""

        def there() -> bool:
            assert self.process.poll() is None or name == "daemon.stopped", self._log.read_text()[-2000:]
            return len(self.named(name)) >= count

        until(there, f"{count} {name}: {self._log.read_text()[-2000:]}", patience_s)
        return self.named(name)[count - 1]

    def _listen(self) -> None:
        while not self._ended.is_set():
            with suppress(TimeoutError):
                self.told += self._socket.recv(65536).decode().split("\n")

    def send(self, asked: signal.Signals) -> None:
        self.process.send_signal(asked)

    def stop(self) -> int:
        self.send(signal.SIGTERM)
        return self.process.wait(timeout=20)

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of one page."""
        listen = (self.named("daemon.reloaded") or [self.wait_for("daemon.started")])[-1]["listen"]
        try:
            with urllib.request.urlopen(f"http://{listen}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name: str) -> float:
        """The value of one sample, its labels included in `name`."""
        _, text = self.get("/metrics")
        found = [line for line in text.splitlines() if line.startswith(f"{name} ")]
        assert len(found) == 1, (name, found)
        return float(found[0].rpartition(" ")[2])

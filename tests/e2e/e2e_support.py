"""The command in this process, against sandboxes over real HTTP and a real store in a folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.main import run
from reconciler.sandbox.demo import LAGO_KEY, STRIPE_KEY, SeededBusiness
from reconciler.sandbox.server import LoopbackServer
from site_settings import site_toml


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one call of the command gave."""

    exit_code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        return dict(json.loads(self.out))


@dataclass(slots=True)
class Site:
    """A folder with a store, settings and state, and both servers up."""

    folder: Path
    lago: LoopbackServer
    stripe: LoopbackServer
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    @property
    def store(self) -> Path:
        return self.folder / "store" / "organizations.json"

    @property
    def config(self) -> Path:
        return self.folder / "reconciler.toml"

    def records(self) -> dict[str, dict[str, Any]]:
        return dict(json.loads(self.store.read_text()))

    def reconcile(self, *words: str, environ: Mapping[str, str] | None = None) -> Said:
        """Call the command with this site's configuration and keys."""
        keys = {"LAGO_API_KEY": LAGO_KEY, "STRIPE_API_KEY": STRIPE_KEY, "STATE_DIRECTORY": str(self.folder / "state")}
        for name in (*keys, "RECONCILER_CONFIG"):
            self.monkeypatch.delenv(name, raising=False)
        for name, value in {**keys, **(environ or {})}.items():
            self.monkeypatch.setenv(name, value)
        self.capsys.readouterr()
        exit_code = run([*words, "--config", str(self.config)])
        out, err = self.capsys.readouterr()
        return Said(exit_code=exit_code, out=out, err=err)

    def configure(self, seeded: SeededBusiness, *, authority: str = "both", **policy: str) -> None:
        """Write the settings; the policy fixes both ways at once within wide limits unless `policy` says otherwise."""
        self.config.write_text(
            site_toml(
                seeded,
                store=self.folder / "store",
                lago=self.lago,
                stripe=self.stripe,
                authority=authority,
                policy=policy,
            )
        )


@contextmanager
def site_of(
    seeded: SeededBusiness, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Site]:
    """A site over `seeded`, its store written and its servers up."""
    seeded.business.write_store(folder / "store")
    (folder / "state").mkdir()
    with seeded.business.lago.serve() as lago, seeded.business.stripe.serve() as stripe:
        site = Site(folder=folder, lago=lago, stripe=stripe, monkeypatch=monkeypatch, capsys=capsys)
        site.configure(seeded)
        yield site

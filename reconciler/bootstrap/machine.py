"""What the machine gives: its clock, the folder where state is kept, and secrets; and which version this is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from reconciler.logs import hide
from reconciler.settings import Settings, read_credential

VERSION = version("billing-reconciler")


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, UTC."""
        return datetime.now(UTC)


def state_folder(environ: Mapping[str, str]) -> Path:
    """Where ledger, reports and snapshot files are kept unless the settings say: systemd's, XDG's or the home's."""
    if environ.get("STATE_DIRECTORY"):
        return Path(environ["STATE_DIRECTORY"].split(":")[0])
    if environ.get("XDG_STATE_HOME"):
        return Path(environ["XDG_STATE_HOME"]) / "reconciler"
    return Path(environ.get("HOME") or Path.home()) / ".local" / "state" / "reconciler"


def snapshots_folder(environ: Mapping[str, str]) -> Path:
    """Where the snapshot files of the last runs are ([ledger] keep_snapshots)."""
    return state_folder(environ) / "snapshots"


def reports_folder(settings: Settings, environ: Mapping[str, str]) -> Path:
    """Where reports go (interfaces.md, [reports])."""
    return Path(settings.reports.folder) if settings.reports.folder else state_folder(environ) / "reports"


def secret(name: str, environ: Mapping[str, str]) -> str:
    """A secret from where `read_credential` finds it, taken out of every log from now on. Raises CredentialError."""
    value = read_credential(name, environ).get_secret_value()
    hide(value)
    return value

"""`reconcile config`: look at the configuration without running anything."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from reconciler.bootstrap import check_credentials
from reconciler.settings import load_settings

config_app = typer.Typer(help="Look at the configuration.", rich_markup_mode=None)
_Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The configuration (TOML).")]


@config_app.command()
def check(config: _Config = None) -> int:
    """Say whether the configuration and the keys can be used as they are; nothing is read from Lago or Stripe."""
    settings = load_settings(config, os.environ)
    check_credentials(settings, os.environ)
    sys.stdout.write(
        f"{settings.origin} can be used: {len(settings.tiers)} tiers, authority {settings.billing.authority}.\n"
    )
    return 0


@config_app.command()
def show(config: _Config = None) -> int:
    """Print the configuration as it takes effect, with the environment counted in; never a secret."""
    sys.stdout.write(load_settings(config, os.environ).show())
    return 0

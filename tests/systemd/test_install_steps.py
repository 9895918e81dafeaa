"""The page that says how to install: what it names is there, and what is there it names."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "systemd.md").read_text(encoding="utf-8")


def test_every_file_that_the_page_installs_is_there_and_every_file_that_is_there_is_installed() -> None:
    named = set(re.findall(r"\bsystemd/[\w./-]+\.(?:service|timer|conf)\b", PAGE))
    there = {str(file.relative_to(ROOT)) for file in (ROOT / "systemd").rglob("*") if file.is_file()}
    assert {name for name in named if not name.startswith("systemd/system/")} >= there
    assert all((ROOT / name).is_file() for name in named if name in there)


def test_the_command_the_settings_and_the_keys_are_where_the_units_look_for_them() -> None:
    unit = (ROOT / "systemd" / "reconciler.service").read_text(encoding="utf-8")
    for place in (
        "/opt/reconciler",
        "/etc/reconciler/reconciler.toml",
        "/etc/reconciler/credentials/lago_api_key",
        "/etc/reconciler/credentials/stripe_api_key",
        "/app/data",
    ):
        assert place in unit
        assert place in PAGE

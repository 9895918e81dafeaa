"""A small configuration that is right, and ways to write it with something changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from reconciler.errors import SettingsError
from reconciler.settings import Settings, load_settings

RIGHT = """
[orgs]
store = "json:/app/data"
[billing]
authority = "both"
[lago]
url = "https://lago.example.com"
[stripe]
[statuses]
unpaid_tier = "free"
[policy]
mode = "fix"
[tiers.free]
rank = 0
paid = false
lago_plans = ["free"]
[tiers.pro]
rank = 1
lago_plans = ["pro_monthly"]
stripe_prices = ["price_pro"]
price = { usd = { month = 9900, year = 99000 }, eur = { month = 8900 } }
[tiers.max]
rank = 2
stripe_products = ["prod_max"]
"""


def written(folder: Path, text: str = RIGHT) -> Path:
    """A file of that text."""
    file = folder / "reconciler.toml"
    file.write_text(text, encoding="utf-8")
    return file


def changed(old: str, new: str) -> str:
    """The right configuration with `old`, which is in it, replaced."""
    assert old in RIGHT
    return RIGHT.replace(old, new, 1)


def loaded(folder: Path, text: str = RIGHT, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of that text under that environment."""
    return load_settings(written(folder, text), environ or {})


def refusal(folder: Path, text: str = RIGHT, environ: Mapping[str, str] | None = None) -> str:
    """What is said about that text under that environment, without what every refusal says."""
    file = written(folder, text)
    with pytest.raises(SettingsError) as caught:
        load_settings(file, environ or {})
    said = str(caught.value)
    assert "Nothing was judged or written" in said
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return said.removeprefix(f"{file}: ").removesuffix(". Nothing was judged or written. Correct it.")

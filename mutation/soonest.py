# ruff: noqa: INP001 # a plugin, not a package
"""A plugin of pytest: the test of the whole worlds runs first, since it notices most changes of the rules by itself."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of the approved worlds before all others."""
    items.sort(key=lambda item: item.path.name != "test_approved_worlds.py")

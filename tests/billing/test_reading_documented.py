"""docs/reading.md names every list beside, every bound and every version that the code goes by."""

from __future__ import annotations

import re
from pathlib import Path

from reconciler.billing.lago_lists import _LONG, _WALKS
from reconciler.billing.lago_preflight import _LACKS
from reconciler.billing.more import MOST_SINGLY
from reconciler.model.observation import SideList

PAGE = (Path(__file__).parents[2] / "docs" / "reading.md").read_text(encoding="utf-8")


def test_every_list_beside_has_its_row() -> None:
    assert [name for name in SideList if f"| {name.value}" not in PAGE] == []


def test_the_versions_are_those_of_the_code() -> None:
    table = re.findall(r"^\| (1\.[0-9.]+) \|", PAGE, re.MULTILINE)
    assert table == [".".join(map(str, since)).removesuffix(".0") for since, _ in _LACKS]


def test_the_bounds_are_those_of_the_code() -> None:
    assert f"Up to {MOST_SINGLY} customers" in PAGE
    assert f"Up to {MOST_SINGLY} recorded ids" in PAGE
    assert f"{_LONG:,} rows" in PAGE
    assert _WALKS == 4
    assert "at most four times" in PAGE

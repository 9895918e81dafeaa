"""The codes that a configuration may name are those of the public catalogue."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.model.drift import Code
from reconciler.rules.catalogue import fixable
from reconciler.settings import codes

CATALOGUE = Path(__file__).parents[3] / "shared" / "drift_codes.md"


@pytest.fixture(scope="module")
def rows() -> dict[str, tuple[str, str]]:
    """Each code with its default decision and the rest of its row."""
    if not CATALOGUE.exists():
        pytest.skip("the description of the drift codes is not beside this checkout")
    found = {}
    for line in CATALOGUE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 4 and cells[1].startswith("`"):
            for code in re.findall(r"`(\w+)`", cells[1]):
                found[code] = (cells[3], " | ".join(cells[4:]))
    return found


def test_every_code_of_the_catalogue_may_be_named_and_no_other(rows: dict[str, tuple[str, str]]) -> None:
    assert rows.keys() == codes.KNOWN


def test_only_codes_that_are_fixed_by_default_may_be_fixed(rows: dict[str, tuple[str, str]]) -> None:
    assert {code for code, (default, _) in rows.items() if default.startswith("fix")} == codes.FIXABLE


def test_only_codes_that_leak_for_sure_may_set_a_status(rows: dict[str, tuple[str, str]]) -> None:
    leaking = {code for code, (_, rest) in rows.items() if re.search(r"(?:^|\| )leak(?:, overdue)?(?: \||$)", rest)}
    assert leaking == codes.LEAKING


def test_this_version_s_codes_are_known() -> None:
    assert {code.value for code in Code} <= codes.KNOWN
    assert {code.value for code in fixable()} <= codes.FIXABLE

"""docs/codes.md is what the catalogue makes of it; `make codes` writes it."""

from __future__ import annotations

from pathlib import Path

from reconciler.model.drift import Code
from reconciler.rules.codes_page import codes_page

PAGE = Path(__file__).parents[2] / "docs" / "codes.md"


def test_the_page_is_what_the_catalogue_makes_of_it() -> None:
    assert PAGE.read_text(encoding="utf-8") == codes_page()


def test_every_code_has_a_heading_of_its_own() -> None:
    headings = [line for line in codes_page().splitlines() if line.startswith("### ")]
    assert sorted(headings) == sorted(f"### `{code}`" for code in Code)


def test_a_code_is_told_whole() -> None:
    assert (
        "### `past_due_beyond_grace`\n"
        "**fix** · high · to lower · money: leak, overdue · forbids to lower. When a payment that is collected "
        "automatically is late beyond its grace.\n\n"
        "> A payment is late and its grace is over: {detail}.\n\n"
        "Nothing to do where lowering is on; else finance: collect the open invoice in the collecting side's screens, "
        "or end the subscription there.\n"
    ) in codes_page()
    assert "### `downgrade_scheduled`\n**ok** · info. When a lower plan is set" in codes_page()

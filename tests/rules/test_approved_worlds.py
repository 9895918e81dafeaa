"""What is judged, decided and planned in the approved worlds is what people approved; `make approve` writes it."""

from __future__ import annotations

from difflib import unified_diff
from itertools import islice
from pathlib import Path

import pytest

from rules.approved_worlds import FOLDER, approved_files, seeds, text_of

_LINES_SHOWN = 60


@pytest.mark.parametrize("path", approved_files(), ids=lambda path: path.stem)
def test_the_judgement_of_these_worlds_is_the_approved_one(path: Path) -> None:
    approved, found = path.read_text(encoding="utf-8"), text_of(approved_files()[path])
    if found != approved:
        lines = unified_diff(approved.splitlines(), found.splitlines(), "approved", "found", lineterm="", n=4)
        shown = "\n".join(islice(lines, _LINES_SHOWN))
        pytest.fail(f"{path.name} differs; if every difference is meant, run `make approve`:\n{shown}", pytrace=False)


def test_no_world_is_approved_twice_and_no_file_is_left_over() -> None:
    assert len(set(seeds())) == len(seeds())
    assert set(FOLDER.glob("worlds_*.txt")) == set(approved_files())

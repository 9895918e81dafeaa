"""What the doctor and the draft say fits 80 columns, and holds nothing that acts on a terminal."""

from __future__ import annotations

import pytest

from reconciler.firststeps.checked import Checked, Verdict, counted, good, look
from reconciler.firststeps.told import summary, told


def test_a_long_line_is_broken_at_80_columns_with_the_remedy_beneath() -> None:
    lines = told(look("Stripe", "word " * 40, "do " * 40)).splitlines()
    assert len(lines) > 4
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("LOOK  Stripe  word")
    assert any(line.startswith("              -> do") for line in lines)


def test_a_command_stands_whole_on_its_own_line_however_long() -> None:
    command = "chmod --recursive g+rwX " + "/a/long/path/organizations.json " * 4
    line = told(look("Store", "It is so", "As root", commands=[command])).splitlines()[-1]
    assert line.strip() == command.strip()


def test_what_comes_from_outside_cannot_act_on_the_terminal() -> None:
    out = told(good("Lago", "organisation \x1b[31mAcme\u202e\nok    Stripe  fine"))
    assert len(out.splitlines()) == 1
    assert "\x1b" not in out
    assert "\u202e" not in out


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ([Verdict.GOOD], "Nothing is wrong"),
        ([Verdict.GOOD, Verdict.LOOK, Verdict.LOOK], "2 lines with LOOK"),
        ([Verdict.LOOK, Verdict.STOPS], "1 line with STOPS"),
    ],
)
def test_the_last_line_says_what_the_worst_is(verdicts: list[Verdict], said: str) -> None:
    assert said in summary(verdicts)


def test_the_worst_line_decides_the_exit_code() -> None:
    assert [verdict.exit_code for verdict in Verdict] == [0, 2, 1]
    assert max(Verdict.LOOK, Verdict.STOPS, Verdict.GOOD) is Verdict.STOPS


def test_one_is_counted_in_the_singular() -> None:
    assert (counted(1, "line"), counted(1200, "line")) == ("1 line", "1,200 lines")


def test_a_line_without_a_remedy_has_none_beneath() -> None:
    assert told(Checked(verdict=Verdict.STOPS, subject="Store", text="Gone")) == "STOPS Store   Gone\n"

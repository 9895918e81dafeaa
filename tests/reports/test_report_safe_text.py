from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from reconciler.reports.safe_text import fitted, shown


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("two\nlines\r\n", r"two\nlines\r\n"),
        ("a\tb", r"a\tb"),
        ("\x07\x08\x00\x7f", r"\x07\x08\x00\x7f"),
        ("\x9b31m", r"\x9b31m"),
        ("abc\u202egpj.exe", r"abc\u202egpj.exe"),
        ("\u2066isolated\u2069", r"\u2066isolated\u2069"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("line\u2028separator", r"line\u2028separator"),
        ("lone \ud800 surrogate", r"lone \ud800 surrogate"),
    ],
)
def test_what_could_act_or_hide_stands_as_its_escape(hostile: str, harmless: str) -> None:
    assert shown(hostile) == harmless


@pytest.mark.parametrize(
    "name",
    [
        "Acme GmbH",
        "株式会社",
        "שלום עולם",
        "مؤسسة",
        "हिन्दी क्षेत्र",
        "\u0645\u06cc\u200c\u062e\u0648",
        "👩\u200d👩\u200d👧",
        "❤️",
        "e\u0301",
        "[red]x[/red]",
        "<b>",
    ],
)
def test_letters_of_every_script_emoji_and_markup_stay(name: str) -> None:
    assert shown(name) == name


def test_a_tower_of_marks_cannot_smear_over_other_lines() -> None:
    made = shown("e" + "\u0301" * 100)

    assert made.count("\u0301") == 4
    assert made.endswith(r"\u0301")


@given(st.text())
def test_shown_text_is_one_printable_line_that_can_be_encoded(text: str) -> None:
    made = shown(text)

    made.encode()
    assert len(made.splitlines()) <= 1
    assert not {unicodedata.category(character) for character in made} & {"Cc", "Cs", "Zl", "Zp"}


@given(st.text())
def test_showing_twice_is_showing_once(text: str) -> None:
    assert shown(shown(text)) == shown(text)


@given(st.text(), st.integers(min_value=4, max_value=60))
def test_fitted_text_takes_no_more_columns_than_it_may(text: str, cells: int) -> None:
    assert cell_len(fitted(text, cells)) <= cells


def test_text_that_fits_is_not_cut() -> None:
    assert fitted("Acme", 4) == "Acme"


def test_text_that_does_not_fit_ends_with_an_ellipsis() -> None:
    assert fitted("A" * 200, 10) == "AAAAAAA..."
    assert fitted("株式会社日本語会社", 10) == "株式会..."

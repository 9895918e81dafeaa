from __future__ import annotations

import json

import pytest

from reconciler.errors import UsageError
from reconciler.reports.render import ReportFormat, render, report_format
from reconciler.reports.terminal import Verbosity
from run_builders import decision, drift, run_record

RUN = run_record(decisions=[decision(drift(org_name="株式会社 \x1b[31m"))])


@pytest.mark.parametrize("form", [form for form in ReportFormat if form is not ReportFormat.XLSX])
def test_every_text_is_utf_8_without_escapes_and_the_same_bytes_twice(form: ReportFormat) -> None:
    made = render(RUN, form)

    assert "株式会社" in made.decode()
    assert b"\x1b" not in made
    assert render(RUN, form) == made


@pytest.mark.parametrize("form", ReportFormat)
def test_surroundings_change_nothing_in_a_report(form: ReportFormat, monkeypatch: pytest.MonkeyPatch) -> None:
    made = render(RUN, form)
    for name, value in {"FORCE_COLOR": "1", "COLUMNS": "30", "TTY_COMPATIBLE": "1", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)

    assert render(RUN, form) == made


def test_text_is_as_long_as_asked() -> None:
    quiet, normal, verbose = (len(render(RUN, ReportFormat.TEXT, verbosity=verbosity)) for verbosity in Verbosity)

    assert quiet < normal < verbose


def test_json_is_json() -> None:
    assert json.loads(render(RUN, ReportFormat.JSON))["schema_version"] == 1


@pytest.mark.parametrize("word", ["text", "json", "markdown", "csv", "html", "xlsx"])
def test_a_format_is_known_by_its_word(word: str) -> None:
    assert report_format(word).value == word


@pytest.mark.parametrize("word", ["pdf", "xls", "JSON", ""])
def test_a_format_that_this_version_does_not_write_is_a_usage_error_that_names_those_it_does(word: str) -> None:
    with pytest.raises(UsageError, match="text, json, markdown, csv, html, xlsx") as caught:
        report_format(word)

    assert caught.value.exit_code == 64

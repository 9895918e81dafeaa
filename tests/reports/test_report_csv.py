from __future__ import annotations

import csv
import io

import pytest

from reconciler.model.drift import Code, Decided, DriftMoney
from reconciler.model.run import RunRecord
from reconciler.reports.compose import book_of
from reconciler.reports.csv_report import COLUMNS
from reconciler.reports.csv_report import csv_report as written
from run_builders import decision, drift, run_record


def csv_report(run: RunRecord) -> bytes:
    return written(book_of(run))


def _rows(run: RunRecord) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_report(run).decode(), newline="")))


def _named(name: str) -> str:
    (row,) = _rows(run_record(decisions=[decision(drift(org_name=name))]))
    return row["org_name"]


def test_a_run_without_drift_is_a_header_alone() -> None:
    assert csv_report(run_record()) == (",".join(COLUMNS) + "\r\n").encode()


def test_a_row_says_what_the_json_says() -> None:
    (row,) = _rows(run_record(decisions=[decision(runs_seen=2, blocked_by="settle_lower")]))

    assert row["code"] == "tier_over"
    assert row["org_id"] == "org_1"
    assert row["has_tier"] == "enterprise"
    assert row["due_tier"] == "professional"
    assert row["blocked_by"] == "settle_lower"
    assert row["effective_at"] == "2026-09-01T12:00:00Z"
    assert row["runs_seen"] == "2"
    assert row["drift_id"] == "tier_over:org_1"


@pytest.mark.parametrize(
    ("currency", "minor", "major"), [("usd", 123450, "1234.50"), ("jpy", 500, "500"), ("kwd", 1234, "1.234")]
)
def test_money_stands_in_minor_and_in_major_units(currency: str, minor: int, major: str) -> None:
    (row,) = _rows(run_record(decisions=[decision(drift(money=DriftMoney(currency=currency, leak=minor)))]))

    assert row["currency"] == currency
    assert row["leak_minor"] == str(minor)
    assert row["leak"] == major


def test_a_negative_amount_stays_a_number() -> None:
    (row,) = _rows(run_record(decisions=[decision(drift(money=DriftMoney(currency="usd", variance=-250)))]))

    assert row["variance_minor"] == "-250"
    assert row["variance"] == "-2.50"


def test_unpriced_money_is_empty_and_zero_is_not() -> None:
    (row,) = _rows(run_record(decisions=[decision(drift(money=DriftMoney(currency="usd", leak=None)))]))

    assert row["leak_minor"] == ""
    assert row["leak"] == ""
    assert row["owed_minor"] == "0"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\uff1dcmd", "\uff0b1", "\uff0d1", "\uff20x"])
def test_a_name_that_a_spreadsheet_takes_for_a_formula_begins_with_an_apostrophe(name: str) -> None:
    assert _named(name) == f"'{name}"


@pytest.mark.parametrize(("name", "cell"), [("\t=1", r"'\t=1"), ("\r=1", r"'\r=1"), ("\n=1", r"\n=1")])
def test_no_name_can_hide_a_formula_behind_white_space(name: str, cell: str) -> None:
    assert _named(name) == cell


@pytest.mark.parametrize("name", ['Say "hi", Ltd', "株式会社", "a;b", "A" * 200, "👩 Family", "5 = five"])
def test_other_names_come_back_as_they_are(name: str) -> None:
    assert _named(name) == name


def test_a_name_with_a_line_break_stays_one_row() -> None:
    run = run_record(decisions=[decision(drift(org_name="two\r\nlines"))])

    assert csv_report(run).count(b"\n") == 2


def test_what_is_meant_to_be_has_no_row_and_an_unclaimed_drift_has() -> None:
    meant = decision(drift(code=Code.LINK_OTHER_FORM), Decided.OK)
    unclaimed = decision(drift(None, code=Code.ORPHAN_PAYER))

    assert [(row["code"], row["org_id"]) for row in _rows(run_record(decisions=[meant, unclaimed]))] == [
        ("orphan_payer", "")
    ]


def test_the_same_run_gives_the_same_bytes() -> None:
    decisions = [decision(drift("org_2")), decision(drift("org_1"))]

    assert csv_report(run_record(decisions=decisions)) == csv_report(run_record(decisions=decisions[::-1]))

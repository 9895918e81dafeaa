from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from busy_runs import HOSTILE, busy_background, busy_run, with_ledger_head
from reconciler.model.drift import Decided, DriftMoney
from reconciler.model.run import ChargedTwice, CurrencyTotals, RunRecord
from reconciler.reports.background import NO_BACKGROUND, Background
from reconciler.reports.compose import book_of
from reconciler.reports.xlsx_report import xlsx_report
from reports.reading_reports import tables_in, workbook_of
from run_builders import T0, decision, drift, run_record, totals_of

SHEETS = [
    *("Control", "Summary", "Drifts", "Roll-forward", "Fixes", "Upcoming", "Contracts and waivers", "Held"),
]
BUSY = with_ledger_head(busy_run(300))


def made(run: RunRecord, beside: Background = NO_BACKGROUND) -> bytes:
    return xlsx_report(book_of(run, beside))


def cell(run: RunRecord, header: str) -> Any:
    """The cell of the only drift below a header of the sheet Drifts."""
    page = workbook_of(made(run))["Drifts"]
    column = next(each.column for each in page[3] if each.value == header)
    return page.cell(4, column)


@pytest.fixture(scope="module")
def busy() -> bytes:
    return made(BUSY, busy_background(BUSY))


def test_the_sheets_are_those_that_finance_works_through(busy: bytes) -> None:
    assert workbook_of(busy).sheetnames == SHEETS
    assert workbook_of(made(run_record())).sheetnames == SHEETS


@pytest.mark.parametrize(
    ("currency", "minor", "value", "digits"),
    [("usd", 123450, 1234.5, "#,##0.00 "), ("jpy", 500, 500, "#,##0 "), ("bhd", 1234, 1.234, "#,##0.000 ")],
)
def test_money_is_a_number_with_the_decimals_of_its_currency(
    currency: str, minor: int, value: float, digits: str
) -> None:
    found = cell(run_record(decisions=[decision(drift(money=DriftMoney(currency=currency, leak=minor)))]), "Leak")
    assert (found.value, found.data_type) == (value, "n")
    assert found.number_format.startswith(f"{digits}[${currency.upper()}];")


def test_times_are_dates_in_utc() -> None:
    found = cell(run_record(decisions=[decision(drift())]), "In effect since (UTC)")
    assert (found.value, found.is_date) == ((T0 - timedelta(days=30)).replace(tzinfo=None), True)


def test_ids_are_text_even_where_they_look_like_numbers() -> None:
    found = cell(run_record(decisions=[decision(drift("00123", id="1e5"))]), "Organisation")
    assert (found.value, found.data_type, found.number_format) == ("00123", "s", "@")


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_from_outside_is_a_formula_a_link_or_an_escape(name: str) -> None:
    content = made(run_record(decisions=[decision(drift(org_name=name, text=name, remedy=name))], notes=[name]))
    page = workbook_of(content, formulas=True)["Drifts"]
    found = next(each for each in page[4] if each.column == 2)
    assert found.data_type == "s"
    assert found.hyperlink is None
    assert not any(ord(each) < 32 or each == "\u202e" for each in found.value)
    formulas = [each.value for row in page.iter_rows() for each in row if each.data_type == "f"]
    assert formulas == []


def test_unpriced_money_is_an_empty_cell() -> None:
    run = run_record(decisions=[decision(drift(money=DriftMoney(currency="usd", leak=None)))])
    assert cell(run, "Leak").value is None
    assert cell(run, "Owed").value == 0


def test_what_is_held_has_no_money() -> None:
    assert cell(run_record(decisions=[decision(drift(), Decided.HOLD)]), "Leak").value is None


def test_the_columns_for_a_decision_are_there_and_empty(busy: bytes) -> None:
    rows = tables_in(workbook_of(busy), "Drifts", "Code")
    assert len(rows) > 100
    assert all(row["Decision"] is row["Until"] is row["Reason"] is None for row in rows)


def test_the_header_of_the_drifts_is_frozen_filtered_and_printed_on_every_page(busy: bytes) -> None:
    page = workbook_of(busy)["Drifts"]
    assert page.freeze_panes == "C4"
    assert page.auto_filter.ref.startswith("A3:")
    assert page.print_title_rows == "$3:$3"
    assert (page.page_setup.orientation, page.page_setup.fitToHeight) == ("landscape", 0)


def test_every_sum_of_the_summary_is_a_formula_whose_value_is_the_sum_of_its_rows(busy: bytes) -> None:
    values, formulas = workbook_of(busy), workbook_of(busy, formulas=True)
    drifts = tables_in(values, "Drifts", "Code")
    for first, key in (("Code", "Code"), ("Tier it has", "Has tier"), ("Age", "Age"), ("State", "State")):
        rows = tables_in(values, "Summary", first)
        written = tables_in(formulas, "Summary", first)
        assert sum(row["Drifts"] for row in rows) == len(drifts)
        for row, formula in zip(rows, written, strict=True):
            of = [each for each in drifts if (each[key], each["Currency"]) == (row[first], row["Currency"])]
            assert row["Drifts"] == len(of)
            assert formula["Drifts"].startswith("=COUNTIFS(Drifts!")
            for name in ("Leak", "Owed", "Overbilled", "Variance", "At risk", "Overdue, once", "Accrued"):
                if row["Currency"] != "none":
                    assert row[name] == pytest.approx(sum(each[name] or 0 for each in of), abs=1e-6)
                    assert formula[name].startswith("=SUMIFS(Drifts!")


def test_money_and_organisations_tie_out_from_the_cells_of_the_control_page(busy: bytes) -> None:
    values, formulas = workbook_of(busy), workbook_of(busy, formulas=True)
    for row in tables_in(values, "Control", "Currency"):
        left = row["Billed"] - row["- Overbilled"] + row["+ Variance"] + row["+ Leak"] - row["- Owed"] - row["= Had"]
        assert left == pytest.approx(0, abs=1e-6)
        assert row["Left over"] == 0
    assert tables_in(formulas, "Control", "Currency")[0]["Left over"].startswith("=$B")
    (counts,) = tables_in(values, "Control", "Organisations")
    places = ("In sync", "Waiting", "With drift", "Held", "Waived", "Excluded")
    assert counts["Organisations"] - sum(counts[place] for place in places) == counts["Left over"] == 0


def test_the_rows_add_up_to_the_money_that_the_run_counted(busy: bytes) -> None:
    drifts = tables_in(workbook_of(busy), "Drifts", "Code")
    for currency, money in BUSY.totals.money.items():
        scale = {"jpy": 1, "bhd": 1000}.get(currency, 100)
        for name, minor in (("Leak", money.leak), ("Owed", money.owed), ("Overbilled", money.overbilled)):
            added = sum(row[name] for row in drifts if row["Currency"] == currency)
            assert added * scale == pytest.approx(minor)


def test_a_residual_stands_in_the_cell_that_should_be_0() -> None:
    money = {"usd": CurrencyTotals(billed=100, had=150, residual=-50)}
    run = run_record(totals=totals_of(money=money))
    (row,) = tables_in(workbook_of(made(run)), "Control", "Currency")
    assert row["Left over"] == -0.5


def test_the_control_page_names_run_version_configuration_and_the_end_of_the_chain(busy: bytes) -> None:
    rows = {row[0]: row[1] for row in workbook_of(busy)["Control"].iter_rows(values_only=True) if row[0]}
    assert rows["Result"] == "DRIFT"
    assert rows["Run"] == "busy-1"
    assert rows["Version"] == "0.1.0"
    assert rows["Configuration, SHA-256"] == "c0" * 32
    assert rows["Ledger chain, head"] == "ab" * 32
    assert rows["Ledger chain, events"] == 123456
    assert rows["Stripe mode"] == "live"


def test_the_control_page_counts_other_products_and_names_who_may_be_charged_twice_with_figures() -> None:
    twice = ChargedTwice(org_id="org_1", org_name="Amber", currency="usd", lago=8000, stripe=None)
    totals = replace(totals_of(), other_products={"lago": 0, "stripe": 7}, charged_twice=(twice,))
    book = workbook_of(made(run_record(totals=totals)))
    counted = {row["What"]: row["Number"] for row in tables_in(book, "Control", "What")}
    assert counted["Live subscriptions of other products, stripe"] == 7
    assert counted["May be charged on both sides"] == 1
    (row,) = tables_in(book, "Control", "Organisation")
    assert (row["Organisation"], row["Name"], row["Lago a month"], row["Stripe a month"]) == (
        "org_1",
        "Amber",
        80,
        None,
    )


def test_text_behind_a_number_stands_apart_from_it_and_fixes_print_up_to_what_went_wrong(busy: bytes) -> None:
    book = workbook_of(busy)
    page = book["Drifts"]
    columns = {cell.value: cell.column for cell in page[3]}
    assert page.cell(4, columns["Age"]).alignment.indent == 1
    assert page.cell(4, columns["Name"]).alignment.indent == 0
    last = next(cell.column_letter for cell in book["Fixes"][3] if cell.value == "What went wrong")
    assert f"${last}$" in str(book["Fixes"].print_area)


@pytest.mark.parametrize("drifts", [0, 40, 6000])
def test_the_same_run_gives_the_same_cells_formats_and_properties(drifts: int) -> None:
    run = busy_run(drifts)
    one, other = (zipfile.ZipFile(io.BytesIO(made(run))) for _ in range(2))
    assert {name: one.read(name) for name in one.namelist()} == {name: other.read(name) for name in other.namelist()}
    created = workbook_of(made(run)).properties.created
    assert created.replace(tzinfo=UTC) == run.finished_at
    assert created != datetime.now()  # noqa: DTZ005 - openpyxl gives naive times


def test_a_tier_that_a_spreadsheet_takes_for_a_pattern_is_summed_as_a_value() -> None:
    odd = drift(money=DriftMoney(currency="usd", leak=100))
    plain = type(odd.has)(tier="pro*", status="active")
    values = {name: getattr(odd, name) for name in odd.__slots__}
    run = run_record(decisions=[decision(type(odd)(**{**values, "has": plain})), decision(drift("org_2"))])
    row = tables_in(workbook_of(made(run), formulas=True), "Summary", "Tier it has")[1]
    assert (row["Tier it has"], row["Drifts"], row["Leak"]) == ("pro*", 1, 1)


def test_dearest_drifts_of_each_currency_come_first_and_are_twenty_at_most(busy: bytes) -> None:
    rows = tables_in(workbook_of(busy), "Summary", "Rank")
    for currency in {row["Currency"] for row in rows}:
        accrued = [row["Accrued"] for row in rows if row["Currency"] == currency]
        assert accrued == sorted(accrued, reverse=True)
        assert len(accrued) <= 20

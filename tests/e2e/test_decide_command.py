"""Decisions that people wrote into a report: taken over whole, heard by the next pass, or refused row by row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from e2e.e2e_support import Site, site_of
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model.acts import ActKind
from reconciler.sandbox.demo import SeededBusiness, build_business

NOW = datetime.now(UTC).replace(microsecond=0)
AHEAD = (NOW + timedelta(days=60)).date()
DAY = timedelta(days=1)


@pytest.fixture
def seeded() -> SeededBusiness:
    return build_business(organisations=60, now=NOW)


@pytest.fixture
def site(
    seeded: SeededBusiness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Site]:
    with site_of(seeded, tmp_path, monkeypatch, capsys) as made:
        made.configure(seeded, lower='"flag"')
        yield made


def filled(site: Site, *said: tuple[str, str, Any, str | None]) -> Path:
    """The last report's workbook; of each code, the first row gets Decision, Until and Reason."""
    path = site.folder / "report.xlsx"
    assert site.reconcile("report", "--format", "xlsx", "--output", str(path)).exit_code == 0
    book = openpyxl.load_workbook(path)
    page = book["Drifts"]
    columns = {cell.value: cell.column for cell in page[3]}
    for code, decision, until, reason in said:
        at = next(row for row in range(4, page.max_row + 1) if page.cell(row, 1).value == code)
        for name, value in (("Decision", decision), ("Until", until), ("Reason", reason)):
            page.cell(at, columns[name]).value = value
    book.save(path)
    return path


def acts(site: Site) -> list[tuple[ActKind, str]]:
    with SqlLedger(f"sqlite:///{site.folder / 'state' / 'ledger.sqlite3'}") as ledger:
        return [(each.kind, each.by) for each in ledger.acts_between(NOW - DAY, NOW + DAY)]


def test_what_is_waived_and_acknowledged_is_heard_by_the_next_pass(site: Site) -> None:
    site.reconcile("--dry-run")
    path = filled(site, ("double_billed", "waive", AHEAD, "agreed"), ("orphan_payer", "ack", None, None))
    said = site.reconcile("decide", str(path), "--by", "Ada Example")
    assert (said.exit_code, said.out) == (0, "Taken over: 1 waived, 1 acknowledged, 0 approved.\n")
    assert acts(site) == [(kind, "Ada Example") for kind in (ActKind.DECIDE, ActKind.WAIVE, ActKind.ACK)]
    document = site.reconcile("--dry-run", "--format", "json").document
    waived = [each for each in document["drifts"] if each["code"] == "double_billed"]
    assert [each["decision"] for each in waived] == ["wait"]


def test_one_row_that_cannot_stand_keeps_all_from_being_taken_over(site: Site) -> None:
    site.reconcile("--dry-run")
    path = filled(site, ("double_billed", "waive", None, "agreed"), ("orphan_payer", "ack", None, None))
    said = site.reconcile("decide", str(path), "--by", "Ada Example")
    assert said.exit_code == 64
    assert "Row 4: a waiver needs an Until" in said.err
    assert "1 of 2 decisions cannot stand. Nothing was taken over." in said.err
    assert acts(site) == []


def test_approved_fixes_become_a_plan_that_apply_writes(site: Site) -> None:
    site.reconcile()
    path = filled(site, ("tier_over", "approve", None, None))
    said = site.reconcile("decide", str(path), "--by", "Ada Example")
    plan = site.folder / "report-approved.plan.json"
    assert f"reconcile apply {plan}" in said.out
    (fix,) = json.loads(plan.read_text())["fixes"]
    before = site.records()[fix["org_id"]]["plan_tier"]
    site.reconcile("apply", str(plan), "--by", "Grace Example")
    after = site.records()[fix["org_id"]]["plan_tier"]
    assert (before, after) == (fix["expects"]["plan_tier"], fix["arguments"]["plan_tier"])


def test_an_empty_report_decides_nothing_and_a_name_is_needed(site: Site) -> None:
    site.reconcile("--dry-run")
    path = filled(site)
    assert "Nothing is decided" in site.reconcile("decide", str(path), "--by", "Ada").out
    assert site.reconcile("decide", str(path), "--by", "  ").exit_code == 64
    assert acts(site) == []

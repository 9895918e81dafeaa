"""A month as finance works through it: dry run, decisions in the workbook, fixes, report, close, sign, restate."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from e2e.e2e_support import Site, site_of
from reconciler.sandbox.demo import SeededBusiness, build_business
from reports.reading_reports import tables_in, workbook_of

NOW = datetime.now(UTC).replace(microsecond=0)
MONTH = f"{NOW:%Y-%m}"
SOFFICE = shutil.which("soffice")
PATIENCE_S = 180


class _NextMonth(datetime):
    """The clock of whoever closes the month: five weeks later."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]  # one instant, not one of this class
        return datetime.now(tz) + timedelta(days=35)


@pytest.fixture
def seeded() -> SeededBusiness:
    return build_business(organisations=60, now=NOW)


@pytest.fixture
def site(
    seeded: SeededBusiness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Site]:
    monkeypatch.setattr("reconciler.cli.close_command.datetime", _NextMonth)
    with site_of(seeded, tmp_path, monkeypatch, capsys) as made:
        made.configure(seeded, lower='"flag"')
        yield made


def as_it_is(path: Path) -> Path:
    return path


def saved_by_libreoffice(path: Path) -> Path:
    """The same workbook once LibreOffice has read and written it."""
    folder = path.parent / "saved"
    profile = (path.parent / "office").as_uri()
    subprocess.run(  # noqa: S603 # LibreOffice, on a file of this test
        [
            *(str(SOFFICE), f"-env:UserInstallation={profile}", "--headless"),
            *("--convert-to", "xlsx", "--outdir", str(folder), str(path)),
        ],
        check=True,
        capture_output=True,
        timeout=PATIENCE_S,
    )
    return folder / path.name


def filled(path: Path, **said: tuple[str, Any, str | None]) -> None:
    """Of each code's first row, Decision, Until and Reason; everything else stays as the program saved it."""
    book = openpyxl.load_workbook(path)
    page = book["Drifts"]
    columns = {cell.value: cell.column for cell in page[3]}
    for code, cells in said.items():
        at = next(row for row in range(4, page.max_row + 1) if page.cell(row, 1).value == code)
        for name, value in zip(("Decision", "Until", "Reason"), cells, strict=True):
            page.cell(at, columns[name]).value = value
    book.save(path)


@pytest.mark.parametrize(
    "program",
    [
        as_it_is,
        pytest.param(
            saved_by_libreoffice,
            marks=pytest.mark.skipif(
                SOFFICE is None, reason="LibreOffice is not installed (apt-get install libreoffice-calc)"
            ),
        ),
    ],
)
def test_a_month_is_worked_through_from_the_first_dry_run_to_a_signed_restatement(
    site: Site, program: Callable[[Path], Path]
) -> None:
    first = site.reconcile("--dry-run", "--format", "json").document
    workbook = site.folder / "november.xlsx"
    assert site.reconcile("report", "--format", "xlsx", "--output", str(workbook)).exit_code == 0

    workbook = program(workbook)
    until = (NOW + timedelta(days=60)).date()
    filled(workbook, tier_over=("approve", until, None), double_billed=("ack", None, "refund asked"))
    refused = site.reconcile("decide", str(workbook), "--by", "Ada Example")
    assert refused.exit_code == 64
    assert "an approval has no Until" in refused.err

    filled(workbook, tier_over=("approve", None, None), paid_tier_no_billing=("waive", until, "pilot"))
    taken = site.reconcile("decide", str(program(workbook)), "--by", "Ada Example", "--plan-out", f"{site.folder}/plan")
    assert taken.out.startswith("Taken over: 1 waived, 1 acknowledged, 1 approved.")
    assert site.reconcile("apply", f"{site.folder}/plan", "--by", "Grace Example").exit_code == 2
    last = site.reconcile("--format", "json").document
    assert {each["result"] for each in last["outcomes"]} == {"fixed"}

    told = site.reconcile("diff", first["run"]["id"], last["run"]["id"]).out
    assert "approved by Grace Example" in told
    assert "waived by Ada Example" in told
    assert "resolved elsewhere" not in told

    assert site.reconcile("close", MONTH, "--by", "Ada Example").exit_code == 0
    closed = site.folder / "state" / "reports" / "closed" / MONTH
    book = workbook_of((closed / "report.xlsx").read_bytes())
    assert book["Roll-forward"]["A1"].value == f"Roll-forward from {first['run']['id']} to {last['run']['id']}"
    counts = next(row for row in tables_in(book, "Roll-forward", "Of") if row["Of"] == "drifts")
    assert (counts["- Fixed"], counts["- Waived"], counts["Left over"]) == (1 + len(last["outcomes"]), 1, 0)
    approved = [row for row in tables_in(book, "Fixes", "What became of it") if row["Approved by"] == "Grace Example"]
    assert [(row["Code"], bool(row["Name"])) for row in approved] == [("tier_over", True)]
    (twice,) = tables_in(book, "Control", "Organisation")
    assert (twice["Lago a month"], twice["Stripe a month"]) == (99, 99)

    assert site.reconcile("sign", MONTH, "--by", "ada example").exit_code == 64
    assert site.reconcile("sign", MONTH, "--by", "Grace Example").exit_code == 0
    assert site.reconcile("close", MONTH, "--verify").exit_code == 0
    (closed / "report.csv").write_bytes((closed / "report.csv").read_bytes().replace(b"0", b"1", 1))
    void = site.reconcile("close", MONTH, "--verify")
    assert (void.exit_code, "report.csv was changed" in void.err) == (1, True)
    restated = site.reconcile("close", MONTH, "--by", "Ada Example", "--reason", "a file was changed")
    assert "restatement 1" in restated.out
    assert site.reconcile("sign", MONTH, "--by", "Grace Example").exit_code == 0
    assert site.reconcile("close", MONTH, "--verify").exit_code == 0

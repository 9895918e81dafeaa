"""Recorded runs told once more: which run answers a question, where files go, and that all formats say the same."""

from __future__ import annotations

import csv
import io
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from e2e.e2e_support import Site, site_of
from reconciler.sandbox.demo import SeededBusiness, build_business
from reports.reading_reports import tables_in, workbook_of

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def seeded() -> SeededBusiness:
    return build_business(organisations=60, now=NOW)


@pytest.fixture
def site(
    seeded: SeededBusiness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Site]:
    with site_of(seeded, tmp_path, monkeypatch, capsys) as made:
        yield made


def run_id(site: Site, *words: str) -> str:
    return str(site.reconcile("--dry-run", "--format", "json", *words).document["run"]["id"])


def test_a_recorded_run_is_told_again_as_it_was_told_then(site: Site) -> None:
    first = site.reconcile("--dry-run", "--format", "json").document
    site.reconcile("--dry-run")
    again = site.reconcile("report", first["run"]["id"], "--format", "json")
    assert again.exit_code == 0
    assert again.document["drifts"] == first["drifts"]
    assert again.document["run"] == first["run"]


def test_the_last_run_is_told_where_none_is_named(site: Site) -> None:
    run_id(site)
    last = run_id(site)
    assert site.reconcile("report", "--format", "json").document["run"]["id"] == last
    assert site.reconcile("report", "--latest", "--format", "json").document["run"]["id"] == last


def test_a_month_is_told_by_its_last_complete_run(site: Site) -> None:
    whole = run_id(site)
    run_id(site, "--code", "tier_over")
    said = site.reconcile("report", "--month", f"{NOW:%Y-%m}", "--format", "json")
    assert said.document["run"]["id"] == whole


def test_a_range_is_told_by_its_last_complete_run_and_holds_what_was_fixed_in_it(site: Site) -> None:
    fixed = site.reconcile("--format", "json").document
    site.reconcile("--dry-run")
    output = site.folder / "range.xlsx"
    day = f"{NOW:%Y-%m-%d}"
    site.reconcile("report", "--since", day, "--until", day, "--format", "xlsx", "--output", str(output))
    rows = tables_in(workbook_of(output.read_bytes()), "Fixes", "What became of it")
    done = {outcome["org_id"] for outcome in fixed["outcomes"] if outcome["result"] == "fixed"}
    assert done
    assert {row["Organisation"] for row in rows if row["What became of it"] == "fixed"} == done
    assert all(row["Read back"] == row["After"] for row in rows if row["What became of it"] == "fixed")


def test_the_roll_forward_of_a_second_run_begins_with_the_first_and_ties_out(site: Site) -> None:
    first = run_id(site)
    site.reconcile()
    output = site.folder / "roll.xlsx"
    site.reconcile("report", "--format", "xlsx", "--output", str(output))
    book = workbook_of(output.read_bytes())
    (drifts,) = (row for row in tables_in(book, "Roll-forward", "Of") if row["Of"] == "drifts")
    assert first in book["Roll-forward"]["A1"].value
    assert drifts["- Fixed"] > 0
    assert drifts["Opening"] - drifts["- Fixed"] == drifts["= Closing"]
    assert all(row["Left over"] == 0 for row in tables_in(book, "Roll-forward", "Of"))


def test_a_run_may_be_named_by_how_it_begins_or_as_the_latest(site: Site) -> None:
    first, last = run_id(site), run_id(site)
    for word, run in ((first[:-2], first), ("latest", last)):
        assert site.reconcile("report", word, "--format", "json").document["run"]["id"] == run


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("no-such-run",), "no run 'no-such-run'"),
        (("--month", "2026-13"), "is no month"),
        (("--month", "1999-01"), "no complete run in 1999-01"),
        (("--since", "2026-01-01"), "go together"),
        (("--since", "2026-02-01", "--until", "2026-01-01"), "after"),
        (("--since", "yesterday", "--until", "today"), "is no day"),
        (("--latest", "--month", "2026-01"), "exclude each other"),
        (("--format", "pdf"), "is no format"),
    ],
)
def test_what_cannot_be_told_is_a_usage_error(site: Site, words: tuple[str, ...], problem: str) -> None:
    run_id(site)
    said = site.reconcile("report", *words)
    assert said.exit_code == 64
    assert problem in said.err


def test_without_a_recorded_run_no_ledger_is_made(site: Site) -> None:
    said = site.reconcile("report")
    assert said.exit_code == 1
    assert "no run is recorded yet" in said.err
    assert not (site.folder / "state" / "ledger.sqlite3").exists()


def test_every_pass_leaves_its_reports_and_links_to_the_latest(site: Site) -> None:
    site.config.write_text(site.config.read_text().replace('formats = ["json"]', 'formats = ["html", "xlsx", "csv"]'))
    run_id(site)
    last = run_id(site)
    folder = site.folder / "state" / "reports"
    for suffix in ("html", "xlsx", "csv"):
        link = folder / f"latest.{suffix}"
        assert link.is_symlink()
        assert link.resolve() == (folder / f"{last}.{suffix}").resolve()
        assert stat.S_IMODE(link.stat().st_mode) == 0o640
    assert len(list(folder.iterdir())) == 2 * 3 + 3


def test_a_csv_begins_with_the_byte_order_mark_where_it_is_asked_for(site: Site) -> None:
    run_id(site)
    output = site.folder / "drifts.csv"
    site.reconcile("report", "--format", "csv", "--bom", "--output", str(output))
    assert output.read_bytes().startswith(b"\xef\xbb\xbfcode,")
    plain = site.reconcile("report", "--format", "csv").out
    assert next(iter(csv.DictReader(io.StringIO(plain))))["code"]
    assert not plain.startswith("\ufeff")

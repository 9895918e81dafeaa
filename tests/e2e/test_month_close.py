"""A month closed by one person and signed by another; void as soon as anything of it changes."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from e2e.e2e_support import Site, site_of
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.sandbox.demo import SeededBusiness, build_business
from reports.reading_reports import workbook_of
from run_builders import decision, drift, run_record

MAY = datetime(2024, 5, 20, 9, 0, tzinfo=UTC)
CLOSE = ("close", "2024-05", "--by", "Ada Example")
SIGN = ("sign", "2024-05", "--by", "Grace Example")
VERIFY = ("close", "2024-05", "--verify")


@pytest.fixture
def seeded() -> SeededBusiness:
    return build_business(organisations=60, now=datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def site(
    seeded: SeededBusiness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Site]:
    with site_of(seeded, tmp_path, monkeypatch, capsys) as made:
        with SqlLedger(f"sqlite:///{made.folder / 'state' / 'ledger.sqlite3'}") as ledger:
            for number, at in enumerate((MAY - timedelta(days=30), MAY, MAY + timedelta(days=5))):
                found = [decision(drift(f"org_{each}")) for each in range(1 + number)]
                ledger.record(run_record(f"run-{number}", decisions=found, started_at=at))
        yield made


def closed(site: Site, number: int = 0) -> Path:
    return site.folder / "state" / "reports" / "closed" / (f"2024-05-restated-{number}" if number else "2024-05")


def test_a_closed_month_holds_its_data_and_reports_under_one_manifest(site: Site) -> None:
    said = site.reconcile(*CLOSE)
    assert said.exit_code == 0
    manifest = json.loads((closed(site) / "manifest.json").read_text())
    names = {"report.xlsx", "report.html", "report.csv", "report.json", "report.md", "data.json"}
    assert set(manifest["files"]) == names
    assert {each.name for each in closed(site).iterdir()} == names | {"manifest.json"}
    assert (manifest["month"], manifest["number"], manifest["run_id"]) == ("2024-05", 0, "run-2")
    assert manifest["prepared"]["name"] == "Ada Example"
    assert all(stat.S_IMODE(each.stat().st_mode) == 0o640 for each in closed(site).iterdir())
    data = json.loads((closed(site) / "data.json").read_text())
    assert [each["id"] for each in data["runs"]] == ["run-1", "run-2"]


def test_its_report_rolls_forward_from_the_last_run_of_the_month_before_and_names_its_preparer(site: Site) -> None:
    site.reconcile(*CLOSE)
    book = workbook_of((closed(site) / "report.xlsx").read_bytes())
    assert book["Roll-forward"]["A1"].value == "Roll-forward from run-0 to run-2"
    lines = [row[1] for row in book["Control"].iter_rows(values_only=True) if row[0] == "Signed"]
    assert len(lines) == 1
    assert lines[0].startswith("Prepared by Ada Example (user ")


def test_another_name_signs_and_the_same_user_of_the_system_leaves_the_names_unverified(site: Site) -> None:
    site.reconcile(*CLOSE)
    said = site.reconcile(*SIGN)
    assert said.exit_code == 0
    assert "Names not verified." in said.out
    signature = json.loads((closed(site) / "signature.json").read_text())
    assert signature["names_verified"] is False
    assert "names not verified" in site.reconcile(*VERIFY).out
    told = site.reconcile("report", "--month", "2024-05", "--format", "html").out
    assert "Reviewed by Grace Example" in told
    assert "names not verified" in told


def test_two_users_of_the_system_verify_the_names(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.reconcile(*CLOSE)
    monkeypatch.setattr("reconciler.cli.close_command.os_user", lambda: "grace")
    assert "Names verified" in site.reconcile(*SIGN).out


@pytest.mark.parametrize("name", ["Ada Example", " ada  EXAMPLE "])
def test_the_preparer_cannot_sign(site: Site, name: str) -> None:
    site.reconcile(*CLOSE)
    said = site.reconcile("sign", "2024-05", "--by", name)
    assert said.exit_code == 64
    assert "prepared it. The month was not signed." in said.err
    assert not (closed(site) / "signature.json").exists()


def _touch(folder: Path) -> None:
    path = folder / "report.csv"
    path.write_bytes(path.read_bytes() + b"\n")


def _take(folder: Path) -> None:
    (folder / "data.json").unlink()


def _add(folder: Path) -> None:
    (folder / "more.txt").write_text("more")


def _rewrite(folder: Path) -> None:
    """Change a file and its hash in the manifest too: the ledger still knows the other one."""
    _touch(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["report.csv"] = hashlib.sha256((folder / "report.csv").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (_touch, "report.csv was changed"),
        (_take, "data.json is missing"),
        (_add, "'more.txt' was added"),
        (_rewrite, "not the one that the ledger knows"),
    ],
)
def test_whatever_changes_makes_the_statement_void(site: Site, change: object, problem: str) -> None:
    site.reconcile(*CLOSE)
    site.reconcile(*SIGN)
    assert site.reconcile(*VERIFY).exit_code == 0
    assert callable(change)
    change(closed(site))
    said = site.reconcile(*VERIFY)
    assert said.exit_code == 1
    assert "is void" in said.err
    assert problem in said.err


def test_what_was_changed_after_closing_cannot_be_signed(site: Site) -> None:
    site.reconcile(*CLOSE)
    _touch(closed(site))
    said = site.reconcile(*SIGN)
    assert said.exit_code == 1
    assert "void" in said.err
    assert not (closed(site) / "signature.json").exists()


def test_a_closed_month_is_restated_with_a_reason_under_the_next_number(site: Site) -> None:
    site.reconcile(*CLOSE)
    assert "is closed already" in site.reconcile(*CLOSE).err
    assert site.reconcile(*CLOSE, "--reason", "a refund came late").exit_code == 0
    assert site.reconcile(*CLOSE, "--reason", "and another").exit_code == 0
    first, second, third = (json.loads((closed(site, each) / "manifest.json").read_text()) for each in range(3))
    assert [each["number"] for each in (first, second, third)] == [0, 1, 2]
    assert (first["restates"], second["reason"]) == ("", "a refund came late")
    assert len({first["restates"], second["restates"], third["restates"]}) == 3
    assert site.reconcile(*SIGN).exit_code == 0
    assert (closed(site, 2) / "signature.json").exists()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("close", "2024-05"), "names nobody"),
        (("close", "2024-13", "--by", "Ada"), "is no month"),
        (("close", "2024-03", "--by", "Ada"), "no complete run"),
        (("close", "2199-01", "--by", "Ada"), "is not over"),
        (("sign", "2024-05", "--by", "Grace"), "is not closed"),
    ],
)
def test_what_cannot_be_closed_or_signed_is_a_usage_error(site: Site, words: tuple[str, ...], problem: str) -> None:
    said = site.reconcile(*words)
    assert said.exit_code == 64
    assert problem in said.err
    assert not (site.folder / "state" / "reports" / "closed").exists()

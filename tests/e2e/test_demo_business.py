"""The command over the demo's business: it names every seeded drift and no other, mends it, and finds nothing more."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from e2e.e2e_support import Site, site_of
from reconciler.cli.called import called
from reconciler.cli.demo_folder import demo_folder
from reconciler.cli.main import run
from reconciler.errors import UsageError
from reconciler.model.drift import Code, Decided
from reconciler.rules.catalogue import CATALOGUE
from reconciler.sandbox.demo import SeededBusiness, build_business

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def seeded() -> SeededBusiness:
    return build_business(organisations=200, now=NOW)


@pytest.fixture
def site(
    seeded: SeededBusiness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Site]:
    with site_of(seeded, tmp_path, monkeypatch, capsys) as made:
        yield made


def test_a_dry_run_names_every_seeded_drift_and_no_other_organisation(site: Site, seeded: SeededBusiness) -> None:
    said = site.reconcile("--dry-run", "--format", "json")
    assert said.exit_code == 2
    document = said.document
    named = Counter((each["code"], each["org_id"] or each["id"].split(":")[1]) for each in document["drifts"])
    seeds = Counter((each.code, each.about) for each in seeded.seeds)
    ok = {code.value for code, row in CATALOGUE.items() if row.default is Decided.OK}
    assert named == Counter({seed: count for seed, count in seeds.items() if seed[0] not in ok})
    assert {code: document["totals"]["by_code"][code] for code, _ in seeds if code in ok} == {
        "leftover_free_subscription": 3,
        "downgrade_scheduled": 1,
        "discounted": 1,
    }
    assert {code for code, _ in seeds} < {*Code}


def test_the_money_of_the_demo_ties_out_in_every_currency(site: Site) -> None:
    money = site.reconcile("--dry-run", "--format", "json").document["totals"]["money"]
    assert set(money) == {"usd", "eur"}
    assert all(columns["residual"] == 0 and columns["billed"] > 0 for columns in money.values())


def test_a_dry_run_sends_only_get_and_leaves_the_store_byte_identical(site: Site) -> None:
    before = {path.name: _digest(path) for path in site.store.parent.rglob("*") if path.is_file()}
    site.reconcile("--dry-run")
    assert {path.name: _digest(path) for path in site.store.parent.rglob("*") if path.is_file()} == before
    sent = [*site.lago.requests, *site.stripe.requests]
    assert {each.method for each in sent} == {"GET"}
    assert len(sent) > 5


def test_a_pass_writes_what_is_proven_and_the_next_plan_is_empty(site: Site) -> None:
    shown = site.reconcile("--dry-run", "--format", "json").document["plan"]
    done = site.reconcile("--format", "json").document
    assert done["plan"] == shown
    assert {each["result"] for each in done["outcomes"]} == {"fixed"}
    records = site.records()
    for fix in shown["fixes"]:
        names = {
            "plan_tier": "plan_tier",
            "status": "status",
            "lago_id": "lago_customer_id",
            "stripe_id": "stripe_customer_id",
        }
        for argument, value in fix["arguments"].items():
            assert records[fix["org_id"]][names[argument]] == value
    again = site.reconcile("--format", "json")
    assert again.document["plan"]["fixes"] == []
    assert again.exit_code == 2


def test_a_pass_changes_only_the_organisations_of_its_plan(site: Site) -> None:
    before = site.records()
    fixes = site.reconcile("--format", "json").document["plan"]["fixes"]
    after = site.records()
    assert {org_id for org_id in before if before[org_id] != after[org_id]} == {fix["org_id"] for fix in fixes}
    assert list(before) == list(after)


def test_what_a_customer_is_told_and_shown_is_kept_in_the_reports_folder(site: Site) -> None:
    said = site.reconcile()
    report, latest = sorted((site.folder / "state" / "reports").iterdir())
    assert (latest.name, latest.readlink().name) == ("latest.json", report.name)
    assert f"Report: {report}" in said.out
    assert report.suffix == ".json"


def test_exit_zero_on_drift_forgives_drift(site: Site) -> None:
    assert site.reconcile("--dry-run", "--exit-zero-on-drift", "-q").exit_code == 0


def test_no_record_keeps_nothing(site: Site) -> None:
    site.reconcile("--dry-run", "--no-record")
    assert list((site.folder / "state").iterdir()) == []


def test_a_pass_that_policy_holds_back_writes_nothing_and_waits_for_approval(
    site: Site, seeded: SeededBusiness
) -> None:
    site.configure(seeded, mode='"flag"')
    before = site.store.read_bytes()
    document = site.reconcile("--format", "json").document
    assert site.store.read_bytes() == before
    assert {fix["approval"] for fix in document["plan"]["fixes"]} == {"needed"}
    assert document["outcomes"] == []


def test_one_organisation_can_be_looked_at_alone(site: Site, seeded: SeededBusiness) -> None:
    about = next(seed.about for seed in seeded.seeds if seed.code == "paid_not_reflected")
    document = site.reconcile("--dry-run", "--org", about, "--format", "json").document
    assert [each["org_id"] for each in document["drifts"]] == [about]


def test_the_demo_command_runs_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "demo"
    assert run(["demo", "--folder", str(folder), "--orgs", "80"]) == 0
    out = capsys.readouterr().out
    assert "exit code 2" in out
    reports = [each for each in (folder / "state" / "reports").glob("*.json") if not each.is_symlink()]
    assert len(reports) == 3
    assert run(["demo", "--folder", str(folder), "--orgs", "80"]) == 0
    assert run(["demo", "--folder", str(tmp_path)]) == 64


def test_a_folder_that_cannot_be_made_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--folder", "/proc/nowhere/demo", "--orgs", "60"]) == 64
    err = capsys.readouterr().err
    assert err.startswith("reconcile: The demo cannot be set up in /proc/nowhere/demo")
    assert len(err.splitlines()) == 1


def test_a_second_demo_leaves_the_folder_of_one_that_is_up_alone(tmp_path: Path) -> None:
    with demo_folder(tmp_path / "demo") as made:
        (made / "store").mkdir()
        with pytest.raises(UsageError, match="Another demo is up"), demo_folder(tmp_path / "demo"):
            pass
        assert (made / "store").is_dir()
    with demo_folder(tmp_path / "demo") as again:
        assert sorted(each.name for each in again.iterdir()) == [".made-by-reconcile-demo", "state"]


def test_an_error_while_the_demo_is_up_is_not_taken_for_a_bad_folder(tmp_path: Path) -> None:
    with pytest.raises(BrokenPipeError), demo_folder(tmp_path / "demo"):
        raise BrokenPipeError


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(UsageError, match="no demo made it"), demo_folder(tmp_path):
        pass
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]


def test_hints_name_the_command_as_it_was_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / ".venv" / "bin" / "reconcile"
    command.parent.mkdir(parents=True)
    command.touch()
    monkeypatch.setattr(sys, "argv", [str(command)])
    assert called() == str(command)
    monkeypatch.chdir(tmp_path)
    assert called() == ".venv/bin/reconcile"
    monkeypatch.setattr(sys, "argv", ["/lib/reconciler/__main__.py"])
    assert called() == f"{sys.executable} -m reconciler"
    monkeypatch.setattr(sys, "argv", ["pytest"])
    assert called() == "reconcile"


def test_every_line_of_the_demo_fits_a_terminal_and_the_second_pass_is_seen_to_mend(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", "demo", "--orgs", "60"],
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line for line in done.stdout.splitlines() if len(line) > 80 and "python" not in line] == []
    assert f"{sys.executable} -m reconciler demo --serve" in done.stdout
    second = done.stdout.split("2. Done")[1].split("3. Once more")[0]
    assert "fixed" in second


def test_a_served_demo_names_its_configuration_from_anywhere(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "reconciler", "demo", "--orgs", "60", "--serve"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(6)]
        process.terminate()
    assert f"--config {tmp_path / 'demo' / 'reconciler.toml'}\n" in said[-1]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

"""What a pass saw, kept in a file and judged again: the same report, from nobody but the file."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from e2e.e2e_support import Site, site_of
from reconciler.sandbox.demo import build_business
from reconciler.sandbox.server import Break, Fault

NOW = datetime.now(UTC).replace(microsecond=0)
NO_KEYS = {"LAGO_API_KEY": "", "STRIPE_API_KEY": ""}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Site]:
    with site_of(build_business(organisations=250, now=NOW), tmp_path, monkeypatch, capsys) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "of-today.snapshot"


def kept(site: Site, file: Path, *words: str) -> dict[str, Any]:
    """The report of a dry run that keeps what it read, without its `run` block."""
    return told(site.reconcile("--dry-run", "--format", "json", "--save-snapshot", str(file), *words).document)


def again(site: Site, file: Path) -> dict[str, Any]:
    """The report of the file, with both servers silent, the store gone and no keys."""
    for server in (site.lago, site.stripe):
        server.add_fault(Fault(target="", breaks=Break.RESET, times=None))
    store = site.store.rename(site.folder / "elsewhere.json")
    try:
        said = site.reconcile("--from-snapshot", str(file), "--format", "json", environ=NO_KEYS)
    finally:
        store.rename(site.store)
        site.lago.clear_faults()
        site.stripe.clear_faults()
    return told(said.document)


def told(document: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in document.items() if name != "run"}


def test_a_snapshot_file_gives_the_same_report_as_the_pass_that_wrote_it(site: Site, file: Path) -> None:
    site.reconcile("--dry-run")  # so that the ledger remembers something
    first = kept(site, file)
    assert first["totals"]["drift"] > 0
    assert first["drifts"][0]["runs_seen"] == 2
    assert again(site, file) == first


def test_a_long_read_side_by_side_is_repeated_whatever_the_order_of_its_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    business = build_business(organisations=1_500, now=NOW)
    with site_of(business, tmp_path, monkeypatch, capsys) as site:
        site.stripe.add_fault(Fault(target="customers", delay_s=0.05, times=3))
        first = kept(site, file)
        assert first["sources"]["stripe"]["requests"] > 20
        assert again(site, file) == first


def test_a_read_that_broke_off_is_as_incomplete_from_its_file(site: Site, file: Path) -> None:
    site.stripe.add_fault(Fault(target="/v1/customers", status=500, body="{}", skip=1, times=None))
    site.lago.add_fault(Fault(target="/api/v1/customers", status=404, body="{}", times=None))
    first = kept(site, file)
    assert not first["sources"]["stripe"]["complete"]
    assert not first["sources"]["lago"]["complete"]
    assert again(site, file) == first


def test_another_configuration_is_judged_on_what_was_read_then(site: Site, file: Path) -> None:
    first = kept(site, file)
    seeded = build_business(organisations=250, now=NOW)
    site.configure(seeded, authority="stripe")
    assert again(site, file)["totals"] == kept(site, site.folder / "second.snapshot")["totals"] != first["totals"]
    site.config.write_text(site.config.read_text().replace("[stripe]\n", '[stripe]\nmetadata_org_key = "nothing"\n'))
    other = again(site, file)
    assert other["totals"]["by_code"] != first["totals"]["by_code"]
    assert other["sources"]["stripe"]["complete"]


def test_it_records_nothing_and_says_what_it_stands_on(site: Site, file: Path) -> None:
    kept(site, file)
    runs = sorted((site.folder / "state" / "reports").iterdir())
    said = site.reconcile("--from-snapshot", str(file), "--format", "json", environ=NO_KEYS)
    run = said.document["run"]
    assert (run["mode"], said.exit_code) == ("dry-run", 2)
    assert any(note.startswith("Judged from a snapshot file kept at ") for note in run["notes"])
    assert sorted((site.folder / "state" / "reports").iterdir()) == runs


def test_its_owner_alone_may_read_it_and_people_are_told_where_it_is(site: Site, file: Path) -> None:
    said = site.reconcile("--dry-run", "--save-snapshot", str(file))
    assert f"Snapshot: {file}" in said.out
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in file.parent.iterdir() if each.name.startswith(".snapshot")] == []
    with zipfile.ZipFile(file) as opened:
        bodies = [opened.read(name) for name in opened.namelist() if "/" in name]
    assert any(b'"email"' in body for body in bodies)  # as they were received
    assert sum(map(len, bodies)) > 4 * file.stat().st_size


def test_the_last_runs_are_kept_where_the_settings_want_it(site: Site) -> None:
    site.config.write_text(site.config.read_text() + "[ledger]\nkeep_snapshots = 2\n")
    for _ in range(3):
        site.reconcile("--dry-run")
    folder = site.folder / "state" / "snapshots"
    held = sorted(folder.iterdir())
    assert len(held) == 2
    assert folder.stat().st_mode & 0o777 == 0o700
    said = site.reconcile("--from-snapshot", str(held[-1]), "--format", "json", environ=NO_KEYS)
    assert said.exit_code == 2
    assert len(list(folder.iterdir())) == 2


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_read(site: Site) -> None:
    said = site.reconcile("--dry-run", "--save-snapshot", str(site.folder / "no" / "where.snapshot"))
    assert (said.exit_code, said.out) == (64, "")


def test_a_damaged_file_is_refused_in_one_line(site: Site, file: Path) -> None:
    file.write_bytes(b"PK\x05\x06" + b"\0" * 18)
    said = site.reconcile("--from-snapshot", str(file))
    assert (said.exit_code, said.out, said.err.count("\n")) == (1, "", 1)
    assert str(file) in said.err


def test_a_missing_file_is_refused_in_one_line(site: Site, file: Path) -> None:
    said = site.reconcile("--from-snapshot", str(file), environ=NO_KEYS)
    assert (said.exit_code, said.out, said.err.count("\n")) == (1, "", 1)


def test_to_keep_and_to_read_at_once_is_a_wrong_call(site: Site, file: Path) -> None:
    assert site.reconcile("--save-snapshot", str(file), "--from-snapshot", str(file)).exit_code == 64

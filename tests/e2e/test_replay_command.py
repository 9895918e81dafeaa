"""`reconcile replay`: a recorded run judged again from what it kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from e2e.e2e_support import Site, site_of
from reconciler.sandbox.demo import SeededBusiness, build_business
from reconciler.sandbox.server import Break, Fault

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def seeded() -> SeededBusiness:
    return build_business(organisations=60, now=NOW)


@pytest.fixture
def site(
    seeded: SeededBusiness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Site]:
    with site_of(seeded, tmp_path, monkeypatch, capsys) as made:
        made.config.write_text(f"{made.config.read_text()}[ledger]\nkeep_snapshots = 3\n")
        yield made


def run_of(site: Site, *words: str) -> str:
    return str(site.reconcile(*words, "--format", "json").document["run"]["id"])


def silence(site: Site) -> None:
    for server in (site.lago, site.stripe):
        server.add_fault(Fault(target="", breaks=Break.RESET, times=None))


def test_a_run_that_wrote_comes_to_the_same_decisions_from_its_snapshot(site: Site) -> None:
    run = run_of(site)
    silence(site)
    before = site.store.read_bytes()
    said = site.reconcile("replay", run, "--format", "json")
    assert said.exit_code == 2
    assert f"the run {run} comes to the same decisions" in said.err
    assert said.document["plan"]["fixes"] != []
    assert site.store.read_bytes() == before


def test_under_other_settings_it_says_what_would_have_been_otherwise(site: Site) -> None:
    run = run_of(site, "--dry-run")
    site.config.write_text(site.config.read_text().replace('lower = "fix"', 'lower = "flag"'))
    said = site.reconcile("replay", run)
    assert "was judged under other settings than these" in said.err
    assert "comes to other decisions about" in said.err
    assert "now flag by policy.lower (plan_tier=" in said.err


def test_without_its_snapshot_it_says_what_is_missing(site: Site) -> None:
    run = run_of(site, "--dry-run")
    for file in (site.folder / "state" / "snapshots").iterdir():
        file.unlink()
    said = site.reconcile("replay", run)
    assert (said.exit_code, said.out) == (64, "")
    for words in (".snapshot is missing", "--snapshot", "[ledger] keep_snapshots"):
        assert words in said.err


def test_a_snapshot_of_another_run_is_refused(site: Site) -> None:
    run = run_of(site, "--dry-run")
    other = site.folder / "other.snapshot"
    run_of(site, "--dry-run", "--save-snapshot", str(other))
    said = site.reconcile("replay", run, "--snapshot", str(other))
    assert (said.exit_code, said.out) == (64, "")
    assert "holds what another run read" in said.err


def test_a_run_may_be_named_by_how_it_begins_or_as_the_latest(site: Site) -> None:
    run = run_of(site)
    for word in ("latest", run[:-2]):
        assert f"the run {run} comes to the same decisions" in site.reconcile("replay", word, "--format", "json").err


def test_a_run_that_is_not_recorded_is_refused(site: Site) -> None:
    assert site.reconcile("replay", "none").exit_code == 1
    run_of(site, "--dry-run")
    assert "There is no run" in site.reconcile("replay", "none").err

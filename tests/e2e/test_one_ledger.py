"""A store is kept by one ledger: a pass that would write with another one is refused before it reads billing."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from e2e.e2e_support import Said, Site, site_of
from reconciler.sandbox.demo import SeededBusiness, build_business

NOW = datetime.now(UTC).replace(microsecond=0)
WHO = ("--by", "Ada Lovelace", "--reason", "agreed by mail")


@pytest.fixture
def seeded() -> SeededBusiness:
    return build_business(organisations=60, now=NOW)


@pytest.fixture
def site(
    seeded: SeededBusiness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Site]:
    with site_of(seeded, tmp_path, monkeypatch, capsys) as made:
        yield made


def mark(site: Site) -> Path:
    return site.store.with_name(".reconciler-ledger")


def elsewhere(site: Site, *words: str) -> Said:
    """The command as another user calls it, whose ledger is in their own home."""
    return site.reconcile(*words, environ={"STATE_DIRECTORY": str(site.folder / "home")})


def cut_off(site: Site) -> None:
    """Nobody answers for billing any more: whoever asks hears nothing."""
    said = site.config.read_text()
    site.config.write_text(
        said.replace(site.lago.url, "http://127.0.0.1:9").replace(site.stripe.url, "http://127.0.0.1:9")
    )


def refused(said: Said, site: Site) -> None:
    assert (said.exit_code, said.out) == (1, "")
    assert said.err.count("\n") == 1
    assert str(mark(site)) in said.err
    assert str(site.folder / "state" / "ledger.sqlite3") in said.err
    assert "[ledger] url or STATE_DIRECTORY" in said.err
    assert "remove that file by hand" in said.err


def test_the_first_writing_pass_marks_the_store_as_its_own_files_are(site: Site) -> None:
    site.store.chmod(0o640)
    assert site.reconcile("-q").exit_code in {0, 2}
    assert stat.S_IMODE(mark(site).stat().st_mode) == 0o640
    assert json.loads(mark(site).read_text())["at"] == str(site.folder / "state" / "ledger.sqlite3")
    before = mark(site).read_bytes()
    assert site.reconcile("-q").exit_code in {0, 2}
    assert mark(site).read_bytes() == before
    assert [path.name for path in site.store.parent.glob(".reconciler*")] == [mark(site).name]


def test_a_pass_with_another_ledger_is_refused_before_billing_is_asked(site: Site) -> None:
    site.reconcile("-q")
    cut_off(site)
    before = site.store.read_bytes()
    said = elsewhere(site)
    refused(said, site)
    assert "Nothing was read from billing or written" in said.err
    assert site.store.read_bytes() == before
    assert "no run" in elsewhere(site, "runs").out.lower()


def test_a_plan_is_not_applied_with_another_ledger(site: Site) -> None:
    plan = site.folder / "plan.json"
    site.reconcile("--dry-run", "--plan-out", str(plan))
    site.reconcile("-q")
    refused(elsewhere(site, "apply", str(plan), "--by", "Ada"), site)


def test_nothing_is_linked_with_another_ledger(site: Site) -> None:
    elsewhere(site, "--dry-run")
    site.reconcile("-q")
    org_id = next(key for key, record in site.records().items() if record["stripe_customer_id"] is None)
    said = elsewhere(site, "link", org_id, "--stripe", "cus_1", *WHO)
    refused(said, site)
    assert "Nothing was linked" in said.err


@pytest.mark.parametrize(
    "words",
    [
        (
            "contract",
            "add",
            "{org}",
            "--tier",
            "enterprise",
            "--amount",
            "1",
            "--currency",
            "usd",
            "--start",
            "2026-01-01",
            "--approver",
            "Grace",
            "--reference",
            "mail",
            "--by",
            "Ada",
        ),
        ("note", "{org}", "called them", "--by", "Ada"),
    ],
)
def test_what_a_person_says_into_another_ledger_is_refused_since_no_pass_would_hear_it(
    site: Site, words: tuple[str, ...]
) -> None:
    elsewhere(site, "--dry-run")
    site.reconcile("-q")
    said = elsewhere(site, *(word.format(org=next(iter(site.records()))) for word in words))
    refused(said, site)
    assert "Nothing was recorded" in said.err


def test_a_dry_run_with_another_ledger_says_so_and_marks_nothing(site: Site) -> None:
    told = "This ledger is not the one that keeps this store"
    first = elsewhere(site, "--dry-run", "--format", "json").document
    assert not [each for each in first["run"]["notes"] if each.startswith(told)]
    assert not mark(site).exists()
    site.reconcile("-q")
    before = mark(site).read_bytes()
    second = elsewhere(site, "--dry-run", "--format", "json")
    assert [each for each in second.document["run"]["notes"] if each.startswith(told)]
    assert mark(site).read_bytes() == before


def test_a_ledger_that_was_lost_and_made_anew_is_another_one_until_a_person_removes_the_mark(site: Site) -> None:
    site.reconcile("-q")
    for path in (site.folder / "state").glob("ledger.sqlite3*"):
        path.unlink()
    refused(site.reconcile(), site)
    mark(site).unlink()
    assert site.reconcile("-q").exit_code in {0, 2}


@pytest.mark.parametrize("text", ["", "{}", "[]", "\xff"])
def test_a_mark_that_says_nothing_is_not_taken_for_none(site: Site, text: str) -> None:
    mark(site).write_text(text)
    said = site.reconcile()
    assert (said.exit_code, said.out) == (1, "")
    assert "does not say what ledger keeps this store" in said.err
    assert site.reconcile("--dry-run", "-q").exit_code == 2

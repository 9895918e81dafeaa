"""`--plan-out` and `reconcile apply`: what policy held back is written once, by a person's word."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from e2e.e2e_support import Site, site_of
from reconciler.sandbox.demo import SeededBusiness, build_business

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def seeded() -> SeededBusiness:
    return build_business(organisations=60, now=NOW)


@pytest.fixture
def site(
    seeded: SeededBusiness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Site]:
    with site_of(seeded, tmp_path, monkeypatch, capsys) as made:
        made.configure(seeded, mode='"flag"')
        yield made


def test_an_approved_plan_is_written_once(site: Site) -> None:
    file = site.folder / "plan.json"
    before = site.store.read_bytes()
    planned = site.reconcile("--dry-run", "--plan-out", str(file), "--format", "json")
    plan = json.loads(file.read_bytes())
    assert "fixes are in the plan" in planned.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (plan["digest"], site.store.read_bytes()) == (planned.document["plan"]["digest"], before)
    assert len(plan["fixes"]) == len(planned.document["plan"]["fixes"]) > 3

    applied = site.reconcile("apply", str(file), "--by", "Ann", "--format", "json")
    assert applied.exit_code == 2
    assert applied.document["run"]["approved_by"] == "Ann"
    assert {each["result"] for each in applied.document["outcomes"]} == {"fixed"}
    assert len(applied.document["outcomes"]) == len(plan["fixes"])

    again = site.reconcile("apply", str(file), "--by", "Ann")
    assert (again.exit_code, again.out) == (3, "")
    assert "was applied by Ann" in again.err


def test_a_plan_for_other_settings_is_refused(site: Site, seeded: SeededBusiness) -> None:
    file = site.folder / "plan.json"
    site.reconcile("--dry-run", "--plan-out", str(file))
    site.configure(seeded, mode='"flag"', confirm_runs="2")
    said = site.reconcile("apply", str(file), "--by", "Ann")
    assert (said.exit_code, said.out) == (3, "")
    assert "under other settings" in said.err


def test_a_file_that_was_changed_and_a_plan_by_nobody_are_wrong_calls(site: Site) -> None:
    file = site.folder / "plan.json"
    site.reconcile("--dry-run", "--plan-out", str(file))
    assert site.reconcile("apply", str(file), "--by", " ").exit_code == 64
    assert site.reconcile("apply", str(file)).exit_code == 64
    file.write_bytes(file.read_bytes().replace(b"founders_friend", b"enterprise", 1))
    said = site.reconcile("apply", str(file), "--by", "Ann")
    assert (said.exit_code, said.out) == (64, "")
    assert "was changed since it was made" in said.err


def test_a_plan_cannot_be_put_where_no_file_can_be(site: Site) -> None:
    assert site.reconcile("--dry-run", "--plan-out", str(site.folder / "none" / "plan.json")).exit_code == 64

"""`reconcile explain`: the whole chain for one organisation, or a code of the catalogue; nothing is written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from e2e.e2e_support import Site, site_of
from reconciler.model.drift import Code
from reconciler.sandbox.demo import SeededBusiness, build_business

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def seeded() -> SeededBusiness:
    return build_business(organisations=60, now=NOW)


@pytest.fixture
def site(
    seeded: SeededBusiness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Site]:
    monkeypatch.setenv("COLUMNS", "200")
    with site_of(seeded, tmp_path, monkeypatch, capsys) as made:
        yield made


def about(seeded: SeededBusiness, code: str) -> str:
    return next(seed.about for seed in seeded.seeds if seed.code == code)


def files(site: Site) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in site.folder.rglob("*") if path.is_file()
    }


def test_an_organisation_is_told_from_the_store_to_what_would_be_written(site: Site, seeded: SeededBusiness) -> None:
    org_id, before = about(seeded, "tier_over"), files(site)
    said = site.reconcile("explain", org_id)
    assert said.exit_code == 0
    assert files(site) == before
    assert {each.method for each in (*site.lago.requests, *site.stripe.requests)} == {"GET"}
    record = site.records()[org_id]
    for words in (
        f"tier      {record['plan_tier']}",
        "Its tier is granted by: both",
        "Customer cus_",
        "https://dashboard.stripe.com/test/customers/cus_",
        "https://dashboard.stripe.com/test/subscriptions/sub_",
        "It follows: live: ",
        ", active, ",
        " a month)",
        "tier_over (primary): fix, high",
        "proof: passes: the facts themselves forbid nothing",
        "confirm_runs: passes: seen in 1 of the 1 complete runs",
        "Decision: tier_over is fix by the catalogue",
        f"plan_tier: {record['plan_tier']} -> ",
        "by update_org_plan, ",
        "by the next pass that writes",
        "The ledger tells nothing of it.",
    ):
        assert words in said.out, words


def test_the_ledger_tells_what_was_before(site: Site, seeded: SeededBusiness) -> None:
    org_id = about(seeded, "tier_over")
    site.reconcile()
    said = site.reconcile("explain", org_id)
    assert "Nothing: the organisation has what it is due." in said.out
    assert "tier_over first seen; last seen" in said.out
    assert "update_org_plan plan_tier=" in said.out


def test_what_stops_a_fix_is_told_among_the_rules_that_let_it_pass(site: Site, seeded: SeededBusiness) -> None:
    site.configure(seeded, confirm_runs="3", lower='"flag"')
    said = site.reconcile("explain", about(seeded, "tier_over"))
    assert "confirm_runs: stops it: seen in 1 of the 3 complete runs in a row that it needs" in said.out
    assert "policy.lower: would stop it: policy flags every fix to lower" in said.out
    assert "What would be written\n  Nothing." in said.out


@pytest.mark.parametrize("code", [code.value for code in Code])
def test_every_code_is_told_from_the_catalogue_without_any_settings(site: Site, code: str) -> None:
    site.config.unlink()
    said = site.reconcile("explain", code)
    assert said.exit_code == 0
    for words in (code, "When: ", "Text: ", "Remedy: "):
        assert words in said.out


def test_what_is_neither_is_refused_with_the_nearest(site: Site) -> None:
    said = site.reconcile("explain", "tier_overr")
    assert (said.exit_code, said.out) == (64, "")
    assert "the nearest is tier_over" in said.err

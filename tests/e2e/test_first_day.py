"""The first day, over HTTP on the sandboxes: from nothing to a dry run, and what the doctor says of it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from e2e.e2e_support import Said, Site, site_of
from reconciler.cli.main import run
from reconciler.sandbox.demo import LAGO_KEY, Business, SeededBusiness, build_business
from reconciler.sandbox.demo.business import READS, UNPAID, Paying, price_id
from reconciler.sandbox.server import Fault
from reconciler.sandbox.stripe import StripeSandbox
from reconciler.settings import Settings, load_settings

NOW = datetime.now(UTC).replace(microsecond=0)
OWNER = "sk_test_demo_owner"
NARROW = "rk_test_narrow"


@dataclass(slots=True)
class Newcomer:
    """Someone with a store, two addresses and two keys, and nothing else."""

    site: Site
    environ: dict[str, str] = field(default_factory=lambda: {"LAGO_API_KEY": LAGO_KEY, "STRIPE_API_KEY": OWNER})

    @property
    def draft(self) -> Path:
        return self.site.folder / "my settings.toml"

    def type(self, *words: str) -> Said:
        site = self.site
        for name in ("LAGO_API_KEY", "STRIPE_API_KEY", "RECONCILER_CONFIG"):
            site.monkeypatch.delenv(name, raising=False)
        for name, value in {**self.environ, "STATE_DIRECTORY": str(site.folder / "state")}.items():
            site.monkeypatch.setenv(name, value)
        site.capsys.readouterr()
        exit_code = run(words)
        out, err = site.capsys.readouterr()
        return Said(exit_code=exit_code, out=out, err=err)

    def init(self, *words: str) -> Said:
        site = self.site
        sides = words or ("--lago", site.lago.url, "--stripe-url", site.stripe.url)
        return self.type("config", "init", "--store", str(site.store.parent), *sides, "--output", str(self.draft))

    def settings(self) -> Settings:
        return load_settings(self.draft, {})


@pytest.fixture
def newcomer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Newcomer]:
    with _newcomer(build_business(organisations=80, now=NOW), tmp_path, monkeypatch, capsys) as made:
        yield made


@contextmanager
def _newcomer(
    seeded: SeededBusiness, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Newcomer]:
    with site_of(seeded, folder, monkeypatch, capsys) as site:
        yield Newcomer(site)


def next_command(said: Said) -> list[str]:
    """The words of the command that it ends with."""
    words = shlex.split(said.out.rstrip().splitlines()[-1])
    assert words[0] == "reconcile"
    return words[1:]


def assert_fits_a_terminal(said: Said) -> None:
    for line in said.out.splitlines():
        assert len(line) <= 80 or "/" in line, line  # a path is never broken


def test_from_nothing_to_a_dry_run_by_config_init_and_the_command_that_it_prints(newcomer: Newcomer) -> None:
    before = newcomer.site.store.read_bytes()
    said = newcomer.init()
    assert said.exit_code == 0
    assert_fits_a_terminal(said)
    assert_fits_a_terminal(newcomer.type("config", "check", "--config", str(newcomer.draft)))
    shown = newcomer.type(*next_command(said), "--format", "json")
    assert shown.exit_code == 2
    found = {(each["code"], each["org_id"]) for each in shown.document["drifts"]}
    by_kind = {code for code, _ in found}
    assert {"paid_not_reflected", "tier_under", "tier_over", "ended_still_entitled", "tier_unresolvable"} <= by_kind
    assert shown.document["run"]["complete"]
    assert newcomer.site.store.read_bytes() == before
    for server in (newcomer.site.lago, newcomer.site.stripe):
        assert {request.method for request in server.requests} == {"GET"}


def test_the_draft_judges_like_settings_written_by_hand(newcomer: Newcomer) -> None:
    by_draft = newcomer.type(*next_command(newcomer.init()), "--format", "json", "--no-record").document
    exceptions = newcomer.site.config.read_text()
    newcomer.site.config.write_text(
        "\n".join(line for line in exceptions.splitlines() if not line.startswith("authority_of"))
    )
    by_hand = newcomer.site.reconcile("--dry-run", "--format", "json", "--no-record").document
    assert {each["id"] for each in by_draft["drifts"]} == {each["id"] for each in by_hand["drifts"]}
    assert by_draft["totals"]["money"] == by_hand["totals"]["money"]


def test_the_draft_ranks_tiers_by_price_and_leaves_the_special_deal_to_a_person(newcomer: Newcomer) -> None:
    said = newcomer.init()
    tiers = newcomer.settings().tiers
    assert sorted(tiers, key=lambda name: tiers[name].rank) == [UNPAID, "starter", "professional", "enterprise"]
    assert price_id(Paying(tier="professional", currency="eur", yearly=True)) in tiers["professional"].stripe_prices
    (line,) = [line for line in newcomer.draft.read_text().splitlines() if "Special deal" in line]
    assert line.startswith("#")
    assert "7700 usd a month, 1 live" in line
    assert "1 live subscription" in said.out


def test_a_key_that_may_not_list_prices_still_gives_what_is_subscribed_to_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seeded = build_business(organisations=80, now=NOW)
    reads = [each for each in READS if each != "rak_plan_read"]
    same = StripeSandbox(api_key=OWNER, restricted_keys={NARROW: reads}, clock=lambda: NOW)
    same.tables = seeded.business.stripe.tables
    seeded.business.stripe = same
    with _newcomer(seeded, tmp_path, monkeypatch, capsys) as newcomer:
        newcomer.environ["STRIPE_API_KEY"] = NARROW
        said = newcomer.init()
        assert "rak_plan_read" in said.out
        assert price_id(Paying(tier="starter")) in newcomer.settings().tiers["starter"].stripe_prices


def test_the_command_that_the_draft_ends_with_runs_where_it_was_typed(
    newcomer: Newcomer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = tmp_path / "opt" / "reconcile"
    command.parent.mkdir()
    command.touch(mode=0o755)
    monkeypatch.setattr(sys, "argv", [str(command)])
    assert newcomer.init().out.rstrip().splitlines()[-1].startswith(f"  {command} --dry-run ")
    newcomer.draft.unlink()
    monkeypatch.setenv("PATH", str(command.parent))
    assert newcomer.init().out.rstrip().splitlines()[-1].startswith("  reconcile --dry-run ")


def test_nothing_that_is_there_is_overwritten_and_nothing_is_read_for_it(newcomer: Newcomer) -> None:
    newcomer.draft.write_text("mine")
    said = newcomer.init()
    assert said.exit_code == 64
    assert "there already" in said.err
    assert newcomer.draft.read_text() == "mine"
    assert newcomer.site.lago.requests == []


def test_one_side_alone_grants(newcomer: Newcomer) -> None:
    newcomer.init("--lago", newcomer.site.lago.url)
    settings = newcomer.settings()
    assert (settings.billing.authority, settings.stripe) == ("lago", None)
    assert newcomer.type("--dry-run", "--config", str(newcomer.draft)).exit_code == 2


def test_the_store_may_be_named_by_its_file(newcomer: Newcomer) -> None:
    words = ("--lago", newcomer.site.lago.url, "--output", str(newcomer.draft))
    said = newcomer.type("config", "init", "--store", str(newcomer.site.store), *words)
    assert said.exit_code == 0
    assert newcomer.settings().orgs.folder == newcomer.site.store.parent


@pytest.mark.parametrize(
    ("words", "exit_code", "why"),
    [
        ([], 64, "say what to read"),
        (["--lago", "not an address"], 64, "[lago] url"),
        (["--lago", "http://user:word@lago.example.com"], 64, "no user name and no password"),
    ],
)
def test_what_cannot_be_read_writes_no_file(newcomer: Newcomer, words: list[str], exit_code: int, why: str) -> None:
    output = ("--output", str(newcomer.draft))
    said = newcomer.type("config", "init", "--store", str(newcomer.site.store.parent), *words, *output)
    assert (said.exit_code, why in said.err) == (exit_code, True), said.err
    assert not newcomer.draft.exists()


def test_a_missing_store_or_key_writes_no_file(newcomer: Newcomer) -> None:
    lago = ("--lago", newcomer.site.lago.url, "--output", str(newcomer.draft))
    assert newcomer.type("config", "init", "--store", "/nowhere", *lago).exit_code == 1
    newcomer.environ["LAGO_API_KEY"] = ""
    assert newcomer.init().exit_code == 1
    assert not newcomer.draft.exists()


def test_every_key_that_is_missing_is_named_at_once(newcomer: Newcomer) -> None:
    for name in ("LAGO_API_KEY", "STRIPE_API_KEY"):
        newcomer.environ.pop(name)
    said = newcomer.init()
    assert said.exit_code == 1
    assert "LAGO_API_KEY is missing" in said.err
    assert "STRIPE_API_KEY is missing" in said.err
    assert not newcomer.draft.exists()


def test_no_secret_comes_out(newcomer: Newcomer) -> None:
    said = newcomer.init()
    doctor = newcomer.type("doctor", "--config", str(newcomer.draft))
    for text in (said.out, said.err, doctor.out, doctor.err, newcomer.draft.read_text()):
        assert LAGO_KEY not in text
        assert OWNER not in text
        assert "@" not in text


def applied() -> SeededBusiness:
    """As the application really bills: everyone free in the store, upgrades in Lago, Stripe customers name nobody."""
    shop = Business(NOW)
    for number in range(20):
        org_id = shop.add_record(UNPAID)
        shop.records[org_id]["lago_customer_id"] = shop.bill_in_lago(org_id, Paying(tier=UNPAID))
        if number % 2:
            paying = Paying(tier=("starter", "professional")[number // 2 % 2])
            shop.bill_in_lago(org_id, paying)
            shop.bill_in_stripe(shop.stripe.add_customer(created=NOW - timedelta(days=60)), paying)
    return SeededBusiness(shop)


def test_a_store_that_never_saw_an_upgrade_gets_the_tiers_of_the_plans_and_lago_to_grant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with _newcomer(applied(), tmp_path, monkeypatch, capsys) as newcomer:
        said = newcomer.init()
        assert newcomer.settings().billing.authority == "lago"
        assert "10 in Stripe" in " ".join(said.out.split())
        shown = newcomer.type(*next_command(said), "--format", "json").document
        raised = [fix["arguments"]["plan_tier"] for fix in shown["plan"]["fixes"] if fix["direction"] == "raise"]
        assert sorted(raised) == ["professional"] * 5 + ["starter"] * 5


def clean() -> SeededBusiness:
    """Billed on both sides, every price of the catalog there, and nothing to look at."""
    shop = Business(NOW)
    for _ in range(5):
        org_id = shop.add_record("professional")
        shop.bill_in_lago(org_id, Paying(tier="professional"))
        shop.records[org_id]["lago_customer_id"] = org_id
        shop.bill_in_stripe(shop.stripe_customer(org_id), Paying(tier="professional"))
    return SeededBusiness(shop)


@pytest.fixture
def patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Site]:
    with site_of(clean(), tmp_path, monkeypatch, capsys) as site:
        yield site


def lines_with(said: Said, word: str) -> list[str]:
    """Each line of the doctor that begins with `word`, its remedy included, on one line."""
    found: list[str] = []
    for line in said.out.splitlines():
        if line.startswith(" ") and found:
            found[-1] += f" {line.strip()}"
        else:
            found.append(line)
    return [line for line in found if line.startswith(word)]


def test_the_doctor_finds_nothing_wrong_where_nothing_is(patient: Site) -> None:
    before = sorted(path for path in patient.folder.rglob("*"))
    said = patient.reconcile("doctor")
    assert said.exit_code == 0, said.out
    assert said.out.endswith("Nothing is wrong.\n")
    assert_fits_a_terminal(said)
    for part in ("version 1.51.0, organisation Sandbox", "restricted key of test mode", "may write it"):
        assert part in said.out
    assert sorted(path for path in patient.folder.rglob("*")) == before
    for server in (patient.lago, patient.stripe):
        assert {request.method for request in server.requests} == {"GET"}


def test_a_secret_key_should_be_looked_at(patient: Site) -> None:
    said = patient.reconcile("doctor", environ={"STRIPE_API_KEY": OWNER})
    assert said.exit_code == 2
    assert any("restricted key with read on rak_customer_read" in line for line in lines_with(said, "LOOK"))


def test_a_key_of_the_other_mode_stops(patient: Site) -> None:
    said = patient.reconcile("doctor", environ={"STRIPE_API_KEY": "rk_live_51abc"})
    assert said.exit_code == 1
    (line,) = lines_with(said, "STOPS")
    assert "of live mode, configured is test mode" in line
    assert "51abc" not in said.out


def test_a_missing_key_stops_and_the_other_side_is_still_examined(patient: Site) -> None:
    said = patient.reconcile("doctor", environ={"LAGO_API_KEY": ""})
    assert said.exit_code == 1
    assert any("LAGO_API_KEY" in line for line in lines_with(said, "STOPS"))
    assert any("Stripe  Read whole" in line for line in lines_with(said, "ok"))


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault(status=401, body='{"status":401}', times=None), "refuses the API key"),
        (Fault(target="/customers", status=403, body='{"status":403}', times=None), "permission customer"),
        (Fault(status=404, body='{"status":404}', times=None), "not as a Lago does"),
        (Fault(target="/subscriptions.*status", status=400, body="{}", times=None), "was not read whole"),
    ],
)
def test_what_is_wrong_with_lago_is_said_and_stripe_is_still_examined(patient: Site, fault: Fault, why: str) -> None:
    patient.lago.add_fault(fault)
    said = patient.reconcile("doctor")
    assert said.exit_code == 1
    assert any(why in line for line in lines_with(said, "STOPS")), said.out
    assert any("Stripe  Read whole" in line for line in lines_with(said, "ok"))


def test_a_plan_that_is_misspelt_and_a_live_price_in_no_tier_are_named(patient: Site) -> None:
    text = patient.config.read_text()
    price = price_id(Paying(tier="professional"))
    patient.config.write_text(text.replace('"starter_yearly"', '"starter_yaerly"').replace(f'"{price}", ', ""))
    said = patient.reconcile("doctor")
    assert said.exit_code == 2
    looks = lines_with(said, "LOOK")
    assert any("starter_yaerly" in line and "nearest is starter_yearly" in line for line in looks)
    assert any(f"{price} is in no tier, but in 5 live subscriptions" in line for line in looks)


def test_an_organisation_charged_on_both_sides_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with site_of(build_business(organisations=80, now=NOW), tmp_path, monkeypatch, capsys) as site:
        said = site.reconcile("doctor")
        assert said.exit_code == 2
        looks = lines_with(said, "LOOK")
        assert any("Charged" in line and "payment provider" in line for line in looks)
        assert any("EMPTY store" in line for line in looks)


def test_a_store_that_is_gone_stops(patient: Site) -> None:
    patient.store.unlink()
    said = patient.reconcile("doctor")
    assert said.exit_code == 1
    assert any("organizations.json" in line for line in lines_with(said, "STOPS"))


def test_an_address_that_is_no_lago_writes_no_file(newcomer: Newcomer) -> None:
    said = newcomer.init("--lago", newcomer.site.stripe.url)
    assert said.exit_code == 1
    assert not newcomer.draft.exists()

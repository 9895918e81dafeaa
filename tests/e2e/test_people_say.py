"""What people say about drifts, contracts, links and refusals, through the command; wrong words are refused."""

from __future__ import annotations

import json
import os
import pwd
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from e2e.e2e_support import Said, Site, site_of
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.sandbox.demo import SeededBusiness, build_business

NOW = datetime.now(UTC).replace(microsecond=0)
TODAY = NOW.date()
WHO = ("--by", "Ada Lovelace", "--reason", "agreed by mail")


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


def judged(site: Site) -> dict[str, Any]:
    return site.reconcile("--dry-run", "--format", "json").document


def a_drift(document: dict[str, Any]) -> str:
    return next(str(each["id"]) for each in document["drifts"] if each["decision"] == "flag" and each["org_id"])


def fits(said: Said) -> bool:
    return all(len(line) <= 80 or " " not in line.strip() for line in said.out.splitlines())


def test_a_drift_is_acknowledged_waived_and_taken_back_and_each_is_told(site: Site) -> None:
    drift = a_drift(judged(site))
    said = site.reconcile("ack", drift, "--by", "Ada")
    assert (said.exit_code, said.err) == (0, "")
    assert drift in site.reconcile("drifts", "--state", "acknowledged").out
    until = TODAY + timedelta(days=30)
    said = site.reconcile("waive", drift, "--until", until.isoformat(), *WHO)
    assert (said.exit_code, said.err) == (0, "")
    assert f"Waived to the end of {until}" in said.out
    waived = site.reconcile("drifts", "--state", "waived")
    assert drift in waived.out
    assert "agreed by mail" in waived.out
    assert fits(waived)
    assert judged(site)["totals"]["waived"] == 1
    assert site.reconcile("unwaive", drift, *WHO).exit_code == 0
    assert drift not in site.reconcile("drifts", "--state", "waived").out
    assert site.reconcile("note", drift, "called them", "--by", "Grace").exit_code == 0
    with SqlLedger(f"sqlite:///{site.folder}/state/ledger.sqlite3") as ledger:
        acts = ledger.acts_between(NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert [each.kind.value for each in acts] == ["ack", "waive", "unwaive", "note"]
    assert {(each.os_user, each.host) for each in acts} == {(pwd.getpwuid(os.getuid()).pw_name, socket.gethostname())}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("ack", "{drift}x", "--by", "Ada"), "the nearest"),
        (("ack", "{drift}", "--by", "  "), "--by names nobody"),
        (("waive", "{drift}", "--until", "{yesterday}", *WHO), "is past"),
        (("waive", "{drift}", "--until", "{far}", *WHO), "91 days ahead; a waiver holds for 90 at most"),
        (("waive", "{drift}", "--until", "next week", *WHO), "is no day"),
        (("waive", "{drift}", "--until", "{far}", "--by", "Ada"), "--reason"),
        (("waive", "{drift}", "--until", "{yesterday}", "--by", "Ada", "--reason", " "), "--reason gives none"),
        (("unwaive", "{drift}", *WHO), "is not waived"),
        (("note", "org_nowhere", "text", "--by", "Ada"), "No complete run saw a drift"),
        (("drifts", "--code", "tier_ovr"), "the nearest is tier_over"),
        (("drifts", "--older-than", "soon"), "is no age"),
        (("show", "nothing"), "There is no run"),
        (("breaker", "ack", "--plan", "abc", *WHO), "No run of the ledger was refused under sha256:abc"),
        (("audit", "verify", "--head", "7"), "is no head"),
        (("link", "org_nowhere", "--stripe", "cus_1", *WHO), "There is no organisation org_nowhere"),
        (("link", "org_nowhere", *WHO), "No id is given"),
    ],
)
def test_wrong_words_are_refused_and_nothing_is_recorded(site: Site, words: tuple[str, ...], says: str) -> None:
    drift = a_drift(judged(site))
    dates = {"yesterday": TODAY - timedelta(days=1), "far": TODAY + timedelta(days=91)}
    said = site.reconcile(*(word.format(drift=drift, **dates) for word in words))
    assert says in said.err
    assert said.exit_code in {64, 1}
    assert said.err.count("\n") == 1
    with SqlLedger(f"sqlite:///{site.folder}/state/ledger.sqlite3") as ledger:
        assert ledger.acts_between(NOW - timedelta(days=1), NOW + timedelta(days=1)) == ()


def test_without_a_ledger_nothing_is_made_and_it_is_said_where_it_was_looked_for(site: Site) -> None:
    said = site.reconcile("drifts")
    assert said.exit_code == 1
    assert "There is no ledger at" in said.err
    assert not (site.folder / "state" / "ledger.sqlite3").exists()


def contract_words(org_id: str, **changes: str) -> list[str]:
    said = {"tier": "enterprise", "amount": "250000", "currency": "usd", "start": "2026-01-01", "end": "2026-12-31"}
    said |= {"approver": "Grace", "reference": "mail of 3 May", "by": "Ada", **changes}
    return ["contract", "add", org_id, *(word for name, value in said.items() for word in (f"--{name}", value))]


def test_a_contract_is_added_listed_and_ended(site: Site) -> None:
    judged(site)
    org_id = next(iter(site.records()))
    said = site.reconcile(*contract_words(org_id))
    assert (said.exit_code, said.err) == (0, "")
    contract = said.out.split()[1]
    told = site.reconcile("contract", "list")
    assert org_id in told.out
    assert "2,500.00 USD a month" in told.out
    assert fits(told)
    assert site.reconcile("contract", "end", contract, "--on", "2026-06-30", *WHO).exit_code == 0
    assert "to 2026-06-30" in site.reconcile("contract", "list").out
    again = site.reconcile(*contract_words(org_id, start="2026-06-30"))
    assert again.exit_code == 64
    assert "they overlap" in again.err
    assert site.reconcile(*contract_words(org_id, start="2026-07-01")).exit_code == 0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tier": "enterprize"}, "the nearest is enterprise"),
        ({"amount": "99.00"}, "whole minor units"),
        ({"amount": "-1"}, "whole minor units"),
        ({"currency": "USD"}, "lower-case ISO code"),
        ({"start": "01.01.2026"}, "must be a day"),
        ({"end": "2025-12-31"}, "before it starts"),
        ({"period": "fortnight"}, "must be one of day"),
    ],
)
def test_a_contract_that_cannot_be_meant_is_refused(site: Site, changes: dict[str, str], says: str) -> None:
    judged(site)
    said = site.reconcile(*contract_words(next(iter(site.records())), **changes))
    assert said.exit_code == 64
    assert says in said.err
    assert site.reconcile("contract", "list").out == "There is no contract.\n"


HEADER = "org_id,tier,amount_minor,currency,start,end,period,approver,reference"


def test_a_file_of_contracts_is_taken_whole_or_not_at_all_and_each_bad_row_is_named(site: Site) -> None:
    judged(site)
    one, other = list(site.records())[:2]
    file = site.folder / "contracts.csv"
    rest = "usd,2026-01-01,,,Grace,mail"
    rows = [f"{one},enterprise,100,{rest}", f"org_0,enterprise,100,{rest}", f"{other},enterprise,x,{rest}"]
    rows += [f"{one},professional,100,{rest}", f"{other},enterprise"]
    file.write_text("\n".join([HEADER, *rows]), encoding="utf-8-sig")
    said = site.reconcile("contract", "import", str(file), "--by", "Ada")
    assert said.exit_code == 64
    for line, what in ((3, "org_0"), (4, "amount_minor"), (5, "they overlap"), (6, "not as many fields")):
        assert any(f"contracts.csv, line {line}: " in each and what in each for each in said.err.splitlines()), said.err
    assert "4 of 5 rows are refused. No contract was added" in said.err
    assert site.reconcile("contract", "list").out == "There is no contract.\n"
    file.write_text("\n".join([HEADER, rows[0], f"{other},enterprise,0,{rest}", ""]))
    assert site.reconcile("contract", "import", str(file), "--by", "Ada").out == "2 contracts are added.\n"
    assert site.reconcile("contract", "list").out.count("org_") == 2


def test_a_file_with_another_header_is_refused(site: Site) -> None:
    judged(site)
    file = site.folder / "contracts.csv"
    file.write_text("org,tier\n1,2\n")
    said = site.reconcile("contract", "import", str(file), "--by", "Ada")
    assert said.exit_code == 64
    assert "lacks org_id, amount_minor" in said.err
    assert "has 'org'" in said.err


def unlinked(site: Site) -> tuple[str, str]:
    """An organisation without a Stripe id, and one that has one."""
    records = site.records()
    without = next(each for each, record in records.items() if record["stripe_customer_id"] is None)
    having = next(each for each, record in records.items() if record["stripe_customer_id"])
    return without, having


def test_a_link_goes_through_the_store_s_own_method_and_is_kept_with_who_and_why(site: Site) -> None:
    judged(site)
    without, having = unlinked(site)
    taken = str(site.records()[having]["stripe_customer_id"])
    claimed = site.reconcile("link", without, "--stripe", taken, *WHO)
    assert claimed.exit_code == 64
    assert f"{having} claims the stripe id {taken}" in claimed.err
    nowhere = site.reconcile("link", without, "--stripe", "cus_nowhere", *WHO)
    assert nowhere.exit_code == 64
    assert "The stripe customer cus_nowhere is not there" in nowhere.err
    assert site.records()[without]["stripe_customer_id"] is None
    records = site.records()
    records[having]["lago_customer_id"] = None
    site.store.write_text(json.dumps(records))
    named = site.reconcile("link", having, "--lago", having, *WHO)
    assert named.exit_code == 0, named.err
    assert site.records()[having]["lago_customer_id"] == having
    assert f"none -> {having}" in named.out.replace("\n ", "")


def test_runs_are_listed_shown_again_and_compared(site: Site, seeded: SeededBusiness) -> None:
    first = judged(site)
    site.configure(seeded)
    done = site.reconcile("--format", "json").document
    listed = site.reconcile("runs")
    assert fits(listed)
    assert [line.split()[0] for line in listed.out.splitlines() if line[0] != " "] == [
        done["run"]["id"],
        first["run"]["id"],
    ]
    again = site.reconcile("show", "latest", "--format", "json").document
    assert again["drifts"] == done["drifts"]
    after = site.reconcile("--format", "json").document
    said = site.reconcile("diff", first["run"]["id"], after["run"]["id"])
    assert said.exit_code == 0
    fixed = [each["drift_id"] for each in done["outcomes"] if each["result"] == "fixed"]
    assert max(len(drift) for drift in fixed) > 80 - len("gone     ")  # one longer than a line is among them
    for drift in fixed:
        assert f"gone     {drift}" in said.out
    assert said.out.count(f"fixed by run {done['run']['id']}") == len(fixed)
    assert f"{len(fixed)} gone" in said.out


def test_the_audit_proves_the_ledger_against_every_report_and_names_what_was_cut_off(site: Site) -> None:
    judged(site)
    judged(site)
    proven = site.reconcile("audit", "verify")
    assert proven.exit_code == 0
    assert "checked against 2 heads kept elsewhere" in proven.out
    exported = site.folder / "chain.jsonl"
    assert site.reconcile("audit", "export", "--output", str(exported)).exit_code == 0
    assert len(exported.read_text().splitlines()) == 2
    ledger = site.folder / "state" / "ledger.sqlite3"
    ledger.unlink()
    Path(f"{ledger}.head").unlink()
    judged(site)
    said = site.reconcile("audit", "verify")
    assert said.exit_code == 2
    assert "NOT PROVEN" in said.out
    assert "was cut off the end" in said.out.replace("\n  ", " ") or "is cut off the end" in said.out.replace(
        "\n  ", " "
    )


def test_a_refused_direction_stays_refused_until_a_person_acknowledges_it(site: Site, seeded: SeededBusiness) -> None:
    site.configure(seeded)
    text = site.config.read_text().replace("max_lower_count = 100000", "max_lower_count = 0\nalways_allowed = 0")
    site.config.write_text(text)
    refused = site.reconcile("--format", "json")
    assert refused.exit_code == 3
    digest = refused.document["run"]["refusal_digest"]
    status = site.reconcile("breaker", "status")
    assert status.exit_code == 2
    assert digest in status.out
    said = site.reconcile("breaker", "ack", "--plan", digest, *WHO)
    assert said.exit_code == 0
    assert "fixes are released until" in said.out
    assert site.reconcile("breaker", "status").exit_code == 0
    assert "Ada Lovelace" in site.reconcile("breaker", "status").out

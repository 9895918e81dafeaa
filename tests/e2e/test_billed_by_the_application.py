"""A business billed as the application really does it (facts of the store), under each authority.

Since the store shows nobody on a paid tier, the first pass would raise more money than a share of nothing: it is
refused until a person has looked and said so. Everyone registered on the free plan in Lago; an upgrade made another
Lago subscription and ended none; the store's tier was never updated and holds a subscription's id for its Lago
customer; Lago invoices are overdue for good; money is taken in Stripe, whose customers name nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from e2e.e2e_support import Site, site_of
from reconciler.sandbox.demo import Business, SeededBusiness
from reconciler.sandbox.demo.business import UNPAID, Paying

NOW = datetime.now(UTC).replace(microsecond=0)
UPGRADES = ("starter", "professional", "enterprise", "professional")


@dataclass(slots=True)
class Applied:
    """The business as the application left it: who upgraded to what, who never did, and the Stripe customers."""

    seeded: SeededBusiness
    upgraded: dict[str, str] = field(default_factory=dict)
    free: list[str] = field(default_factory=list)
    stripe_customers: dict[str, str] = field(default_factory=dict)


def business() -> Applied:
    made = Applied(SeededBusiness(Business(NOW)))
    shop = made.seeded.business
    for number in range(24):
        org_id = shop.add_record(UNPAID)
        registration = shop.bill_in_lago(org_id, Paying(tier=UNPAID))
        shop.records[org_id]["lago_customer_id"] = registration
        if number % 2:
            made.free.append(org_id)
            continue
        paying = Paying(tier=UPGRADES[number // 2 % len(UPGRADES)], yearly=number % 3 == 0)
        shop.bill_in_lago(org_id, paying)
        for months in (1, 2):
            issued = (NOW - months * timedelta(days=30)).date()
            shop.lago.add_invoice(
                org_id, amount_cents=9900, issuing_date=issued, payment_due_date=issued, payment_overdue=True
            )
        customer = shop.stripe.add_customer(created=NOW - timedelta(days=60))
        shop.bill_in_stripe(customer, paying)
        made.upgraded[org_id] = paying.tier
        made.stripe_customers[org_id] = customer
    return made


Open = Callable[[Applied], AbstractContextManager[Site]]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Open:
    def open_site(made: Applied) -> AbstractContextManager[Site]:
        return site_of(made.seeded, tmp_path, monkeypatch, capsys)

    return open_site


def tiers(site: Site) -> dict[str, str]:
    return {org_id: record["plan_tier"] for org_id, record in site.records().items()}


def assert_every_upgrade_is_raised_and_nobody_else_touched(made: Applied, site: Site) -> None:
    assert tiers(site) == {**dict.fromkeys(made.free, UNPAID), **made.upgraded}
    assert {record["status"] for record in site.records().values()} == {"active"}


def fix_once_released(site: Site) -> dict[str, Any]:
    """The first pass is refused by the money limit; a person releases its plan, and the next one writes it."""
    refused = site.reconcile("--format", "json")
    assert refused.exit_code == 3
    assert refused.document["plan"]["refused_by"]["raise"] == "max_monthly_value_ratio"
    digest = refused.document["plan"]["digest"]
    said = site.reconcile("breaker", "ack", "--plan", digest, "--by", "Ada", "--reason", "the store was never updated")
    assert said.exit_code == 0
    return site.reconcile("--format", "json").document


def test_under_authority_lago_every_upgraded_organisation_is_raised_and_nobody_is_suspended(opened: Open) -> None:
    made = business()
    with opened(made) as site:
        site.configure(made.seeded, authority="lago")
        document = fix_once_released(site)
        assert {each["result"] for each in document["outcomes"]} == {"fixed"}
        assert_every_upgrade_is_raised_and_nobody_else_touched(made, site)
        assert site.reconcile("--format", "json").document["plan"]["fixes"] == []


def test_under_both_without_any_link_each_is_side_missing_and_nothing_is_written(opened: Open) -> None:
    made = business()
    with opened(made) as site:
        before = site.store.read_bytes()
        document = site.reconcile("--format", "json").document
        by_org = {each["org_id"]: each["code"] for each in document["drifts"] if each["org_id"]}
        assert by_org == dict.fromkeys(made.upgraded, "side_missing")
        assert document["totals"]["by_code"]["orphan_payer"] == len(made.upgraded)
        assert site.store.read_bytes() == before


@pytest.mark.parametrize("way", ["metadata", "recorded"])
def test_under_both_they_are_raised_once_their_stripe_customers_are_known(opened: Open, way: str) -> None:
    made = business()
    shop = made.seeded.business
    for org_id, customer in made.stripe_customers.items():
        if way == "metadata":
            shop.stripe.change(customer, metadata={"org_id": org_id})
        else:
            shop.records[org_id]["stripe_customer_id"] = customer
    with opened(made) as site:
        fix_once_released(site)
        assert_every_upgrade_is_raised_and_nobody_else_touched(made, site)
        if way == "metadata":
            records = site.records()
            assert {org_id: records[org_id]["stripe_customer_id"] for org_id in made.upgraded} == made.stripe_customers

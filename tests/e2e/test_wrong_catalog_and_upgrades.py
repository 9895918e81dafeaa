"""On the sandbox: a wrong catalog is refused by the limits, and an upgrade caught in the middle settles by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from e2e.e2e_support import Site, site_of
from reconciler.sandbox.demo import LAGO_KEY, SeededBusiness
from reconciler.sandbox.demo.business import Business, Paying

NOW = datetime.now(UTC).replace(microsecond=0)

Open = Callable[[Business], AbstractContextManager[Site]]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Open:
    return lambda business: site_of(
        SeededBusiness(business=business, seeds=[], authority_of={}), tmp_path, monkeypatch, capsys
    )


def add(business: Business, has: str, pays: str) -> str:
    """An organisation billed on both sides, with both ids recorded; its id."""
    org_id = business.add_record(has)
    business.records[org_id]["lago_customer_id"] = org_id
    business.bill_in_lago(org_id, Paying(tier=pays))
    business.bill_in_stripe(business.stripe_customer(org_id), Paying(tier=pays))
    return org_id


def default_limits(site: Site) -> None:
    text = site.config.read_text()
    before, rest = text.split("[limits]\n")
    site.config.write_text(before + "[reports]" + rest.split("[reports]", 1)[1])


def tiers(site: Site, org_ids: list[str]) -> list[str]:
    records = site.records()
    return [records[org_id]["plan_tier"] for org_id in org_ids]


def test_a_tenth_of_the_organisations_mispriced_by_a_wrong_catalog_is_refused_while_true_raises_go_on(
    opened: Open,
) -> None:
    business = Business(NOW)
    fine = [add(business, "professional", "professional") for _ in range(88)]
    mispriced = [add(business, "enterprise", "enterprise") for _ in range(10)]
    behind = [add(business, "starter", "professional") for _ in range(2)]
    with opened(business) as site:
        default_limits(site)
        wrong = site.config.read_text()
        for key in ("enterprise_monthly", "price_enterprise_monthly"):
            assert f'"{key}"' in wrong
            wrong = wrong.replace(f'"{key}", ', "")
        site.config.write_text(
            wrong.replace('["professional_monthly"', '["enterprise_monthly", "professional_monthly"').replace(
                '["price_professional_monthly"', '["price_enterprise_monthly", "price_professional_monthly"'
            )
        )
        said = site.reconcile("--format", "json")
        assert said.exit_code == 3
        assert said.document["plan"]["refused_by"] == {"raise": None, "lower": "max_lower_ratio"}
        assert said.document["totals"]["by_code"]["tier_over"] == 10
        assert tiers(site, mispriced) == ["enterprise"] * 10
        assert tiers(site, behind) == ["professional"] * 2
        assert set(tiers(site, fine)) == {"professional"}
        assert site.reconcile("--format", "json").document["plan"]["refused_by"]["lower"] == "latched"


def upgrade_in_lago(site: Site, org_id: str, plan: str) -> None:
    """As the application does it: the same external id on another plan."""
    rows = httpx.get(
        f"{site.lago.url}/api/v1/subscriptions",
        params={"external_customer_id": org_id},
        headers={"Authorization": f"Bearer {LAGO_KEY}"},
    ).json()["subscriptions"]
    answer = httpx.post(
        f"{site.lago.url}/api/v1/subscriptions",
        json={
            "subscription": {
                "external_customer_id": org_id,
                "external_id": rows[0]["external_id"],
                "plan_code": plan,
            }
        },
        headers={"Authorization": f"Bearer {LAGO_KEY}"},
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("first", ["store", "billing"])
def test_an_upgrade_caught_in_the_middle_is_never_fixed_and_settles_by_itself(opened: Open, first: str) -> None:
    business = Business(NOW)
    org_id = business.add_record("starter")
    business.records[org_id]["lago_customer_id"] = org_id
    business.bill_in_lago(org_id, Paying(tier="starter"))
    customer = business.stripe_customer(org_id)
    old = business.bill_in_stripe(customer, Paying(tier="starter"))
    others = [add(business, "professional", "professional") for _ in range(3)]
    with opened(business) as site:
        assert site.reconcile().exit_code == 0
        upgrade_in_lago(site, org_id, "professional_monthly")
        if first == "store":
            site.store.write_text(
                site.store.read_text().replace('"plan_tier": "starter"', '"plan_tier": "professional"')
            )
        before = site.store.read_bytes()
        for _ in range(3):
            said = site.reconcile("--format", "json")
            assert (said.exit_code, said.document["outcomes"], said.document["plan"]["fixes"]) == (2, [], [])
            assert [each["org_id"] for each in said.document["drifts"]] == [org_id]
            assert site.store.read_bytes() == before
        business.stripe.cancel_subscription(old)
        business.bill_in_stripe(customer, Paying(tier="professional"))
        settled = site.reconcile("--format", "json")
        assert settled.exit_code == 0
        assert len(settled.document["outcomes"]) == (0 if first == "store" else 1)
        assert tiers(site, [org_id, *others]) == ["professional"] * 4


def test_a_store_that_shrank_is_judged_again_once_a_person_acknowledged_the_refusal(opened: Open) -> None:
    business = Business(NOW)
    org_ids = [add(business, "professional", "professional") for _ in range(10)]
    with opened(business) as site:
        assert site.reconcile().exit_code == 0
        kept = {org_id: record for org_id, record in site.records().items() if org_id in org_ids[:8]}
        site.store.write_text(json.dumps(kept, indent=2))
        refused = site.reconcile("--format", "json")
        digest = refused.document["run"]["refusal_digest"]
        assert (refused.exit_code, refused.document["drifts"]) == (3, [])
        assert digest in refused.document["run"]["refusal"]
        assert digest in site.reconcile("explain", org_ids[0]).out
        acknowledged = site.reconcile("breaker", "ack", "--plan", digest, "--by", "Ann", "--reason", "two left")
        assert acknowledged.exit_code == 0
        judged = site.reconcile("--format", "json")
        assert judged.exit_code == 2
        assert {each["code"] for each in judged.document["drifts"]} == {"orphan_payer"}
        assert len(judged.document["drifts"]) == 4

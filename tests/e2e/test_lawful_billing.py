"""On the sandbox: ways of being billed that are lawful, or only look unlawful, cost no payer what it pays for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from e2e.e2e_support import Site, site_of
from reconciler.sandbox.demo import SeededBusiness
from reconciler.sandbox.demo.business import UNPAID, Business, Paying, price_id

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
PRO, STARTER = Paying(tier="professional"), Paying(tier="starter")

Open = Callable[[Business, str], AbstractContextManager[Site]]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Open:
    @contextmanager
    def open_site(business: Business, authority: str) -> Iterator[Site]:
        seeded = SeededBusiness(business=business, seeds=[], authority_of={})
        with site_of(seeded, tmp_path, monkeypatch, capsys) as site:
            site.configure(seeded, authority=authority)
            yield site

    return open_site


def shop() -> Business:
    """A business with one organisation that is in order on either side, so that neither side is empty."""
    business = Business(NOW)
    business.bill_in_stripe(business.stripe_customer(in_lago(business, "professional", PRO)), PRO)
    return business


def in_lago(business: Business, tier: str, pays: Paying) -> str:
    """An organisation billed in Lago alone; its id."""
    org_id = business.add_record(tier)
    business.records[org_id]["lago_customer_id"] = org_id
    business.bill_in_lago(org_id, pays)
    return org_id


def in_stripe(business: Business, tier: str, pays: Paying) -> str:
    """An organisation billed in Stripe alone; its id."""
    org_id = business.add_record(tier)
    business.bill_in_stripe(business.stripe_customer(org_id), pays)
    return org_id


def of_stripe(business: Business, org_id: str, pays: Paying, **fields: Any) -> str:
    """Another subscription of its Stripe customer, with `fields` as Stripe tells them; its id."""
    held = business.bill_in_stripe(business.records[org_id]["stripe_customer_id"], pays)
    business.stripe.change(held, **fields)
    return held


def passed(site: Site) -> dict[str, Any]:
    """The document of a pass that writes."""
    return site.reconcile("--format", "json").document


def codes(document: dict[str, Any]) -> dict[str, set[str]]:
    """The codes of each organisation that has any drift."""
    found: dict[str, set[str]] = {}
    for drift in document["drifts"]:
        found.setdefault(drift["org_id"], set()).add(drift["code"])
    return found


def assert_clean(site: Site) -> None:
    said = site.reconcile("--format", "json")
    assert (said.exit_code, said.document["run"]["result"]) == (0, "clean"), said.out
    assert (said.document["drifts"], said.document["plan"]["fixes"]) == ([], [])


def test_who_is_billed_in_lago_alone_is_clean_under_authority_lago(opened: Open) -> None:
    business = shop()
    for pays in (PRO, STARTER, PRO):
        in_lago(business, pays.tier, pays)
    # There is a Stripe account, and one old customer in it whose subscription ended long ago.
    gone = in_lago(business, "starter", STARTER)
    business.bill_in_stripe(business.stripe_customer(gone), PRO, canceled=90 * DAY, paid_until=NOW - 60 * DAY)
    with opened(business, "lago") as site:
        assert_clean(site)


def test_half_of_the_organisations_moved_from_stripe_to_lago_are_clean_under_either(opened: Open) -> None:
    business = shop()
    for number in range(12):
        org_id = business.add_record("professional")
        customer = business.stripe_customer(org_id)
        if number % 2 == 0:
            business.bill_in_stripe(customer, PRO)
        else:
            business.bill_in_stripe(customer, PRO, canceled=40 * DAY, paid_until=NOW - 20 * DAY)
            business.bill_in_lago(org_id, PRO)
            business.records[org_id]["lago_customer_id"] = org_id
    with opened(business, "either") as site:
        assert_clean(site)


@pytest.mark.parametrize("dead", ["canceled", "unpaid", "incomplete_expired", "paused"])
def test_who_pays_by_a_live_subscription_is_never_lowered_for_a_dead_one_beside_it(opened: Open, dead: str) -> None:
    business = shop()
    for tier in ("professional", "enterprise"):
        org_id = in_stripe(business, tier, Paying(tier=tier))
        of_stripe(business, org_id, STARTER, status=dead)
        of_stripe(business, org_id, Paying(tier="enterprise"), status=dead)
    with opened(business, "stripe") as site:
        before = site.records()
        for _ in range(2):
            assert passed(site)["outcomes"] == []
        assert site.records() == before


def test_lago_invoices_overdue_for_good_on_a_side_that_does_not_collect_suspend_nobody(opened: Open) -> None:
    business = shop()
    for _ in range(3):
        org_id = in_lago(business, "professional", PRO)
        business.bill_in_stripe(business.stripe_customer(org_id), PRO)
        for months in range(1, 9):
            due = (NOW - months * 30 * DAY).date()
            business.lago.add_invoice(
                org_id, amount_cents=9900, issuing_date=due, payment_due_date=due, payment_overdue=True
            )
    with opened(business, "both") as site:
        assert "collects" not in site.config.read_text()  # Stripe's, unless said otherwise
        assert_clean(site)


def test_a_yearly_renewal_that_failed_and_was_canceled_is_not_paid_for_another_eleven_months(opened: Open) -> None:
    business = shop()
    yearly = Paying(tier="professional", yearly=True)
    org_id = business.add_record("professional")
    customer = business.stripe_customer(org_id)
    renewed = NOW - 30 * DAY
    held = business.stripe.add_subscription(
        customer,
        prices=[price_id(yearly)],
        created=renewed - 365 * DAY,
        period_start=renewed,  # Stripe moved the period on before it tried to charge
        period_end=renewed + 365 * DAY,
        status="canceled",
        canceled_at=NOW - 9 * DAY,
        ended_at=NOW - 9 * DAY,
        cancellation_reason="payment_failed",
    )
    business.stripe.add_invoice(amount=99000, subscription=held, created=renewed, attempt_count=4)
    with opened(business, "stripe") as site:
        document = passed(site)
        assert codes(document) == {org_id: {"ended_still_entitled"}}
        assert [each["result"] for each in document["outcomes"]] == ["fixed"]
        assert site.records()[org_id]["plan_tier"] == UNPAID


def test_an_add_on_that_nobody_mapped_stops_no_raise_but_a_lowering(opened: Open) -> None:
    business = shop()
    product = business.stripe.add_product("Extra seats", created=NOW - 99 * DAY)
    seats = business.stripe.add_price(product, unit_amount=700, created=NOW - 99 * DAY)
    found = {}
    for has in ("starter", "enterprise"):
        found[has] = business.add_record(has)
        business.stripe.add_subscription(
            business.stripe_customer(found[has]),
            prices=[price_id(PRO), seats],
            created=NOW - 55 * DAY,
            period_start=NOW - 12 * DAY,
            period_end=NOW + 18 * DAY,
        )
    with opened(business, "stripe") as site:
        document = passed(site)
        assert site.records()[found["starter"]]["plan_tier"] == "professional"
        assert site.records()[found["enterprise"]]["plan_tier"] == "enterprise"
        (over,) = [each for each in document["drifts"] if each["org_id"] == found["enterprise"]]
        assert (over["code"], over["decision"], over["blocked_by"]) == ("tier_over", "flag", "proof")
        assert seats in over["reason"]

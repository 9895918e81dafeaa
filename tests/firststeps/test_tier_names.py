"""Which tier a plan or price means by what people call it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firststeps.offers import plan, price
from reconciler.firststeps.naming import sounds_unpaid, stem, tier_among, tier_named_by

TIERS = ("founders_friend", "starter", "professional", "enterprise")


@pytest.mark.parametrize(
    "code",
    ["professional", "professional_monthly", "professional_yearly", "Professional-Annual", "professional_monthly_v2"],
)
def test_a_plan_code_means_the_tier_it_was_made_from(code: str) -> None:
    assert tier_among(TIERS, plan(code)) == "professional"


def test_the_currency_of_a_price_is_no_part_of_its_name() -> None:
    assert tier_among(TIERS, plan("starter_monthly_eur", currency="eur")) == "starter"
    assert tier_among(TIERS, plan("starter_monthly_eur", currency="usd")) is None


def test_a_price_is_known_by_lookup_key_metadata_product_nickname_or_a_chosen_id() -> None:
    for offer in (
        price("price_1", lookup_key="enterprise-monthly"),
        price("price_2", metadata={"tier_id": "enterprise"}),
        price("price_3", metadata={"tier_id": "T7"}, names=("Enterprise",)),
        price("price_4", names=("Plans", "Enterprise (yearly)")),
        price("price_5", metadata={}, product="enterprise"),
        price("enterprise_yearly"),
        replace(price("price_6"), metadata={"plan": "enterprise"}),
    ):
        assert tier_among(TIERS, offer) == "enterprise", offer


def test_the_surest_name_wins() -> None:
    assert tier_among(TIERS, price("price_1", lookup_key="starter_monthly", names=("Enterprise",))) == "starter"


def test_what_tells_nothing_or_might_mean_two_means_none() -> None:
    assert tier_among(TIERS, price("price_1", names=("Consulting",))) is None
    assert tier_among(("pro", "Pro"), plan("pro_monthly")) is None
    assert tier_among(TIERS, plan("!!!")) is None
    assert tier_among(("§",), plan("!!!")) is None


def test_a_metadata_key_that_tells_no_tier_is_not_read() -> None:
    assert tier_among(TIERS, price("price_1", metadata={"competitor": "enterprise"})) is None


@pytest.mark.parametrize(
    ("code", "tier"),
    [("starter_monthly", "starter"), ("team-annual", "team"), ("seats", None), ("monthly", None), ("", None)],
)
def test_a_tier_that_the_store_lacks_is_read_from_codes_that_name_how_often(code: str, tier: str | None) -> None:
    assert tier_named_by(plan(code)) == tier


def test_a_name_of_nothing_but_cycles_stays_itself() -> None:
    assert stem("Monthly Plan") == "monthly_plan"


def test_names_that_say_nobody_pays() -> None:
    tiers = ("founders_friend", "Free", "trial", "starter", "enterprise")
    assert [tier for tier in tiers if sounds_unpaid(tier)] == ["founders_friend", "Free", "trial"]

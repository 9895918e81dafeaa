"""The drafted file: it loads whatever people call their tiers, plans and prices, and says what is to be decided."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from firststeps.offers import plan, price
from reconciler.firststeps.authority_draft import AuthorityDraft
from reconciler.firststeps.draft import Asked, Draft
from reconciler.firststeps.draft_toml import draft_toml
from reconciler.firststeps.live import Key
from reconciler.firststeps.tier_draft import draft_tiers
from reconciler.model.account import Offer
from reconciler.model.billing import Source
from reconciler.model.terms import Authority
from reconciler.settings import Settings

URLS = {Source.LAGO: "https://lago.example.com", Source.STRIPE: "https://api.stripe.com"}


def draft(
    offers: Iterable[Offer],
    store: Mapping[str, int],
    *,
    live: Mapping[Key, int] | None = None,
    urls: Mapping[Source, str] | None = None,
    open_points: tuple[str, ...] = (),
    read: tuple[str, ...] = (),
) -> Draft:
    return Draft(
        asked=Asked(store=Path("/app/data"), urls=urls or URLS),
        livemode=False,
        made_at=datetime(2026, 11, 24, 12, tzinfo=UTC),
        read=read,
        tiers=draft_tiers(offers, live=live or {}, store_tiers=store, collects=Source.STRIPE),
        authority=AuthorityDraft(authority=Authority.LAGO, collects=Source.STRIPE, why=("Because.",)),
        open_points=open_points,
    )


def loaded(made: Draft) -> Settings:
    return Settings.model_validate(tomllib.loads(draft_toml(made)))


OFFERS = (
    plan("founders_friend", 0),
    plan("starter_monthly", 4900, name="Starter"),
    price("price_1", 4900, lookup_key="starter_monthly"),
    price("price_2", 9900, names=("Seats",)),
)
STORE = {"founders_friend": 3, "starter": 1}


def test_it_says_who_grants_what_the_tiers_are_and_writes_nothing_yet() -> None:
    settings = loaded(draft(OFFERS, STORE))
    assert (settings.billing.authority, settings.billing.livemode) == (Authority.LAGO, False)
    assert settings.statuses.unpaid_tier == "founders_friend"
    assert settings.policy.mode == "flag"
    assert settings.orgs.folder == Path("/app/data")
    starter = settings.tiers["starter"]
    assert (starter.lago_plans, starter.stripe_prices) == (("starter_monthly",), ("price_1",))
    assert starter.rank > settings.tiers["founders_friend"].rank


def test_what_was_matched_to_no_tier_stands_as_a_comment_with_its_live_count() -> None:
    lines = draft_toml(draft(OFFERS, STORE, live={(Source.STRIPE, "price_2"): 41})).splitlines()
    (line,) = [line for line in lines if "price_2" in line]
    assert line.startswith("#")
    assert "Seats" in line
    assert "41 live" in line


def test_what_is_to_be_decided_stands_numbered_at_its_head() -> None:
    text = draft_toml(draft(OFFERS, STORE, open_points=("Is it right?", "And this?")))
    assert "#   1. Is it right?\n#   2. And this?\n" in text.partition("[orgs]")[0]


def test_the_mode_is_that_of_the_key() -> None:
    assert loaded(replace(draft(OFFERS, STORE), livemode=True)).billing.livemode


def test_a_side_that_was_not_read_gets_no_section() -> None:
    settings = loaded(draft(OFFERS, STORE, urls={Source.LAGO: URLS[Source.LAGO]}))
    assert settings.lago is not None
    assert settings.stripe is None


def test_an_amount_that_is_no_list_price_is_pointed_out_beside_the_tier() -> None:
    text = draft_toml(draft([*OFFERS, price("price_9", 3900, names=("Starter",), archived=True)], STORE))
    assert "# Sold at another price too: price_9, Starter: 3900 usd a month" in text


anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
words = st.sampled_from(["starter", "pro", "free", "trial", "starter_monthly", 'a"b', "a.b", "x\ny", "\x7f", "ü 🚀"])
name = st.one_of(words, anything)


@given(
    store=st.dictionaries(name.filter(lambda tier: tier.strip()), st.integers(1, 9), max_size=4),
    plans=st.dictionaries(name.filter(bool), st.sampled_from([0, 4900, None]), max_size=5),
    prices=st.dictionaries(name.filter(bool), st.tuples(name, name, st.sampled_from([0, 9900])), max_size=5),
    told=name,
)
def test_it_loads_whatever_the_names(
    store: dict[str, int],
    plans: dict[str, int | None],
    prices: dict[str, tuple[str, str, int]],
    told: str,
) -> None:
    offers = [plan(code, amount, name=told) for code, amount in plans.items()]
    offers += [
        price(f"price_{key}", amount, lookup_key=lookup, names=(label, told), product=key)
        for key, (lookup, label, amount) in prices.items()
    ]
    made = draft(offers, store, live={}, open_points=(told,), read=(told,))
    settings = loaded(made)
    assert set(settings.tiers) == {tier.name for tier in made.tiers.tiers}
    assert settings.statuses.unpaid_tier in settings.tiers
    sold = {each.offer.key for tier in made.tiers.tiers for each in tier.sold}
    written = {key for tier in settings.tiers.values() for key in (*tier.lago_plans, *tier.stripe_prices)}
    assert written == sold

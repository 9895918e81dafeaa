"""What the configuration means to the model, and what it is when nothing is said."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.billing import Source
from reconciler.model.catalog import Catalog, SourceKeys, Tier
from reconciler.model.moments import duration_text
from reconciler.model.money import Interval
from reconciler.model.terms import Authority, CodePolicy, Do, Limits, Mode, Policy, StatusTerms, Terms
from reconciler.settings.kinds import parse_duration
from settings.settings_files import RIGHT, changed, loaded


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("24h", timedelta(hours=24)),
        ("15m", timedelta(minutes=15)),
        ("0s", timedelta(0)),
        ("1h30m", timedelta(minutes=90)),
        ("7d", timedelta(days=7)),
        ("2w1d", timedelta(days=15)),
    ],
)
def test_a_duration_is_read(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@given(seconds=st.integers(0, 10**9))
def test_a_duration_is_written_as_it_is_read_back(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert parse_duration(duration_text(duration)) == duration


def test_the_terms_hold_what_the_file_says(tmp_path: Path) -> None:
    text = (
        changed('"both"', '"either"\nauthority_of = { org_1 = "lago" }\ncollects = "lago"\ngrace_days = 3')
        .replace('"json:/app/data"', '"json:/app/data"\nexclude = { org_2 = "our own" }')
        .replace('unpaid_tier = "free"',
                 'unpaid_tier = "free"\nlapsed = "active"\nended = "suspended"\ntrialing = "max"')
        .replace('"prod_max"]', '"prod_max"]\ntrial_days = 14\nstripe_lookup_keys = ["max"]\n'
                 'stripe_price_metadata = { plan = "max" }\n'
                 'legacy = { lago_plans = ["old"], stripe_prices = ["price_old"], '
                 'amounts = { EUR = { week = [1, 2] } } }')
    ) + '[catalog]\nnot_tiers = { stripe_products = ["prod_seat"] }'  # fmt: skip  # one change a line
    assert loaded(tmp_path, text).terms() == Terms(
        authority=Authority.EITHER,
        authority_of={"org_1": Authority.LAGO},
        exclude={"org_2": "our own"},
        collects=Source.LAGO,
        grace_days=3,
        statuses=StatusTerms(unpaid_tier="free", lapsed="active", ended="suspended", trialing="max"),
        catalog=Catalog(
            tiers={
                "free": Tier(name="free", rank=0, paid=False, keys=SourceKeys(lago_plans=frozenset({"free"}))),
                "pro": Tier(
                    name="pro",
                    rank=1,
                    keys=SourceKeys(lago_plans=frozenset({"pro_monthly"}), stripe_prices=frozenset({"price_pro"})),
                    prices={
                        "usd": {Interval.MONTH: 9900, Interval.YEAR: 99000},
                        "eur": {Interval.MONTH: 8900},
                    },
                ),
                "max": Tier(
                    name="max",
                    rank=2,
                    keys=SourceKeys(
                        lago_plans=frozenset({"old"}),
                        stripe_prices=frozenset({"price_old"}),
                        stripe_lookup_keys=frozenset({"max"}),
                        stripe_products=frozenset({"prod_max"}),
                        stripe_price_metadata=frozenset({("plan", "max")}),
                    ),
                    legacy_amounts={"eur": {Interval.WEEK: frozenset({1, 2})}},
                    trial_days=14,
                    legacy_keys=SourceKeys(lago_plans=frozenset({"old"}), stripe_prices=frozenset({"price_old"})),
                ),
            },
            not_tiers=SourceKeys(stripe_products=frozenset({"prod_seat"})),
        ),
    )


def test_the_policy_holds_what_the_file_says(tmp_path: Path) -> None:
    text = changed(
        'mode = "fix"',
        'mode = "fix"\nraise = "flag"\nlower = "fix"\nlink = "flag"\nsettle_raise = "5m"\nsettle_lower = "2d"\n'
        'confirm_runs = 1\ncodes = { tier_over = "flag", paused = { do = "ignore", reason = "agreed" } }',
    )
    assert loaded(tmp_path, text).policies() == Policy(
        mode=Mode.FIX,
        raising=Do.FLAG,
        lowering=Do.FIX,
        linking=Do.FLAG,
        codes={"tier_over": CodePolicy(do=Do.FLAG), "paused": CodePolicy(do=Do.IGNORE, reason="agreed")},
        settle_raise=timedelta(minutes=5),
        settle_lower=timedelta(days=2),
        confirm_runs=1,
    )


def test_unsaid_the_policy_writes_nothing_and_the_limits_are_the_model_s(tmp_path: Path) -> None:
    settings = loaded(tmp_path, changed('mode = "fix"', ""))
    assert settings.policies() == Policy()
    assert settings.policies().mode is Mode.FLAG
    assert settings.bounds() == Limits()


def test_shares_are_exact(tmp_path: Path) -> None:
    text = (
        f"{RIGHT}[limits]\nmax_lower_ratio = 0.1\nmax_raise_ratio = 1\nmax_monthly_value_ratio = 0\nalways_allowed = 0"
    )
    limits = loaded(tmp_path, text).bounds()
    assert limits.max_lower_ratio == Decimal("0.1")
    assert limits.max_raise_ratio == 1
    assert limits.max_monthly_value_ratio == 0
    assert limits.always_allowed == 0


def test_the_side_that_does_not_grant_may_be_left_out(tmp_path: Path) -> None:
    assert loaded(tmp_path, changed("[stripe]", "").replace('"both"', '"lago"')).stripe is None
    without_lago = changed('[lago]\nurl = "https://lago.example.com"', "").replace('"both"', '"stripe"')
    assert loaded(tmp_path, without_lago).lago is None


def test_an_empty_section_stands_for_its_defaults(tmp_path: Path) -> None:
    settings = loaded(tmp_path)
    assert settings.stripe is not None
    assert settings.stripe.url == "https://api.stripe.com"
    assert settings.schedule.every == timedelta(minutes=15)


def test_cron_takes_the_place_of_every(tmp_path: Path) -> None:
    schedule = loaded(tmp_path, f'{RIGHT}[schedule]\ncron = "*/15 * * * *"').schedule
    assert (schedule.cron, schedule.every) == ("*/15 * * * *", None)


def test_the_store_s_folder_is_a_path(tmp_path: Path) -> None:
    assert loaded(tmp_path).orgs.folder == Path("/app/data")


@pytest.mark.parametrize("url", ["http://127.0.0.1:3000", "https://lago.example.com/api/v1/", "http://[::1]:3000"])
def test_an_address_stays_as_it_is_written(tmp_path: Path, url: str) -> None:
    lago = loaded(tmp_path, changed("https://lago.example.com", url)).lago
    assert lago is not None
    assert lago.url == url


def test_the_terms_hold_for_which_flags_a_status_is_set_and_how_long_a_change_settles(tmp_path: Path) -> None:
    flagging = 'unpaid_tier = "free"\nflagged = "suspended"\nflagged_codes = ["paused"]'
    settling = 'mode = "fix"\nsettle_raise = "5m"\nsettle_lower = "2h"'
    text = changed('mode = "fix"', settling).replace('unpaid_tier = "free"', flagging)
    terms = loaded(tmp_path, text).terms()
    assert (terms.statuses.flagged, terms.statuses.flagged_codes) == ("suspended", frozenset({"paused"}))
    assert (terms.settle_raise, terms.settle_lower) == (timedelta(minutes=5), timedelta(hours=2))

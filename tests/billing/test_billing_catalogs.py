"""What both sources sell and what a key may read, over HTTP on the sandboxes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing.billing_support import LAGO_KEY, QUICK, STRIPE_KEY, StandingClock, lago_sandbox, stripe_sandbox
from reconciler.billing.asking import OutageError
from reconciler.billing.clock_skew import clock_skew
from reconciler.billing.lago_catalog import LagoCatalog
from reconciler.billing.stripe_catalog import StripeCatalog, is_live
from reconciler.errors import CredentialError, NotThatSourceError
from reconciler.model.money import Interval, Period
from reconciler.sandbox.server import Fault, LoopbackServer
from reconciler.sandbox.stripe import StripeSandbox

NEEDED = ("rak_customer_read", "rak_subscription_read")
USED = (*NEEDED, "rak_coupon_read", "rak_plan_read", "rak_invoice_read", "rak_subscription_schedule_read")


@contextmanager
def lago(server: LoopbackServer, **changes: Any) -> Iterator[LagoCatalog]:
    given: dict[str, Any] = {"api_key": LAGO_KEY, "clock": StandingClock(), "retry": QUICK}
    catalog = LagoCatalog(url=server.url, max_requests_per_s=1e6, **(given | changes))
    yield catalog
    catalog.close()


@contextmanager
def stripe(server: LoopbackServer, **changes: Any) -> Iterator[StripeCatalog]:
    given: dict[str, Any] = {"api_key": STRIPE_KEY, "livemode": False, "retry": QUICK}
    catalog = StripeCatalog(url=server.url, max_requests_per_s=1e6, clock=StandingClock(), **(given | changes))
    yield catalog
    catalog.close()


def test_lago_lists_every_plan_on_every_page_with_price_and_name() -> None:
    sandbox = lago_sandbox()
    for number in range(130):
        sandbox.add_plan(f"plan_{number}", amount_cents=number, interval="yearly", name=f"Plan {number}")
    with sandbox.serve() as server, lago(server) as catalog:
        offers = {offer.key: offer for offer in catalog.offers()}
    assert len(offers) == 132
    plan = offers["plan_7"]
    assert (plan.item.unit_amount, plan.item.currency, plan.names) == (7, "usd", ("Plan 7",))
    assert plan.item.period == Period(interval=Interval.YEAR)


def test_lago_says_its_version_and_organisation() -> None:
    with lago_sandbox().serve() as server, lago(server) as catalog:
        assert catalog.introduce() == "version 1.51.0, organisation Sandbox"
        server.add_fault(Fault(target="/health", status=404, times=None))
        assert catalog.introduce() == "version unknown, organisation Sandbox"


def test_a_lago_permission_that_lacks_is_named_and_the_others_are_held() -> None:
    with lago_sandbox().serve() as server, lago(server) as catalog:
        assert all(each.held for each in catalog.permissions())
        assert {each.name for each in catalog.permissions() if not each.required} == {"invoice", "applied_coupon"}
        assert all(each.required is not bool(each.missing) for each in catalog.permissions())
        server.add_fault(Fault(target="/plans", status=403, body='{"status":403}', times=None))
        assert [each.name for each in catalog.permissions() if not each.held] == ["plan"]


def test_a_lago_key_that_is_refused_altogether_is_no_lack_of_permissions() -> None:
    with (
        lago_sandbox().serve() as server,
        lago(server, api_key="other") as catalog,
        pytest.raises(CredentialError, match="refuses the API key"),
    ):
        catalog.permissions()


def account(*permissions: str) -> StripeSandbox:
    sandbox = StripeSandbox(
        api_key="sk_test_owner", restricted_keys={"rk_test_reader": permissions}, clock=StandingClock().now
    )
    product = sandbox.add_product("Professional", metadata={"tier": "pro"}, fixed_id="prod_pro")
    sandbox.add_price(product, unit_amount=9900, fixed_id="price_new", lookup_key="pro", nickname="monthly")
    sandbox.add_price(product, unit_amount=7900, fixed_id="price_old", active=False)
    sandbox.add_price(product, unit_amount=500, fixed_id="price_once", interval=None)
    sandbox.add_price(product, unit_amount=None, unit_amount_decimal="0.5", fixed_id="price_fraction")
    sandbox.add_price(sandbox.add_product("Gone", active=False), unit_amount=1, fixed_id="price_of_gone")
    return sandbox


def test_stripe_lists_recurring_prices_active_and_archived_with_what_they_are_called() -> None:
    with account().serve() as server, stripe(server, api_key="sk_test_owner") as catalog:
        offers = {offer.key: offer for offer in catalog.offers()}
    assert {key: offer.archived for key, offer in offers.items()} == {
        "price_new": False,
        "price_old": True,
        "price_fraction": False,
        "price_of_gone": True,
    }
    new = offers["price_new"]
    assert (new.item.unit_amount, new.item.lookup_key, new.item.product_id) == (9900, "pro", "prod_pro")
    assert (new.names, new.metadata) == (("Professional", "monthly"), {"tier": "pro"})
    assert offers["price_fraction"].item.unit_amount is None


def test_stripe_lists_more_prices_than_a_page_holds() -> None:
    sandbox = stripe_sandbox()
    product = sandbox.add_product("Many")
    for number in range(230):
        sandbox.add_price(product, unit_amount=number, active=number % 2 == 0)
    with sandbox.serve() as server, stripe(server) as catalog:
        assert len(catalog.offers()) == 230


def test_without_the_permission_for_products_prices_come_without_their_names() -> None:
    with account("rak_plan_read").serve() as server, stripe(server, api_key="rk_test_reader") as catalog:
        offers = {offer.key: offer.names for offer in catalog.offers()}
    assert offers["price_new"] == ("monthly",)


def test_without_the_permission_for_prices_none_is_invented() -> None:
    with (
        account("rak_customer_read").serve() as server,
        stripe(server, api_key="rk_test_reader") as catalog,
        pytest.raises(CredentialError, match="may not read prices"),
    ):
        catalog.offers()


@pytest.mark.parametrize("lacks", USED)
def test_each_stripe_permission_that_lacks_is_named_with_what_is_missing_without_it(lacks: str) -> None:
    held = [name for name in USED if name != lacks]
    with account(*held).serve() as server, stripe(server, api_key="rk_test_reader") as catalog:
        missing = [each for each in catalog.permissions() if not each.held]
    assert [each.name for each in missing] == [lacks]
    assert lacks in missing[0].remedy
    assert missing[0].required is (lacks in NEEDED)
    assert bool(missing[0].missing) is (lacks not in NEEDED)


def test_a_stripe_key_that_is_refused_altogether_is_no_lack_of_permissions() -> None:
    with (
        account().serve() as server,
        stripe(server, api_key="rk_test_other") as catalog,
        pytest.raises(CredentialError, match="refuses the API key"),
    ):
        catalog.permissions()


def test_a_secret_key_is_too_strong_and_a_restricted_one_is_not() -> None:
    with account(*USED).serve() as server:
        with stripe(server, api_key="sk_test_owner") as catalog:
            assert catalog.key_too_strong
            assert catalog.introduce() == "secret key of test mode"
        with stripe(server, api_key="rk_test_reader") as catalog:
            assert not catalog.key_too_strong


def test_a_server_that_is_no_stripe_is_said_to_be_none() -> None:
    with lago_sandbox().serve() as server, stripe(server) as catalog, pytest.raises(NotThatSourceError):
        catalog.permissions()


def test_an_outage_is_no_empty_list() -> None:
    with stripe_sandbox().serve() as server, stripe(server) as catalog:
        server.add_fault(Fault(status=500, times=None))
        with pytest.raises(OutageError):
            catalog.offers()
    with lago_sandbox().serve() as server, lago(server) as catalog:
        server.add_fault(Fault(status=500, times=None))
        with pytest.raises(OutageError):
            catalog.offers()


def test_nothing_but_get_is_sent() -> None:
    with account(*USED).serve() as server, stripe(server, api_key="rk_test_reader") as catalog:
        catalog.permissions()
        catalog.offers()
        catalog.clock_skew()
        assert {request.method for request in server.requests} == {"GET"}


@pytest.mark.parametrize("key", ["rk_test_1", "sk_test_1", "sk_org_test_1"])
def test_a_test_key_is_not_live(key: str) -> None:
    assert not is_live(key)
    assert is_live(key.replace("test", "live"))


@pytest.mark.parametrize("minutes", [-20, 0, 20])
def test_how_far_the_servers_clock_is_ahead_of_ours_is_told_by_any_answer(minutes: int) -> None:
    ours = StandingClock(datetime.now(UTC) - timedelta(minutes=minutes))
    with stripe_sandbox().serve() as server:
        skew = clock_skew(f"{server.url}/nothing-here", ours, timeout_s=5)
    assert skew is not None
    assert abs(skew - timedelta(minutes=minutes)) < timedelta(seconds=5)


def test_a_server_that_is_away_or_tells_no_date_has_no_clock() -> None:
    with stripe_sandbox().serve() as server:
        url = server.url
    assert clock_skew(url, StandingClock(), timeout_s=1) is None

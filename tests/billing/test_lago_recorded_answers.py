"""The wire layer on the bytes of real Lago servers, of the oldest and the newest version that is relied on.

The cassettes hold real answers; a request that they do not hold fails, and so does one of theirs that is not asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import vcr  # type: ignore[import-untyped]  # it ships no types

from billing.billing_support import LAGO_KEY, NOW, QUICK
from reconciler.billing.lago_client import LagoClient, LagoRefusedError, path_part
from reconciler.billing.lago_mapping import customer_of, subscriptions_of
from reconciler.billing.lago_walk import walk
from reconciler.billing.lago_wire import One, Page, WireCustomer, WirePlan, WireSubscription
from reconciler.billing.network import Network
from reconciler.billing.pacing import RateBudget
from reconciler.billing.tally import Tally
from reconciler.model.billing import Source, Subscription, SubscriptionStatus

CASSETTES = Path(__file__).parent / "cassettes"
VERSIONS = {"v1.51.0": (1, 51, 0), "v1.27.0": (1, 27, 0)}
WATCHED = ("method", "scheme", "host", "port", "path", "query", "body")


@contextmanager
def recorded(version: str) -> Iterator[LagoClient]:
    """A client to whom the recorded server of `version` answers, ten rows a page; every answer must be asked for."""
    player = vcr.VCR(record_mode="none", match_on=WATCHED, filter_headers=["authorization"])
    client = LagoClient(
        url="http://lago.test/api/v1",
        api_key=LAGO_KEY,
        asking=Network(Source.LAGO, RateBudget(1e6), policy=QUICK),
        connect_timeout_s=1,
        read_timeout_s=1,
        page_size=10,
    )
    with player.use_cassette(str(CASSETTES / f"lago_{version}.yaml")) as cassette:
        yield client
        assert cassette.all_played
    client.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_everything_that_is_asked_of_a_real_server_is_understood(version: str) -> None:
    tally = Tally(read_from=NOW)
    rows: dict[str, WireSubscription] = {}
    with recorded(version) as lago:
        assert lago.organization(tally).name == "UC Cloud"
        assert lago.version(tally) == VERSIONS[version]
        plans = {plan.code: plan for plan in lago.one("/plans", Page[WirePlan], tally).rows}
        problems = walk(
            lambda number: lago.page(
                "/subscriptions",
                Page[WireSubscription],
                tally,
                number=number,
                params=(("status[]", "active"), ("status[]", "pending")),
            ),
            rows,
            key=lambda row: row.lago_id,
            what="subscriptions",
        )
        for external_id in ("acme.com", "a/b"):
            customer = lago.one(f"/customers/{path_part(external_id)}", One[WireCustomer], tally).row
            assert (customer.external_id, customer_of(customer).collected_automatically) == (external_id, False)
        charged = customer_of(lago.one("/customers/org_020", One[WireCustomer], tally).row)
        ended = lago.one("/subscriptions/sub_010", One[WireSubscription], tally, (("status", "terminated"),)).row
        dotted = lago.one("/subscriptions/sub%2E023", One[WireSubscription], tally).row
        with pytest.raises(LagoRefusedError) as nobody:
            lago.one("/customers/nobody", One[WireCustomer], tally)
        with pytest.raises(LagoRefusedError) as robot:
            lago.one("/customers", Page[WireCustomer], tally, (("account_type[]", "robot"),))

    assert (problems, len(rows), tally.pages) == ([], 25, 3)
    assert (charged.provider_customer_id, charged.collected_automatically) == ("cus_RECORDED000020", True)
    assert (ended.status, ended.plan is not None, dotted.external_id) == ("terminated", True, "sub.023")
    assert (nobody.value.status, nobody.value.code) == (404, "customer_not_found")
    assert (robot.value.status, robot.value.code) == (422, "validation_errors")
    assert robot.value.fields
    understood = {
        each.external_id: each for each in subscriptions_of(rows.values(), plans=plans, customers={}, as_of=NOW)
    }
    assert_as_recorded(understood, amount=4900 if version == "v1.51.0" else None)


def assert_as_recorded(rows: dict[str, Subscription], *, amount: int | None) -> None:
    """Both servers were told the same; 1.27 does not send an amount, which may be another than the plan's."""
    ordinary, waiting, trial = rows["sub_016"], rows["sub_014"], rows["sub_017"]
    assert ordinary.started_at == datetime(2026, 9, 10, tzinfo=UTC)
    assert (ordinary.status, ordinary.calendar_periods) == (SubscriptionStatus.ACTIVE, False)
    assert (ordinary.items[0].plan_code, ordinary.items[0].unit_amount, ordinary.items[0].currency) == (
        "professional_monthly",
        amount,
        "usd",
    )
    assert (waiting.status, waiting.started_at) == (SubscriptionStatus.PENDING, None)
    assert (trial.status, trial.items[0].plan_code) == (SubscriptionStatus.TRIALING, "starter_trial")
    assert rows["sub_015"].cancel_at is not None
    assert all((row.items[0].unit_amount is None) is (amount is None) for row in rows.values())

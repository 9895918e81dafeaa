"""What is read of a Lago whose past outweighs its present, what beyond its lists, and who it says it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from billing.billing_support import NOW, lago_sandbox, lago_source
from billing.spoiling import Json, lying, moving
from reconciler.billing import lago_lists
from reconciler.model.billing import SubscriptionStatus
from reconciler.model.observation import Snapshot, Wanted
from reconciler.sandbox.lago import LagoSandbox
from reconciler.sandbox.lago.rows import SubscriptionStatus as SubscriptionStatusOfLago
from reconciler.sandbox.server import Fault, LoopbackServer

DAY = timedelta(days=1)
LIVE, PAST = 4, 13


@pytest.fixture(autouse=True)
def short_lists_are_worth_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lago_lists, "_LONG", 5)


@pytest.fixture
def lago() -> LagoSandbox:
    """Customers with a live subscription each; the first has everything that ended, too."""
    sandbox = lago_sandbox()
    for number in range(LIVE):
        sandbox.add_customer(f"org_{number}")
        start(sandbox, number)
    for number in range(PAST):
        ended = NOW - DAY * (number + 1)
        sandbox.add_subscription(
            "org_0",
            "professional",
            external_id=f"old_{number}",
            status="terminated",
            started_at=NOW - 90 * DAY,
            terminated_at=ended,
        )
    return sandbox


def start(lago: LagoSandbox, number: int, at: datetime = NOW - 30 * DAY) -> None:
    lago.add_subscription(f"org_{number}", "professional", external_id=f"sub_{number}", started_at=at)


@pytest.fixture
def server(lago: LagoSandbox) -> Iterator[LoopbackServer]:
    with lago.serve() as served:
        yield served


def read(server: LoopbackServer) -> Snapshot:
    with lago_source(server, page_size=2) as source:
        return source.read_all(NOW)


def live(snapshot: Snapshot) -> list[str]:
    return sorted(each.external_id for each in snapshot.subscriptions)


def test_where_the_past_outweighs_the_present_only_what_lives_is_walked_twice(server: LoopbackServer) -> None:
    snapshot = read(server)
    assert (snapshot.complete, snapshot.problem, snapshot.ended_of) == (True, None, frozenset())
    assert live(snapshot) == [f"sub_{number}" for number in range(LIVE)]
    assert [each.rows for each in snapshot.proof.lists if each.name == "subscriptions"] == [LIVE, LIVE]
    assert snapshot.proof.rows == 2 * LIVE


def test_where_the_present_outweighs_the_past_everything_is_walked_once(
    lago: LagoSandbox, server: LoopbackServer
) -> None:
    for number in range(LIVE, LIVE + 6):
        lago.add_customer(f"org_{number}")
        start(lago, number)
    snapshot = read(server)
    assert (len(snapshot.subscriptions), snapshot.ended_of) == (LIVE + 6 + PAST, None)


def test_a_server_that_does_not_heed_the_filter_is_walked_whole(lago: LagoSandbox) -> None:
    def ignore(body: Json) -> None:
        body["subscriptions"][0]["status"] = "terminated"

    with lying(lago.application, target="per_page=1&status", lie=ignore, times=None) as server:
        snapshot = read(server)
    assert (len(snapshot.subscriptions), snapshot.ended_of) == (LIVE + PAST, None)


@pytest.mark.parametrize("before", range(1, 18))
def test_a_row_that_ends_meanwhile_hides_no_other(lago: LagoSandbox, before: int) -> None:
    first = lago.find_subscription(f"sub_{LIVE - 1}")

    def end() -> None:
        first.status, first.terminated_at = SubscriptionStatusOfLago.TERMINATED, NOW

    with moving(lago.application, {before: end}) as server:
        snapshot = read(server)
    assert snapshot.complete
    assert {f"sub_{number}" for number in range(LIVE - 1)} <= set(live(snapshot))


@pytest.mark.parametrize("before", range(5, 14))
def test_a_row_that_starts_meanwhile_is_no_disagreement(lago: LagoSandbox, before: int) -> None:
    def begin() -> None:
        lago.add_customer("org_new")
        lago.add_subscription("org_new", "professional", external_id="sub_new", started_at=NOW)

    with moving(lago.application, {before: begin}) as server:
        snapshot = read(server)
    assert snapshot.complete
    assert {f"sub_{number}" for number in range(LIVE)} <= set(live(snapshot))
    assert sum(each.name == "subscriptions" for each in snapshot.proof.lists) == 2


def test_walks_that_never_agree_prove_nothing(lago: LagoSandbox) -> None:
    walks = [0]

    def hide_one(body: Json) -> None:
        """On the first page of each walk another row, as when one moves behind what was seen."""
        if body["meta"]["current_page"] == 1:
            walks[0] += 1
            del body["subscriptions"][walks[0] % 2]
        body["meta"]["total_count"] = LIVE - 1

    target = "per_page=2.*status%5B%5D=active&status%5B%5D=pending&status%5B%5D=incomplete"
    with lying(lago.application, target=target, lie=hide_one, times=None) as server:
        snapshot = read(server)
    assert not snapshot.complete
    assert "not twice the same" in (snapshot.problem or "")
    assert live(snapshot)


def test_what_ended_is_read_of_those_customers_who_are_wanted(server: LoopbackServer) -> None:
    with lago_source(server, page_size=2) as source:
        snapshot = source.read_all(NOW)
        ids = {each.org_key: each.id for each in snapshot.customers}
        server.requests.clear()
        more = source.read_more(snapshot, Wanted(ended_of=frozenset({ids["org_0"]})), NOW)
    assert more.ended_of == frozenset({ids["org_0"]})
    assert sum(each.status is SubscriptionStatus.ENDED for each in more.subscriptions) == PAST
    assert len(more.subscriptions) == LIVE + PAST
    assert {re.sub(".*external_customer_id=(org_[0-9]).*", r"\1", each.target) for each in server.requests} == {"org_0"}


def test_of_many_customers_all_that_ended_is_walked(server: LoopbackServer) -> None:
    with lago_source(server, page_size=5) as source:
        snapshot = source.read_all(NOW)
        more = source.read_more(snapshot, Wanted(ended_of=frozenset(f"id-{number}" for number in range(51))), NOW)
    assert (more.complete, more.ended_of, len(more.subscriptions)) == (True, None, LIVE + PAST)


@pytest.mark.parametrize("others", [0, 51])
def test_a_live_row_that_is_read_again_beside_what_ended_keeps_its_coupon(
    lago: LagoSandbox, server: LoopbackServer, others: int
) -> None:
    lago.add_applied_coupon("org_0", "deal", percentage_rate="100.0")
    with lago_source(server, page_size=5) as source:
        snapshot = source.read_all(NOW)
        wanted = {each.id for each in snapshot.customers if each.org_key == "org_0"}
        wanted |= {f"id-{number}" for number in range(others)}
        more = source.read_more(snapshot, Wanted(ended_of=frozenset(wanted)), NOW)
    held = [{each.id: each.discounts for each in seen.subscriptions} for seen in (snapshot, more)]
    assert any(held[0].values())
    assert {key: held[1][key] for key in held[0]} == held[0]


def test_an_outage_among_what_ended_makes_the_snapshot_incomplete(server: LoopbackServer) -> None:
    with lago_source(server) as source:
        snapshot = source.read_all(NOW)
        server.add_fault(Fault(target="external_customer_id", status=503, times=None))
        more = source.read_more(snapshot, Wanted(ended_of=frozenset({snapshot.customers[0].id})), NOW)
    assert (snapshot.complete, more.complete) == (True, False)


def test_a_trial_counts_from_the_first_start_although_the_row_before_is_not_read(
    lago: LagoSandbox, server: LoopbackServer
) -> None:
    lago.add_plan("trial_a", amount_cents=100, trial_days=14)
    lago.add_plan("trial_b", amount_cents=200, trial_days=14)
    old = lago.add_subscription(
        "org_1", "trial_a", external_id="chain", status="terminated", started_at=NOW - 40 * DAY, terminated_at=NOW - DAY
    )
    lago.add_subscription("org_1", "trial_b", external_id="chain", started_at=NOW - DAY, previous=old)
    snapshot = read(server)
    assert snapshot.ended_of == frozenset()
    (row,) = [each for each in snapshot.subscriptions if each.external_id == "chain"]
    assert row.status is SubscriptionStatus.ACTIVE


def test_who_answered_is_told(server: LoopbackServer) -> None:
    snapshot = read(server)
    assert (snapshot.about, snapshot.notes) == ("Lago v1.51.0, organisation Sandbox", ())


@pytest.mark.parametrize(
    ("version", "notes"),
    [("v1.57.2", 0), ("v1.42.0", 0), ("v1.41.9", 1), ("v1.29.0", 2), ("v1.17.2", 3), ("v1.0.0", 4), ("main", 4)],
)
def test_a_version_below_what_is_relied_on_is_told_and_read_all_the_same(
    lago: LagoSandbox, version: str, notes: int
) -> None:
    def claim(body: Json) -> None:
        body["version"] = version

    with lying(lago.application, target="/health", lie=claim, times=None) as server:
        snapshot = read(server)
    assert snapshot.complete
    assert len(snapshot.notes) == notes
    assert (version in snapshot.about) is (version != "main")

"""A person links an organisation: kept first, verified at the source, and refused where somebody else claims the id."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from builders import NOW, lago_customer, org, snapshot, stripe_customer
from fakes import FakeOrgManager
from fakes_billing import FakeBillingSource
from reconciler.cycle.linking import Linked, link
from reconciler.errors import StaleOrganizationError, StoreWriteError, UsageError
from reconciler.model.acts import Act, ActKind
from reconciler.model.billing import Customer, Source
from reconciler.model.observation import CustomerReading

SAID = Act(kind=ActKind.LINK, subject="org_1", by="Ada", reason="asked them", at=NOW)


@dataclass(slots=True)
class World:
    """Two organisations, the first linked nowhere, and both sources; `kept` are the acts, in order."""

    store: FakeOrgManager
    lago: FakeBillingSource
    stripe: FakeBillingSource
    kept: list[Act] = field(default_factory=list)

    def link(self, source: Source = Source.STRIPE, new: str = "cus_1", org_id: str = "org_1") -> Linked:
        sources = {Source.LAGO: self.lago, Source.STRIPE: self.stripe}
        return link(org_id, {source: new}, store=self.store, sources=sources, said=SAID, keep=self.kept.append)


@pytest.fixture
def world() -> World:
    def side(source: Source, *customers: Customer) -> FakeBillingSource:
        readings = {each.id: CustomerReading(customer=each, subscriptions=()) for each in customers}
        return FakeBillingSource(snapshot(source, customers), readings)

    unnamed = replace(stripe_customer(1), org_key="")
    return World(
        store=FakeOrgManager.of([org(1), org(2, stripe_id="cus_2", lago_id="lago-of-2")]),
        lago=side(Source.LAGO, lago_customer(1)),
        stripe=side(Source.STRIPE, unnamed, stripe_customer(2), replace(stripe_customer(3), deleted=True)),
    )


def test_an_id_is_written_through_the_store_with_what_it_expects_and_the_act_is_kept_before(world: World) -> None:
    def kept_first(_store: FakeOrgManager, _org_id: str) -> None:
        assert [each.kind for each in world.kept] == [ActKind.LINK]

    world.store.before_update = kept_first
    done = world.link()
    assert world.store.writes == [("org_1", {"stripe_customer_id": "cus_1"})]
    assert (done.before, done.after, done.notes) == ({"stripe_customer_id": None}, {"stripe_customer_id": "cus_1"}, ())
    (act,) = world.kept
    assert (act.by, act.reason, act.subject) == ("Ada", "asked them", "org_1")
    assert act.body == {"before": done.before, "after": done.after}


def test_a_lago_customer_is_looked_up_by_its_external_id(world: World) -> None:
    assert world.link(Source.LAGO, "org_1").after == {"lago_customer_id": "org_1"}
    with pytest.raises(UsageError, match="by that external id"):
        world.link(Source.LAGO, "a-uuid")


@pytest.mark.parametrize(
    ("source", "new", "says"),
    [
        (Source.STRIPE, "cus_2", "org_2 claims the stripe id cus_2"),
        (Source.LAGO, "lago-of-2", "org_2 claims the lago id lago-of-2"),
        (Source.LAGO, "org_2", "org_2 claims the lago id org_2: it is its own id"),
        (Source.STRIPE, "cus_3", "cus_3 is deleted there"),
    ],
)
def test_an_id_that_is_claimed_or_gone_is_refused_and_nothing_is_kept_or_written(
    world: World, source: Source, new: str, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        world.link(source, new)
    assert (world.store.writes, world.kept) == ([], [])


def test_a_customer_that_names_another_organisation_is_refused(world: World) -> None:
    world.store.change("org_2", stripe_customer_id=None)
    with pytest.raises(UsageError, match="names org_2 as its organisation"):
        world.link(new="cus_2")
    assert world.store.writes == []


def test_an_unknown_organisation_is_refused(world: World) -> None:
    with pytest.raises(UsageError, match="org_9"):
        world.link(org_id="org_9")


def test_a_source_that_is_away_stops_nothing_and_is_told(world: World) -> None:
    world.stripe.down = "no answer"
    assert world.link().notes == (
        "stripe was not reached (no answer): whether it has the customer cus_1 was not verified",
    )


def test_a_record_that_changed_meanwhile_is_left_and_that_is_kept_too(world: World) -> None:
    world.store.before_update = lambda store, org_id: store.change(org_id, stripe_customer_id="cus_else")
    with pytest.raises(StaleOrganizationError):
        world.link()
    assert [each.kind for each in world.kept] == [ActKind.LINK, ActKind.NOTE]
    assert world.store.records["org_1"].stripe_customer_id == "cus_else"


def test_a_write_that_does_not_stick_is_told(world: World) -> None:
    world.store.loses_writes = True
    with pytest.raises(StoreWriteError):
        world.link()
    assert [each.kind for each in world.kept] == [ActKind.LINK, ActKind.NOTE]


def test_the_same_link_twice_is_refused(world: World) -> None:
    world.link()
    with pytest.raises(UsageError, match="linked like that already"):
        world.link()

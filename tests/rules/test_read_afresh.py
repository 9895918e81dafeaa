"""One customer read afresh takes the place of what the lists said of it, and of nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders import customers, invoice, lago_customer, lago_sub, linked, observe_world, stripe_customer, stripe_sub
from reconciler.model.billing import Invoice, Source
from reconciler.model.observation import CustomerReading, SideList
from reconciler.rules.identity import BillingIndex, Links, claims_of, link_of

LISTED = observe_world(
    [linked(1), linked(2)],
    *customers(1),
    *customers(2),
    *(stripe_sub(1), stripe_sub(2), lago_sub(1)),
    *(invoice(Source.STRIPE, 1), invoice(Source.STRIPE, 2, invoice_id="in_2"), invoice(Source.LAGO, 1)),
)
INDEX = BillingIndex.of(LISTED.snapshots)
RENAMED = stripe_customer(1, org_key="org_9")
ROW = stripe_sub(1, "starter")


def afresh(invoices: tuple[Invoice, ...] | None = None, index: BillingIndex = INDEX) -> BillingIndex:
    return index.with_reading(CustomerReading(customer=RENAMED, subscriptions=(ROW,), invoices=invoices))


def test_the_customer_and_its_subscriptions_are_as_they_were_read() -> None:
    read = afresh()
    assert read.customers[Source.STRIPE] == {"cus_1": RENAMED, "cus_2": stripe_customer(2)}
    assert read.subscriptions[Source.STRIPE] == {"cus_1": (ROW,), "cus_2": (stripe_sub(2),)}
    assert read.customers[Source.LAGO] == INDEX.customers[Source.LAGO]
    assert read.subscriptions[Source.LAGO] == INDEX.subscriptions[Source.LAGO]
    assert read.read_alone == {(Source.STRIPE, "cus_1")}


def test_its_invoices_are_those_that_were_read_and_others_stay() -> None:
    owed = invoice(Source.STRIPE, 1, due=1)
    for read, own in ((afresh((owed,)), (owed,)), (afresh(()), ()), (afresh(None), ())):
        assert read.invoices[Source.STRIPE] == {"cus_1": own, "cus_2": INDEX.invoices[Source.STRIPE]["cus_2"]}
        assert read.invoices[Source.LAGO] == INDEX.invoices[Source.LAGO]


def test_whose_invoices_are_known_is_only_who_was_read_with_them() -> None:
    with_them, without = afresh(()), afresh(None)
    assert with_them.knows_invoices(Source.STRIPE, "cus_1")
    assert not without.knows_invoices(Source.STRIPE, "cus_1")
    assert not with_them.knows_invoices(Source.STRIPE, "cus_2")
    assert with_them.knows_invoices(Source.LAGO, "lago-1")
    unread = observe_world([linked(1)], *customers(1), reads=[SideList.COUPONS])
    assert not BillingIndex.of(unread.snapshots).knows_invoices(Source.STRIPE, "cus_1")


def test_a_second_reading_keeps_the_first() -> None:
    other = CustomerReading(customer=lago_customer(2), subscriptions=(), invoices=())
    both = afresh(()).with_reading(other)
    assert both.read_alone == {(Source.STRIPE, "cus_1"), (Source.LAGO, "lago-2")}
    assert both.knows_invoices(Source.STRIPE, "cus_1")
    assert both.knows_invoices(Source.LAGO, "lago-2")
    assert not both.knows_invoices(Source.LAGO, "lago-1")


@pytest.mark.parametrize("known", [frozenset({"cus_2"}), None])
def test_its_ended_subscriptions_are_read_with_it(known: frozenset[str] | None) -> None:
    snapshots = dict(LISTED.snapshots)
    index = afresh((), BillingIndex.of(snapshots) if known is None else _with_ended(known))
    assert index.knows_ended(Source.STRIPE, "cus_1")
    assert index.knows_ended(Source.STRIPE, "cus_2")
    assert index.knows_ended(Source.STRIPE, "cus_3") is (known is None)
    assert index.ended_of[Source.LAGO] is None


def _with_ended(known: frozenset[str]) -> BillingIndex:
    stripe = LISTED.snapshots[Source.STRIPE]
    return BillingIndex.of({**LISTED.snapshots, Source.STRIPE: replace(stripe, ended_of=known)})


def test_links_that_were_followed_are_kept_for_the_very_organisation_and_index_alone() -> None:
    one, two = LISTED.store.orgs
    links, read = Links.to([one], INDEX), afresh()
    assert links.of(one, INDEX) is links.by_org["org_1"][1]
    gone = replace(one, stripe_id="cus_2")
    for org, index in ((one, read), (gone, INDEX), (two, INDEX)):
        assert links.of(org, index) == {source: link_of(org, source, index) for source in Source}
    assert links.of(one, read) != links.of(one, INDEX)
    assert links.of(gone, INDEX) != links.of(one, INDEX)


def test_every_customer_is_claimed_by_those_that_lead_to_it() -> None:
    orgs = [linked(1), linked(2), linked(3, lago_id="org_1", stripe_id=None), linked(4, stripe_id="cus_2")]
    deleted = linked(5, lago_id="org_2", stripe_id=None, status="deleted")
    assert claims_of([*orgs, deleted], INDEX) == {
        (Source.LAGO, "lago-1"): ("org_1", "org_3"),
        (Source.LAGO, "lago-2"): ("org_2",),
        (Source.STRIPE, "cus_1"): ("org_1",),
        (Source.STRIPE, "cus_2"): ("org_2", "org_4"),
    }
    assert claims_of([deleted], INDEX) == {(Source.LAGO, "lago-2"): ("org_5",)}

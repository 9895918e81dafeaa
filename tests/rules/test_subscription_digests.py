"""The hash of a subscription: another one wherever a rule could see a difference, the same where none could."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from builders import DAY, NOW, stripe_sub
from reconciler.model.billing import (
    CollectionPause,
    Discount,
    EndReason,
    Item,
    Subscription,
    SubscriptionStatus,
)
from reconciler.model.money import Interval, Period
from reconciler.rules.changes import subscription_digest

PERCENT = Discount(percent=Decimal(20))
ROW = stripe_sub()
ENDED = stripe_sub(status=SubscriptionStatus.ENDED)


def with_item(**changes: object) -> Subscription:
    return replace(ROW, items=(replace(ROW.items[0], **changes),))  # type: ignore[arg-type]  # fields of an item


CHANGED = [
    replace(ROW, customer_id="cus_2"),
    replace(ROW, external_id="other"),
    replace(ROW, status=SubscriptionStatus.PAST_DUE),
    replace(ROW, raw_status="odd"),
    replace(ROW, items=()),
    replace(ROW, discounts=(PERCENT,)),
    replace(ROW, discounts=(Discount(percent=Decimal(21)),)),
    replace(ROW, discounts=(Discount(amount_minor=20, currency="usd"),)),
    replace(ROW, discounts=(Discount(amount_minor=20, currency="eur"),)),
    replace(ROW, trial_end=NOW),
    replace(ROW, cancel_at=NOW),
    replace(ROW, ended_at=NOW),
    replace(ROW, end_reason=EndReason.OTHER),
    replace(ROW, keeps_paid_period=True),
    replace(ROW, next_item=Item(id="next", price_id="price_starter")),
    replace(ROW, next_item=Item(id="next", price_id="price_enterprise")),
    replace(ROW, next_at=NOW),
    replace(ROW, collected_automatically=False),
    replace(ROW, collection_pause=CollectionPause()),
    replace(ROW, collection_pause=CollectionPause(resumes_at=NOW)),
    replace(ROW, collection_pause=CollectionPause(keeps_drafts=True)),
    replace(ROW, org_key="org_7"),
    replace(ROW, livemode=False),
    with_item(plan_code="plan"),
    with_item(price_id="price_other"),
    with_item(lookup_key="key"),
    with_item(product_id="prod"),
    with_item(price_metadata={"tier": "starter"}),
    with_item(unit_amount=1),
    with_item(unit_amount=None),
    with_item(currency="eur"),
    with_item(period=Period(interval=Interval.WEEK)),
    with_item(period=Period(count=2)),
    with_item(quantity=2),
    with_item(metered=True),
    with_item(discounts=(PERCENT,)),
]


def test_whatever_a_rule_could_see_gives_a_hash_of_its_own() -> None:
    digests = [subscription_digest(each) for each in (ROW, ENDED, *CHANGED)]
    assert len(set(digests)) == len(digests)
    assert {len(each) for each in digests} == {32}


@pytest.mark.parametrize("days", [1, 30])
def test_a_renewal_is_no_change_of_what_runs(days: int) -> None:
    item = replace(ROW.items[0], period_start=NOW + days * DAY, period_end=NOW + (days + 30) * DAY)
    assert subscription_digest(replace(ROW, items=(item,), paid_for_period=False)) == subscription_digest(ROW)


def test_the_period_of_an_ended_subscription_counts() -> None:
    begun = replace(ENDED, items=(replace(ENDED.items[0], period_start=NOW),))
    over = replace(ENDED, items=(replace(ENDED.items[0], period_end=NOW),))
    unpaid = replace(ENDED, paid_for_period=False)
    assert len({subscription_digest(each) for each in (ENDED, begun, over, unpaid)}) == 4


def test_the_order_of_items_discounts_and_metadata_does_not_count() -> None:
    other = Item(id="si_2", price_id="price_seats", price_metadata={"a": "1", "b": "2"})
    turned = replace(other, price_metadata={"b": "2", "a": "1"})
    fixed = Discount(amount_minor=5, currency="usd")
    first = replace(ROW, items=(*ROW.items, other), discounts=(PERCENT, fixed))
    second = replace(ROW, items=(turned, *ROW.items), discounts=(fixed, PERCENT))
    assert subscription_digest(first) == subscription_digest(second)


def test_a_known_hash_never_changes() -> None:
    assert subscription_digest(ROW) == "f7053cb97c3d3f23e0c899ebac05f18d"
    assert subscription_digest(replace(ROW, next_item=ROW.items[0])) == "1ab49faacde04375ee9b1d7d3819dd3e"

"""What can be odd about one subscription, each way as the fields that are otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from builders import DAY, NOW
from reconciler.model.billing import (
    CollectionPause,
    Discount,
    EndReason,
    Item,
    Source,
    Subscription,
    SubscriptionStatus,
)
from reconciler.model.money import Interval, Period
from rules.rule_worlds import Pick

HOUR = timedelta(hours=1)
TIERS = ("founders_friend", "trial", "starter", "professional", "enterprise")


def _status(pick: Pick, _: Subscription) -> dict[str, Any]:
    status = pick(tuple(SubscriptionStatus))
    return {"status": status, "raw_status": status.value}


def _trial(pick: Pick, _: Subscription) -> dict[str, Any]:
    ends = (NOW + 5 * DAY, NOW - HOUR, NOW - 26 * HOUR, NOW - 27 * HOUR, NOW - 9 * DAY, None)
    return {"status": SubscriptionStatus.TRIALING, "raw_status": "trialing", "trial_end": pick(ends)}


def _first_payment(pick: Pick, _: Subscription) -> dict[str, Any]:
    begun = pick((NOW - HOUR, NOW - 22 * HOUR, NOW - 23 * HOUR, NOW - 24 * HOUR))
    return {"status": SubscriptionStatus.INCOMPLETE, "raw_status": "incomplete", "created_at": begun}


def _never_paid(pick: Pick, _: Subscription) -> dict[str, Any]:
    reason = pick((EndReason.PAYMENT_FAILED, EndReason.PAYMENT_FAILED, EndReason.OTHER, None))
    return {"status": SubscriptionStatus.ABANDONED, "raw_status": "incomplete_expired", "end_reason": reason}


def _ended(pick: Pick, row: Subscription) -> dict[str, Any]:
    items = tuple(
        replace(item, period_start=NOW - 10 * DAY, period_end=pick((NOW - DAY, NOW, NOW + 9 * DAY, None)))
        for item in row.items
    )
    return {
        "status": SubscriptionStatus.ENDED,
        "raw_status": "canceled",
        "ended_at": pick((NOW - 40 * DAY, NOW - 2 * DAY, NOW, None)),
        "end_reason": pick(tuple(EndReason)),
        "paid_for_period": pick((True, True, False)),
        "keeps_paid_period": pick((True, False)),
        "calendar_periods": pick((True, False)),
        "anchor_at": pick((None, NOW - 100 * DAY)),
        "items": items,
    }


def _begins_later(pick: Pick, row: Subscription) -> dict[str, Any]:
    return {
        "status": SubscriptionStatus.PENDING,
        "raw_status": "pending",
        "started_at": pick((None, NOW + 3 * DAY)),
        "anchor_at": pick((None, NOW + 4 * DAY)),
        "external_id": pick((row.external_id, "another")),
    }


def _ends(pick: Pick, _: Subscription) -> dict[str, Any]:
    return {"cancel_at": pick((NOW + 5 * DAY, NOW + HOUR, NOW, NOW - 25 * HOUR, NOW - 26 * HOUR, NOW - 9 * DAY))}


def _changes(pick: Pick, row: Subscription) -> dict[str, Any]:
    tier = pick(TIERS)
    item = Item(
        id="next",
        plan_code=f"{tier}_monthly" if row.source is Source.LAGO else "",
        price_id="" if row.source is Source.LAGO else f"price_{tier}",
        unit_amount=pick((4900, 0, None)),
        currency="usd",
    )
    return {
        "next_item": pick((item, item, item, None)),
        "next_at": pick((NOW + 5 * DAY, NOW - 25 * HOUR, NOW - 9 * DAY)),
    }


def _first_item(pick: Pick, row: Subscription) -> dict[str, Any]:
    if not row.items:
        return {}
    changed = replace(row.items[0], **pick(_ITEM_CHANGES)(pick))
    return {"items": (changed, *row.items[1:])}


def _items(pick: Pick, row: Subscription) -> dict[str, Any]:
    seats = Item(id="si_7", price_id="price_seats", plan_code="seats", unit_amount=500, currency="usd")
    other = Item(id="si_8", price_id="price_starter", plan_code="starter", unit_amount=4900, currency="usd")
    same = Item(id="si_6", price_id="price_professional", plan_code="professional", unit_amount=100, currency="usd")
    metered = replace(same, id="si_5", metered=True)
    unknown = Item(id="si_9", price_id="price_who", plan_code="who", unit_amount=1, currency="usd")
    return {
        "items": pick(((), (seats,), (unknown,), *((*row.items, each) for each in (other, same, metered, unknown))))
    }


def _discounts(pick: Pick, _: Subscription) -> dict[str, Any]:
    return {"discounts": pick(_ON_INVOICES)}


def _pause(pick: Pick, _: Subscription) -> dict[str, Any]:
    resumes = pick((None, NOW + DAY, NOW, NOW - DAY))
    return {"collection_pause": CollectionPause(resumes_at=resumes, keeps_drafts=pick((False, True)))}


def _plain_field(pick: Pick, row: Subscription) -> dict[str, Any]:
    return pick(
        (
            {"livemode": False},
            {"livemode": True},
            {"collected_automatically": not row.collected_automatically},
            {"org_key": "org_1"},
            {"org_key": "org_2"},
            {"customer_id": "cus_1" if row.source is Source.STRIPE else "lago-1"},
            {"customer_id": "cus_new" if row.source is Source.STRIPE else "lago-new"},
            {"external_id": "org_1_a"},
            {"external_id": ""},
            {"started_at": None},
        )
    )


_ON_INVOICES = (
    (Discount(percent=Decimal(100)),),
    (Discount(percent=Decimal("12.5")), Discount(amount_minor=700, currency="usd")),
    (Discount(amount_minor=700, currency="usd"), Discount(percent=Decimal(50))),
    (Discount(amount_minor=700, currency="eur"),),
    (Discount(amount_minor=10**6, currency="usd"),),
)
ROW_CHANGES: tuple[Callable[[Pick, Subscription], dict[str, Any]], ...] = (
    _status,
    _trial,
    _first_payment,
    _never_paid,
    _ended,
    _ended,
    _begins_later,
    _ends,
    _changes,
    _changes,
    _first_item,
    _first_item,
    _items,
    _discounts,
    _pause,
    _plain_field,
    _plain_field,
)
_PERIODS = (
    Period(interval=Interval.QUARTER),
    Period(interval=Interval.HALF_YEAR),
    Period(interval=Interval.YEAR),
    Period(interval=Interval.YEAR, count=2),
    Period(interval=Interval.MONTH, count=3),
    Period(interval=Interval.MONTH, count=12),
    Period(interval=Interval.MONTH, count=5),
    Period(interval=Interval.WEEK),
    Period(interval=Interval.DAY, count=30),
)
_ITEM_CHANGES: tuple[Callable[[Pick], dict[str, Any]], ...] = (
    lambda pick: {"period": pick(_PERIODS)},
    lambda pick: {"quantity": pick((0, 2, 3))},
    lambda _: {"metered": True},
    lambda pick: {"unit_amount": pick((None, 0, 7777, 4900, 9901))},
    lambda pick: {"currency": pick(("", "eur", "gbp", "chf"))},
    lambda pick: {"price_id": "price_x", "plan_code": "x", "lookup_key": pick(("pro", "who"))},
    lambda pick: {"price_id": "price_x", "plan_code": "x", "price_metadata": {"a": "b", "tier": pick(("pro", "z"))}},
    lambda pick: {"price_id": "price_x", "plan_code": "x", "product_id": pick(("prod_starter", "prod_x"))},
    lambda pick: {"price_id": "price_pro_2020", "plan_code": "pro_2020", "unit_amount": pick((9900, 5000))},
    lambda pick: {"discounts": pick(_ON_INVOICES)},
)

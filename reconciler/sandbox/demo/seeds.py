"""Fills the demo's business: most organisations true to their billing, and one small group for each kind of drift."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.sandbox.demo.business import UNPAID, Business, Paying, price_id
from reconciler.sandbox.stripe import Phase

_DAY = timedelta(days=1)
_STARTER, _PRO, _ENTERPRISE = (Paying(tier=tier) for tier in ("starter", "professional", "enterprise"))
_PRO_EUR, _PRO_YEARLY = Paying(tier="professional", currency="eur"), Paying(tier="professional", yearly=True)
_FREE = Paying(tier=UNPAID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """One drift that was put into the business: its code and the organisation it is about, or the customer."""

    code: str
    about: str


@dataclass(slots=True)
class SeededBusiness:
    """The business, what was seeded into it, and the organisations that another authority than `both` grants."""

    business: Business
    seeds: list[Seed] = field(default_factory=list)
    authority_of: dict[str, str] = field(default_factory=dict)


def build_business(*, organisations: int, now: datetime) -> SeededBusiness:
    """A business of `organisations` (at least 60), about a quarter of 200 drifting; equal arguments, equal business."""
    seeded = SeededBusiness(Business(now))
    for times, seed in _KINDS:
        for number in range(times):
            seed(seeded, number)
    number = 0
    while len(seeded.business.records) < organisations:
        _in_sync(seeded.business, number)
        number += 1
    if len(seeded.business.records) > organisations:
        raise ValueError(f"a demo needs at least {len(seeded.business.records)} organisations; nothing was made")
    return seeded


def _in_sync(business: Business, number: int) -> None:
    if number % 3 == 0:
        org_id = business.add_record(UNPAID)
        business.records[org_id]["lago_customer_id"] = business.bill_in_lago(org_id, _FREE)
        return
    paying = (_STARTER, _PRO, _PRO_YEARLY, _PRO_EUR, _PRO, _STARTER, _ENTERPRISE)[number % 7]
    _billed(business, paying.tier, paying)


def _billed(
    business: Business, tier: str, lago: Paying, stripe: Paying | None = None, *, status: str = "active"
) -> str:
    """An organisation on `tier`, billed on both sides, linked on both; half are linked by the application's mistake."""
    org_id = business.add_record(tier, status=status)
    subscription = business.bill_in_lago(org_id, lago)
    business.records[org_id]["lago_customer_id"] = org_id if len(business.records) % 2 else subscription
    business.bill_in_stripe(business.stripe_customer(org_id), stripe or lago)
    return org_id


def _paid_not_reflected(seeded: SeededBusiness, number: int) -> None:
    paying = (_PRO, _STARTER, _PRO_EUR)[number % 3]
    seeded.seeds.append(Seed(code="paid_not_reflected", about=_billed(seeded.business, UNPAID, paying)))


def _tier_under(seeded: SeededBusiness, number: int) -> None:
    paying = (_PRO, _ENTERPRISE)[number % 2]
    seeded.seeds.append(Seed(code="tier_under", about=_billed(seeded.business, "starter", paying)))


def _tier_over(seeded: SeededBusiness, number: int) -> None:
    paying = (_PRO, _PRO_EUR, _STARTER)[number % 3]
    seeded.seeds.append(Seed(code="tier_over", about=_billed(seeded.business, "enterprise", paying)))


def _suspended_but_paying(seeded: SeededBusiness, _: int) -> None:
    org_id = _billed(seeded.business, "professional", _PRO, status="suspended")
    seeded.seeds.append(Seed(code="suspended_but_paying", about=org_id))


def _billing_disagrees(seeded: SeededBusiness, _: int) -> None:
    org_id = _billed(seeded.business, "starter", _STARTER, _PRO)
    seeded.seeds.append(Seed(code="billing_disagrees", about=org_id))


def _ended(seeded: SeededBusiness, number: int) -> None:
    _canceled(seeded, "ended_still_entitled", paid_until=seeded.business.now - (2 + number) * _DAY)


def _paid_through(seeded: SeededBusiness, number: int) -> None:
    _canceled(seeded, "canceled_paid_through", paid_until=seeded.business.now + (5 + number) * _DAY)


def _canceled(seeded: SeededBusiness, code: str, *, paid_until: datetime) -> None:
    business = seeded.business
    org_id = business.add_record("professional")
    business.bill_in_lago(org_id, _PRO, ended=9 * _DAY)
    business.records[org_id]["lago_customer_id"] = org_id
    business.bill_in_stripe(business.stripe_customer(org_id), _PRO, canceled=9 * _DAY, paid_until=paid_until)
    seeded.seeds.append(Seed(code=code, about=org_id))


def _past_due(seeded: SeededBusiness, number: int) -> None:
    """A charge that failed: a few days ago, or longer ago than grace lasts."""
    business = seeded.business
    failed = business.now - (3, 20)[number % 2] * _DAY
    org_id = business.add_record("professional")
    held = business.bill_in_stripe(business.stripe_customer(org_id), _PRO)
    business.stripe.change(held, status="past_due")
    business.stripe.add_invoice(amount=9900, subscription=held, created=failed, attempt_count=2)
    seeded.authority_of[org_id] = "stripe"
    seeded.seeds.append(Seed(code=("past_due_in_grace", "past_due_beyond_grace")[number % 2], about=org_id))


def _unpaid(seeded: SeededBusiness, _: int) -> None:
    business = seeded.business
    org_id = business.add_record("professional")
    held = business.bill_in_stripe(business.stripe_customer(org_id), _PRO)
    business.stripe.change(held, status="unpaid")
    seeded.authority_of[org_id] = "stripe"
    seeded.seeds.append(Seed(code="unpaid", about=org_id))


def _collection_paused(seeded: SeededBusiness, _: int) -> None:
    business = seeded.business
    org_id = business.add_record("professional")
    held = business.bill_in_stripe(business.stripe_customer(org_id), _PRO)
    business.stripe.change(held, pause_collection={"behavior": "void", "resumes_at": None})
    seeded.authority_of[org_id] = "stripe"
    seeded.seeds.append(Seed(code="collection_paused", about=org_id))


def _customer_deleted(seeded: SeededBusiness, _: int) -> None:
    business = seeded.business
    org_id = business.add_record("professional")
    customer = business.stripe_customer(org_id)
    business.bill_in_stripe(customer, _PRO)
    business.stripe.delete_customer(customer)
    seeded.authority_of[org_id] = "stripe"
    seeded.seeds.extend(Seed(code=code, about=org_id) for code in ("customer_deleted", "canceled_paid_through"))


def _paid_tier_no_billing(seeded: SeededBusiness, _: int) -> None:
    seeded.seeds.append(Seed(code="paid_tier_no_billing", about=seeded.business.add_record("enterprise")))


def _side_missing(seeded: SeededBusiness, number: int) -> None:
    business = seeded.business
    org_id = business.add_record("professional")
    if number % 2:
        business.bill_in_lago(org_id, _PRO)
        business.records[org_id]["lago_customer_id"] = org_id
    else:
        business.bill_in_stripe(business.stripe_customer(org_id), _PRO)
    seeded.seeds.append(Seed(code="side_missing", about=org_id))


def _unexpected_side(seeded: SeededBusiness, _: int) -> None:
    business = seeded.business
    org_id = business.add_record(UNPAID)
    business.bill_in_lago(org_id, _PRO)
    business.records[org_id]["lago_customer_id"] = org_id
    seeded.authority_of[org_id] = "stripe"
    seeded.seeds.append(Seed(code="unexpected_side", about=org_id))


def _duplicate(seeded: SeededBusiness, _: int) -> None:
    business = seeded.business
    org_id = _billed(business, "professional", _PRO)
    business.bill_in_stripe(business.records[org_id]["stripe_customer_id"], _STARTER)
    seeded.seeds.append(Seed(code="duplicate_subscription", about=org_id))


def _leftover_free(seeded: SeededBusiness, _: int) -> None:
    org_id = _billed(seeded.business, "professional", _PRO)
    seeded.business.bill_in_lago(org_id, _FREE)
    seeded.seeds.append(Seed(code="leftover_free_subscription", about=org_id))


def _double_billed(seeded: SeededBusiness, _: int) -> None:
    business = seeded.business
    org_id = business.add_record("professional")
    customer = business.stripe_customer(org_id)
    business.bill_in_stripe(customer, _PRO)
    business.bill_in_lago(org_id, _PRO, payment_provider="stripe", provider_customer_id=customer)
    business.records[org_id]["lago_customer_id"] = org_id
    seeded.authority_of[org_id] = "either"
    seeded.seeds.append(Seed(code="double_billed", about=org_id))


def _link_missing(seeded: SeededBusiness, number: int) -> None:
    org_id = _billed(seeded.business, "professional", _PRO)
    seeded.business.records[org_id][("lago_customer_id", "stripe_customer_id")[number % 2]] = None
    seeded.seeds.append(Seed(code="link_missing", about=org_id))


def _id_shared(seeded: SeededBusiness, _: int) -> None:
    business = seeded.business
    first = _billed(business, "professional", _PRO)
    second = business.add_record("professional")
    business.records[second]["stripe_customer_id"] = business.records[first]["stripe_customer_id"]
    seeded.seeds.extend(Seed(code="id_shared", about=org_id) for org_id in (first, second))


def _orphan(seeded: SeededBusiness, _: int) -> None:
    customer = seeded.business.stripe_customer(None)
    seeded.business.bill_in_stripe(customer, _PRO)
    seeded.seeds.append(Seed(code="orphan_payer", about=customer))


def _unresolvable(seeded: SeededBusiness, _: int) -> None:
    business = seeded.business
    product = business.stripe.add_product("Special deal", created=business.now - 99 * _DAY)
    price = business.stripe.add_price(product, unit_amount=7700, created=business.now - 99 * _DAY)
    org_id = business.add_record("professional")
    business.bill_in_lago(org_id, _PRO)
    business.records[org_id]["lago_customer_id"] = org_id
    business.bill_in_stripe(business.stripe_customer(org_id), _PRO, price=price)
    seeded.seeds.append(Seed(code="tier_unresolvable", about=org_id))


def _link_dead(seeded: SeededBusiness, _: int) -> None:
    org_id = seeded.business.add_record("professional")
    seeded.business.records[org_id]["stripe_customer_id"] = "from-the-old-billing-4711"
    seeded.seeds.append(Seed(code="link_dead", about=org_id))


def _downgrade_scheduled(seeded: SeededBusiness, _: int) -> None:
    business = seeded.business
    org_id = business.add_record("professional")
    held = business.bill_in_stripe(business.stripe_customer(org_id), _PRO)
    turns = business.now + 12 * _DAY
    business.stripe.add_schedule(
        subscription=held,
        phases=[
            Phase(start=turns - 30 * _DAY, end=turns, prices=[price_id(_PRO)]),
            Phase(start=turns, end=turns + 30 * _DAY, prices=[price_id(_STARTER)]),
        ],
    )
    seeded.authority_of[org_id] = "stripe"
    seeded.seeds.append(Seed(code="downgrade_scheduled", about=org_id))


def _discounted(seeded: SeededBusiness, _: int) -> None:
    business = seeded.business
    org_id = business.add_record("professional")
    business.bill_in_lago(org_id, _PRO)
    business.records[org_id]["lago_customer_id"] = org_id
    business.lago.add_applied_coupon(org_id, "LAUNCH20", percentage_rate="20.0", frequency="forever")
    seeded.authority_of[org_id] = "lago"
    seeded.seeds.append(Seed(code="discounted", about=org_id))


def _record_invalid(seeded: SeededBusiness, _: int) -> None:
    org_id = seeded.business.add_record(UNPAID, status="on_hold")
    seeded.seeds.append(Seed(code="record_invalid", about=org_id))


_KINDS: tuple[tuple[int, Callable[[SeededBusiness, int], None]], ...] = (
    (6, _paid_not_reflected),
    (4, _tier_under),
    (4, _tier_over),
    (3, _ended),
    (2, _paid_through),
    (2, _paid_tier_no_billing),
    (2, _billing_disagrees),
    (3, _side_missing),
    (1, _unexpected_side),
    (2, _suspended_but_paying),
    (2, _duplicate),
    (3, _leftover_free),
    (1, _double_billed),
    (5, _link_missing),
    (1, _id_shared),
    (2, _orphan),
    (1, _unresolvable),
    (1, _record_invalid),
    (1, _link_dead),
    (1, _downgrade_scheduled),
    (1, _discounted),
    (2, _past_due),
    (1, _unpaid),
    (1, _collection_paused),
    (1, _customer_deleted),
)

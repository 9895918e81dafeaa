"""Small worlds for tests of the rules: organisations, customers and subscriptions of both sources, and the terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.model.billing import Customer, Invoice, Item, Source, Subscription, SubscriptionStatus
from reconciler.model.catalog import Catalog, SourceKeys, Tier
from reconciler.model.drift import Decision, Drift
from reconciler.model.history import History
from reconciler.model.money import Interval, Period
from reconciler.model.observation import Observation, ReadProof, SideList, SideRead, Snapshot, StoreReading
from reconciler.model.orgs import InvalidRecord, Org
from reconciler.model.run import Plan, Totals
from reconciler.model.terms import Authority, Do, Limits, Mode, Policy, StatusTerms, Terms
from reconciler.rules.compare import Judgement, find_drifts
from reconciler.rules.decide import Scope, decide
from reconciler.rules.planning import build_plan
from reconciler.rules.totals import add_up

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)

_PRICES = {"starter": 4900, "professional": 9900, "enterprise": 49900}


def _tier(name: str, rank: int, *, paid: bool = True) -> Tier:
    month = _PRICES.get(name, 0)
    return Tier(
        name=name,
        rank=rank,
        paid=paid,
        keys=SourceKeys(
            lago_plans=frozenset({name, f"{name}_monthly", f"{name}_yearly"}),
            stripe_prices=frozenset({f"price_{name}", f"price_{name}_yearly", f"price_{name}_eur"}),
        ),
        prices={currency: {Interval.MONTH: month, Interval.YEAR: month * 10} for currency in ("usd", "eur") if month},
    )


CATALOG = Catalog(
    tiers={
        tier.name: tier
        for tier in (
            _tier("founders_friend", 0, paid=False),
            _tier("trial", 1, paid=False),
            _tier("starter", 2),
            _tier("professional", 3),
            _tier("enterprise", 4),
        )
    },
    not_tiers=SourceKeys(lago_plans=frozenset({"seats"}), stripe_prices=frozenset({"price_seats"})),
)

FIX_ALL = Policy(mode=Mode.FIX, lowering=Do.FIX, settle_lower=timedelta(0), settle_raise=timedelta(0), confirm_runs=1)
WIDE = Limits(max_lower_count=10**6, max_raise_count=10**6, always_allowed=10**6)
EVERYTHING = Scope()


def terms(authority: Authority = Authority.BOTH, **changes: Any) -> Terms:
    base = Terms(
        authority=authority,
        catalog=CATALOG,
        statuses=StatusTerms(unpaid_tier="founders_friend"),
        settle_lower=timedelta(0),
    )
    return replace(base, **changes)


def org(number: int = 1, tier: str = "professional", **changes: Any) -> Org:
    """An organisation linked on neither side by a recorded id; its Lago customer is found by its own id."""
    base = Org(id=f"org_{number}", name=f"Company {number}", tier=tier, status="active", created_at=NOW - 400 * DAY)
    return replace(base, **changes)


def lago_customer(number: int = 1, **changes: Any) -> Customer:
    return replace(Customer(source=Source.LAGO, id=f"lago-{number}", org_key=f"org_{number}"), **changes)


def stripe_customer(number: int = 1, **changes: Any) -> Customer:
    return replace(Customer(source=Source.STRIPE, id=f"cus_{number}", org_key=f"org_{number}"), **changes)


def linked(number: int = 1, tier: str = "professional", **changes: Any) -> Org:
    """An organisation whose ids of both sides are recorded in their usual form."""
    return replace(org(number, tier, lago_id=f"org_{number}", stripe_id=f"cus_{number}"), **changes)


def customers(number: int = 1) -> tuple[Customer, Customer]:
    """The customer of organisation `number` on each side."""
    return lago_customer(number), stripe_customer(number)


def lago_sub(
    number: int = 1,
    tier: str = "professional",
    *,
    sub_id: str = "",
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE,
    amount: int | None = -1,
    currency: str = "usd",
    yearly: bool = False,
    **changes: Any,
) -> Subscription:
    """A Lago subscription of customer `number`, by default at list price; `amount` is per period."""
    plan = f"{tier}_yearly" if yearly else f"{tier}_monthly"
    base = Subscription(
        source=Source.LAGO,
        id=sub_id or f"lagosub-{number}-{tier}",
        customer_id=f"lago-{number}",
        status=status,
        raw_status=status.value,
        items=(
            Item(
                id="plan",
                plan_code=plan,
                unit_amount=_amount(tier, amount, yearly=yearly),
                currency=currency,
                period=_period(yearly=yearly),
            ),
        ),
        created_at=NOW - 300 * DAY,
        started_at=NOW - 300 * DAY,
        external_id=f"org_{number}_{tier}",
        external_customer_id=f"org_{number}",
    )
    return replace(base, **changes)


def stripe_sub(
    number: int = 1,
    tier: str = "professional",
    *,
    sub_id: str = "",
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE,
    amount: int | None = -1,
    currency: str = "usd",
    yearly: bool = False,
    price: str = "",
    quantity: int = 1,
    period_start: datetime | None = None,
    period_end: datetime | None = None,
    extra_items: Iterable[Item] = (),
    **changes: Any,
) -> Subscription:
    """A Stripe subscription of customer `number`, collected automatically, by default at list price."""
    item = Item(
        id="si_1",
        price_id=price or f"price_{tier}",
        unit_amount=_amount(tier, amount, yearly=yearly),
        currency=currency,
        period=_period(yearly=yearly),
        quantity=quantity,
        period_start=period_start or NOW - 10 * DAY,
        period_end=period_end or NOW + 20 * DAY,
    )
    base = Subscription(
        source=Source.STRIPE,
        id=sub_id or f"sub_{number}_{tier}",
        customer_id=f"cus_{number}",
        status=status,
        raw_status=status.value,
        items=(item, *extra_items),
        created_at=NOW - 300 * DAY,
        started_at=NOW - 300 * DAY,
        collected_automatically=True,
    )
    return replace(base, **changes)


def invoice(source: Source, number: int = 1, due: int = 9900, *, invoice_id: str = "in_1", **changes: Any) -> Invoice:
    """An unpaid invoice of customer `number` that is overdue and does not say to which subscription it belongs."""
    customer = f"lago-{number}" if source is Source.LAGO else f"cus_{number}"
    base = Invoice(source=source, id=invoice_id, customer_id=customer, due_minor=due, currency="usd", overdue=True)
    return replace(base, **changes)


def _amount(tier: str, amount: int | None, *, yearly: bool) -> int | None:
    if amount != -1:
        return amount
    return _PRICES.get(tier, 0) * (10 if yearly else 1)


def _period(*, yearly: bool) -> Period:
    return Period(interval=Interval.YEAR if yearly else Interval.MONTH)


PROOF = ReadProof(read_from=NOW, read_until=NOW)


def snapshot(
    source: Source,
    customers: Iterable[Customer] = (),
    subscriptions: Iterable[Subscription] = (),
    *,
    complete: bool = True,
    invoices: Iterable[Invoice] = (),
    reads: Iterable[SideList] = tuple(SideList),
) -> Snapshot:
    return Snapshot(
        source=source,
        customers=tuple(customers),
        subscriptions=tuple(subscriptions),
        complete=complete,
        proof=PROOF,
        problem=None if complete else "the read broke off",
        invoices=tuple(invoices),
        side_reads=tuple(SideRead(name=name) for name in reads),
    )


def observe_world(
    orgs: Iterable[Org],
    *held: Customer | Subscription | Invoice,
    incomplete: Iterable[Source] = (),
    sides: Iterable[Source] = tuple(Source),
    invalid: Iterable[InvalidRecord] = (),
    history: History | None = None,
    as_of: datetime = NOW,
    reads: Iterable[SideList] = tuple(SideList),
) -> Observation:
    """What a pass would have seen: `held` are customers, subscriptions and invoices of both sources, in any order."""
    by_side: Mapping[Source, tuple[list[Customer], list[Subscription]]] = {side: ([], []) for side in sides}
    invoices: dict[Source, list[Invoice]] = {side: [] for side in Source}
    for each in held:
        match each:
            case Customer():
                by_side[each.source][0].append(each)
            case Subscription():
                by_side[each.source][1].append(each)
            case Invoice():
                invoices[each.source].append(each)
    broken = set(incomplete)
    return Observation(
        as_of=as_of,
        store=StoreReading(orgs=tuple(orgs), invalid=tuple(invalid), version="1"),
        snapshots={
            side: snapshot(side, *rows, complete=side not in broken, invoices=invoices[side], reads=reads)
            for side, rows in by_side.items()
        },
        history=history or History(),
    )


def world(tier: str, *held: Customer | Subscription | Invoice, status: str = "active", **changes: Any) -> Observation:
    """One organisation linked on both sides, with its customers and what of them is `held`."""
    return observe_world([linked(1, tier, status=status)], *customers(), *held, **changes)


def judged(observation: Observation, by: Terms | None = None) -> Judgement:
    return find_drifts(observation, by or terms())


def drifts_of(observation: Observation, by: Terms | None = None) -> tuple[Drift, ...]:
    return judged(observation, by).drifts


def codes_of(observation: Observation, by: Terms | None = None) -> list[str]:
    """The codes of every drift, each organisation's primary one first."""
    return [drift.code.value for drift in drifts_of(observation, by)]


def decided(
    observation: Observation, by: Terms | None = None, policy: Policy = FIX_ALL, scope: Scope = EVERYTHING
) -> tuple[Decision, ...]:
    return decide(judged(observation, by), observation, policy, scope)


def added(observation: Observation, by: Terms | None = None) -> Totals:
    """The totals of a pass whose policy fixes everything."""
    return add_up(judged(observation, by), decided(observation, by))


def brief(decisions: Iterable[Decision]) -> list[tuple[str, str, str | None]]:
    """Code, decision and what blocked it, of each."""
    return [(each.drift.code.value, each.decided.value, each.blocked_by) for each in decisions]


def planned(
    observation: Observation,
    by: Terms | None = None,
    policy: Policy = FIX_ALL,
    limits: Limits = WIDE,
    scope: Scope = EVERYTHING,
    *,
    approved: frozenset[str] | None = None,
) -> Plan:
    said = by or terms()
    judgement = judged(observation, said)
    decisions = decide(judgement, observation, policy, scope)
    return build_plan(decisions, judgement, observation, terms=said, limits=limits, scope=scope, approved=approved)

# ruff: noqa: INP001, T201 # a program, not a package; prints its figures
"""How long it takes to judge organisations once everything is read: 10,000 to 100,000 of them, most in sync.

Run: python bench/bench_judging.py [--profile]. Prints figures; asserts nothing.
"""

from __future__ import annotations

import cProfile
import pstats
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from reconciler.cycle.judging import judge_all
from reconciler.model.billing import Customer, Item, Source, Subscription, SubscriptionStatus
from reconciler.model.catalog import Catalog, SourceKeys, Tier
from reconciler.model.history import History, OrgState, SubscriptionState
from reconciler.model.money import Interval
from reconciler.model.observation import Observation, ReadProof, SideList, SideRead, Snapshot, StoreReading
from reconciler.model.orgs import Org
from reconciler.model.terms import Authority, StatusTerms, Terms
from reconciler.rules.changes import subscription_digest

_NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
_LONG_AGO = _NOW - timedelta(days=300)
_PRICES = {"founders_friend": 0, "starter": 4900, "professional": 9900, "enterprise": 49900}
_TIERS = tuple(_PRICES)
_DRIFTING_ONE_IN = 20


def _terms() -> Terms:
    tiers = {
        name: Tier(
            name=name,
            rank=rank,
            paid=bool(price),
            keys=SourceKeys(lago_plans=frozenset({name}), stripe_prices=frozenset({f"price_{name}"})),
            prices={"usd": {Interval.MONTH: price}},
        )
        for rank, (name, price) in enumerate(_PRICES.items())
    }
    statuses = StatusTerms(unpaid_tier="founders_friend")
    return Terms(authority=Authority.BOTH, catalog=Catalog(tiers=tiers), statuses=statuses)


def _org(number: int) -> Org:
    paid_for = _TIERS[number % 4]
    tier = "enterprise" if number % _DRIFTING_ONE_IN == 1 else paid_for
    return Org(
        id=f"org_{number}",
        name=f"Company {number}",
        tier=tier,
        status="active",
        created_at=_LONG_AGO,
        lago_id=f"org_{number}",
        stripe_id=f"cus_{number}",
    )


def _subscription(number: int, source: Source) -> Subscription:
    tier, lago = _TIERS[number % 4], source is Source.LAGO
    item = Item(
        id=f"item-{number}",
        plan_code=tier if lago else "",
        price_id="" if lago else f"price_{tier}",
        unit_amount=_PRICES[tier],
        currency="usd",
        period_start=_NOW - timedelta(days=10),
        period_end=_NOW + timedelta(days=20),
    )
    return Subscription(
        source=source,
        id=f"{source}-sub-{number}",
        customer_id=f"lago-{number}" if lago else f"cus_{number}",
        status=SubscriptionStatus.ACTIVE,
        raw_status="active",
        items=(item,),
        created_at=_LONG_AGO,
        started_at=_LONG_AGO,
        external_id=f"org_{number}_{tier}" if lago else "",
        collected_automatically=not lago,
    )


def _customer(number: int, source: Source) -> Customer:
    key = f"lago-{number}" if source is Source.LAGO else f"cus_{number}"
    return Customer(source=source, id=key, org_key=f"org_{number}")


def _rows(source: Source, count: int) -> Iterator[Subscription]:
    for number in range(count):
        if source is Source.LAGO or number % 4:  # who pays nothing is in Lago only
            yield _subscription(number, source)


def _observed(count: int) -> Observation:
    orgs = tuple(_org(number) for number in range(count))
    snapshots = {
        source: Snapshot(
            source=source,
            customers=tuple(_customer(number, source) for number in range(count)),
            subscriptions=tuple(_rows(source, count)),
            complete=True,
            proof=ReadProof(read_from=_NOW, read_until=_NOW),
            side_reads=(SideRead(name=SideList.OPEN_INVOICES),),
        )
        for source in Source
    }
    history = History(
        population=count,
        orgs={
            org.id: OrgState(
                tier=org.tier, status=org.status, lago_id=org.lago_id, stripe_id=org.stripe_id, since=_LONG_AGO
            )
            for org in orgs
        },
        subscriptions={
            row.id: SubscriptionState(digest=subscription_digest(row), since=_LONG_AGO)
            for snapshot in snapshots.values()
            for row in snapshot.subscriptions
        },
    )
    return Observation(
        as_of=_NOW, store=StoreReading(orgs=orgs, invalid=(), version="1"), snapshots=snapshots, history=history
    )


def _measured(count: int, repeats: int) -> None:
    observation, terms = _observed(count), _terms()
    times = []
    for _ in range(repeats):
        started = time.process_time()
        judgement = judge_all(observation, terms)
        times.append(time.process_time() - started)
        drifts = len(judgement.drifts)
        del judgement  # a pass judges once: the values of an earlier time do not stand beside
    took = statistics.median(times)
    each = f"{took / count * 1e6:5.0f} us each"
    print(f"{count:>9,} organisations, {drifts:>6,} drifts: {took:6.2f} s of processor time, {each}")


def main() -> None:
    """Print the figures; with --profile, where the time goes instead."""
    if "--profile" in sys.argv:
        observation, terms = _observed(10_000), _terms()
        with cProfile.Profile() as profile:
            judge_all(observation, terms)
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)
        return
    _measured(10_000, repeats=5)
    if "--quick" not in sys.argv:
        for count in (20_000, 50_000, 100_000):
            _measured(count, repeats=1)


if __name__ == "__main__":
    main()

"""Generated worlds turned odd, one twist after another, so that every rule has something to say in some of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from builders import CATALOG, DAY, NOW, invoice, observe_world
from reconciler.model.billing import (
    Customer,
    Invoice,
    Source,
    Subscription,
    SubscriptionStatus,
)
from reconciler.model.catalog import Catalog, SourceKeys
from reconciler.model.history import History
from reconciler.model.money import Interval
from reconciler.model.observation import Observation, SideList
from reconciler.model.orgs import InvalidRecord, Org
from reconciler.model.terms import Authority, StatusTerms, Terms
from rules.odd_rows import HOUR, ROW_CHANGES, TIERS
from rules.rule_worlds import Pick, a_scene


@dataclass(frozen=True, slots=True, kw_only=True)
class OddWorld:
    """A world, what of it was read, and the terms by which it is judged."""

    orgs: tuple[Org, ...]
    held: tuple[Customer | Subscription | Invoice, ...]
    terms: Terms
    incomplete: tuple[Source, ...] = ()
    invalid: tuple[InvalidRecord, ...] = ()
    sides: tuple[Source, ...] = tuple(Source)
    reads: tuple[SideList, ...] = tuple(SideList)
    ended_of: frozenset[str] | None = None
    history: History = field(default_factory=History)

    @property
    def observation(self) -> Observation:
        seen = observe_world(
            self.orgs,
            *(each for each in self.held if each.source in self.sides),
            incomplete=self.incomplete,
            sides=self.sides,
            invalid=self.invalid,
            reads=self.reads,
            history=self.history,
        )
        snapshots = {
            source: replace(each, ended_of=self.ended_of if source is Source.STRIPE else None)
            for source, each in seen.snapshots.items()
        }
        return replace(seen, snapshots=snapshots)

    def rows(self) -> list[Subscription]:
        return [each for each in self.held if isinstance(each, Subscription)]

    def customers(self) -> list[Customer]:
        return [each for each in self.held if isinstance(each, Customer)]

    def with_instead(self, one: Any, *others: Any) -> OddWorld:
        """The same world with `others` in the place of `one`."""
        held = [each for each in self.held if each is not one]
        return replace(self, held=(*held, *others))


def _catalog() -> Catalog:
    """The catalog of the other tests, with older prices, other keys, trials, and a price that is not listed."""
    tiers = dict(CATALOG.tiers)
    starter, professional = tiers["starter"], tiers["professional"]
    tiers["trial"] = replace(tiers["trial"], trial_days=30)
    tiers["starter"] = replace(
        starter,
        trial_days=401,
        keys=replace(starter.keys, stripe_products=frozenset({"prod_starter"})),
        prices={**starter.prices, "gbp": {Interval.QUARTER: 9000}},
    )
    tiers["professional"] = replace(
        professional,
        keys=SourceKeys(
            lago_plans=professional.keys.lago_plans | {"pro_2020"},
            stripe_prices=professional.keys.stripe_prices | {"price_pro_2020"},
            stripe_lookup_keys=frozenset({"pro"}),
            stripe_price_metadata=frozenset({("tier", "pro")}),
        ),
        legacy_keys=SourceKeys(lago_plans=frozenset({"pro_2020"}), stripe_prices=frozenset({"price_pro_2020"})),
        legacy_amounts={"usd": {Interval.MONTH: frozenset({7777})}},
    )
    return replace(CATALOG, tiers=tiers)


RICH = _catalog()

Twist = Callable[[Pick, OddWorld], OddWorld]


def an_odd_world(pick: Pick) -> OddWorld:
    """A generated world after up to four twists."""
    scene = a_scene(pick)
    world = OddWorld(
        orgs=scene.orgs,
        held=scene.held,
        terms=scene.terms,
        incomplete=scene.incomplete,
        invalid=scene.invalid,
        history=scene.history,
    )
    if pick((True, True, False)):
        world = replace(world, terms=replace(world.terms, catalog=RICH))
    for _ in range(pick((0, 1, 1, 2, 3, 4))):
        world = pick(_TWISTS)(pick, world)
    return world


def _row(pick: Pick, world: OddWorld) -> OddWorld:
    """One subscription is otherwise."""
    rows = world.rows()
    if not rows:
        return world
    row = pick(rows)
    return world.with_instead(row, replace(row, **pick(ROW_CHANGES)(pick, row)))


def _another_row(pick: Pick, world: OddWorld) -> OddWorld:
    """A second subscription beside one: of another tier, of another customer, or the one that it replaced."""
    rows = world.rows()
    if not rows:
        return world
    row, tier = pick(rows), pick(TIERS)
    items = tuple(
        replace(
            item,
            plan_code=f"{tier}_monthly" if item.plan_code else "",
            price_id=f"price_{tier}" if item.price_id else "",
            unit_amount=pick((item.unit_amount, item.unit_amount, 0, 4900)),
        )
        for item in row.items
    )
    other = replace(row, id=f"{row.id}-2", items=items)
    if pick((True, True, False)):
        other = replace(other, **pick(ROW_CHANGES)(pick, other))
    if pick((False, False, True)):
        other = replace(other, customer_id=f"{row.customer_id}-2")
        key = pick((*(each.id for each in world.orgs), ""))
        customer = Customer(source=row.source, id=other.customer_id, org_key=key)
        return replace(world, held=(*world.held, other, customer))
    return replace(world, held=(*world.held, other))


def _customer(pick: Pick, world: OddWorld) -> OddWorld:
    """One customer is otherwise, is gone, or has another beside it."""
    customers = world.customers()
    if not customers:
        return world
    customer = pick(customers)
    changes: Sequence[dict[str, Any]] = (
        {"deleted": True},
        {"org_key": pick(("org_1", "org_2", "org_9", "acme", ""))},
        {"provider_customer_id": pick(("cus_1", "cus_2", "cus_9"))},
        {"provider_customer_id": pick(("cus_1", "cus_2", "cus_9"))},
        {"livemode": False},
        {"collected_automatically": True},
        {},
    )
    changed = replace(customer, **pick(changes))
    if pick((True, True, True, False)):
        return world.with_instead(customer, changed)
    return world.with_instead(customer, *pick(((), (changed, replace(changed, id=f"{changed.id}-3")))))


def _org(pick: Pick, world: OddWorld) -> OddWorld:
    """One organisation is otherwise."""
    org = pick(world.orgs)
    row_ids = [each.id for each in world.rows()]
    changes: Sequence[dict[str, Any]] = (
        {"tier": pick((*TIERS, "mystery"))},
        {"tier": pick(TIERS)},
        {"status": pick(("suspended", "deleted", "frozen", "flagged", "delinquent"))},
        {"status": "suspended"},
        {"lago_id": pick((None, "", "gone", "org_1", "lago-2", *row_ids))},
        {"stripe_id": pick((None, "", "cus_gone", "cus_1", "cus_2"))},
        {"created_at": pick((NOW - DAY, NOW - 30 * DAY, NOW - 31 * DAY))},
    )
    changed = replace(org, **pick(changes))
    return replace(world, orgs=tuple(changed if each is org else each for each in world.orgs))


def _third_org(pick: Pick, world: OddWorld) -> OddWorld:
    """An organisation that leads to what another one has."""
    third = replace(
        world.orgs[0],
        id="org_3",
        name="Company 3",
        status=pick(("active", "active", "deleted")),
        lago_id=pick((None, "org_1", "lago-1", "org_9")),
        stripe_id=pick((None, "cus_1", "cus_9")),
    )
    return replace(world, orgs=(*world.orgs, third))


def _dunning(pick: Pick, world: OddWorld) -> OddWorld:
    """Unpaid invoices of one subscription, and what it says of itself."""
    rows = world.rows()
    if not rows:
        return world
    row = pick(rows)
    owed = [
        replace(
            invoice(row.source, invoice_id=f"in-{row.id}-{number}", due=pick((9900, 1, 0))),
            customer_id=row.customer_id,
            currency=pick(("usd", "usd", "eur")),
            subscription_ids=pick(((row.id,), (row.id,), (), ("another",))),
            due_since=pick((NOW - 3 * DAY, NOW - 14 * DAY, NOW - 15 * DAY, NOW - 16 * DAY, None)),
            overdue=pick((True, True, False)),
            dispute_lost_at=pick((None, None, None, NOW - 3 * DAY, NOW - 31 * DAY, NOW - 40 * DAY)),
        )
        for number in range(pick((1, 1, 2)))
    ]
    status = pick((row.status, SubscriptionStatus.PAST_DUE, SubscriptionStatus.UNPAID, SubscriptionStatus.ACTIVE))
    changed = replace(row, status=status, collected_automatically=pick((True, True, False)))
    return world.with_instead(row, changed, *owed)


def _terms(pick: Pick, world: OddWorld) -> OddWorld:
    """Other words for statuses, another currency, other times."""
    said = world.terms.statuses
    flagged = frozenset({"paid_tier_no_billing", "collection_paused", "zero_amount_live", "contract_expired"})
    statuses: Sequence[StatusTerms] = (
        replace(said, flagged="flagged", flagged_codes=flagged),
        replace(said, flagged="flagged", flagged_codes=flagged | {"paused", "trial_overrun", "future_start"}),
        replace(said, flagged="suspended", flagged_codes=flagged),
        replace(said, ended="suspended"),
        replace(said, lapsed="delinquent"),
        replace(said, trialing=pick(("trial", "starter", "enterprise"))),
        replace(said, unpaid_tier="trial"),
    )
    changes: Sequence[dict[str, Any]] = (
        {"statuses": pick(statuses)},
        {"statuses": pick(statuses)},
        {"currency": "eur"},
        {"livemode": False},
        {"grace_days": pick((0, 3, 60))},
        {"settle_lower": DAY, "settle_raise": pick((timedelta(0), 2 * HOUR, DAY))},
        {"authority": pick(tuple(Authority)), "authority_of": {}} if len(world.sides) > 1 else {},
    )
    return replace(world, terms=replace(world.terms, **pick(changes)))


def _reading(pick: Pick, world: OddWorld) -> OddWorld:
    """Less was read: one source only, no invoices, or no ended subscriptions."""
    kind = pick(("sides", "reads", "ended", "ended"))
    if kind == "reads":
        return replace(world, reads=pick(((), (SideList.COUPONS,))))
    if kind == "ended":
        return replace(world, ended_of=frozenset(pick(((), ("cus_1",), ("cus_1", "cus_2")))))
    side = pick(tuple(Source))
    changed = replace(world.terms, authority=Authority(side.value), authority_of={}, collects=side)
    return replace(world, sides=(side,), incomplete=(), terms=changed)


_TWISTS: tuple[Twist, ...] = (
    _row,
    _row,
    _row,
    _row,
    _another_row,
    _another_row,
    _customer,
    _customer,
    _org,
    _org,
    _third_org,
    _dunning,
    _dunning,
    _terms,
    _terms,
    _reading,
)

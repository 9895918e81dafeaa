"""Generated worlds: organisations, links, customers and subscriptions of both sources, sound and unsound alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Protocol, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from builders import CATALOG, DAY, NOW, lago_customer, lago_sub, observe_world, org, stripe_customer, stripe_sub
from reconciler.model.acts import Contract
from reconciler.model.billing import (
    CollectionPause,
    Customer,
    Discount,
    EndReason,
    Invoice,
    Item,
    Source,
    Subscription,
    SubscriptionStatus,
)
from reconciler.model.catalog import Tier
from reconciler.model.drift import Call, Fix
from reconciler.model.history import History, OrgState, SubscriptionState
from reconciler.model.observation import Observation
from reconciler.model.orgs import InvalidRecord, Org
from reconciler.model.terms import Authority, StatusTerms, Terms
from reconciler.rules.changes import subscription_digest

T = TypeVar("T")


class Pick(Protocol):
    """Picks one of several choices."""

    def __call__(self, choices: Sequence[T], /) -> T: ...


PAID = ("starter", "professional", "enterprise")
STATUSES = tuple(SubscriptionStatus)

quick = settings(
    max_examples=100, derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A generated world with the terms by which it is judged."""

    orgs: tuple[Org, ...]
    held: tuple[Customer | Subscription | Invoice, ...]
    incomplete: tuple[Source, ...]
    invalid: tuple[InvalidRecord, ...]
    terms: Terms
    history: History = field(default_factory=History)

    @property
    def observation(self) -> Observation:
        return observe_world(
            self.orgs, *self.held, incomplete=self.incomplete, invalid=self.invalid, history=self.history
        )

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        return tuple(each for each in self.held if isinstance(each, Subscription))

    def after(self, fixes: Iterable[Fix]) -> Scene:
        """The same world once the store has taken `fixes`, and the ledger which statuses were ours."""
        by_id, ours = {each.id: each for each in self.orgs}, {}
        for fix in fixes:
            by_id[fix.org_id] = _written(by_id[fix.org_id], fix)
            if fix.call is Call.STATUS:
                ours[fix.org_id] = fix.arguments["status"]
        history = replace(
            self.history,
            own_status={**self.history.own_status, **ours},
            status_set={**self.history.status_set, **ours},
        )
        return replace(self, orgs=tuple(by_id.values()), history=history)


def _written(before: Org, fix: Fix) -> Org:
    match fix.call:
        case Call.PLAN:
            return replace(before, tier=fix.arguments["plan_tier"])
        case Call.STATUS:
            return replace(before, status=fix.arguments["status"])
        case Call.BILLING_IDS:
            return replace(
                before,
                lago_id=fix.arguments.get("lago_id", before.lago_id),
                stripe_id=fix.arguments.get("stripe_id", before.stripe_id),
            )


def tiers_of(subscription: Subscription) -> list[Tier]:
    """The tiers its items mean, read off the names that the builders give to plans and prices."""
    names = [(item.plan_code or item.price_id.removeprefix("price_")).split("_")[0] for item in subscription.items]
    return [CATALOG.tiers[name] for name in names if name in CATALOG.tiers]


def a_scene(pick: Pick) -> Scene:
    """A world out of choices; most have sound links and common statuses, so that tiers are really judged."""
    mixed = _Mixer(pick, odd_links=pick((False, False, True)), odd_rows=pick((False, False, True)))
    numbers = range(1, 2 + pick((1, 2, 2)))
    customers = [made for number in numbers for source in Source for made in mixed.customers(source, number)]
    rows = [row for number in numbers for row in mixed.subscriptions(number)]
    return Scene(
        orgs=tuple(mixed.org(number, rows) for number in numbers),
        held=(*customers, *rows, *(mixed.invoice(row) for row in rows if pick((False, False, True)))),
        incomplete=pick(((), (), (), (), (), (Source.LAGO,), (Source.STRIPE,), tuple(Source))),
        invalid=_invalid(pick),
        terms=_terms(pick),
        history=_history(pick, rows),
    )


def _history(pick: Pick, rows: Sequence[Subscription]) -> History:
    """What earlier runs and people left: nothing, or contracts, recorded states, and writes of ours."""
    if pick((True, True, False)):
        return History()
    state = OrgState(tier=pick((*PAID, "founders_friend")), status="active", lago_id=None, stripe_id=None, since=None)
    digests = {row.id: subscription_digest(row) for row in rows}
    return History(
        orgs=pick(({}, {"org_1": state})),
        subscriptions=pick(
            ({}, {key: SubscriptionState(digest=digest, since=NOW - DAY / 2) for key, digest in digests.items()})
        ),
        own_status=pick(({}, {"org_1": "suspended"})),
        contracts=tuple(
            Contract(
                id=f"c_{number}",
                org_id=f"org_{number}",
                tier=pick((*PAID, "platinum")),
                amount_minor=pick((0, 5000)),
                currency=pick(("usd", "eur")),
                start=date(2026, 1, 1),
                end=pick((None, date(2026, 6, 30), date(2027, 6, 30))),
                approver="Ann",
                reference="2026-17",
            )
            for number in (1, 2)
            if pick((True, False))
        ),
    )


def _terms(pick: Pick) -> Terms:
    return Terms(
        authority=pick(tuple(Authority)),
        catalog=CATALOG,
        statuses=StatusTerms(unpaid_tier="founders_friend", trialing=pick(("", "", "trial", "starter"))),
        authority_of=pick(({}, {}, {"org_1": Authority.STRIPE}, {"org_2": Authority.EITHER})),
        exclude=pick(({}, {}, {}, {"org_1": "a partner"})),
        collects=pick(tuple(Source)),
        settle_lower=pick((timedelta(0), timedelta(0), DAY)),
    )


def _invalid(pick: Pick) -> tuple[InvalidRecord, ...]:
    readable = InvalidRecord(key="org_1", problem="its name is blank", readable=True)
    lost = InvalidRecord(key="org_lost", problem="it has no id", readable=False)
    return pick(((), (), (), (), (), (), (), (readable,), (lost,), (readable, lost)))


class _Mixer:
    """Picks usual things, and where a world is to be odd, odd ones among them."""

    def __init__(self, pick: Pick, *, odd_links: bool, odd_rows: bool) -> None:
        self._pick = pick
        self._odd_links = odd_links
        self._odd_rows = odd_rows

    def _link(self, usual: Sequence[T], odd: Sequence[T]) -> T:
        return self._pick((*usual, *odd) if self._odd_links else usual)

    def _row(self, usual: Sequence[T], odd: Sequence[T]) -> T:
        return self._pick((*usual, *odd) if self._odd_rows else usual)

    def customers(self, source: Source, number: int) -> list[Customer]:
        make = lago_customer if source is Source.LAGO else stripe_customer
        key = self._link((f"org_{number}",) * 4, ("", "acme", "org_1", "org_lost"))
        usual = make(number, org_key=key, collected_automatically=self._pick((False, True)))
        return self._link(([usual],) * 6, ([], [replace(usual, deleted=True)]))

    def org(self, number: int, rows: Sequence[Subscription]) -> Org:
        own_rows = [row.id for row in rows if row.customer_id == f"lago-{number}"]
        return org(
            number,
            self._row((*PAID, *PAID, "founders_friend", "trial"), ("mystery",)),
            status=self._row(("active",) * 7 + ("suspended",), ("suspended", "deleted", "frozen")),
            lago_id=self._link((f"org_{number}", None, "", f"lago-{number}", *own_rows), ("gone", "lago-1", "acme")),
            stripe_id=self._link((f"cus_{number}", f"cus_{number}", None), ("", "cus_gone", "cus_1")),
        )

    def subscriptions(self, number: int) -> list[Subscription]:
        favourite = self._pick((*PAID, "professional"))
        sides = self._pick(((), (Source.LAGO,), (Source.STRIPE,), *((tuple(Source),) * 4), (*Source, *Source)))
        return [self._subscription(number, place, side, favourite) for place, side in enumerate(sides)]

    def invoice(self, row: Subscription) -> Invoice:
        pick = self._pick
        return Invoice(
            source=row.source,
            id=f"in-{row.id}",
            customer_id=row.customer_id,
            due_minor=pick((9900, 0)),
            currency=pick(("usd", "eur")),
            subscription_ids=pick(((row.id,), (), ("another",))),
            due_since=pick((NOW - 3 * DAY, NOW - 40 * DAY, None)),
            overdue=pick((True, False)),
            dispute_lost_at=pick((None, None, NOW - 3 * DAY)),
        )

    def _subscription(self, number: int, place: int, source: Source, favourite: str) -> Subscription:
        pick = self._pick
        usual = SubscriptionStatus.ACTIVE, SubscriptionStatus.ACTIVE, SubscriptionStatus.ENDED
        status = self._row((*usual, *usual, SubscriptionStatus.TRIALING), STATUSES)
        tier = self._row((favourite,) * 5 + (*PAID, "founders_friend"), ("secret", "seats"))
        currency = pick(("usd", "usd", "usd", "eur", "gbp"))
        base = (lago_sub if source is Source.LAGO else stripe_sub)(
            number,
            tier,
            sub_id=f"{source}-{number}-{place}",
            status=status,
            amount=self._row((-1,), (None, 0, 7777)) if tier in CATALOG.tiers else 1000,
            currency=currency,
            yearly=pick((False, False, True)),
        )
        waits = self._row((False, False, False), (True,))
        row = replace(
            base,
            next_item=base.items[0] if waits else None,
            next_at=pick((NOW + 5 * DAY, NOW - 3 * DAY)) if waits else None,
            cancel_at=self._row((None, None, NOW + 5 * DAY), (NOW - DAY / 2, NOW - 3 * DAY)),
            ended_at=pick((NOW - 40 * DAY, NOW - 2 * DAY, None)) if status is SubscriptionStatus.ENDED else None,
            collected_automatically=pick((True, True, False)),
            discounts=self._row(((), (), (Discount(percent=Decimal(20)),)), _DISCOUNTS),
        )
        if source is Source.LAGO:
            chain = pick((f"org_{number}_a", f"org_{number}_{place}"))
            return replace(row, keeps_paid_period=pick((False, True)), external_id=chain)
        period_end = pick((NOW + 20 * DAY, NOW - DAY))
        item = replace(row.items[0], quantity=pick((1, 1, 3)), period_end=period_end)
        return replace(
            row,
            items=(item, *self._row(((), ()), ((_seats(),), (_other(currency),), (_second_base(currency),)))),
            end_reason=pick(tuple(EndReason)),
            collection_pause=self._row(
                (None, None, None), (CollectionPause(), CollectionPause(resumes_at=NOW + DAY), _DRAFTS)
            ),
            org_key=self._link(("", f"org_{number}"), ("org_1", "org_2")),
        )


_DRAFTS = CollectionPause(keeps_drafts=True)
_DISCOUNTS = ((Discount(percent=Decimal(100)),), (Discount(amount_minor=500, currency="usd"),))


def _seats() -> Item:
    return Item(id="si_2", price_id="price_seats", unit_amount=500, currency="usd")


def _other(currency: str) -> Item:
    return Item(id="si_3", price_id="price_who_knows", unit_amount=100, currency=currency)


def _second_base(currency: str) -> Item:
    return Item(id="si_4", price_id="price_starter", unit_amount=4900, currency=currency)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Worlds of every kind."""
    return a_scene(lambda choices: draw(st.sampled_from(choices)))

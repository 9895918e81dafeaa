"""Drifts of identity: where an organisation leads, whose customer that is, and which of its ids lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.billing import Source
from reconciler.model.drift import Call, Code, Decided, Direction, Drift, Fix
from reconciler.rules.case import Case, drift_id
from reconciler.rules.identity import NOT_LISTED, Link, Way, named_apart
from reconciler.rules.row import EVERYTHING, LOWERING

_NAMES_SHOWN = 10
_RUNS_HELD = 2


def id_shared(case: Case) -> Iterator[Drift]:
    """Customers that other organisations claim too; what may stop is counted once, on the first of them."""
    for source, link in case.links.items():
        for customer in link.customers:
            sharers = case.world.claims.get((source, customer), ())
            if len(sharers) > 1 and not named_apart(source, customer, sharers, case.world.index):
                held = [each for each in case.standings[source].live if each.subscription.customer_id == customer]
                first = next(each for each in sharers if each not in case.world.terms.exclude)
                yield case.drift(
                    Code.ID_SHARED,
                    subject=customer,
                    detail=f"{source} customer {customer} by {_some(sharers)}",
                    at_risk=case.monthly(held) if first == case.org.id else 0,
                )


def id_crossed(case: Case) -> Iterator[Drift]:
    """Customers that say they belong to somebody else, whom no organisation of the store speaks for."""
    for source, link in case.links.items():
        for customer, named in link.crossed.items():
            if len(case.world.claims.get((source, customer), ())) > 1:
                continue
            held = [each for each in case.standings[source].live if each.subscription.customer_id == customer]
            yield case.drift(
                Code.ID_CROSSED,
                subject=customer,
                detail=f"{source} customer {customer} names {named}",
                at_risk=case.monthly(held),
            )


def livemode_differs(case: Case) -> Iterator[Drift]:
    """Subscriptions and customers of the other mode that the organisation leads to."""
    for source, link in case.links.items():
        strange = [row.id for row in case.foreign if row.source is source]
        known, ours = case.world.index.customers[source], case.world.terms.livemode
        for customer_id in link.customers:
            customer = known.get(customer_id)
            if customer is not None and customer.livemode not in {None, ours}:
                strange.append(customer_id)
        if strange:
            yield case.drift(Code.LIVEMODE_DIFFERS, subject=source, detail=f"{', '.join(sorted(strange))} on {source}")


def duplicate_customer(case: Case) -> Iterator[Drift]:
    """Two customers of one source, both live; what is billed twice is told with the subscriptions."""
    for source, side in case.standings.items():
        live = sorted({each.subscription.customer_id for each in side.live})
        if len(live) > 1:
            yield case.drift(
                Code.DUPLICATE_CUSTOMER,
                subject=source,
                detail=f"{' and '.join(live)} on {source}",
                overbilled=case.overbilled_on(source),
            )


def link_stale(case: Case) -> Iterator[Drift]:
    """The recorded customer has nothing live, and another one of this organisation has."""
    for source, link in case.links.items():
        side = case.standings[source]
        if not side.live or link.recorded is None or link.understood or not side.complete:
            continue
        live = {each.subscription.customer_id for each in side.live}
        if live.isdisjoint(link.by_record):
            yield case.drift(
                Code.LINK_STALE, subject=source, detail=f"{min(live)} on {source}, recorded is {link.recorded}"
            )


def customer_deleted(case: Case) -> Iterator[Drift]:
    """A customer is deleted in Stripe or gone from Lago."""
    for source, link in case.links.items():
        for customer in link.gone:
            live = [each for side in case.standings.values() for each in side.live]
            yield case.drift(
                Code.CUSTOMER_DELETED,
                subject=customer,
                detail=f"{source} customer {customer}",
                at_risk=case.monthly(case.standings[source].live) if live else 0,
            )


def link_dead(case: Case) -> Iterator[Drift]:
    """The recorded id leads nowhere, and nothing else leads to anything live: held until two complete runs saw it."""
    for source, link in case.links.items():
        if link.nowhere and not case.standings[source].live:
            seen = case.world.past.runs_seen(drift_id(Code.LINK_DEAD, case.org.id, source))
            sure = seen >= _RUNS_HELD
            yield case.drift(
                Code.LINK_DEAD,
                subject=source,
                detail=f"{link.recorded} on {source}",
                default=Decided.FLAG if sure else None,
                stops=LOWERING if sure else None,
            )


def provider_link_differs(case: Case) -> Iterator[Drift]:
    """Lago charges a Stripe customer that is not the organisation's."""
    lago, stripe = case.links.get(Source.LAGO), case.links.get(Source.STRIPE)
    if lago is None or stripe is None or not stripe.customers:
        return
    index = case.world.index
    for customer_id in lago.customers:
        charged = index.customers[Source.LAGO].get(customer_id, NOT_LISTED).provider_customer_id
        if charged and charged not in stripe.customers:
            other = index.customers[Source.STRIPE].get(charged)
            names_another = other is not None and other.org_key not in {"", case.org.id}
            yield case.drift(
                Code.PROVIDER_LINK_DIFFERS,
                subject=customer_id,
                detail=f"{charged} by lago customer {customer_id}",
                stops=EVERYTHING if names_another else None,
            )


def link_weak(case: Case) -> Iterator[Drift]:
    """No id leads to a customer with something live, but what is charged, or what lives, names the organisation."""
    for source, customer_id, why in sorted(_weakly_linked(case)):
        yield case.drift(Code.LINK_WEAK, subject=customer_id, detail=f"{source} customer {customer_id}, {why}")


def _weakly_linked(case: Case) -> Iterator[tuple[Source, str, str]]:
    lago, stripe, index = case.links.get(Source.LAGO), case.links.get(Source.STRIPE), case.world.index
    if stripe is None:
        return
    by_live = index.named_by_live[Source.STRIPE].get(case.org.id, ())
    named = [each for each in by_live if each not in stripe.customers]
    for customer_id in named:
        yield Source.STRIPE, customer_id, "whose live subscription names it"
    if lago is None:
        return
    for charged in stripe.customers:
        for customer_id in index.charging.get(charged, ()):
            if customer_id not in lago.customers and index.is_live(Source.LAGO, customer_id):
                yield Source.LAGO, customer_id, f"for which the organisation's stripe customer {charged} is charged"
    for customer_id in () if stripe.customers else lago.customers:
        charged = index.customers[Source.LAGO].get(customer_id, NOT_LISTED).provider_customer_id
        if charged and charged not in named and index.is_live(Source.STRIPE, charged):
            yield Source.STRIPE, charged, f"which is charged for its lago customer {customer_id}"


def link_missing(case: Case) -> Iterator[Drift]:
    """The id is absent, and the organisation's own id leads to exactly one customer that nobody else claims."""
    for source, link in case.links.items():
        if link.recorded is not None or len(link.customers) != 1 or not case.world.index.complete[source]:
            continue
        (customer,) = link.customers
        if case.world.claims.get((source, customer)) == (case.org.id,) and customer not in link.gone:
            yield _link_missing(case, link, customer)


def _link_missing(case: Case, link: Link, customer: str) -> Drift:
    if link.source is Source.LAGO:  # the external id, the only one that REST can look up
        arguments, expects = {"lago_id": case.org.id}, {"lago_customer_id": case.org.lago_id}
    else:
        arguments, expects = {"stripe_id": customer}, {"stripe_customer_id": case.org.stripe_id}
    return case.drift(
        Code.LINK_MISSING,
        subject=link.source,
        detail=f"{link.source} customer {customer}",
        fix=Fix(
            org_id=case.org.id,
            drift_id=drift_id(Code.LINK_MISSING, case.org.id, link.source),
            call=Call.BILLING_IDS,
            arguments=arguments,
            expects=expects,
            direction=Direction.LINK,
        ),
    )


def link_other_form(case: Case) -> Iterator[Drift]:
    """The recorded id is another known id of its own customer than the usual one."""
    for source, link in case.links.items():
        usual = Way.EXTERNAL_ID if source is Source.LAGO else Way.CUSTOMER_ID
        if not link.customers or link.unread or link.recorded is None or link.nowhere:
            continue
        if not any(usual in ways for ways in link.customers.values()):
            ways = frozenset().union(*link.customers.values())
            yield case.drift(
                Code.LINK_OTHER_FORM,
                subject=source,
                detail=f"{link.recorded} on {source}, found by {', '.join(sorted(ways))}",
            )


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:_NAMES_SHOWN])
    return shown if len(names) <= _NAMES_SHOWN else f"{shown} and {len(names) - _NAMES_SHOWN} more"

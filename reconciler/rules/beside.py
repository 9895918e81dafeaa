"""Drifts of identity and of money taken twice: found whatever the tier, listed beside it, some forbidding its fix."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.billing import Source
from reconciler.model.drift import Call, Code, Direction, Drift, Fix
from reconciler.rules.books import collecting_sides, overbilled_between, overbilled_on
from reconciler.rules.case import Case, drift_id
from reconciler.rules.identity import Link, Way, named_apart
from reconciler.rules.standing import Granting

_NAMES_SHOWN = 10


def shared_customers(case: Case) -> Iterator[Drift]:
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
                    with_tier_money=False,
                )


def duplicates(case: Case) -> Iterator[Drift]:
    """More than one live paid subscription on a side, both sides collecting, and free ones left beside paid ones."""
    collecting = collecting_sides(case.authority, case.standings, case.world.terms, double=case.double)
    for source, side in case.standings.items():
        if len(side.live) > 1:
            yield case.drift(
                Code.DUPLICATE_SUBSCRIPTION,
                subject=source,
                detail=_listed(side.live),
                overbilled=overbilled_on(side, case.currency) if source in collecting else 0,
                with_tier_money=False,
            )
        if side.free and side.live:
            yield case.drift(
                Code.LEFTOVER_FREE_SUBSCRIPTION, subject=source, detail=_listed(side.free), with_tier_money=False
            )
    if case.double:
        tops = [side.live[0] for side in case.standings.values()]
        yield case.drift(
            Code.DOUBLE_BILLED,
            detail=_listed(tuple(tops)),
            overbilled=overbilled_between(case.standings.values(), case.currency),
            with_tier_money=False,
        )


def link_drifts(case: Case) -> Iterator[Drift]:
    """The recorded id absent although the customer is known, or recorded in another form than the usual one."""
    for source, link in case.links.items():
        if not link.customers or link.unread:
            continue
        ways = frozenset().union(*link.customers.values())
        usual = Way.EXTERNAL_ID if source is Source.LAGO else Way.CUSTOMER_ID
        if link.recorded is None:
            claimed_by = {
                sharer for customer in link.customers for sharer in case.world.claims.get((source, customer), ())
            }
            if len(link.customers) == 1 and claimed_by == {case.org.id} and case.world.index.complete[source]:
                yield _link_missing(case, link)
        elif usual not in ways:
            forms = ", ".join(sorted(ways))
            yield case.drift(
                Code.LINK_OTHER_FORM,
                subject=source,
                detail=f"{link.recorded} on {source}, found by {forms}",
                with_tier_money=False,
            )


def _link_missing(case: Case, link: Link) -> Drift:
    (customer,) = link.customers
    if link.source is Source.LAGO:  # the external id, the only one that REST can look up
        arguments, expects = {"lago_id": case.org.id}, {"lago_customer_id": case.org.lago_id}
    else:
        arguments, expects = {"stripe_id": customer}, {"stripe_customer_id": case.org.stripe_id}
    return case.drift(
        Code.LINK_MISSING,
        subject=link.source,
        detail=f"{link.source} customer {customer}",
        with_tier_money=False,
        fix=Fix(
            org_id=case.org.id,
            drift_id=drift_id(Code.LINK_MISSING, case.org.id, link.source),
            call=Call.BILLING_IDS,
            arguments=arguments,
            expects=expects,
            direction=Direction.LINK,
        ),
    )


def _listed(held: tuple[Granting, ...]) -> str:
    return ", ".join(f"{each.subscription.id} ({each.tier.name})" for each in held)


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:_NAMES_SHOWN])
    return shown if len(names) <= _NAMES_SHOWN else f"{shown} and {len(names) - _NAMES_SHOWN} more"

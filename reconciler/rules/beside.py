"""What is billed twice, or for nothing beside what is paid for: found whatever the tier."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.drift import Code, Drift
from reconciler.rules.books import overbilled_between
from reconciler.rules.case import Case
from reconciler.rules.standing import Granting


def duplicate_subscription(case: Case) -> Iterator[Drift]:
    """One customer with more than one live paid subscription; between two customers it is told with these."""
    for source, side in case.standings.items():
        customers = {each.subscription.customer_id for each in side.live}
        if len(side.live) > len(customers):
            yield case.drift(
                Code.DUPLICATE_SUBSCRIPTION,
                subject=source,
                detail=_listed(side.live),
                overbilled=case.overbilled_on(source) if len(customers) == 1 else 0,
            )


def double_billed(case: Case) -> Iterator[Drift]:
    """Both sides collect by themselves although one would do."""
    if case.double:
        yield case.drift(
            Code.DOUBLE_BILLED,
            detail=_listed(tuple(side.live[0] for side in case.standings.values())),
            overbilled=overbilled_between(case.standings.values(), case.currency, case.unpaid),
        )


def leftover_free_subscription(case: Case) -> Iterator[Drift]:
    """A free subscription beside a paid one."""
    for source, side in case.standings.items():
        if side.free and side.live:
            yield case.drift(Code.LEFTOVER_FREE_SUBSCRIPTION, subject=source, detail=_listed(side.free))


def _listed(held: tuple[Granting, ...]) -> str:
    return ", ".join(f"{each.subscription.id} ({each.tier.name})" for each in held)

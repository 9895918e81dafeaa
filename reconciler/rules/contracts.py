"""Tiers agreed outside billing: what a contract grants, and what is still had when it is over."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.acts import Contract
from reconciler.model.drift import Code, Drift
from reconciler.rules.case import Case
from reconciler.rules.due import Says
from reconciler.rules.past import over_at


def contract_ok(case: Case) -> Iterator[Drift]:
    """A contract grants what the organisation has."""
    contract, tier = case.due.contract, case.due.tier
    if contract is None or tier is None or tier.name != case.org.tier:
        return
    yield case.drift(
        Code.CONTRACT_OK,
        subject=contract.id,
        detail=_told(contract),
        variance=None if case.books is None else case.books.variance,
    )


def contract_expired(case: Case) -> Iterator[Drift]:
    """A contract is over, and what it granted is still had although nothing else grants it."""
    if not case.expired or not case.unmet or case.due.says is Says.PAID_THROUGH or case.has is None:
        return
    tiers = case.world.terms.catalog.tiers
    explaining = [each for each in case.expired if each.tier in tiers and tiers[each.tier].rank >= case.has.rank]
    if explaining:
        last = max(explaining, key=lambda each: (each.end is not None and each.end.toordinal(), each.id))
        yield case.drift(
            Code.CONTRACT_EXPIRED,
            subject=last.id,
            detail=_told(last),
            effective_at=None if last.end is None else over_at(last.end),
        )


def _told(contract: Contract) -> str:
    until = "until it is ended" if contract.end is None else f"until {contract.end}"
    return f"{contract.id} for {contract.tier}, {until}"

"""The drifts of an organisation's status: late payments, suspended payers, and what is billed after a deletion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from reconciler.model.billing import Source, Subscription
from reconciler.model.catalog import Tier
from reconciler.model.drift import Code, Decided, Direction, Drift, State
from reconciler.model.terms import Authority
from reconciler.rules.case import Case
from reconciler.rules.dunning import Late
from reconciler.rules.fixes import status_fix, stops_lapsing
from reconciler.rules.past import begins_at
from reconciler.rules.row import EVERYTHING, LOWERING
from reconciler.rules.schedules import said
from reconciler.rules.standing import Granting, monthly_sum


def past_due_in_grace(case: Case) -> Iterator[Drift]:
    """A payment is late within its grace: what the organisation has it keeps, and more it does not get."""
    for late in case.late.values():
        if not late.beyond:
            yield case.drift(
                Code.PAST_DUE_IN_GRACE,
                subject=late.granting.subscription.id,
                detail=_told(late),
                effective_at=late.since,
                at_risk=case.monthly([late.granting]),
                overdue=_overdue(case, late),
                stops=EVERYTHING if late.automatic else LOWERING,
            )


def past_due_beyond_grace(case: Case) -> Iterator[Drift]:
    """A payment that is collected automatically is late beyond its grace: the organisation loses its status."""
    lapsed = [late for late in case.late.values() if late.lapsed]
    status = case.world.terms.statuses.lapsed
    for place, late in enumerate(lapsed):
        subject = late.granting.subscription.id
        takes = not place and case.has is not None and case.has.paid  # an unpaid tier leaks nothing
        fix = status_fix(case, Code.PAST_DUE_BEYOND_GRACE, status, Direction.LOWER, subject=subject) if takes else None
        yield case.drift(
            Code.PAST_DUE_BEYOND_GRACE,
            subject=subject,
            detail=_told(late),
            due=State(tier=case.org.tier, status=status),
            effective_at=late.since,
            overdue=_overdue(case, late),
            fix=fix,
            stopped_by=_not_proven(case, late) if fix else "",
            default=None if fix else Decided.FLAG,
        )


def overdue_by_invoice(case: Case) -> Iterator[Drift]:
    """An invoice is late beyond its grace, and nobody collects it by himself: a person must ask for it."""
    for late in case.late.values():
        if late.beyond and not late.automatic:
            yield case.drift(
                Code.OVERDUE_BY_INVOICE,
                subject=late.granting.subscription.id,
                detail=_told(late),
                effective_at=late.since,
                overdue=_overdue(case, late),
            )


def _not_proven(case: Case, late: Late) -> str:
    if not late.invoices:
        return f"no unpaid invoice of {late.granting.subscription.id} was read"
    return stops_lapsing(case, late.granting)


def _told(late: Late) -> str:
    row = late.granting.subscription
    return f"{row.id} on {row.source}, since {said(late.since)}"


def _overdue(case: Case, late: Late) -> int | None:
    return late.overdue if late.granting.item.currency == case.currency else None


def suspended_but_paying(case: Case) -> Iterator[Drift]:
    """A suspended organisation pays, or has a contract: taken back only where nobody but us has changed its status."""
    paid = [each for side in case.granting for each in (*side.live, *side.paid_through)]
    paid = [each for each in paid if each.entitles_to.paid and case.pays(each)]
    if paid and not _owes(case):
        row = paid[0]
        yield _taken_back(case, row.entitles_to, row.subscription.started_at, stopped_by=_not_known_paid(case, paid))
        return
    contract, tier = case.due.contract, case.due.tier
    if contract is not None and tier is not None and tier.paid:
        told = _taken_back(case, tier, begins_at(contract.start))
        yield replace(told, text=f"The organisation is suspended, but its contract {contract.id} is in force.")


def _taken_back(case: Case, due: Tier, since: datetime | None, *, stopped_by: str = "") -> Drift:
    entitled = case.world.terms.statuses.entitled
    ours = case.world.past.history.own_status.get(case.org.id) == case.org.status
    fix = status_fix(case, Code.SUSPENDED_BUT_PAYING, entitled, Direction.RAISE) if ours else None
    return case.drift(
        Code.SUSPENDED_BUT_PAYING,
        due=State(tier=due.name, status=entitled),
        effective_at=since,
        fix=fix,
        default=Decided.FIX if fix else None,
        stopped_by=stopped_by if fix else "",
    )


def _owes(case: Case) -> bool:
    """Whether under `both` nothing comes in on the collecting side: the mirror takes no money."""
    if case.authority is not Authority.BOTH:
        return False
    sides = [case.standings[source] for source in case.collecting]
    collected = [each for side in sides for each in (*side.live, *side.paid_through)]
    return bool(collected) and not any(case.pays(each) for each in collected)


def _not_known_paid(case: Case, paid: list[Granting]) -> str:
    """Why nobody knows that it pays: sides that do not agree, what names nobody, or Lago's unpaid invoices, unread."""
    live = [side for side in case.granting if side.live]
    alone = case.authority is Authority.BOTH and len(live) == 1
    if alone or len({side.live[0].entitles_to.name for side in live}) > 1:
        return "both sides must be live and agree" if alone else "the live sides differ"
    if all(case.may_be_anothers(each.subscription) for each in paid):
        return f"{paid[0].subscription.id} does not say for which of those who share its customer it was paid"
    for each in paid:
        row = each.subscription
        if row.source is Source.LAGO and not case.world.index.knows_invoices(row.source, row.customer_id):
            return f"the unpaid invoices of {row.source} customer {row.customer_id} were not read"
    return ""


def deleted_still_billed(case: Case) -> Iterator[Drift]:
    """A deleted organisation is billed by a subscription that is live."""
    sides = case.standings.values()
    live = [each for side in sides for each in side.live if _is_its_own(case, each.subscription)]
    unmapped = [row for side in sides for row in side.unresolved if _is_its_own(case, row)]
    rows = [*(each.subscription for each in live), *unmapped]
    if rows:
        collected = [each for each in live if each.subscription.source in case.collecting] or live
        currency = (collected[0].item.currency if collected else "") or case.currency
        yield case.drift(
            Code.DELETED_STILL_BILLED,
            detail=", ".join(row.id for row in rows),
            effective_at=rows[0].started_at,
            overbilled=None if unmapped else monthly_sum(collected, currency),
            currency=currency,
        )


def _is_its_own(case: Case, row: Subscription) -> bool:
    """Whether no other organisation claims the customer: a deleted one leaves it to its successor."""
    customer = (row.source, row.customer_id)
    return case.org.id in case.world.claims.get(customer, (case.org.id,))

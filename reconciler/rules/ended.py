"""What an organisation has although nothing live grants it: why that is, the most telling reason first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from reconciler.model.billing import EndReason, Source, SubscriptionStatus
from reconciler.model.drift import Code, Decided, Direction, Drift, State
from reconciler.model.terms import Authority
from reconciler.rules.books import first_payment_open
from reconciler.rules.case import Case
from reconciler.rules.due import Says
from reconciler.rules.dunning import disputes_lost, invoices_of, overdue_of
from reconciler.rules.fixes import status_fix, stops_lapsing, tier_fix
from reconciler.rules.schedules import explaining, said
from reconciler.rules.standing import Granting
from reconciler.rules.standing_reader import SCHEDULE_LAG


def incomplete_in_window(case: Case) -> Iterator[Drift]:
    """The first payment is open, and nothing else grants the tier."""
    waiting = [
        each
        for side in case.granting
        for each in side.open
        if first_payment_open(each, case.world.now) and each.entitles_to.rank > case.granted_rank
    ]
    if waiting:
        row = waiting[0].subscription
        yield case.drift(
            Code.INCOMPLETE_IN_WINDOW, detail=f"{row.id}, begun at {said(row.created_at)}", effective_at=row.created_at
        )


def unpaid(case: Case) -> Iterator[Drift]:
    """Every attempt to collect failed: what is collected automatically loses the status."""
    rows = [each for each in explaining(case, SubscriptionStatus.UNPAID) if each.subscription.source in case.collecting]
    if not rows:
        return
    row = rows[0]
    lapsed = case.world.terms.statuses.lapsed
    automatic = row.subscription.collected_automatically and case.granted_rank < 0
    fix = status_fix(case, Code.UNPAID, lapsed, Direction.LOWER) if automatic else None
    yield case.drift(
        Code.UNPAID,
        detail=f"{row.subscription.id} on {row.subscription.source}",
        due=State(tier=case.org.tier, status=lapsed) if fix else None,
        overdue=overdue_of(invoices_of(row, case.world.index), case.currency),
        stopped_by=stops_lapsing(case, row) if fix else "",
        default=None if fix else Decided.FLAG,
        fix=fix,
    )


def paused(case: Case) -> Iterator[Drift]:
    """The subscription is paused, and its tier is had."""
    rows = explaining(case, SubscriptionStatus.PAUSED)
    if rows:
        yield case.drift(Code.PAUSED, detail=f"{rows[0].subscription.id} on {rows[0].subscription.source}")


def payment_disputed(case: Case) -> Iterator[Drift]:
    """A dispute was lost, or ended the subscription, and the tier is still had."""
    if case.has is None or not case.has.paid:
        return
    ended = [
        each for each in _ended_with(case, case.has.name) if each.subscription.end_reason is EndReason.PAYMENT_DISPUTED
    ]
    if ended and case.due.says is Says.NOTHING:
        row = ended[0]
        yield case.drift(Code.PAYMENT_DISPUTED, detail=f"{row.subscription.id} ended for it", effective_at=row.until)
        return
    for source in case.collecting:
        for live in case.standings[source].live:
            for invoice in disputes_lost(live, case.world.index, case.world.now):
                yield case.drift(
                    Code.PAYMENT_DISPUTED,
                    detail=f"the invoice {invoice.id} of {live.subscription.id} was lost at "
                    f"{said(invoice.dispute_lost_at)}",
                    effective_at=invoice.dispute_lost_at,
                )
                return


def never_paid_entitled(case: Case) -> Iterator[Drift]:
    """Due nothing, and the only subscription, for the tier it has, was given up since its first payment failed."""
    if case.has is None or not case.unmet:
        return
    sides = case.standings.values()
    others = any(side.free or side.paid_through or side.ended for side in sides)
    rows = [each for side in sides for each in side.open]
    failed = [each for each in rows if _never_paid(each) and each.tier.name == case.has.name]
    if failed and len(failed) == len(rows) and not others:
        row = failed[0].subscription
        yield tier_fix(
            case,
            Code.NEVER_PAID_ENTITLED,
            case.unpaid_tier,
            effective_at=row.created_at,
            detail=f"{row.id} is {row.raw_status}",
            stopped_by=_one_sided(case, {each.subscription.source for each in failed}),
        )


def ended_still_entitled(case: Case) -> Iterator[Drift]:
    """Due nothing: the subscription to exactly this tier ended, and what was paid is used up."""
    if case.has is None or not case.has.paid:
        return
    ended = _ended_with(case, case.has.name)
    if ended:
        last = max(ended, key=lambda each: (each.until or case.world.now, each.subscription.id))
        found = tier_fix(
            case,
            Code.ENDED_STILL_ENTITLED,
            case.unpaid_tier,
            effective_at=last.until,
            stopped_by=_one_sided(case, {each.subscription.source for each in ended}),
        )
        status = case.world.terms.statuses.ended
        fix = status_fix(case, Code.ENDED_STILL_ENTITLED, status, Direction.LOWER)
        # Who is suspended has nothing, whatever its tier: one write takes all, by the same proof.
        yield found if fix is None else replace(found, fix=fix, due=State(tier=case.unpaid_tier.name, status=status))


def trial_overrun(case: Case) -> Iterator[Drift]:
    """It is on trial after the trial's end: that of its billing, or where there is none, that of its tier."""
    has, now, by = case.has, case.world.now, case.due.by
    if has is None:
        return
    if case.due.says is Says.LIVE and by is not None and by.trialing:
        end = by.subscription.trial_end
        past_trial = any(not each.trialing for side in case.granting for each in side.live)
        if end is not None and end <= now - SCHEDULE_LAG and not past_trial:
            yield case.drift(
                Code.TRIAL_OVERRUN, detail=f"{by.subscription.id} was on trial until {said(end)}", effective_at=end
            )
    elif case.due.says is Says.NOTHING and has.trial_days is not None:
        try:
            end = case.org.created_at + timedelta(days=has.trial_days)
        except OverflowError:
            return
        if end <= now:
            yield case.drift(Code.TRIAL_OVERRUN, detail=f"{has.name} was over at {said(end)}", effective_at=end)


def paid_tier_no_billing(case: Case) -> Iterator[Drift]:
    """Due nothing: a paid tier, and nothing at all that explains it."""
    if case.has is not None and case.has.paid:
        yield case.drift(Code.PAID_TIER_NO_BILLING)


def ended_unread(case: Case) -> str:
    """Which customer's ended subscriptions were not read although they decide; empty where none."""
    due, has = case.due, case.has
    if has is None or not has.paid:
        return ""
    lowers = due.tier is not None and due.tier.rank < has.rank
    if due.says is not Says.NOTHING and not lowers:
        return ""
    for source in case.authority.sides:
        for customer in case.links[source].customers:
            if not case.world.index.knows_ended(source, customer):
                return f"the ended subscriptions of {source} customer {customer}"
    return ""


def _ended_with(case: Case, tier: str) -> list[Granting]:
    return [each for side in case.granting for each in side.ended if each.tier.name == tier]


def _never_paid(granting: Granting) -> bool:
    subscription = granting.subscription
    failed = subscription.end_reason is EndReason.PAYMENT_FAILED
    return subscription.status is SubscriptionStatus.ABANDONED and failed


def _one_sided(case: Case, over: set[Source]) -> str:
    """Under `both` nothing is taken before both sides are over."""
    if case.authority is not Authority.BOTH or len(over) == len(case.authority.sides):
        return ""
    return f"both sides must have ended, and only {next(iter(over))} has"

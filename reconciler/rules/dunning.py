"""Late payments: since when, within grace or beyond it, and whether anybody collects them automatically."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.model.billing import Invoice, Source, SubscriptionStatus
from reconciler.model.drift import Code
from reconciler.model.terms import Terms
from reconciler.rules.identity import BillingIndex
from reconciler.rules.past import Past
from reconciler.rules.standing import Granting, Standing

# Lago gives the day on which an invoice was due: it is over everywhere only a day and a time zone later.
_LAGO_DAY = timedelta(hours=36)
_LONGEST_MONTH_DAYS = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A live subscription whose payment is late: `invoices` are the unpaid ones that are known to be its own.

    `since` is the first failed or due date, `beyond` whether the grace is over. `overdue` is what is unpaid in minor
    units of the subscription's currency, None where no invoice of it was read.
    """

    granting: Granting
    since: datetime
    beyond: bool
    invoices: tuple[Invoice, ...]

    @property
    def automatic(self) -> bool:
        """Whether somebody collects it automatically."""
        return self.granting.subscription.collected_automatically

    @property
    def lapsed(self) -> bool:
        """Whether it entitles no longer: beyond its grace, although it is collected automatically."""
        return self.beyond and self.automatic

    @property
    def overdue(self) -> int | None:
        """What is unpaid, in the subscription's own currency."""
        return overdue_of(self.invoices, self.granting.item.currency)


def overdue_of(invoices: Sequence[Invoice], currency: str) -> int | None:
    """What is unpaid in `currency`; None where nothing of it was read."""
    due = [each.due_minor for each in invoices if each.currency == currency]
    return sum(due) if due else None


def invoices_of(granting: Granting, index: BillingIndex) -> tuple[Invoice, ...]:
    """The unpaid invoices that belong to the subscription.

    A list may not say to which one an invoice belongs: then it is taken for a hint of every one of its customer's. Once
    the customer was read by itself, every invoice says it, and only its own count.
    """
    subscription = granting.subscription
    unpaid = index.invoices[subscription.source].get(subscription.customer_id)
    if not unpaid:
        return ()
    alone = (subscription.source, subscription.customer_id) in index.read_alone
    return tuple(
        each for each in unpaid if subscription.id in each.subscription_ids or (not each.subscription_ids and not alone)
    )


def late_payments(
    org_id: str,
    collecting: Iterable[Source],
    standings: Mapping[Source, Standing],
    *,
    index: BillingIndex,
    past: Past,
    terms: Terms,
    now: datetime,
) -> dict[str, Late]:
    """The live subscriptions of the collecting sides that are late, by id; the other side's invoices mean nothing."""
    late: dict[str, Late] = {}
    for source in collecting:
        for granting in standings[source].live:
            invoices = [each for each in invoices_of(granting, index) if each.due_minor > 0]
            if not _is_late(granting, invoices):
                continue
            since = _since(granting, invoices) or past.first_seen(_id(Code.PAST_DUE_IN_GRACE, org_id, granting)) or now
            # Where no date can be read, the grace runs from first seen; once it was over it stays over.
            known_over = past.first_seen(_id(Code.PAST_DUE_BEYOND_GRACE, org_id, granting)) is not None
            undated = _since(granting, invoices) is None
            late[granting.subscription.id] = Late(
                granting=granting,
                since=since,
                beyond=now >= since + timedelta(days=terms.grace_days) or (undated and known_over),
                invoices=tuple(invoices),
            )
    return late


def _id(code: Code, org_id: str, granting: Granting) -> str:
    return f"{code}:{org_id}:{granting.subscription.id}"


def _is_late(granting: Granting, invoices: Sequence[Invoice]) -> bool:
    """Stripe says it of the subscription where it collects by itself; of all else only the invoices tell."""
    subscription = granting.subscription
    if subscription.status is SubscriptionStatus.PAST_DUE:
        return True
    if subscription.source is Source.STRIPE and subscription.collected_automatically:
        return False
    return any(each.overdue for each in invoices)


def _since(granting: Granting, invoices: Sequence[Invoice]) -> datetime | None:
    dates = [each.due_since for each in invoices if each.due_since is not None]
    if not dates:
        return None
    return min(dates) + (_LAGO_DAY if granting.subscription.source is Source.LAGO else timedelta(0))


def disputes_lost(granting: Granting, index: BillingIndex, now: datetime) -> Iterator[Invoice]:
    """Invoices of the subscription that were lost in a dispute within its present period; older ones are history."""
    for invoice in invoices_of(granting, index):
        if invoice.dispute_lost_at is None:
            continue
        length = timedelta(days=float(granting.item.period.months * _LONGEST_MONTH_DAYS))
        if now - invoice.dispute_lost_at < length:
            yield invoice


def disputed_rows(
    collecting: Iterable[Source], standings: Mapping[Source, Standing], index: BillingIndex, now: datetime
) -> frozenset[str]:
    """The live subscriptions of the collecting sides that lost a dispute within their present period, by id."""
    return frozenset(
        live.subscription.id
        for source in collecting
        if index.invoices[source]
        for live in standings[source].live
        if any(disputes_lost(live, index, now))
    )

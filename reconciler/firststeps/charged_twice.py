"""Names the organisations whose money may be taken on both sides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.firststeps.checked import Checked, good, look
from reconciler.firststeps.live import Snapshots, live_subscriptions
from reconciler.model.billing import Source
from reconciler.model.orgs import Org
from reconciler.rules.identity import BillingIndex, claims_of

_NAMED = 5
_SUBJECT = "Charged"


def check_charged_twice(orgs: Iterable[Org], snapshots: Snapshots) -> Iterator[Checked]:
    """A live subscription in Stripe, and a customer in Lago that a payment provider charges for a live one."""
    claims = claims_of(orgs, BillingIndex.of(snapshots))
    charged: dict[Source, set[str]] = {}
    for source, snapshot in snapshots.items():
        charged[source] = {
            org_id
            for subscription in live_subscriptions(snapshot)
            if (source is Source.STRIPE or subscription.collected_automatically)
            and any(item.unit_amount != 0 for item in subscription.items)
            for org_id in claims.get((source, subscription.customer_id), ())
        }
    twice = sorted(charged[Source.LAGO] & charged[Source.STRIPE])
    for org_id in twice[:_NAMED]:
        yield look(
            _SUBJECT,
            f"{org_id} has a live Stripe subscription, and Lago charges it through a payment provider",
            "End one of the two, or take the payment provider from its Lago customer",
        )
    if len(twice) > _NAMED:
        yield look(
            _SUBJECT,
            f"{len(twice) - _NAMED:,} more organisations may be charged on both sides",
            "reconcile --dry-run --code double_billed shows those that a pass judges so",
        )
    if not twice:
        yield good(_SUBJECT, "No organisation may be charged on both sides")

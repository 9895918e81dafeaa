"""What one subscription is billed a month."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from reconciler.model.billing import Discount, Item, Subscription, SubscriptionStatus
from reconciler.model.money import monthly


def billed_monthly(subscription: Subscription, base: Sequence[Item]) -> int | None:
    """What the base items are billed a month, after recurring discounts, metered parts left out; a trial is 0.

    None where an amount is not known, the items are of several currencies, or everything is metered.
    """
    if subscription.status is SubscriptionStatus.TRIALING:
        return 0
    fixed = [item for item in base if not item.metered]
    if len({item.currency for item in fixed}) != 1:
        return None
    total = 0
    for place, item in enumerate(fixed):
        if item.unit_amount is None:
            return None
        amount: Fraction | int = item.unit_amount * item.quantity
        if item.discounts or subscription.discounts:
            # An amount off the whole invoice is taken off once, from the highest base item.
            of_invoice = [each for each in subscription.discounts if each.percent is not None or place == 0]
            amount = _discounted(amount, [*item.discounts, *of_invoice], item.currency)
        total += monthly(round(amount), item.period)
    return total


def _discounted(amount: Fraction | int, discounts: Iterable[Discount], currency: str) -> Fraction | int:
    for discount in discounts:
        if discount.percent is not None:
            amount *= 1 - Fraction(discount.percent) / 100
        elif discount.amount_minor is not None and discount.currency == currency:
            amount = max(amount - discount.amount_minor, 0)
    return amount

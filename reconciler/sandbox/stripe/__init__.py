"""A small Stripe on loopback: the reads that a reconciler makes, exact in shape, order, paging and refusals."""

from reconciler.sandbox.stripe.invoice_seeding import Phase
from reconciler.sandbox.stripe.refusals import lock_timeout, rate_limited
from reconciler.sandbox.stripe.sandbox import StripeSandbox
from reconciler.sandbox.stripe.subscription_seeding import Item

__all__ = ["Item", "Phase", "StripeSandbox", "lock_timeout", "rate_limited"]

"""A small Lago that answers as v1.51.0 does over real HTTP on loopback, from a world built in process."""

from reconciler.sandbox.lago.rows import AppliedCoupon, Customer, Invoice, Plan, Subscription
from reconciler.sandbox.lago.sandbox import LagoSandbox

__all__ = ["AppliedCoupon", "Customer", "Invoice", "LagoSandbox", "Plan", "Subscription"]

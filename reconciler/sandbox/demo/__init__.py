"""A business of some hundred organisations, billed in a sandbox Lago and Stripe, with drift seeded in its store."""

from reconciler.sandbox.demo.business import LAGO_KEY, STRIPE_KEY, Business
from reconciler.sandbox.demo.seeds import Seed, SeededBusiness, build_business

__all__ = ["LAGO_KEY", "STRIPE_KEY", "Business", "Seed", "SeededBusiness", "build_business"]

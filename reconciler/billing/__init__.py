"""Lago and Stripe, read only, behind the port BillingSource."""

"""Keeps organisations true to what their customers pay for in Lago and Stripe."""

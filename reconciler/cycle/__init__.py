"""One pass along the line: where the pure rules meet the real store, Lago and Stripe."""

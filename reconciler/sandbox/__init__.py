"""A Lago and a Stripe to run against on loopback, over real HTTP; imports nothing of the rest of the product."""

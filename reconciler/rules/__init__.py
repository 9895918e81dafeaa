"""The verbs of the product, pure: facts in, drifts, decisions and plans out; no clock, file or socket."""

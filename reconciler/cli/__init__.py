"""The command `reconcile`: arguments in, one call, an exit code out; no logic of its own."""

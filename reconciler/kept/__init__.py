"""Snapshot files: everything that one pass saw, raw, so that it can be judged again without asking anybody."""

"""The drift codes that a configuration may name."""

from __future__ import annotations

from reconciler.model.drift import Code
from reconciler.rules.catalogue import fixable, leaking

KNOWN = frozenset(code.value for code in Code)

# Codes that the catalogue may fix; policy makes no other one fixable.
FIXABLE = frozenset(code.value for code in fixable())

# Codes whose money is leak, whatever the case: the only ones `[statuses] flagged` may act on.
LEAKING = frozenset(code.value for code in leaking())

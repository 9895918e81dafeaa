"""The catalogue of drift codes: one row for each says when it is, what is done by default, and what a person does."""

from __future__ import annotations

from types import MappingProxyType

from reconciler.model.drift import Code, Decided, Direction, Drift
from reconciler.rules.row import Rows
from reconciler.rules.rows_identity import IDENTITY_ROWS
from reconciler.rules.rows_price import PRICE_ROWS, PROCESS_ROWS
from reconciler.rules.rows_schedules import SCHEDULE_ROWS
from reconciler.rules.rows_tier import TIER_ROWS

_ROWS = {**PROCESS_ROWS, **IDENTITY_ROWS, **SCHEDULE_ROWS, **TIER_ROWS, **PRICE_ROWS}

CATALOGUE: Rows = MappingProxyType(dict(sorted(_ROWS.items(), key=lambda named: named[1].stage)))
"""Every code, in the order of judging."""

PLACE = MappingProxyType({code: place for place, code in enumerate(CATALOGUE)})
"""Where each code stands in the order of judging."""


def default_of(drift: Drift) -> Decided:
    """What is done about `drift` before policy is heard."""
    return CATALOGUE[drift.code].default if drift.default is None else drift.default


def stops_of(drift: Drift) -> frozenset[Direction]:
    """The directions in which `drift`, beside a fix of the same organisation, forbids it."""
    return CATALOGUE[drift.code].stops if drift.stops is None else drift.stops


def fixable() -> frozenset[Code]:
    """Codes that are fixed by default; policy can make a code stricter, never looser."""
    return frozenset(code for code, row in CATALOGUE.items() if row.default is Decided.FIX)


def leaking() -> frozenset[Code]:
    """Codes whose money is leak, whatever the case: the only ones for which a status may be set."""
    return frozenset(code for code, row in CATALOGUE.items() if row.leaks)

"""What a person does about a drift: the catalogue's remedy, unless a rule stops the fix that this remedy counts on."""

from __future__ import annotations

from reconciler.model.drift import Decision

_COUNTS_ON_THE_FIX = "Nothing to do where "
_BY_ITSELF = frozenset({"confirm_runs", "settle_raise", "settle_lower"})


def remedy_of(decision: Decision) -> str:
    """The remedy of the drift; where something other than policy stops its fix, what must happen first."""
    remedy = decision.drift.remedy
    if decision.blocked_by is None or decision.needs_approval or not remedy.startswith(_COUNTS_ON_THE_FIX):
        return remedy
    if decision.blocked_by == "partial":
        return "Whoever runs the reconciler: run it over everything, without --org, --code and --limit."
    if decision.blocked_by in _BY_ITSELF:
        return "Nothing to do yet: later runs judge it again, and it is not fixed before enough of them say the same."
    return f"First settle what stops the fix; it is not made before: {decision.reason.rstrip('.')}."

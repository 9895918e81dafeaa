"""Values of the model as the JSON that the ledger keeps, and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from reconciler.ledger.columns import utc_text
from reconciler.model.billing import Source
from reconciler.model.drift import Decided, Decision, Direction, Drift, Fix, Severity
from reconciler.model.history import Sighting
from reconciler.model.run import Approval, Explained, PlannedFix, SourceRead, Totals

SOURCE_READ = TypeAdapter(SourceRead)
SOURCES = TypeAdapter(Mapping[Source, SourceRead])
TOTALS = TypeAdapter(Totals)
REFUSED_BY = TypeAdapter(Mapping[Direction, str])
EXPLAINED = TypeAdapter(tuple[Explained, ...])
_DRIFT = TypeAdapter(Drift)
_FIX = TypeAdapter(Fix)

_FIX_FIELDS = ("drift_id", "org_id", "call", "arguments", "expects", "direction", "worth")


def decision_row(decision: Decision) -> dict[str, Any]:
    """Everything of a decision but since when it is seen, which changes without the decision changing."""
    return with_digest(
        {
            "drift_id": decision.drift.id,
            "decided": decision.decided.value,
            "severity": decision.severity.value,
            "primary": decision.primary,
            "reason": decision.reason,
            "blocked_by": decision.blocked_by,
            "needs_approval": decision.needs_approval,
            "confirms": decision.confirms,
            "waived_until": decision.waived_until,
            "drift": _DRIFT.dump_python(decision.drift, mode="json"),
        }
    )


def decision_from(row: Mapping[Any, Any], seen: Sighting) -> Decision:
    """The decision of a row of `decisions`."""
    return Decision(
        drift=_DRIFT.validate_python(row["drift"]),
        decided=Decided(row["decided"]),
        severity=Severity(row["severity"]),
        primary=row["primary"],
        reason=row["reason"],
        blocked_by=row["blocked_by"],
        needs_approval=row["needs_approval"],
        confirms=row["confirms"],
        waived_until=row["waived_until"],
        first_seen=seen.first_seen,
        runs_seen=seen.runs_seen,
    )


def fix_row(fix: Fix) -> dict[str, Any]:
    """The columns of a fix."""
    row: dict[str, Any] = _FIX.dump_python(fix, mode="json")
    return {**row, "key": fix.key}


def fix_from(row: Mapping[Any, Any]) -> Fix:
    """The fix of a row that holds one."""
    return _FIX.validate_python({name: row[name] for name in _FIX_FIELDS})


def planned_row(planned: PlannedFix) -> dict[str, Any]:
    """The columns of a planned fix."""
    return with_digest({**fix_row(planned.fix), "approval": planned.approval.value, "released": planned.released})


def planned_from(row: Mapping[Any, Any]) -> PlannedFix:
    """The planned fix of a row of `planned_fixes`."""
    return PlannedFix(fix=fix_from(row), approval=Approval(row["approval"]), released=row["released"])


def with_digest(row: dict[str, Any]) -> dict[str, Any]:
    """The row with the hash over all its values, by which the ledger tells whether it changed."""
    text = json.dumps(row, sort_keys=True, separators=(",", ":"), allow_nan=False, default=utc_text)
    return {**row, "digest": hashlib.sha256(text.encode()).hexdigest()}


def spans(numbers: Iterable[int]) -> list[list[int]]:
    """The numbers in their order, each unbroken ascending stretch as its first and last."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def numbers_in(found: Sequence[Sequence[int]]) -> list[int]:
    """What `spans` was made of."""
    return [number for first, last in found for number in range(first, last + 1)]

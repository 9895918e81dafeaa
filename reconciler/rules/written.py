"""What the store shows of a fix: whether it was written, as when reading it back or after a run that left no record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconciler.model.drift import Fix
from reconciler.model.observation import Observation
from reconciler.model.orgs import Org
from reconciler.model.run import Explained, Shows

_FIELDS = {
    "plan_tier": "tier",
    "status": "status",
    "lago_id": "lago_id",
    "stripe_id": "stripe_id",
    "lago_customer_id": "lago_id",
    "stripe_customer_id": "stripe_id",
}
"""The arguments of the update methods and the fields of the store, by the names of Org."""


def after(org: Org, fix: Fix) -> Org:
    """The organisation as `fix` makes it."""
    fields: dict[str, Any] = {_FIELDS[name]: value for name, value in fix.arguments.items()}
    return replace(org, **fields)


def shows(org: Org | None, fix: Fix) -> Shows:
    """What `org` as it is now shows of `fix`; one that is gone shows neither."""
    if org is None:
        return Shows.NEITHER
    if after(org, fix) == org:
        return Shows.WRITTEN
    return Shows.NOT_WRITTEN if _holds(org, fix.expects) else Shows.NEITHER


def _holds(org: Org, fields: Mapping[str, str | None]) -> bool:
    return all((getattr(org, _FIELDS[name]) or None) == (value or None) for name, value in fields.items())


def explain(observation: Observation) -> tuple[Explained, ...]:
    """Every run that left no record, with what the store shows of the fixes that it had meant to write.

    What a later one of them meant again that one had seen as not written: only the last that meant the very same fix
    can have written what the store shows now. Else a fix would count as often as runs were killed before it.
    """
    unfinished = observation.history.unfinished
    if not unfinished:
        return ()
    orgs = {org.id: org for org in observation.store.orgs}
    last = {fix.key: number for number, run in enumerate(unfinished) for fix in run.fixes}
    return tuple(
        Explained(
            run_id=run.run_id,
            at=run.at,
            fixes=tuple(
                (fix, shows(orgs.get(fix.org_id), fix) if last[fix.key] == number else Shows.NOT_WRITTEN)
                for fix in run.fixes
            ),
        )
        for number, run in enumerate(unfinished)
    )

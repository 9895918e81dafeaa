"""Seals what a pass planned and did not write, for a person to read, approve and have applied."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

from reconciler.model.run import OutcomeResult, RunRecord
from reconciler.model.sealed import SealedPlan
from reconciler.rules.digests import digest
from reconciler.rules.planning import digest_of

_NOT_YET = ""


def seal_plan(run: RunRecord, *, store_at: str) -> SealedPlan:
    """Every fix of the run that is left to write: approved or not, refused by a limit or not."""
    fixed = {each.fix.key for each in run.outcomes if each.result is OutcomeResult.FIXED}
    fixes = tuple(each.fix for each in run.plan.fixes if each.fix.key not in fixed)
    plan = SealedPlan(
        seal=_NOT_YET,
        digest=digest_of(fixes),
        run_id=run.id,
        as_of=run.as_of,
        made_at=run.finished_at,
        config_sha256=run.config_sha256,
        store_at=store_at,
        fixes=fixes,
    )
    return replace(plan, seal=seal_of(plan))


def seal_of(plan: SealedPlan) -> str:
    """`sha256:` and the hash over canonical JSON of all that `plan` says, the digest of its fixes for the fixes."""
    said = {
        "run_id": plan.run_id,
        "as_of": plan.as_of.astimezone(UTC).isoformat(),
        "made_at": plan.made_at.astimezone(UTC).isoformat(),
        "config_sha256": plan.config_sha256,
        "store_at": plan.store_at,
        "digest": digest_of(plan.fixes),
    }
    return digest(said)

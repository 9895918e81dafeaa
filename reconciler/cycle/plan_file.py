"""A sealed plan as the bytes of a file, and back: what is not whole or was changed since is no plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from reconciler.errors import UsageError
from reconciler.model.drift import Call, Direction, Fix
from reconciler.model.sealed import SealedPlan
from reconciler.rules.planning import digest_of
from reconciler.rules.sealing import seal_of


class _Read(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Fix(_Read):
    org_id: str
    drift_id: str
    call: Call
    arguments: dict[str, str]
    expects: dict[str, str | None]
    direction: Direction


class _PlanFile(_Read):
    format: Literal["billing-reconciler plan"] = "billing-reconciler plan"
    format_version: Literal[1] = 1
    seal: str
    digest: str
    run_id: str
    as_of: AwareDatetime
    made_at: AwareDatetime
    expires_at: AwareDatetime
    config_sha256: str
    store_at: str
    fixes: tuple[_Fix, ...]


def plan_bytes(plan: SealedPlan) -> bytes:
    """JSON for people to read, in UTF-8: the same for the same plan."""
    file = _PlanFile(
        seal=plan.seal,
        digest=plan.digest,
        run_id=plan.run_id,
        as_of=plan.as_of,
        made_at=plan.made_at,
        expires_at=plan.expires_at,
        config_sha256=plan.config_sha256,
        store_at=plan.store_at,
        fixes=tuple(
            _Fix(
                org_id=fix.org_id,
                drift_id=fix.drift_id,
                call=fix.call,
                arguments=dict(sorted(fix.arguments.items())),
                expects=dict(sorted(fix.expects.items())),
                direction=fix.direction,
            )
            for fix in plan.fixes
        ),
    )
    return json.dumps(file.model_dump(mode="json"), indent=2).encode() + b"\n"


def read_plan(path: Path) -> SealedPlan:
    """The plan of a file. Raises UsageError where it cannot be read, is none, or was changed since it was made."""
    try:
        file = _PlanFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise _no_plan(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise _no_plan(f"{path} is no plan of this version") from error
    fixes = tuple(
        Fix(
            org_id=each.org_id,
            drift_id=each.drift_id,
            call=each.call,
            arguments=each.arguments,
            expects=each.expects,
            direction=each.direction,
        )
        for each in file.fixes
    )
    plan = SealedPlan(
        seal=file.seal,
        digest=file.digest,
        run_id=file.run_id,
        as_of=file.as_of,
        made_at=file.made_at,
        config_sha256=file.config_sha256,
        store_at=file.store_at,
        fixes=fixes,
    )
    if (plan.seal, plan.digest, file.expires_at) != (seal_of(plan), digest_of(fixes), plan.expires_at):
        raise _no_plan(f"{path} was changed since it was made")
    return plan


def _no_plan(problem: str) -> UsageError:
    return UsageError(problem, remedy="Make a new one with reconcile --dry-run --plan-out FILE")

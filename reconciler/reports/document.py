"""The report as plain JSON values: what `--format json` prints, `show` shows and other programs are written against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from reconciler.model.drift import Decided, Decision, DriftMoney, Severity, State
from reconciler.model.private import without_email
from reconciler.model.run import Explained, Outcome, Plan, PlannedFix, RunRecord, SourceRead, Totals
from reconciler.reports.money_words import columns_of
from reconciler.reports.remedies import remedy_of

SCHEMA_VERSION = 1

_SEVERITIES = tuple(Severity)


def document(run: RunRecord) -> dict[str, Any]:
    """JSON report of schema_version 1 (interfaces.md): keys in its order, described by report.schema.json beside this.

    Money is integer minor units, null where unpriced; times are ISO 8601 UTC. Drifts come most severe first, then by
    code and organisation, those without an organisation last; `ok` rows are only counted. The same run always gives
    the same document. No text in it, keys of evidence included, holds an e-mail address. Raises TypeError for evidence
    that has no JSON form.
    """
    private: dict[str, Any] = _without_email(_everything(run))
    return private


def _everything(run: RunRecord) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "run": _run(run),
        "sources": {
            "orgs": {"complete": run.store.complete, "rows": run.store.rows, "problem": run.store.problem},
            **{source.value: _source(run.sources[source]) for source in sorted(run.sources)},
        },
        "totals": _totals(run.totals),
        "drifts": [_drift(decision) for decision in listed(run)],
        "plan": _plan(run.plan),
        "outcomes": [_outcome(outcome) for outcome in run.outcomes],
    }


def listed(run: RunRecord) -> list[Decision]:
    """Every decision that a report lists, `ok` left out: most severe first, then by code, organisation and id."""
    return sorted(
        (decision for decision in run.decisions if decision.decided is not Decided.OK),
        key=lambda decision: (
            _SEVERITIES.index(decision.severity),
            decision.drift.code,
            decision.drift.org_id is None,
            decision.drift.org_id or "",
            decision.drift.id,
        ),
    )


def instant(moment: datetime) -> str:
    """ISO 8601 in UTC, to the second or, where there are any, to its fractions: `2026-10-01T12:00:00Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def plain(value: object) -> Any:
    """Evidence in JSON's own types: mappings by key, sets by value, a Decimal as its digits. Raises TypeError."""
    result: Any
    match value:
        case Enum():
            result = plain(value.value)
        case None | bool() | int() | float() | str():
            result = value
        case datetime():
            result = instant(value)
        case date():
            result = value.isoformat()
        case Decimal():
            result = str(value)
        case Mapping():
            result = {key: plain(value[key]) for key in sorted(value)}
        case set() | frozenset():
            result = sorted(plain(each) for each in value)
        case list() | tuple():
            result = [plain(each) for each in value]
        case _:
            raise TypeError(f"evidence of type {type(value).__name__} has no JSON form")
    return result


def _without_email(value: Any) -> Any:
    match value:
        case str():
            return without_email(value)
        case dict():
            return {without_email(key): _without_email(inner) for key, inner in value.items()}
        case list():
            return [_without_email(each) for each in value]
        case _:
            return value


def _run(run: RunRecord) -> dict[str, Any]:
    return {
        "id": run.id,
        "mode": run.mode.value,
        "result": run.result.value,
        "complete": run.complete,
        "partial": run.partial,
        "exit_code": run.exit_code,
        "started_at": instant(run.started_at),
        "finished_at": instant(run.finished_at),
        "as_of": instant(run.as_of),
        "version": run.version,
        "config_sha256": run.config_sha256,
        "trigger": run.trigger.value,
        "refusal": run.refusal,
        "refusal_digest": run.refusal_digest,
        "ledger": run.ledger and {"events": run.ledger.events, "sha256": run.ledger.sha256},
        "approved_by": run.approved_by,
        "explained": [_explained(each) for each in run.explained],
        "notes": list(run.notes),
    }


def _explained(run: Explained) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "at": instant(run.at),
        "fixes": [
            {
                "org_id": fix.org_id,
                "drift_id": fix.drift_id,
                "call": fix.call.value,
                "arguments": dict(sorted(fix.arguments.items())),
                "shows": shows.value,
            }
            for fix, shows in run.fixes
        ],
    }


def _source(read: SourceRead) -> dict[str, Any]:
    proof = read.proof
    return {
        "complete": read.complete,
        "rows": read.rows,
        "requests": proof and proof.requests,
        "retries": proof and proof.retries,
        "read_from": proof and instant(proof.read_from),
        "read_until": proof and instant(proof.read_until),
        "problem": read.problem,
        "about": read.about,
        "side_reads": [{"name": each.name.value, "problem": each.problem or None} for each in read.side_reads],
    }


def _totals(totals: Totals) -> dict[str, Any]:
    return {
        "orgs": totals.orgs,
        "in_sync": totals.in_sync,
        "waiting": totals.waiting,
        "drift": totals.drift,
        "held": totals.held,
        "waived": totals.waived,
        "excluded": totals.excluded,
        "unclaimed": totals.unclaimed,
        "by_code": dict(sorted(totals.by_code.items())),
        "money": {currency: asdict(money) for currency, money in sorted(totals.money.items())},
        "other_products": None if totals.other_products is None else dict(sorted(totals.other_products.items())),
        "charged_twice": None if totals.charged_twice is None else [asdict(each) for each in totals.charged_twice],
    }


def _drift(decision: Decision) -> dict[str, Any]:
    drift = decision.drift
    return {
        "id": drift.id,
        "code": drift.code.value,
        "org_id": drift.org_id,
        "org_name": drift.org_name,
        "severity": decision.severity.value,
        "decision": decision.decided.value,
        "primary": decision.primary,
        "blocked_by": decision.blocked_by,
        "reason": decision.reason,
        "text": drift.text,
        "remedy": remedy_of(decision),
        "has": _state(drift.has),
        "due": drift.due and _state(drift.due),
        "money": drift.money and _money(drift.money),
        "effective_at": drift.effective_at and instant(drift.effective_at),
        "first_seen": instant(decision.first_seen),
        "runs_seen": decision.runs_seen,
        "waived_until": decision.waived_until and instant(decision.waived_until),
        "evidence": plain(drift.evidence),
    }


def _state(state: State) -> dict[str, str | None]:
    return {"tier": state.tier, "status": state.status}


def _money(money: DriftMoney) -> dict[str, str | int | None]:
    return {"currency": money.currency, **columns_of(money)}


def _plan(plan: Plan) -> dict[str, Any]:
    refused = {direction.value: rule for direction, rule in plan.refused_by.items()}
    return {
        "digest": plan.digest,
        "fixes": [_fix(planned) for planned in plan.fixes],
        "refused_by": {"raise": None, "lower": None, **refused},
    }


def _fix(planned: PlannedFix) -> dict[str, Any]:
    fix = planned.fix
    return {
        "org_id": fix.org_id,
        "drift_id": fix.drift_id,
        "call": fix.call.value,
        "arguments": dict(sorted(fix.arguments.items())),
        "expects": dict(sorted(fix.expects.items())),
        "direction": fix.direction.value,
        "approval": planned.approval.value,
        "released": planned.released,
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "org_id": outcome.fix.org_id,
        "drift_id": outcome.fix.drift_id,
        "result": outcome.result.value,
        "at": instant(outcome.at),
        "error": outcome.error,
    }

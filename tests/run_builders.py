"""Run records for tests of what keeps and shows them: every value has a default, a test says only what it is about."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from reconciler.model.billing import Source
from reconciler.model.drift import Call, Code, Decided, Decision, Direction, Drift, DriftMoney, Fix, Severity, State
from reconciler.model.money import Money
from reconciler.model.observation import ReadProof
from reconciler.model.orgs import ACTIVE, Org
from reconciler.model.run import (
    Approval,
    CurrencyTotals,
    Explained,
    Outcome,
    OutcomeResult,
    Plan,
    PlannedFix,
    RunMode,
    RunRecord,
    RunResult,
    SeenSubscription,
    SourceRead,
    Totals,
    Trigger,
)

T0 = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
LEAK = DriftMoney(currency="usd", leak=90000)


def org(
    number: int = 1,
    *,
    tier: str = "professional",
    status: str = ACTIVE,
    name: str | None = None,
    lago_id: str | None = None,
    stripe_id: str | None = None,
) -> Org:
    """`org_1`, `org_2` and so on, a hundred days old, not linked."""
    return Org(
        id=f"org_{number}",
        name=f"Org {number}" if name is None else name,
        tier=tier,
        status=status,
        created_at=T0 - timedelta(days=100),
        lago_id=lago_id,
        stripe_id=stripe_id,
    )


def fix(
    org_id: str = "org_1",
    *,
    drift_id: str | None = None,
    call: Call = Call.PLAN,
    arguments: Mapping[str, str] | None = None,
    expects: Mapping[str, str | None] | None = None,
    direction: Direction = Direction.LOWER,
    worth: Money | None = None,
) -> Fix:
    """Lowers the organisation from enterprise to professional, for its `tier_over`."""
    return Fix(
        org_id=org_id,
        drift_id=drift_id or f"tier_over:{org_id}",
        call=call,
        arguments={"plan_tier": "professional"} if arguments is None else arguments,
        expects={"plan_tier": "enterprise"} if expects is None else expects,
        direction=direction,
        worth=worth,
    )


def drift(
    org_id: str | None = "org_1",
    *,
    code: Code = Code.TIER_OVER,
    id: str | None = None,  # noqa: A002 -- the field's own name
    org_name: str | None = None,
    money: DriftMoney | None = LEAK,
    effective_at: datetime | None = T0 - timedelta(days=30),
    evidence: Mapping[str, object] | None = None,
    fix: Fix | None = None,
    text: str = "Has enterprise, pays for professional",
    remedy: str = "Lower the tier, or sell the higher one",
    stopped_by: str = "",
) -> Drift:
    """An organisation on enterprise that pays for professional: 900.00 USD a month too much. None: no organisation."""
    return Drift(
        id=id or f"{code}:{org_id or 'cus_unclaimed'}",
        code=code,
        org_id=org_id,
        org_name=(f"Name of {org_id}" if org_id else "") if org_name is None else org_name,
        text=text,
        remedy=remedy,
        has=State(tier="enterprise", status=ACTIVE) if org_id else State(),
        due=State(tier="professional", status=ACTIVE) if org_id else None,
        money=money,
        effective_at=effective_at,
        evidence={"lago": {"plan": "professional_monthly"}, "stripe": {"subscription": "sub_1"}}
        if evidence is None
        else evidence,
        fix=fix,
        stopped_by=stopped_by,
    )


def decision(
    of: Drift | None = None,
    decided: Decided = Decided.FLAG,
    *,
    severity: Severity = Severity.HIGH,
    primary: bool = True,
    reason: str = "policy says flag for lowering",
    first_seen: datetime = T0,
    runs_seen: int = 1,
    blocked_by: str | None = None,
    needs_approval: bool = False,
    confirms: str = "",
    waived_until: datetime | None = None,
) -> Decision:
    """A flag for `drift()`."""
    return Decision(
        drift=of or drift(),
        decided=decided,
        severity=severity,
        primary=primary,
        reason=reason,
        first_seen=first_seen,
        runs_seen=runs_seen,
        blocked_by=blocked_by,
        needs_approval=needs_approval,
        confirms=confirms,
        waived_until=waived_until,
    )


def outcome(
    of: Fix | None = None,
    result: OutcomeResult = OutcomeResult.FIXED,
    *,
    at: datetime | None = None,
    error: str | None = None,
    written: bool | None = None,
) -> Outcome:
    """`fix()` was written, two minutes after T0."""
    return Outcome(
        fix=of or fix(),
        result=result,
        at=at or T0 + timedelta(minutes=2),
        error=error,
        written=result is OutcomeResult.FIXED if written is None else written,
    )


def plan_of(
    fixes: Iterable[Fix] = (),
    *,
    approval: Approval = Approval.GIVEN,
    refused_by: Mapping[Direction, str] | None = None,
) -> Plan:
    """A plan of these fixes, all with the same approval; the digest differs where the fixes do."""
    planned = tuple(PlannedFix(fix=each, approval=approval) for each in fixes)
    digest = hashlib.sha256(repr(planned).encode()).hexdigest()
    return Plan(digest=f"sha256:{digest}", fixes=planned, refused_by=refused_by or {})


def totals_of(
    decisions: Sequence[Decision] = (),
    *,
    orgs: int = 2,
    money: Mapping[str, CurrencyTotals] | None = None,
) -> Totals:
    """Counts that follow from `decisions`; money in two currencies unless given."""
    found = {each.drift.org_id for each in decisions if each.decided in {Decided.FIX, Decided.FLAG}} - {None}
    by_code: dict[str, int] = {}
    for each in decisions:
        by_code[each.drift.code] = by_code.get(each.drift.code, 0) + 1
    return Totals(
        orgs=orgs,
        in_sync=orgs - len(found),
        waiting=0,
        drift=len(found),
        held=0,
        waived=0,
        excluded=0,
        unclaimed=sum(each.drift.org_id is None for each in decisions),
        by_code=by_code,
        money={
            "usd": CurrencyTotals(leak=90000 * len(found), billed=9900, had=9900 + 90000 * len(found)),
            "eur": CurrencyTotals(billed=4900, had=4900),
        }
        if money is None
        else money,
    )


def source_read(
    rows: int = 2, *, complete: bool = True, problem: str | None = None, read_from: datetime = T0
) -> SourceRead:
    """A source read in one page, within 30 seconds of `read_from`."""
    proof = ReadProof(
        read_from=read_from, read_until=read_from + timedelta(seconds=30), rows=rows, pages=1, requests=1, retries=0
    )
    return SourceRead(complete=complete, rows=rows, proof=proof, problem=problem)


NO_FIXES = plan_of()
TWO_ORGS = (org(1), org(2))


def run_record(
    id: str = "run-1",  # noqa: A002 -- the field's own name
    *,
    decisions: Sequence[Decision] = (),
    outcomes: Sequence[Outcome] = (),
    plan: Plan = NO_FIXES,
    orgs: Sequence[Org] = TWO_ORGS,
    started_at: datetime = T0,
    mode: RunMode = RunMode.DRY_RUN,
    result: RunResult | None = None,
    complete: bool = True,
    partial: bool = False,
    exit_code: int | None = None,
    refusal: str | None = None,
    notes: Sequence[str] = (),
    store: SourceRead | None = None,
    sources: Mapping[Source, SourceRead] | None = None,
    totals: Totals | None = None,
    trigger: Trigger = Trigger.CLI,
    took: timedelta = timedelta(minutes=1),
    config_sha256: str = "c0" * 32,
    refusal_digest: str | None = None,
    explained: Sequence[Explained] = (),
    approved_by: str | None = None,
    subscriptions: Sequence[SeenSubscription] = (),
) -> RunRecord:
    """A complete dry run over two organisations and two sources; result and exit code follow from `decisions`."""
    left = any(each.decided in {Decided.FIX, Decided.FLAG, Decided.HOLD} for each in decisions)
    return RunRecord(
        id=id,
        mode=mode,
        result=result or (RunResult.INCOMPLETE if not complete else RunResult.DRIFT if left else RunResult.CLEAN),
        complete=complete,
        partial=partial,
        exit_code=(4 if not complete else 2 if left else 0) if exit_code is None else exit_code,
        started_at=started_at,
        finished_at=started_at + took,
        as_of=started_at,
        version="0.1.0",
        config_sha256=config_sha256,
        trigger=trigger,
        refusal=refusal,
        notes=tuple(notes),
        store=store or SourceRead(complete=True, rows=len(orgs)),
        sources=sources
        or {
            Source.LAGO: source_read(complete=complete, read_from=started_at),
            Source.STRIPE: source_read(read_from=started_at),
        },
        totals=totals or totals_of(decisions, orgs=len(orgs)),
        decisions=tuple(decisions),
        plan=plan,
        outcomes=tuple(outcomes),
        orgs=tuple(orgs),
        refusal_digest=refusal_digest,
        explained=tuple(explained),
        approved_by=approved_by,
        subscriptions=tuple(subscriptions),
    )

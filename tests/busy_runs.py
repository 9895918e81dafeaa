"""A run as a real business has it: many drifts of many codes in four currencies, some of them with hostile names."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from reconciler.model.acts import Contract, Waiver
from reconciler.model.drift import (
    Call,
    Code,
    Decided,
    Decision,
    Direction,
    Drift,
    DriftMoney,
    Fix,
    Severity,
    State,
)
from reconciler.model.money import Money
from reconciler.model.run import (
    Approval,
    CurrencyTotals,
    LedgerHead,
    Outcome,
    OutcomeResult,
    PlannedFix,
    RunMode,
    RunRecord,
    RunResult,
    Totals,
)
from reconciler.reports.background import Background, Earlier, Known, Opening
from run_builders import T0, fix, plan_of, run_record

HOSTILE = (
    '=HYPERLINK("https://evil.example","pay")',
    "+1+1",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\r=1+1",
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "{{ 7*7 }} {% raw %}",
    "**bold** | [click](https://evil.example)",
    "\x1b[31mred\x1b[0m",
    "\u202egnp.exe",
    "A" * 200,
    "👩\u200d👩\u200d👧 Family Ltd 🎉",
    "株式会社リコンサイル",
    "Ünïcödé & Söhne \"Best\" 'GmbH'",
)
_NAMES = ("Amber", "Birch", "Cobalt", "Delta", "Ember", "Fjord", "Granite", "Harbor", "Indigo", "Juniper", "Kestrel")
_TRADES = ("Analytics", "Bakery", "Clinic", "Design", "Energy", "Freight", "Games", "Hotels", "Insurance", "Journal")
_TIERS = ("founders_friend", "starter", "professional", "enterprise")
_PRICES = {
    "usd": (0, 4900, 9900, 49900),
    "eur": (0, 4900, 9900, 49900),
    "jpy": (0, 7000, 14000, 70000),
    "bhd": (0, 18000, 37000, 188000),
}
# Code, decided, severity, which amount, direction of its fix, share of all.
_KINDS: tuple[tuple[Code, Decided, Severity, str, Direction | None, int], ...] = (
    (Code.TIER_OVER, Decided.FLAG, Severity.HIGH, "leak", Direction.LOWER, 20),
    (Code.PAID_NOT_REFLECTED, Decided.FIX, Severity.CRITICAL, "owed", Direction.RAISE, 8),
    (Code.TIER_UNDER, Decided.FIX, Severity.CRITICAL, "owed", Direction.RAISE, 10),
    (Code.ENDED_STILL_ENTITLED, Decided.FLAG, Severity.HIGH, "leak", Direction.LOWER, 12),
    (Code.PAID_TIER_NO_BILLING, Decided.FLAG, Severity.HIGH, "leak", None, 8),
    (Code.DUPLICATE_SUBSCRIPTION, Decided.FLAG, Severity.CRITICAL, "overbilled", None, 6),
    (Code.DOUBLE_BILLED, Decided.FLAG, Severity.CRITICAL, "overbilled", None, 4),
    (Code.ID_SHARED, Decided.FLAG, Severity.CRITICAL, "at_risk", None, 4),
    (Code.CANCELED_PAID_THROUGH, Decided.WAIT, Severity.INFO, "at_risk", None, 10),
    (Code.ORPHAN_PAYER, Decided.FLAG, Severity.CRITICAL, "owed", None, 4),
    (Code.TIER_UNRESOLVABLE, Decided.HOLD, Severity.HIGH, "", None, 6),
    (Code.SIDE_MISSING, Decided.IGNORE, Severity.HIGH, "leak", None, 3),
    (Code.LINK_OTHER_FORM, Decided.OK, Severity.INFO, "", None, 5),
)


def busy_run(
    drifts: int = 500, *, orgs: int = 10_000, seed: int = 7, as_of: datetime = T0, run_id: str = "busy-1"
) -> RunRecord:
    """A complete run in mode fix whose counts and money tie out; the same for the same arguments."""
    chance = random.Random(seed)  # noqa: S311 - test data
    kinds = chance.choices(_KINDS, weights=[kind[-1] for kind in _KINDS], k=drifts)
    decisions = [_decision(chance, number, kind, as_of) for number, kind in enumerate(kinds)]
    fixes = [each.drift.fix for each in decisions if each.drift.fix is not None]
    lowering, raising = (
        [each for each in fixes if (each.direction is Direction.LOWER) is lower] for lower in (True, False)
    )
    plan = plan_of([*raising, *lowering])
    planned = tuple(
        PlannedFix(
            fix=each.fix,
            approval=Approval.NEEDED if each.fix.direction is Direction.LOWER else Approval.GIVEN,
        )
        for each in plan.fixes
    )
    outcomes = [_outcome(number, each, as_of) for number, each in enumerate(raising)]
    return run_record(
        run_id,
        decisions=decisions,
        plan=type(plan)(digest=plan.digest, fixes=planned, refused_by={}),
        outcomes=outcomes,
        orgs=(),
        started_at=as_of,
        mode=RunMode.FIX,
        result=RunResult.FAILED if any(each.result is OutcomeResult.FAILED for each in outcomes) else None,
        exit_code=2,
        notes=["12 organisations may be charged on both sides", "Refunds are not read", *HOSTILE[:3]],
        totals=_totals(decisions, orgs),
    )


def busy_background(run: RunRecord) -> Background:
    """What a ledger of two months would tell beside `run`."""
    chance = random.Random(11)  # noqa: S311 - test data
    earlier = busy_run(max(20, len(run.decisions) // 2), seed=8, as_of=run.as_of - timedelta(days=31), run_id="busy-0")
    open_before = {
        each.drift.id: each for each in run.decisions[::2] if each.decided in {Decided.FIX, Decided.FLAG}
    } | {each.drift.id: each for each in earlier.decisions[:10] if each.decided is Decided.FLAG}
    flagged = [each for each in run.decisions if each.decided is Decided.FLAG]
    states = ("open", "open", "open", "acknowledged", "reopened")
    return Background(
        lago_app_url="https://lago.example.com",
        stripe_account="acct_1Example",
        livemode=True,
        known={
            each.drift.id: Known(state=chance.choice(states), first_ever_seen=each.first_seen - timedelta(days=3))
            for each in flagged
        },
        waivers=tuple(
            Waiver(
                drift_id=each.drift.id,
                pinned=each.drift.values,
                until=run.as_of + timedelta(days=9),
                by="Ada Example",
                reason=HOSTILE[0],
                at=run.as_of - timedelta(days=4),
            )
            for each in flagged[:3]
        ),
        contracts=(
            Contract(
                id="contract-1",
                org_id="org_contract",
                tier="enterprise",
                amount_minor=1200000,
                currency="usd",
                start=(run.as_of - timedelta(days=350)).date(),
                end=(run.as_of + timedelta(days=12)).date(),
                approver="Grace Example",
                reference="PO 4711",
            ),
        ),
        trend=tuple(
            Earlier(
                id=f"busy-{day}",
                as_of=run.as_of - timedelta(days=day),
                result=RunResult.DRIFT,
                totals=_scaled(run.totals, 1 + day * 0.03),
            )
            for day in range(1, 31)
        ),
        opening=Opening(
            run_id="busy-0",
            as_of=run.as_of - timedelta(days=31),
            open=open_before,
            seen_before=frozenset(each.drift.id for each in run.decisions[1::6]),
        ),
    )


def with_ledger_head(run: RunRecord) -> RunRecord:
    """The run as it is once the ledger holds it."""
    values: dict[str, Any] = {name: getattr(run, name) for name in run.__slots__}
    return RunRecord(**{**values, "ledger": LedgerHead(events=123_456, sha256="ab" * 32)})


def _scaled(totals: Totals, ratio: float) -> Totals:
    values = {name: getattr(totals, name) for name in totals.__slots__}
    money = {
        currency: CurrencyTotals(leak=int(each.leak * ratio), owed=int(each.owed * ratio), overbilled=each.overbilled)
        for currency, each in totals.money.items()
    }
    return Totals(**{**values, "drift": int(totals.drift * ratio), "money": money})


def _decision(
    chance: random.Random,
    number: int,
    kind: tuple[Code, Decided, Severity, str, Direction | None, int],
    as_of: datetime,
) -> Decision:
    code, decided, severity, amount, direction, _ = kind
    org_id = None if code is Code.ORPHAN_PAYER else f"org_{UUID(int=chance.getrandbits(128), version=4)}"
    customer, subscription = f"cus_{chance.getrandbits(56):014x}", f"sub_{chance.getrandbits(96):024x}"
    currency = chance.choices(tuple(_PRICES), weights=(70, 20, 7, 3))[0]
    low, high = sorted(chance.sample(range(4), 2))
    has, due = (high, low) if amount == "leak" or direction is Direction.LOWER else (low, high)
    worth = _PRICES[currency][high] - _PRICES[currency][low]
    effective_at = as_of - timedelta(days=chance.randrange(0, 140), minutes=chance.randrange(1440))
    name = HOSTILE[number % 20] if number % 20 < len(HOSTILE) else ""
    name = name or f"{chance.choice(_NAMES)} {chance.choice(_TRADES)}"
    drift_id = f"{code}:{org_id or customer}"
    found: Fix | None = None
    if direction is not None and org_id is not None:
        found = fix(
            org_id,
            drift_id=drift_id,
            call=Call.PLAN,
            arguments={"plan_tier": _TIERS[due]},
            expects={"plan_tier": _TIERS[has]},
            direction=direction,
        )
        values: dict[str, Any] = {field: getattr(found, field) for field in found.__slots__}
        found = Fix(**{**values, "worth": Money(minor=worth, currency=currency)})
    return Decision(
        drift=Drift(
            id=drift_id,
            code=code,
            org_id=org_id,
            org_name=name if org_id else "",
            text=f"The organisation has {_TIERS[has]} and pays for {_TIERS[due]} by {subscription}.",
            remedy="Finance: look at both sides, end what is too much, and refund what it took since.",
            has=State(tier=_TIERS[has], status="active") if org_id else State(),
            due=State(tier=_TIERS[due], status="active"),
            money=DriftMoney(currency=currency, **{amount: worth}) if amount else None,
            effective_at=effective_at if number % 9 else None,
            evidence=_evidence(
                customer, subscription, _TIERS[due], Money(minor=worth, currency=currency), as_of=as_of, chance=chance
            ),
            fix=found,
        ),
        decided=decided,
        severity=severity,
        primary=True,
        reason=f"{code} is {decided} by the catalogue",
        first_seen=max(effective_at, as_of - timedelta(days=chance.choice((0, 1, 5, 20, 45, 80, 120)))),
        runs_seen=chance.randrange(1, 900),
        blocked_by="policy.lower" if direction is Direction.LOWER else None,
        needs_approval=direction is Direction.LOWER,
    )


def _evidence(
    customer: str, subscription: str, tier: str, worth: Money, *, as_of: datetime, chance: random.Random
) -> dict[str, object]:
    lago = str(UUID(int=chance.getrandbits(128), version=4))
    until = as_of + timedelta(days=chance.randrange(1, 45)) if chance.random() < 0.3 else None
    billed = {"monthly": worth.minor, "currency": worth.currency}
    live = {"tier": tier, "status": "active", **billed, "until": until}
    return {
        "lago": {
            "complete": True,
            "recorded_id": lago,
            "customers": {lago: ["the organisation's own id, held by the customer", "the recorded external id"]},
            "live": [{"subscription": lago[::-1], "customer": lago, "price": f"{tier}_monthly", **live}],
        },
        "stripe": {
            "complete": True,
            "recorded_id": customer,
            "customers": {customer: ["the recorded customer id"]},
            "live": [{"subscription": subscription, "customer": customer, "price": f"price_{tier}_monthly", **live}],
        },
    }


def _outcome(number: int, of: Fix, as_of: datetime) -> Outcome:
    if number % 40 == 39:
        return Outcome(fix=of, result=OutcomeResult.STALE, at=as_of, error="The organisation was changed meanwhile")
    return Outcome(fix=of, result=OutcomeResult.FIXED, at=as_of + timedelta(seconds=number), written=True)


def _totals(decisions: list[Decision], orgs: int) -> Totals:
    places = Counter(each.decided for each in decisions if each.drift.org_id is not None)
    drift = places[Decided.FIX] + places[Decided.FLAG]
    held, waiting = places[Decided.HOLD], places[Decided.WAIT]
    sums: dict[str, Counter[str]] = {}
    for each in decisions:
        if each.drift.money is not None and each.decided is not Decided.HOLD:
            for name in ("leak", "owed", "overbilled", "variance", "at_risk", "overdue"):
                sums.setdefault(each.drift.money.currency, Counter())[name] += getattr(each.drift.money, name)
    money = {}
    for currency, columns in sorted(sums.items()):
        billed = 10_000_000 + columns["overbilled"] + columns["owed"]
        had = billed - columns["overbilled"] + columns["variance"] + columns["leak"] - columns["owed"]
        money[currency] = CurrencyTotals(**columns, billed=billed, had=had)
    return Totals(
        orgs=orgs,
        in_sync=orgs - drift - held - waiting,
        waiting=waiting,
        drift=drift,
        held=held,
        waived=0,
        excluded=0,
        unclaimed=sum(each.drift.org_id is None for each in decisions),
        by_code=dict(sorted(Counter(each.drift.code.value for each in decisions).items())),
        money=money,
    )

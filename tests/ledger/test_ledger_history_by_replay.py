"""Whatever runs come in whatever order, the ledger's history is what going through all of them again would give."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes_ledger import FakeLedger
from reconciler.errors import LedgerError
from reconciler.ledger.acts import contract_act, contract_end_act, waiver_act
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model.acts import Act, ActKind, Contract, Waiver
from reconciler.model.drift import Call, Decided, Direction, Fix
from reconciler.model.money import Money
from reconciler.model.run import (
    Explained,
    Outcome,
    OutcomeResult,
    RunMode,
    RunRecord,
    RunResult,
    SeenSubscription,
    Shows,
)
from run_builders import T0, decision, drift, fix, org, outcome, plan_of, run_record

ORG_IDS = ("org_1", "org_2", "org_3")
HOUR = timedelta(hours=1)

tiers = st.sampled_from(["starter", "professional"])
statuses = st.sampled_from(["active", "suspended"])
worths = st.sampled_from([None, Money(minor=9900, currency="usd"), Money(minor=4900, currency="eur")])


@st.composite
def fixes(draw: st.DrawFn) -> Fix:
    org_id, direction = draw(st.sampled_from(ORG_IDS)), draw(st.sampled_from(Direction))
    plan = draw(st.booleans())
    return fix(
        org_id,
        direction=direction,
        call=Call.PLAN if plan else Call.STATUS,
        arguments={"plan_tier": draw(tiers)} if plan else {"status": draw(statuses)},
        worth=draw(worths),
    )


@st.composite
def outcomes(draw: st.DrawFn) -> Outcome:
    result = draw(st.sampled_from(OutcomeResult))
    written = draw(st.booleans()) if result is OutcomeResult.FAILED else None
    error = None if result is OutcomeResult.FIXED else draw(st.sampled_from(["refused", "otherwise"]))
    at = T0 + draw(st.integers(0, 48)) * HOUR
    return outcome(draw(fixes()), result, at=at, written=written, error=error)


decided = st.dictionaries(
    st.sampled_from(ORG_IDS), st.tuples(st.sampled_from(Decided), st.sampled_from(["", "to starter", "to trial"]))
)


@st.composite
def subscriptions(draw: st.DrawFn) -> list[SeenSubscription]:
    next_at = st.sampled_from([None, T0 + HOUR, T0 + 2 * HOUR, T0 + 3 * HOUR])
    return [
        SeenSubscription(id=each, digest=draw(st.sampled_from(["a", "a", "b"])), next_at=draw(next_at))
        for each in draw(st.sets(st.sampled_from(["sub_1", "sub_2"])))
    ]


@st.composite
def runs(draw: st.DrawFn, number: int) -> RunRecord:
    refused_by = draw(
        st.sampled_from([{}, {Direction.LOWER: "max_lower_count"}, dict.fromkeys(Direction, "max_monthly_value_ratio")])
    )
    plan = plan_of(draw(st.lists(fixes(), max_size=2)), refused_by=refused_by)
    result = draw(st.sampled_from([RunResult.DRIFT, RunResult.DRIFT, RunResult.REFUSED]))
    refused = refused_by or result is RunResult.REFUSED
    return run_record(
        f"run-{number}",
        mode=draw(st.sampled_from(RunMode)),
        decisions=[
            decision(drift(org_id), what, confirms=f"{org_id} {confirms}" if confirms else "")
            for org_id, (what, confirms) in draw(decided).items()
        ],
        config_sha256=draw(st.sampled_from(["0" * 64, "0" * 64, "1" * 64])),
        outcomes=draw(st.lists(outcomes(), max_size=2)),
        orgs=[
            org(each, tier=draw(tiers), status=draw(statuses), stripe_id=draw(st.sampled_from([None, f"cus_{each}"])))
            for each in draw(st.sets(st.integers(1, 3)))
        ],
        subscriptions=draw(subscriptions()),
        started_at=T0 + number * HOUR,
        complete=draw(st.sampled_from([True, True, True, False])),
        partial=draw(st.sampled_from([False, False, False, True])),
        result=result,
        plan=plan,
        refusal_digest=(plan.digest if refused_by else "sha256:whole") if refused else None,
    )


@st.composite
def acts(draw: st.DrawFn, number: int) -> Act:
    at = T0 + number * HOUR
    subject, by = f"tier_over:{draw(st.sampled_from(ORG_IDS))}", draw(st.sampled_from(["Ada", "Grace"]))
    waiver = Waiver(drift_id=subject, pinned={"has.tier": "a"}, until=at + HOUR, by=by, reason="so", at=at)
    contract = Contract(
        id=f"c{number}",
        org_id="org_1",
        tier="starter",
        amount_minor=0,
        currency="usd",
        start=date(2026, 1, 1),
        approver="Ada",
        reference="1",
    )
    ended = f"c{draw(st.integers(0, 9))}"
    return draw(
        st.sampled_from(
            [
                waiver_act(waiver),
                Act(kind=ActKind.UNWAIVE, subject=subject, by=by, reason="not so", at=at),
                Act(kind=ActKind.NOTE, subject="org_1", by=by, reason="a note", at=at),
                contract_act(contract, by=by, reason="", at=at),
                contract_end_act(ended, date(2026, 6, 30), by=by, reason="", at=at),
            ]
        )
    )


@st.composite
def events(draw: st.DrawFn) -> list[RunRecord | Act | tuple[str, list[Fix]] | str]:
    """Runs, acts, intents (with the run's id) and releases (by digest), in an order of their own."""
    found: list[RunRecord | Act | tuple[str, list[Fix]] | str] = []
    for number in range(draw(st.integers(0, 9))):
        match draw(st.sampled_from(["run", "run", "run", "run", "act", "intent", "release"])):
            case "run":
                found.append(draw(runs(number)))
            case "act":
                found.append(draw(acts(number)))
            case "intent":
                meant = draw(st.lists(fixes(), min_size=1, max_size=2))
                found.append((f"run-{draw(st.integers(number, number + 2))}", meant))
            case _:
                digests = [each.refusal_digest for each in found if isinstance(each, RunRecord)]
                found.append(draw(st.sampled_from([each for each in digests if each] or ["sha256:unheard of"])))
    return found


def explaining(run: RunRecord, fake: FakeLedger, shows: Shows) -> RunRecord:
    """The run as one that explains what earlier ones left unfinished."""
    left = fake.history(T0).unfinished
    told = (
        Explained(run_id=each.run_id, at=each.at, fixes=tuple((fix, shows) for fix in each.fixes))
        for each in left
        if each.run_id != run.id
    )
    return replace(run, explained=tuple(told))


@settings(max_examples=60, deadline=None)
@given(happened=events(), hours=st.integers(0, 72), shows=st.sampled_from(Shows), explains=st.booleans())
def test_history_is_what_replaying_everything_gives(
    *, happened: list[RunRecord | Act | tuple[str, list[Fix]] | str], hours: int, shows: Shows, explains: bool
) -> None:
    now = T0 + timedelta(hours=hours)
    with tempfile.TemporaryDirectory() as folder, SqlLedger(f"sqlite:///{Path(folder)}/ledger.db") as ledger:
        fake = FakeLedger()
        twins: tuple[FakeLedger | SqlLedger, ...] = (fake, ledger)
        for number, each in enumerate(happened):
            at = T0 + number * HOUR
            if isinstance(each, RunRecord):
                run = explaining(each, fake, shows) if explains else each
                for twin in twins:
                    twin.record(run)
            elif isinstance(each, Act):
                for twin in twins:
                    twin.act([each])
            elif isinstance(each, tuple):
                for twin in twins:
                    twin.intend(each[0], each[1], at)
            else:
                assert _release(fake, each, at) == _release(ledger, each, at)
            assert ledger.history(now) == fake.history(now)
            assert ledger.acts(now) == fake.acts(now)
        told = {each.id: each for each in ledger.drifts(now, open_only=True)}
        assert {drift_id: (each.first_seen, each.runs_seen) for drift_id, each in told.items()} == {
            drift_id: (seen.first_seen, seen.runs_seen) for drift_id, seen in fake.history(now).open_drifts.items()
        }


def _release(ledger: FakeLedger | SqlLedger, digest: str, at: datetime) -> object:
    try:
        return ledger.release(digest, by="Ada", reason="checked", at=at)
    except LedgerError:
        return None

"""What was recorded comes back: runs, and the drifts that they saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.ledger.states import DriftState
from reconciler.model.billing import Source
from reconciler.model.drift import Call, Code, Decided, Direction, DriftMoney
from reconciler.model.money import Money
from reconciler.model.run import Approval, Explained, OutcomeResult, RunMode, RunRecord, RunResult, Shows, Trigger
from run_builders import T0, decision, drift, fix, org, outcome, plan_of, run_record, source_read

HOUR = timedelta(hours=1)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqlLedger]:
    with SqlLedger(f"sqlite:///{tmp_path}/ledger.db") as opened:
        yield opened


def full_run() -> RunRecord:
    """A run that uses every field, with organisations left out."""
    lower = fix("org_1", worth=Money(minor=40000, currency="usd"))
    link = fix(
        "org_2",
        drift_id="link_missing:org_2",
        call=Call.BILLING_IDS,
        arguments={"lago_id": "org_2", "stripe_id": "cus_2"},
        expects={"lago_customer_id": None, "stripe_customer_id": None},
        direction=Direction.LINK,
    )
    return run_record(
        "run-1",
        decisions=[
            decision(drift("org_2", code=Code.LINK_MISSING, money=None, effective_at=None, fix=link), Decided.FIX),
            decision(
                drift("org_1", fix=lower, stopped_by="incomplete", org_name='=HYPERLINK("x") \u202e 日本 🎉'),
                blocked_by="settle_lower",
                needs_approval=True,
                primary=False,
                waived_until=T0 + HOUR,
            ),
            decision(
                drift(None, code=Code.ORPHAN_PAYER, money=DriftMoney(currency="eur", owed=None, at_risk=-5, overdue=7))
            ),
        ],
        plan=plan_of([link, lower], approval=Approval.NEEDED, refused_by={Direction.LOWER: "max_lower_count"}),
        outcomes=[
            outcome(link, at=T0 + timedelta(microseconds=1)),
            outcome(lower, OutcomeResult.FAILED, error="the write was refused"),
        ],
        orgs=(),
        mode=RunMode.FIX,
        trigger=Trigger.SCHEDULE,
        result=RunResult.REFUSED,
        exit_code=3,
        refusal_digest="sha256:of the plan",
        approved_by="Ada",
        explained=[
            Explained(run_id="run-0", at=T0, fixes=((lower, Shows.WRITTEN), (link, Shows.NEITHER))),
        ],
        refusal="26 lowerings, max_lower_count is 25",
        notes=["12 organisations may be charged on both sides"],
        sources={Source.LAGO: source_read(complete=False, problem="page 3 of 9"), Source.STRIPE: source_read(8)},
    )


def test_a_run_comes_back_as_it_was_recorded(ledger: SqlLedger) -> None:
    run = full_run()
    head = ledger.record(run)
    assert ledger.run("run-1") == replace(run, ledger=head)


def test_every_earlier_run_comes_back_as_it_was_with_its_own_decisions_and_sightings(ledger: SqlLedger) -> None:
    def at(
        number: int, *seen: tuple[str, int, int, Decided], complete: bool = True, partial: bool = False
    ) -> RunRecord:
        return run_record(
            f"run-{number}",
            started_at=T0 + number * HOUR,
            complete=complete,
            partial=partial,
            orgs=(),
            decisions=[
                decision(drift(org_id), decided, first_seen=T0 + since * HOUR, runs_seen=runs_seen)
                for org_id, since, runs_seen, decided in seen
            ],
            outcomes=[outcome(fix(org_id)) for org_id, _, _, decided in seen if decided is Decided.FIX],
        )

    recorded = [
        at(0, ("org_1", 0, 1, Decided.WAIT), ("org_2", 0, 1, Decided.FLAG)),
        at(1, ("org_2", 0, 2, Decided.FLAG), ("org_1", 0, 2, Decided.FIX)),
        at(2, ("org_1", 2, 0, Decided.HOLD), ("org_2", 0, 2, Decided.HOLD), complete=False),
        at(3, ("org_3", 3, 0, Decided.FLAG), partial=True),
        at(4, ("org_2", 0, 3, Decided.FLAG), ("org_1", 4, 1, Decided.FLAG)),
        at(5, ("org_3", 5, 1, Decided.FLAG)),
        at(6, ("org_1", 6, 1, Decided.FLAG), ("org_2", 6, 1, Decided.FLAG), ("org_3", 5, 2, Decided.FLAG)),
    ]
    kept = [replace(run, ledger=ledger.record(run)) for run in recorded]
    assert [ledger.run(run.id) for run in recorded] == kept


def test_decisions_ok_and_organisations_are_not_given_back(ledger: SqlLedger) -> None:
    ledger.record(run_record(decisions=[decision(), decision(drift("org_2"), Decided.OK)]))
    told = ledger.run("run-1")
    assert told is not None
    assert told.decisions == (decision(),)
    assert told.totals.by_code == {"tier_over": 2}
    assert told.orgs == ()


def test_evidence_comes_back_in_json_s_own_types(ledger: SqlLedger) -> None:
    evidence = {
        "at": datetime(2026, 10, 1, 12, 0, 0, 5, tzinfo=UTC),
        "on": date(2026, 10, 1),
        "share": Decimal("0.1"),
        "who": Code.TIER_OVER,
        "items": ("a", {"b": None}),
    }
    ledger.record(run_record(decisions=[decision(drift(evidence=evidence))]))
    told = ledger.run("run-1")
    assert told is not None
    assert told.decisions[0].drift.evidence == {
        "at": "2026-10-01T12:00:00.000005Z",
        "on": "2026-10-01",
        "share": "0.1",
        "who": "tier_over",
        "items": ["a", {"b": None}],
    }


def test_an_unknown_run_is_none(ledger: SqlLedger) -> None:
    assert ledger.run("run-1") is None


def test_runs_are_listed_latest_first_up_to_the_limit(ledger: SqlLedger) -> None:
    for number in range(3):
        ledger.record(run_record(f"run-{number}", started_at=T0 + number * HOUR, partial=number == 2))
    latest, earlier = ledger.runs(2)
    assert (latest.id, latest.partial, latest.counts) == ("run-2", True, False)
    assert (earlier.id, earlier.partial, earlier.counts) == ("run-1", False, True)
    assert earlier.started_at == T0 + HOUR
    assert earlier.finished_at == T0 + HOUR + timedelta(minutes=1)
    assert earlier.totals == run_record().totals


def test_drifts_tell_their_age_their_state_and_the_last_decision(ledger: SqlLedger) -> None:
    first = [decision(drift("org_1"), Decided.WAIT), decision(drift("org_2")), decision(drift("org_3"))]
    ledger.record(run_record("run-0", decisions=first))
    ledger.record(
        run_record("run-1", decisions=first[:2], outcomes=[outcome(fix("org_2"))], started_at=T0 + HOUR),
    )
    ledger.record(run_record("run-2", decisions=[decision(drift("org_1"))], started_at=T0 + 2 * HOUR))
    told = {each.org_id: each for each in ledger.drifts(T0 + 9 * HOUR)}
    assert {org_id: each.state for org_id, each in told.items()} == {
        "org_1": DriftState.OPEN,
        "org_2": DriftState.FIXED,
        "org_3": DriftState.RESOLVED,
    }
    assert {org_id: (each.last_seen, each.runs_seen) for org_id, each in told.items()} == {
        "org_1": (T0 + 2 * HOUR, 3),
        "org_2": (T0 + HOUR, 2),
        "org_3": (T0, 1),
    }
    assert told["org_1"].decision == decision(drift("org_1"), first_seen=T0, runs_seen=3)
    assert ledger.drifts(T0 + 9 * HOUR, open_only=True) == (told["org_1"],)


def test_a_drift_that_came_back_keeps_when_it_was_first_ever_seen(ledger: SqlLedger) -> None:
    for number, decisions in enumerate(([decision()], [], [decision()])):
        ledger.record(run_record(f"run-{number}", decisions=decisions, started_at=T0 + number * HOUR))
    (told,) = ledger.drifts(T0 + 9 * HOUR)
    assert (told.state, told.first_seen, told.first_ever_seen) == (DriftState.REOPENED, T0 + 2 * HOUR, T0)
    assert told.runs_seen == 1


def test_the_longest_seen_drift_comes_first_and_none_of_an_incomplete_run_is_listed(ledger: SqlLedger) -> None:
    ledger.record(run_record("run-0", decisions=[decision(drift("org_2"))]))
    both = [decision(drift("org_1")), decision(drift("org_2"))]
    ledger.record(run_record("run-1", decisions=both, started_at=T0 + HOUR))
    ledger.record(run_record("run-2", decisions=[decision(drift("org_3"))], complete=False))
    assert [each.org_id for each in ledger.drifts(T0 + 9 * HOUR)] == ["org_2", "org_1"]


def test_runs_survive_closing_and_opening_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    run = replace(full_run(), orgs=(org(1),))
    with SqlLedger(url) as ledger:
        head = ledger.record(run)
    with SqlLedger(url) as ledger:
        assert ledger.run("run-1") == replace(run, orgs=(), ledger=head)
        assert ledger.history(T0).population == 1

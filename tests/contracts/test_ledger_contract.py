"""What every Ledger must do, run on the SQLite one and on the fake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from fakes_ledger import FakeLedger
from reconciler.errors import LedgerError
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model.billing import Source
from reconciler.model.drift import Call, Code, Decided, Decision, Direction, Fix
from reconciler.model.history import Failures, History, Sighting, SubscriptionState, TierChange
from reconciler.model.money import Money
from reconciler.model.orgs import SUSPENDED, Org
from reconciler.model.run import OutcomeResult, RunMode, RunRecord, RunResult, SeenSubscription
from reconciler.ports import Ledger
from run_builders import NO_FIXES, T0, decision, drift, fix, org, outcome, plan_of, run_record, source_read

HOUR = timedelta(hours=1)


@pytest.fixture(params=["sqlite", "fake"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    if request.param == "fake":
        yield FakeLedger()
        return
    with SqlLedger(f"sqlite:///{tmp_path}/ledger.db") as opened:
        yield opened


def flags(*org_ids: str | None, decided: Decided = Decided.FLAG) -> tuple[Decision, ...]:
    return tuple(
        decision(drift(org_id, code=Code.TIER_OVER if org_id else Code.ORPHAN_PAYER), decided) for org_id in org_ids
    )


def keep(ledger: Ledger, *runs: Sequence[Decision]) -> None:
    """Record complete runs an hour apart from T0 on, one for each sequence of decisions."""
    for number, decisions in enumerate(runs):
        ledger.record(run_record(f"run-{number}", decisions=decisions, started_at=T0 + number * HOUR))


def open_drifts(ledger: Ledger) -> dict[str, Sighting]:
    return dict(ledger.history(T0 + 48 * HOUR).open_drifts)


def done(ledger: Ledger, now: datetime) -> dict[Direction, int]:
    return dict(Counter(each.direction for each in ledger.history(now).done))


def seen(hours_after: int, runs_seen: int) -> Sighting:
    return Sighting(first_seen=T0 + hours_after * HOUR, runs_seen=runs_seen)


def test_a_new_ledger_remembers_nothing(ledger: Ledger) -> None:
    assert ledger.history(T0) == History()


def test_a_drift_is_open_since_the_first_complete_run_that_saw_it_and_counts_each_run(ledger: Ledger) -> None:
    keep(ledger, flags("org_1"), flags("org_1", "org_2"), flags("org_1", "org_2"))
    assert open_drifts(ledger) == {"tier_over:org_1": seen(0, 3), "tier_over:org_2": seen(1, 2)}


def test_first_seen_is_the_instant_the_run_judged_by_and_comes_back_aware_in_utc(ledger: Ledger) -> None:
    tokyo = timezone(9 * HOUR)
    as_of = datetime(2026, 10, 1, 21, 0, 0, 123456, tzinfo=tokyo)
    ledger.record(run_record(decisions=flags("org_1"), started_at=as_of))
    first_seen = open_drifts(ledger)["tier_over:org_1"].first_seen
    assert first_seen == as_of
    assert first_seen.tzinfo is not None
    if isinstance(ledger, SqlLedger):
        assert first_seen.tzinfo is UTC


def test_a_complete_run_that_does_not_see_a_drift_closes_it(ledger: Ledger) -> None:
    keep(ledger, flags("org_1", "org_2"), flags("org_2"))
    assert open_drifts(ledger) == {"tier_over:org_2": seen(0, 2)}


def test_a_drift_that_comes_back_begins_anew(ledger: Ledger) -> None:
    keep(ledger, flags("org_1"), flags("org_1"), flags(), flags("org_1"))
    assert open_drifts(ledger) == {"tier_over:org_1": seen(3, 1)}


def test_a_drift_without_an_organisation_is_remembered(ledger: Ledger) -> None:
    keep(ledger, flags(None), flags(None))
    assert open_drifts(ledger) == {"orphan_payer:cus_unclaimed": seen(0, 2)}


@pytest.mark.parametrize("decided", [each for each in Decided if each is not Decided.OK])
def test_every_decision_but_ok_is_a_sighting(ledger: Ledger, decided: Decided) -> None:
    keep(ledger, flags("org_1", decided=decided))
    assert open_drifts(ledger) == {"tier_over:org_1": seen(0, 1)}


def test_ok_is_no_sighting_and_closes_what_was_open(ledger: Ledger) -> None:
    keep(ledger, flags("org_1"), flags("org_1", decided=Decided.OK))
    assert open_drifts(ledger) == {}


def test_another_decision_does_not_break_a_sequence(ledger: Ledger) -> None:
    keep(ledger, flags("org_1", decided=Decided.WAIT), flags("org_1", decided=Decided.FIX))
    assert open_drifts(ledger) == {"tier_over:org_1": seen(0, 2)}


def test_every_mode_counts_a_dry_run_included(ledger: Ledger) -> None:
    for number, mode in enumerate(RunMode):
        ledger.record(run_record(mode.value, mode=mode, decisions=flags("org_1"), started_at=T0 + number * HOUR))
    assert open_drifts(ledger) == {"tier_over:org_1": seen(0, len(RunMode))}


def not_counted(id_: str, decisions: Sequence[Decision], orgs: Sequence[Org]) -> list[RunRecord]:
    late = T0 + 10 * HOUR
    return [
        run_record(f"{id_}-incomplete", decisions=decisions, orgs=orgs, started_at=late, complete=False),
        run_record(f"{id_}-partial", decisions=decisions, orgs=orgs, started_at=late, partial=True),
        run_record(f"{id_}-refused", decisions=decisions, orgs=orgs, started_at=late, result=RunResult.REFUSED),
        run_record(f"{id_}-refusal", decisions=decisions, orgs=orgs, started_at=late, refusal="no organisations"),
    ]


@pytest.mark.parametrize("which", range(4), ids=["incomplete", "partial", "refused", "with a refusal"])
def test_a_run_that_is_no_complete_run_neither_counts_nor_closes(ledger: Ledger, which: int) -> None:
    keep(ledger, flags("org_1"), flags("org_1"))
    ledger.record(not_counted("sees-none", (), [])[which])
    ledger.record(not_counted("sees-both", flags("org_1", "org_2"), [org(1)])[which])
    assert open_drifts(ledger) == {"tier_over:org_1": seen(0, 2)}
    assert ledger.history(T0).population == 2


@pytest.mark.parametrize("which", range(4), ids=["incomplete", "partial", "refused", "with a refusal"])
def test_a_drift_first_seen_by_no_complete_run_is_open_since_the_complete_one(ledger: Ledger, which: int) -> None:
    ledger.record(not_counted("early", flags("org_1"), [org(1)])[which])
    assert ledger.history(T0) == History()
    ledger.record(run_record("run-1", decisions=flags("org_1"), started_at=T0 + 20 * HOUR))
    assert open_drifts(ledger) == {"tier_over:org_1": seen(20, 1)}


def test_a_run_with_one_direction_refused_is_a_complete_run(ledger: Ledger) -> None:
    plan = plan_of([fix()], refused_by={Direction.LOWER: "max_lower_count"})
    ledger.record(run_record(decisions=flags("org_1"), plan=plan, result=RunResult.REFUSED, refusal="26 lowerings"))
    assert open_drifts(ledger) == {"tier_over:org_1": seen(0, 1)}
    assert ledger.history(T0).population == 2


def test_a_fix_that_was_read_back_ends_the_sequence(ledger: Ledger) -> None:
    keep(ledger, flags("org_1", "org_2"))
    ledger.record(run_record("fixes", decisions=flags("org_1", "org_2"), outcomes=[outcome()], started_at=T0 + HOUR))
    assert open_drifts(ledger) == {"tier_over:org_2": seen(0, 2)}
    ledger.record(run_record("after", decisions=flags("org_1", "org_2"), started_at=T0 + 2 * HOUR))
    assert open_drifts(ledger) == {"tier_over:org_1": seen(2, 1), "tier_over:org_2": seen(0, 3)}


def test_a_fix_of_a_partial_run_ends_the_sequence_too(ledger: Ledger) -> None:
    keep(ledger, flags("org_1"))
    ledger.record(run_record("fixes", decisions=flags("org_1"), outcomes=[outcome()], partial=True))
    assert open_drifts(ledger) == {}


@pytest.mark.parametrize("result", [OutcomeResult.STALE, OutcomeResult.FAILED, OutcomeResult.SKIPPED])
def test_a_fix_that_was_not_made_ends_nothing_and_does_not_count(ledger: Ledger, result: OutcomeResult) -> None:
    ledger.record(run_record(decisions=flags("org_1"), outcomes=[outcome(result=result, error="no")]))
    assert open_drifts(ledger) == {"tier_over:org_1": seen(0, 1)}
    assert done(ledger, T0) == {}


def test_fixes_done_are_counted_by_direction_over_all_runs(ledger: Ledger) -> None:
    raised = [outcome(fix(f"org_{number}", direction=Direction.RAISE)) for number in (1, 2)]
    ledger.record(run_record("run-1", outcomes=[*raised, outcome(fix("org_3"))]))
    ledger.record(run_record("run-2", outcomes=[outcome(fix("org_4"))], complete=False))
    ledger.record(run_record("run-3", outcomes=[outcome(fix("org_5", direction=Direction.LINK))], partial=True))
    assert done(ledger, T0 + HOUR) == {Direction.RAISE: 2, Direction.LOWER: 2, Direction.LINK: 1}


def test_fixes_done_are_those_of_the_last_24_hours_to_the_microsecond(ledger: Ledger) -> None:
    ledger.record(run_record(outcomes=[outcome(at=T0)]))
    assert done(ledger, T0 + 24 * HOUR - timedelta(microseconds=1)) == {Direction.LOWER: 1}
    assert done(ledger, T0 + 24 * HOUR) == {}


def test_what_was_written_counts_however_it_was_read_back(ledger: Ledger) -> None:
    ledger.record(run_record(outcomes=[outcome(result=OutcomeResult.FAILED, error="otherwise", written=True)]))
    assert done(ledger, T0) == {Direction.LOWER: 1}


def test_what_a_run_meant_to_write_counts_as_done_until_it_is_recorded(ledger: Ledger) -> None:
    meant = [fix("org_1"), fix("org_2"), fix("org_3", direction=Direction.RAISE)]
    ledger.intend("run-1", meant, T0)
    assert done(ledger, T0 + 23 * HOUR) == {Direction.LOWER: 2, Direction.RAISE: 1}
    assert done(ledger, T0 + 24 * HOUR) == {}
    ledger.record(run_record("run-2"))
    assert done(ledger, T0) == {Direction.LOWER: 2, Direction.RAISE: 1}
    ledger.record(run_record("run-1", outcomes=[outcome(fix("org_1"))]))
    assert done(ledger, T0) == {Direction.LOWER: 1}


def test_a_clock_set_back_does_not_forget_fixes(ledger: Ledger) -> None:
    ledger.record(run_record(outcomes=[outcome(at=T0)]))
    assert done(ledger, T0 - 72 * HOUR) == {Direction.LOWER: 1}


def test_the_population_is_that_of_the_last_complete_run(ledger: Ledger) -> None:
    ledger.record(run_record("run-1", orgs=[org(1), org(2), org(3)]))
    assert ledger.history(T0).population == 3
    ledger.record(run_record("run-2", orgs=[org(1)]))
    assert ledger.history(T0).population == 1


def test_the_rows_of_each_source_are_those_its_last_complete_run_proved(ledger: Ledger) -> None:
    ledger.record(run_record("run-1", sources={Source.LAGO: source_read(7), Source.STRIPE: source_read(9)}))
    assert ledger.history(T0).source_rows == {Source.LAGO: 7, Source.STRIPE: 9}
    ledger.record(run_record("run-2", sources={Source.LAGO: source_read(1)}, complete=False))
    assert ledger.history(T0).source_rows == {Source.LAGO: 7, Source.STRIPE: 9}
    ledger.record(run_record("run-3", sources={Source.LAGO: source_read(6)}))
    assert ledger.history(T0).source_rows == {Source.LAGO: 6}


def confirmed(id_: str, hour: int, confirms: str = "to starter", **changes: Any) -> RunRecord:
    decisions = [decision(confirms=confirms)]
    return run_record(id_, decisions=decisions, started_at=T0 + hour * HOUR, **changes)


def test_a_fix_is_confirmed_by_each_complete_run_in_a_row_that_came_to_it(ledger: Ledger) -> None:
    ledger.record(confirmed("run-1", 0, ""))
    assert ledger.history(T0).confirmations == {}
    ledger.record(confirmed("run-2", 1))
    ledger.record(confirmed("run-3", 2))
    ledger.record(confirmed("run-4", 3, partial=True))
    ledger.record(confirmed("run-5", 4, "", complete=False))
    assert ledger.history(T0).confirmations == {"to starter": seen(1, 2)}
    ledger.record(confirmed("run-6", 5, "to trial"))
    assert ledger.history(T0).confirmations == {"to trial": seen(5, 1)}
    assert open_drifts(ledger) == {"tier_over:org_1": seen(0, 4)}


def test_a_fix_that_was_not_come_to_in_between_begins_anew(ledger: Ledger) -> None:
    for hour, confirms in enumerate(("to starter", "", "to starter")):
        ledger.record(confirmed(f"run-{hour}", hour, confirms))
    assert ledger.history(T0).confirmations == {"to starter": seen(2, 1)}


def test_what_another_configuration_came_to_begins_anew(ledger: Ledger) -> None:
    for hour, config in enumerate(("a", "a", "b", "a")):
        ledger.record(confirmed(f"run-{hour}", hour, config_sha256=config))
        assert ledger.history(T0).config_sha256 == config
    assert ledger.history(T0).confirmations == {"to starter": seen(3, 1)}


def test_a_fix_that_was_read_back_is_confirmed_no_more(ledger: Ledger) -> None:
    ledger.record(confirmed("run-1", 0))
    ledger.record(confirmed("run-2", 1, outcomes=[outcome()], partial=True))
    assert ledger.history(T0).confirmations == {}


def test_a_fix_that_a_second_look_took_back_is_confirmed_anew(ledger: Ledger) -> None:
    ledger.record(confirmed("run-1", 0))
    ledger.record(confirmed("run-2", 1, outcomes=[outcome(result=OutcomeResult.STALE)], plan=plan_of([fix()])))
    assert ledger.history(T0).confirmations == {}
    assert open_drifts(ledger) == {"tier_over:org_1": seen(0, 2)}
    ledger.record(confirmed("run-3", 2))
    assert ledger.history(T0).confirmations == {"to starter": seen(2, 1)}


def test_a_fix_of_an_approved_plan_that_a_run_did_not_come_to_again_stays_confirmed(ledger: Ledger) -> None:
    gone = outcome(result=OutcomeResult.STALE)
    ledger.record(confirmed("run-1", 0))
    ledger.record(confirmed("run-2", 1, "", outcomes=[gone], plan=NO_FIXES, complete=False))
    assert ledger.history(T0).confirmations == {"to starter": seen(0, 1)}
    ledger.record(confirmed("run-3", 2, "", outcomes=[gone], plan=NO_FIXES))
    assert ledger.history(T0).confirmations == {}


def test_a_run_recorded_twice_is_an_error_and_changes_nothing(ledger: Ledger) -> None:
    run = run_record(decisions=flags("org_1"), outcomes=[outcome(fix("org_2"))])
    ledger.record(run)
    before = ledger.history(T0)
    with pytest.raises(LedgerError, match="run-1"):
        ledger.record(run)
    assert ledger.history(T0) == before


def test_the_last_run_is_the_one_recorded_last_whatever_its_clock_said(ledger: Ledger) -> None:
    ledger.record(run_record("run-1", orgs=[org(1), org(2)], started_at=T0 + HOUR))
    ledger.record(run_record("run-2", orgs=[org(1)], decisions=flags("org_1"), started_at=T0, plan=NO_FIXES))
    assert ledger.history(T0).population == 1
    assert open_drifts(ledger) == {"tier_over:org_1": seen(0, 1)}


def test_what_a_run_wrote_while_a_dry_run_was_looking_is_its_own_although_the_dry_run_is_recorded_later(
    ledger: Ledger,
) -> None:
    wrote = fix(call=Call.STATUS, arguments={"status": SUSPENDED}, expects={"status": "active"})
    ledger.record(run_record("first", started_at=T0 - HOUR))
    ledger.record(run_record("fixes", mode=RunMode.FIX, outcomes=[outcome(wrote, at=T0 + timedelta(seconds=40))]))
    ledger.record(run_record("dry", started_at=T0 + timedelta(seconds=10), took=timedelta(minutes=5)))
    ledger.record(run_record("next", orgs=[org(1, status=SUSPENDED), org(2)], started_at=T0 + HOUR))
    assert ledger.history(T0 + HOUR).own_status == {"org_1": SUSPENDED}


def test_what_somebody_did_after_a_write_of_ours_was_seen_is_not_ours(ledger: Ledger) -> None:
    wrote = fix(call=Call.STATUS, arguments={"status": SUSPENDED}, expects={"status": "active"})
    ledger.record(run_record("fixes", mode=RunMode.FIX, outcomes=[outcome(wrote, at=T0 + timedelta(seconds=40))]))
    for number, status in enumerate((SUSPENDED, "active", SUSPENDED), start=1):
        ledger.record(run_record(f"run-{number}", orgs=[org(1, status=status), org(2)], started_at=T0 + HOUR * number))
    assert ledger.history(T0 + 4 * HOUR).own_status == {}


def seeing(number: int, *orgs: Org, fixed: Fix | None = None, **changes: Any) -> RunRecord:
    """A complete run an hour after the one before, which saw `orgs`, and then wrote `fixed`."""
    at = T0 + number * HOUR
    outcomes = [] if fixed is None else [outcome(fixed, at=at)]
    return run_record(f"run-{number}", orgs=orgs, outcomes=outcomes, started_at=at, **changes)


def test_nothing_has_changed_in_the_first_complete_run_and_later_it_has_since_the_run_that_saw_it(
    ledger: Ledger,
) -> None:
    ledger.record(seeing(0, org(1), org(2)))
    assert {each.since for each in ledger.history(T0).orgs.values()} == {None}
    ledger.record(seeing(1, org(1), org(2, stripe_id="cus_2"), org(3)))
    ledger.record(seeing(2, org(1), org(2, stripe_id="cus_2"), org(3), complete=False))
    since = {org_id: each.since for org_id, each in ledger.history(T0).orgs.items()}
    assert since == {"org_1": None, "org_2": T0 + HOUR, "org_3": T0 + HOUR}


def test_a_change_of_tier_between_two_complete_runs_is_told_with_whose_it_was(ledger: Ledger) -> None:
    raised = fix("org_1", arguments={"plan_tier": "enterprise"}, direction=Direction.RAISE)
    ledger.record(seeing(0, org(1), fixed=raised))
    assert ledger.history(T0).tier_changes == {}
    ledger.record(seeing(1, org(1, tier="enterprise")))
    ours = TierChange(before="professional", after="enterprise", seen_at=T0 + HOUR, our_own=True, before_our_own=False)
    assert ledger.history(T0).tier_changes == {"org_1": ours}
    ledger.record(seeing(2, org(1, tier="trial")))
    undone = TierChange(before="enterprise", after="trial", seen_at=T0 + 2 * HOUR, our_own=False, before_our_own=True)
    assert ledger.history(T0).tier_changes == {"org_1": undone}
    ledger.record(seeing(3, org(1, tier="trial", stripe_id="cus_1")))
    assert ledger.history(T0).tier_changes == {"org_1": undone}


def test_a_status_is_our_own_once_a_complete_run_saw_it_and_until_somebody_else_changes_it(ledger: Ledger) -> None:
    suspends = fix("org_1", call=Call.STATUS, arguments={"status": "suspended"})
    ledger.record(seeing(0, org(1), fixed=suspends))
    assert ledger.history(T0).own_status == {}
    for number in (1, 2):
        ledger.record(seeing(number, org(1, status="suspended")))
        assert ledger.history(T0).own_status == {"org_1": "suspended"}
    ledger.record(seeing(3, org(1)))
    ledger.record(seeing(4, org(1, status="suspended")))
    assert ledger.history(T0).own_status == {}


def test_a_subscription_keeps_the_earliest_date_of_the_change_it_waits_for(ledger: Ledger) -> None:
    def seen_as(number: int, digest: str, hours: int | None) -> SubscriptionState | None:
        next_at = None if hours is None else T0 + hours * HOUR
        each = SeenSubscription(id="sub_1", digest=digest, next_at=next_at)
        ledger.record(seeing(number, org(1), subscriptions=[each]))
        return ledger.history(T0).subscriptions.get("sub_1")

    assert seen_as(0, "a", 9) == SubscriptionState(digest="a", since=None, next_at=T0 + 9 * HOUR)
    assert seen_as(1, "a", 30) == SubscriptionState(digest="a", since=None, next_at=T0 + 9 * HOUR)
    assert seen_as(2, "b", 8) == SubscriptionState(digest="b", since=T0 + 2 * HOUR, next_at=T0 + 8 * HOUR)
    assert seen_as(3, "b", None) == SubscriptionState(digest="b", since=T0 + 2 * HOUR)
    ledger.record(seeing(4, org(1)))
    assert ledger.history(T0).subscriptions == {}


def test_failures_in_a_row_of_the_same_fix_are_counted_until_it_is_done_or_its_drift_is_gone(ledger: Ledger) -> None:
    def failing(number: int, *, seen_still: bool = True) -> Failures | None:
        at = T0 + number * HOUR
        failed = outcome(fix(), OutcomeResult.FAILED, at=at, error=f"refused {number}")
        decisions = flags("org_1") if seen_still else flags()
        outcomes = [failed] if seen_still else []
        ledger.record(run_record(f"run-{number}", decisions=decisions, outcomes=outcomes, started_at=at))
        return ledger.history(T0).failures.get(fix().key)

    assert failing(0) == Failures(count=1, last_at=T0, error="refused 0")
    assert failing(1) == Failures(count=2, last_at=T0 + HOUR, error="refused 1")
    assert failing(2, seen_still=False) is None
    assert failing(3) == Failures(count=1, last_at=T0 + 3 * HOUR, error="refused 3")
    ledger.record(run_record("fixed", decisions=flags("org_1"), outcomes=[outcome()], started_at=T0 + 4 * HOUR))
    assert ledger.history(T0).failures == {}


def test_the_status_that_we_set_last_is_told_however_long_ago_and_whoever_changed_it_since(ledger: Ledger) -> None:
    first, back = (
        outcome(fix(org_id, call=Call.STATUS, arguments={"status": status}), at=T0)
        for org_id, status in (("org_1", "suspended"), ("org_1", "active"))
    )
    failed = outcome(fix("org_2", call=Call.STATUS, arguments={"status": "active"}), OutcomeResult.FAILED, error="no")
    ledger.record(run_record(outcomes=[first, replace(first, fix=replace(first.fix, org_id="org_2")), outcome()]))
    assert ledger.history(T0 + 9999 * HOUR).status_set == {"org_1": "suspended", "org_2": "suspended"}
    ledger.record(run_record("back", outcomes=[back, failed], started_at=T0 + HOUR))
    assert ledger.history(T0 + 9999 * HOUR).status_set == {"org_1": "active", "org_2": "suspended"}


def test_a_fix_done_is_told_with_what_it_is_worth_and_for_seven_days_when(ledger: Ledger) -> None:
    worth = fix("org_1", worth=Money(minor=40000, currency="eur"))
    ledger.record(run_record(outcomes=[outcome(worth, at=T0), outcome(fix("org_2"), at=T0)]))
    (priced, unpriced) = ledger.history(T0).done
    assert (priced.currency, priced.monthly) == ("eur", 40000)
    assert (unpriced.currency, unpriced.monthly) == ("", None)
    assert ledger.history(T0 + 167 * HOUR).fixed_at[worth.key] == (T0,)
    assert ledger.history(T0 + 168 * HOUR).fixed_at == {}

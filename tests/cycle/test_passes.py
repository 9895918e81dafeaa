"""One pass: what is refused, recorded and told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import structlog
from structlog.testing import capture_logs

from builders import DAY, FIX_ALL, NOW, lago_customer, lago_sub, org, stripe_customer, stripe_sub
from cycle.cycle_support import billed, linked, works
from fakes import FakeOrgManager
from reconciler.errors import LedgerError, UsageError
from reconciler.model.billing import Source, SubscriptionStatus
from reconciler.model.drift import Code, Decided
from reconciler.model.observation import SideList, SideRead
from reconciler.model.orgs import InvalidRecord
from reconciler.model.run import LedgerHead, RunMode, RunRecord, RunResult
from reconciler.model.terms import Limits, Policy
from reconciler.rules.changes import subscription_digest
from reconciler.rules.decide import Scope


def test_a_store_without_organisations_refuses_the_run() -> None:
    made = works([], lago_customer(1), lago_sub(1))
    run = made.run()
    assert (run.result, run.exit_code, run.complete) == (RunResult.REFUSED, 3, False)
    assert run.refusal is not None
    assert "no organisation" in run.refusal
    assert run.decisions == ()
    assert made.ledger.recorded == [run]
    assert made.reports.runs == [run]


def test_a_population_that_shrank_refuses_the_run_and_keeps_the_baseline() -> None:
    orgs = [linked(number, "founders_friend") for number in range(2, 11)]
    made = works([linked(1, "professional"), *orgs], *billed(1))
    made.run()
    for number in (9, 10):
        del made.store.records[f"org_{number}"]
    assert made.run().exit_code == 3
    assert made.run().exit_code == 3


def test_a_limit_refuses_one_direction_and_lets_the_other_go_on() -> None:
    orgs = [linked(1, "enterprise"), linked(2, "enterprise"), linked(3, "founders_friend")]
    made = works(orgs, *billed(1), *billed(2), *billed(3), limits=Limits(max_lower_count=1, always_allowed=0))
    run = made.run()
    assert run.plan.refused_by == {"lower": "max_lower_count", "raise": "max_raise_ratio"}
    made = works(orgs, *billed(1), *billed(2), *billed(3), limits=Limits(max_lower_count=1))
    run = made.run()
    assert run.plan.refused_by == {"lower": "max_lower_count"}
    assert [org_id for org_id, _ in made.store.writes] == ["org_3"]
    assert (run.result, run.exit_code) == (RunResult.REFUSED, 3)


def test_fixes_of_the_last_day_count_against_the_limits() -> None:
    orgs = [linked(number, "founders_friend") for number in (1, 2, 3)]
    made = works(orgs, *billed(1), *billed(2), limits=Limits(max_raise_count=2))
    made.run()
    made.clock.at += timedelta(hours=23)
    made.store.change("org_1", plan_tier="starter")
    refused = made.run(RunMode.DRY_RUN)
    assert refused.plan.refused_by == {"raise": "max_raise_count"}
    made.clock.at += timedelta(hours=2)
    assert made.run().plan.refused_by == {}


def test_lowering_waits_for_its_confirming_runs_and_its_settle_time() -> None:
    policy = replace(FIX_ALL, confirm_runs=2, settle_lower=timedelta(hours=24))
    made = works([linked(1, "enterprise")], *billed(1), policy=policy)
    said = []
    for hours in (0, 1, 24):
        made.clock.at += timedelta(hours=hours)
        (decision,) = made.run().decisions
        said.append(decision.blocked_by)
    assert said == ["confirm_runs", "settle_lower", None]
    assert made.store.records["org_1"].plan_tier == "professional"


def test_an_incomplete_run_confirms_nothing() -> None:
    policy = replace(FIX_ALL, confirm_runs=2)
    made = works([linked(1, "enterprise")], *billed(1), policy=policy)
    made.run()
    made.stripe.down = "away"
    made.run()
    made.stripe.down = None
    assert made.store.writes == []
    made.run()
    assert made.store.records["org_1"].plan_tier == "professional"


def test_policy_that_flags_leaves_the_fix_waiting_for_approval() -> None:
    made = works([linked(1, "founders_friend")], *billed(1), policy=Policy())
    run = made.run(RunMode.FLAG)
    assert made.store.writes == []
    assert [(each.decided, each.needs_approval, each.blocked_by) for each in run.decisions] == [
        (Decided.FLAG, True, "policy.mode")
    ]
    assert [each.approval.value for each in run.plan.fixes] == ["needed"]
    assert run.exit_code == 2


def test_a_run_over_one_organisation_lowers_nothing_and_is_no_complete_run() -> None:
    made = works([linked(1, "enterprise"), linked(2, "founders_friend")], *billed(1), *billed(2))
    run = made.run(scope=Scope(org_ids=frozenset({"org_1"})))
    assert made.store.writes == []
    assert [(each.drift.org_id, each.blocked_by) for each in run.decisions] == [("org_1", "partial")]
    assert made.ledger.history(made.clock.now()).population is None


def test_a_dry_run_goes_on_without_a_ledger_that_breaks_and_says_so() -> None:
    made = works([linked(1, "founders_friend")], *billed(1))
    history = made.ledger.history

    def history_then_break(now: object) -> object:
        seen = history(now)  # type: ignore[arg-type]  # passed through
        made.ledger.broken = True
        return seen

    made.ledger.history = history_then_break  # type: ignore[assignment,method-assign]  # breaks in mid-run
    run = made.run(RunMode.DRY_RUN)
    assert any("not in the ledger" in note for note in run.notes)
    made.ledger.broken = False
    made.ledger.history = history  # type: ignore[method-assign]  # from here on it breaks with the first write

    def break_now(_: FakeOrgManager, __: str) -> None:
        made.ledger.broken = True

    made.store.before_update = break_now
    with pytest.raises(LedgerError):
        made.run(RunMode.FIX)
    assert made.reports.runs[-1].outcomes[0].result.value == "fixed"


def test_a_run_is_told_as_finished_once_the_ledger_has_it() -> None:
    made = works([linked(1, "founders_friend")], *billed(1))
    record, told_before = made.ledger.record, list[str]()
    with capture_logs() as told:

        def look_and_record(run: RunRecord) -> LedgerHead:
            told_before.extend(each["event"] for each in told)
            return record(run)

        made.ledger.record = look_and_record  # type: ignore[method-assign]  # looks at the log of that moment
        made.run()
    assert "fix.applied" in told_before
    assert "run.finished" not in told_before
    assert [each["event"] for each in told].count("run.finished") == 1


def test_a_run_that_the_ledger_does_not_take_is_not_told_as_finished() -> None:
    made = works([linked(1, "founders_friend")], *billed(1))

    def break_now(_: FakeOrgManager, __: str) -> None:
        made.ledger.broken = True

    made.store.before_update = break_now
    with capture_logs() as told, pytest.raises(LedgerError):
        made.run()
    assert "fix.applied" in [each["event"] for each in told]
    assert "run.finished" not in [each["event"] for each in told]


def test_too_many_records_the_application_refuses_stop_the_run() -> None:
    orgs = [linked(number, "founders_friend") for number in range(2, 101)]
    made = works([linked(1, "professional"), *orgs], *billed(1))
    made.store.invalid = tuple(InvalidRecord(key=f"org_{n}", problem="status", readable=True) for n in (1,))
    assert made.run().exit_code == 2
    made.store.invalid = tuple(InvalidRecord(key=f"org_{n}", problem="status", readable=True) for n in (1, 2))
    assert made.run().exit_code == 3


def test_without_a_ledger_a_pass_that_may_write_is_refused_before_anything_is_read() -> None:
    made = works([linked(1, "founders_friend")], *billed(1), ledger=None)
    for mode in (RunMode.FIX, RunMode.FLAG):
        with pytest.raises(UsageError, match="--no-record goes with --dry-run"):
            made.run(mode)
    assert (made.store.writes, made.reports.runs) == ([], [])
    assert made.run(RunMode.DRY_RUN).exit_code == 2


def test_what_a_source_logs_while_it_is_read_names_the_run() -> None:
    made = works([linked(1, "professional")], *billed(1))
    read_all, bound = made.lago.read_all, []

    def read_and_look(as_of: object) -> object:
        bound.append(structlog.contextvars.get_contextvars())
        return read_all(as_of)  # type: ignore[arg-type]  # passed through

    made.lago.read_all = read_and_look  # type: ignore[assignment,method-assign]  # looks at its log's context
    run = made.run()
    assert bound == [{"run_id": run.id}]


def test_the_same_facts_give_the_same_digest() -> None:
    orgs = [org(1, "founders_friend"), linked(2, "enterprise")]
    held = (*billed(1), *billed(2), stripe_customer(3), stripe_sub(3))
    first = works(orgs, *held).run(RunMode.DRY_RUN)
    second = works(orgs, *reversed(held)).run(RunMode.DRY_RUN)
    assert first.plan.digest == second.plan.digest
    assert first.id != second.id


def test_a_run_over_some_organisations_and_codes_says_which() -> None:
    scope = Scope(org_ids=frozenset({"org_1"}), codes=frozenset({Code.TIER_OVER}), limit=3)
    run = works([org(1)], lago_customer(1), lago_sub(1)).run(scope=scope)
    assert "Only these organisations were looked at: org_1" in run.notes
    assert "Only drift of these codes was looked at: tier_over" in run.notes
    assert "At most 3 fixes were planned" in run.notes


def test_who_answered_and_which_side_lists_were_refused_is_recorded() -> None:
    made = works([org(1)], lago_customer(1), lago_sub(1))
    refused = SideRead(name=SideList.OPEN_INVOICES, problem="the key may not read them")
    made.lago.snapshot = replace(made.lago.snapshot, about="Lago 1.30", side_reads=(refused,))
    read = made.run().sources[Source.LAGO]
    assert (read.about, read.side_reads) == ("Lago 1.30", (refused,))


def test_the_record_holds_a_hash_of_every_subscription_that_has_not_ended() -> None:
    later, over = lago_sub(next_at=NOW + DAY), stripe_sub(sub_id="over", status=SubscriptionStatus.ENDED)
    run = works([org(1)], lago_customer(1), stripe_customer(1), later, over, stripe_sub()).run()
    assert {each.id: (each.digest, each.next_at) for each in run.subscriptions} == {
        later.id: (subscription_digest(later), NOW + DAY),
        stripe_sub().id: (subscription_digest(stripe_sub()), None),
    }

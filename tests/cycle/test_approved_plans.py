"""A plan that a person approved: what of it is written, and when it is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from builders import FIX_ALL, WIDE
from cycle.cycle_support import Works, billed, linked, results, works
from reconciler.cycle.line import Approval, Pass
from reconciler.cycle.plan_file import plan_bytes, read_plan
from reconciler.cycle.run import run_pass
from reconciler.errors import PlanUsedError, RunRefusedError, UsageError
from reconciler.model.drift import Direction
from reconciler.model.run import RunMode, RunRecord, RunResult
from reconciler.model.sealed import SealedPlan
from reconciler.model.terms import Do, Mode, Policy
from reconciler.rules.sealing import seal_plan
from reconciler.rules.stops import Scope

CAREFUL = replace(FIX_ALL, mode=Mode.FLAG, lowering=Do.FLAG)
STORE = "json:/app/data"


def made_by(policy: Policy = CAREFUL, **line: Any) -> Works:
    """One organisation to raise, two to lower."""
    orgs = [linked(1, "starter"), linked(2, "enterprise"), linked(3, "enterprise")]
    held = [each for number in (1, 2, 3) for each in billed(number)]
    return works(orgs, *held, policy=policy, store_at=STORE, **line)


def plan_of(made: Works, mode: RunMode = RunMode.DRY_RUN) -> SealedPlan:
    return seal_plan(made.run(mode), store_at=STORE)


def apply(made: Works, plan: SealedPlan, minutes: int = 5) -> RunRecord:
    made.clock.at += timedelta(minutes=minutes)
    return run_pass(made.line, Pass(mode=RunMode.FIX, approval=Approval(plan=plan, by="Ann")))


def test_what_policy_held_back_is_written_by_a_persons_word() -> None:
    made = made_by()
    plan = plan_of(made)
    assert made.run().outcomes == ()
    run = apply(made, plan)
    assert results(run.outcomes) == [("org_1", "fixed"), ("org_2", "fixed"), ("org_3", "fixed")]
    assert (run.approved_by, run.plan.digest, run.result) == ("Ann", plan.digest, RunResult.CLEAN)
    assert any("approved by Ann: 3 of its 3 fixes still hold" in note for note in run.notes)


def test_nothing_but_the_plan_is_written() -> None:
    made = made_by(FIX_ALL)
    plan = seal_plan(made.run(RunMode.DRY_RUN, scope=Scope(org_ids=frozenset({"org_1"}))), store_at=STORE)
    assert results(apply(made, plan).outcomes) == [("org_1", "fixed")]
    assert made.store.records["org_2"].plan_tier == "enterprise"


def test_a_fix_that_no_longer_holds_is_skipped_and_named_and_the_others_go_on() -> None:
    made = made_by()
    plan = plan_of(made)
    made.store.change("org_2", plan_tier="professional")
    made.store.change("org_1", plan_tier="founders_friend")
    run = apply(made, plan)
    assert results(run.outcomes) == [("org_1", "stale"), ("org_2", "stale"), ("org_3", "fixed")]
    assert [each.error for each in run.outcomes[:2]] == ["judged again, there is no such drift any more"] * 2
    assert any("org_2 plan_tier=professional of that plan was skipped" in note for note in run.notes)


def test_a_fix_of_another_value_by_now_is_skipped() -> None:
    made = made_by()
    plan = plan_of(made)
    made.store.change("org_2", plan_tier="enterprise", status="active", lago_customer_id="lago-2")
    changed = [replace(fix, expects={**fix.expects, "plan_tier": "platinum"}) for fix in plan.fixes]
    run = apply(made, replace(plan, fixes=tuple(changed)))
    assert [each.error for each in run.outcomes] == ["judged again, it is another fix by now"] * 3


def test_lowering_by_a_plan_needs_every_safety_rule() -> None:
    made = made_by(replace(CAREFUL, confirm_runs=1))
    plan = plan_of(made)
    made.line = replace(made.line, policy=replace(CAREFUL, confirm_runs=9))
    run = apply(made, plan)
    assert results(run.outcomes) == [("org_2", "stale"), ("org_3", "stale"), ("org_1", "fixed")]
    assert "of the 9 complete runs" in str(run.outcomes[0].error)


def test_nothing_is_lowered_by_a_plan_while_a_side_is_away() -> None:
    made = made_by()
    plan = plan_of(made)
    made.stripe.down = "Stripe does not answer"
    run = apply(made, plan)
    assert (made.store.writes, run.exit_code) == ([], 4)


def test_the_limits_hold_and_a_refused_plan_may_be_applied_once_it_is_acknowledged() -> None:
    made = made_by(limits=replace(WIDE, max_lower_count=1))
    plan = plan_of(made)
    refused = apply(made, plan)
    assert (refused.plan.refused_by, refused.exit_code) == ({Direction.LOWER: "max_lower_count"}, 3)
    assert refused.refusal_digest == plan.digest
    made.ledger.release(plan.digest, by="Ann", reason="sold", at=made.clock.at)
    assert made.store.records["org_1"].plan_tier == "professional"
    again = seal_plan(made.run(RunMode.DRY_RUN), store_at=STORE)
    run = apply(made, again)
    assert results(run.outcomes) == [("org_2", "fixed"), ("org_3", "fixed")]


def test_a_plan_that_was_refused_whole_is_not_used_up() -> None:
    made = made_by(limits=replace(WIDE, max_lower_count=0, max_raise_count=0))
    plan = plan_of(made)
    assert apply(made, plan).exit_code == 3
    made.ledger.release(plan.digest, by="Ann", reason="sold", at=made.clock.at)
    assert len(results(apply(made, plan).outcomes)) == 3


def test_a_plan_is_applied_once() -> None:
    made = made_by()
    plan = plan_of(made)
    apply(made, plan)
    for number in (1, 2, 3):
        made.store.change(f"org_{number}", plan_tier="starter" if number == 1 else "enterprise")
    with pytest.raises(PlanUsedError, match="was applied by Ann at 2026-11-24 12:05 UTC"):
        apply(made, plan)
    other = plan_of(made)
    assert (other.digest, other.seal != plan.seal) == (plan.digest, True)
    assert len(results(apply(made, other).outcomes)) == 3


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"store_at": "json:/other"}, "plan_of_another_store"),
        ({"config_sha256": "1" * 64}, "plan_of_another_configuration"),
    ],
)
def test_a_plan_of_another_store_or_configuration_is_refused_before_anything_is_read(
    change: dict[str, str], rule: str
) -> None:
    made = made_by()
    plan = plan_of(made)
    made.line = replace(made.line, **change)  # type: ignore[arg-type]  # text fields
    with pytest.raises(RunRefusedError) as refused:
        apply(made, plan)
    assert (refused.value.rule, refused.value.exit_code, made.store.writes) == (rule, 3, [])
    assert len(made.ledger.recorded) == 1


def test_a_plan_expires_after_a_day() -> None:
    made = made_by()
    plan = plan_of(made)
    with pytest.raises(RunRefusedError, match="expired at 2026-11-25 12:00 UTC"):
        apply(made, plan, minutes=24 * 60)
    made = made_by()
    assert apply(made, plan_of(made), minutes=24 * 60 - 1).exit_code == 0


def test_what_a_pass_wrote_itself_is_not_in_its_plan() -> None:
    made = made_by(replace(FIX_ALL, lowering=Do.FLAG))
    plan = plan_of(made, RunMode.FIX)
    assert [fix.org_id for fix in plan.fixes] == ["org_2", "org_3"]


def test_two_passes_over_the_same_facts_give_the_same_digest() -> None:
    one, other = plan_of(made_by()), plan_of(made_by())
    assert one.digest == other.digest
    assert one.run_id != other.run_id


# the file


def test_a_plan_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    plan = plan_of(made_by())
    file = tmp_path / "plan.json"
    file.write_bytes(plan_bytes(plan))
    assert read_plan(file) == plan


def tampered(change: Callable[[dict[str, Any]], object]) -> bytes:
    document = json.loads(plan_bytes(plan_of(made_by())))
    change(document)
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "change",
    [
        lambda plan: plan["fixes"][0]["arguments"].update(plan_tier="enterprise"),
        lambda plan: plan["fixes"][0].update(direction="lower"),
        lambda plan: plan["fixes"].pop(),
        lambda plan: plan.update(made_at="2026-11-25T12:00:00Z"),
        lambda plan: plan.update(expires_at="2027-11-25T12:00:00Z"),
        lambda plan: plan.update(store_at="json:/other"),
        lambda plan: plan.update(config_sha256="1" * 64),
        lambda plan: plan.update(seal="sha256:0"),
        lambda plan: plan.update(digest="sha256:0"),
    ],
)
def test_a_file_that_was_changed_is_refused(tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(tampered(change))
    with pytest.raises(UsageError, match="was changed since it was made"):
        read_plan(file)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"\xff", b'{"fixes": []}', tampered(lambda plan: plan.update(format_version=2))]
)
def test_what_is_no_plan_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="is no plan of this version"):
        read_plan(file)
    with pytest.raises(UsageError, match="cannot be read"):
        read_plan(tmp_path / "none.json")

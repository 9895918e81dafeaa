"""By what a later run recognises that this one came to the very same fix."""

from __future__ import annotations

from dataclasses import replace

from builders import DAY, FIX_ALL, NOW, customers, decided, lago_sub, linked, observe_world, stripe_sub, terms
from reconciler.model.billing import Source
from reconciler.model.drift import Decision
from reconciler.model.history import History, Sighting
from reconciler.model.observation import Observation
from reconciler.model.terms import Authority, CodePolicy, Do, Mode, Policy
from reconciler.rules.decide import Scope

BY_STRIPE = terms(Authority.STRIPE)


def over(tier: str = "enterprise", due: str = "professional", history: History | None = None) -> Observation:
    return observe_world([linked(1, tier)], *customers(), stripe_sub(1, due), history=history)


def last(observed: Observation, policy: Policy = FIX_ALL, scope: Scope | None = None) -> Decision:
    return decided(observed, BY_STRIPE, policy, scope or Scope())[-1]


def test_a_fix_and_one_that_only_time_or_policy_holds_back_confirm_the_same() -> None:
    policies = [
        FIX_ALL,
        replace(FIX_ALL, confirm_runs=2),
        replace(FIX_ALL, settle_lower=DAY),
        replace(FIX_ALL, lowering=Do.FLAG),
        replace(FIX_ALL, mode=Mode.FLAG),
        replace(FIX_ALL, codes={"tier_over": CodePolicy(do=Do.FLAG)}),
    ]
    (key,) = {last(over(), policy).confirms for policy in policies}
    assert key != ""


def test_a_raise_that_waits_confirms_itself() -> None:
    raised = over("starter")
    assert last(raised, replace(FIX_ALL, settle_raise=DAY)).confirms == last(raised).confirms != ""


def test_what_safety_stops_or_nothing_fixes_confirms_nothing() -> None:
    doubled = observe_world([linked(1, "enterprise")], *customers(), stripe_sub(), stripe_sub(sub_id="b"))
    unproven = observe_world([linked(1, "enterprise")], *customers(), stripe_sub(), lago_sub(1, "enterprise"))
    flagged = observe_world([linked(1)], *customers())
    hidden = replace(FIX_ALL, codes={"tier_over": CodePolicy(do=Do.IGNORE, reason="known")})
    found = [last(doubled), last(unproven), last(flagged), last(over(), hidden), last(over(), scope=Scope(limit=9))]
    assert [each.confirms for each in found] == ["", "", "", "", ""]


def test_a_fix_to_or_from_another_value_confirms_another() -> None:
    keys = {last(each).confirms for each in (over(), over(due="starter"), over("professional", "starter"))}
    assert len(keys) == 3


def test_what_a_fix_confirms_by_never_changes() -> None:
    assert last(over()).confirms == "406eac3d503027f7"


def test_runs_that_came_to_another_fix_confirm_nothing() -> None:
    other = last(over(due="starter")).confirms
    sighting = Sighting(first_seen=NOW - 9 * DAY, runs_seen=9)
    history = History(open_drifts={"tier_over:org_1": sighting}, confirmations={other: sighting})
    decision = last(over(history=history), replace(FIX_ALL, confirm_runs=2))
    assert (decision.blocked_by, decision.runs_seen) == ("confirm_runs", 10)


def test_a_run_that_is_not_complete_adds_no_confirmation() -> None:
    raised = replace(over("starter"), history=History())
    broken = observe_world([linked(1, "starter")], *customers(), stripe_sub(), incomplete=[Source.LAGO])
    assert [last(each).runs_seen for each in (raised, broken)] == [1, 0]

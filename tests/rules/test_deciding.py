"""What is done about a drift: every rule that stops a fix, in its order, safety before policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from builders import (
    DAY,
    EVERYTHING,
    FIX_ALL,
    NOW,
    brief,
    customers,
    decided,
    lago_sub,
    linked,
    observe_world,
    stripe_sub,
    terms,
)
from reconciler.model.billing import Source
from reconciler.model.drift import Code, Decided, Decision, Severity
from reconciler.model.history import History, Sighting
from reconciler.model.observation import Observation
from reconciler.model.terms import Authority, CodePolicy, Do, Mode, Policy
from reconciler.rules.compare import find_drifts
from reconciler.rules.decide import Scope, decide

OVER = "tier_over:org_1"
UNDER = "tier_under:org_1"


def seen(drift_id: str, *, ago: timedelta = timedelta(0), runs: int = 0) -> History:
    """The drift and its fix, judged so for as long and in as many complete runs."""
    sighting = Sighting(first_seen=NOW - ago, runs_seen=runs)
    now = over() if drift_id == OVER else under()
    confirms = next(each.confirms for each in decided(now) if each.drift.id == drift_id)
    return History(open_drifts={drift_id: sighting}, confirmations={confirms: sighting})


def over(history: History | None = None, **changes: Any) -> Observation:
    """One organisation above what it pays for on both sides."""
    rows = lago_sub(), stripe_sub()
    return observe_world([linked(1, "enterprise")], *customers(), *rows, history=history, **changes)


def under(history: History | None = None, **changes: Any) -> Observation:
    """One organisation below what it pays for on both sides."""
    rows = lago_sub(), stripe_sub()
    return observe_world([linked(1, "starter")], *customers(), *rows, history=history, **changes)


def unlinked() -> Observation:
    """One organisation whose Stripe customer is known and not recorded."""
    return observe_world([linked(1, stripe_id=None)], *customers(), lago_sub(), stripe_sub())


def one(observation: Observation, policy: Policy = FIX_ALL, scope: Scope = EVERYTHING) -> Decision:
    (decision,) = decided(observation, policy=policy, scope=scope)
    return decision


# the stops of a lowering, in their order

STRICT = Policy()  # every default of the configuration: flags only, two runs, a day


def test_every_stop_of_a_lowering_comes_in_its_order() -> None:
    proof = decided(over(incomplete=[Source.LAGO]), terms(Authority.STRIPE), STRICT, Scope(limit=1))
    doubled = observe_world([linked(1, "enterprise")], *customers(), lago_sub(), stripe_sub(), stripe_sub(sub_id="b"))
    veto = decided(doubled, policy=STRICT, scope=Scope(limit=1))
    partial = one(over(seen(OVER, ago=DAY * 9, runs=9)), STRICT, Scope(limit=1))
    confirm = one(over(), STRICT)
    settle = one(over(seen(OVER, runs=1)), STRICT)
    code = one(over(seen(OVER, ago=DAY, runs=1)), replace(STRICT, codes={"tier_over": CodePolicy(do=Do.FLAG)}))
    direction = one(over(seen(OVER, ago=DAY, runs=1)), STRICT)
    mode = one(over(seen(OVER, ago=DAY, runs=1)), replace(STRICT, lowering=Do.FIX))
    free = one(over(seen(OVER, ago=DAY, runs=1)), replace(STRICT, lowering=Do.FIX, mode=Mode.FIX))
    assert [
        proof[0].blocked_by,
        veto[-1].blocked_by,
        *(each.blocked_by for each in (partial, confirm, settle, code, direction, mode, free)),
    ] == [
        "proof",
        "duplicate_subscription",
        "partial",
        "confirm_runs",
        "settle_lower",
        "policy.codes.tier_over",
        "policy.lower",
        "policy.mode",
        None,
    ]


def test_only_what_policy_alone_stops_may_be_approved() -> None:
    by_policy = [
        one(over(), replace(FIX_ALL, mode=Mode.FLAG)),
        one(over(), replace(FIX_ALL, lowering=Do.FLAG)),
        one(over(), replace(FIX_ALL, codes={"tier_over": CodePolicy(do=Do.FLAG)})),
    ]
    by_safety = [
        one(over(), replace(FIX_ALL, mode=Mode.FLAG, confirm_runs=2)),
        one(over(), replace(FIX_ALL, mode=Mode.FLAG, settle_lower=DAY)),
        one(over(), replace(FIX_ALL, mode=Mode.FLAG), Scope(limit=1)),
    ]
    assert [each.needs_approval for each in by_policy] == [True, True, True]
    assert [each.needs_approval for each in by_safety] == [False, False, False]
    assert {each.decided for each in (*by_policy, *by_safety)} == {Decided.FLAG}


def test_a_fix_without_a_stop_needs_nothing() -> None:
    decision = one(over())
    assert (decision.decided, decision.blocked_by, decision.needs_approval) == (Decided.FIX, None, False)


@pytest.mark.parametrize(("earlier", "stop"), [(0, "confirm_runs"), (1, "confirm_runs"), (2, None), (3, None)])
def test_a_lowering_is_confirmed_by_complete_runs_this_one_included(earlier: int, stop: str | None) -> None:
    decision = one(over(seen(OVER, runs=earlier)), replace(FIX_ALL, confirm_runs=3))
    assert (decision.blocked_by, decision.runs_seen) == (stop, earlier + 1)


def test_a_run_that_is_not_complete_lowers_nothing_whatever_was_concluded_and_confirmed_before() -> None:
    history = seen(OVER, ago=DAY * 9, runs=9)
    judgement = find_drifts(over(history), terms())
    (decision,) = decide(judgement, over(history, incomplete=[Source.LAGO]), FIX_ALL, EVERYTHING)
    assert (decision.decided, decision.blocked_by, decision.needs_approval) == (Decided.FLAG, "incomplete", False)


def test_a_run_that_is_not_complete_confirms_nothing() -> None:
    history = seen(OVER, runs=1)
    (decision,) = decided(over(history, incomplete=[Source.LAGO]), terms(Authority.STRIPE))
    assert decision.runs_seen == 1


@pytest.mark.parametrize(
    "scope", [Scope(org_ids=frozenset({"org_1"})), Scope(codes=frozenset({Code.TIER_OVER})), Scope(limit=9)]
)
def test_a_partial_run_confirms_and_lowers_nothing(scope: Scope) -> None:
    decision = one(over(seen(OVER, ago=DAY, runs=5)), scope=scope)
    assert (decision.blocked_by, decision.runs_seen) == ("partial", 5)


@pytest.mark.parametrize("scope", [Scope(org_ids=frozenset({"org_1"})), Scope(codes=frozenset({Code.TIER_UNDER}))])
def test_a_partial_run_raises(scope: Scope) -> None:
    assert one(under(), scope=scope).decided is Decided.FIX


@pytest.mark.parametrize(("ago", "stop"), [(DAY - timedelta(seconds=1), "settle_lower"), (DAY, None)])
def test_a_lowering_waits_until_it_has_settled(ago: timedelta, stop: str | None) -> None:
    assert one(over(seen(OVER, ago=ago, runs=1)), replace(FIX_ALL, settle_lower=DAY)).blocked_by == stop


@pytest.mark.parametrize(("ago", "stop"), [(timedelta(minutes=59), "settle_raise"), (timedelta(hours=1), None)])
def test_a_raise_waits_until_it_has_settled(ago: timedelta, stop: str | None) -> None:
    decision = one(under(seen(UNDER, ago=ago, runs=1)), replace(FIX_ALL, settle_raise=timedelta(hours=1)))
    assert decision.blocked_by == stop
    assert decision.needs_approval is False


def test_a_drift_keeps_the_moment_it_was_first_seen() -> None:
    assert one(under()).first_seen == NOW
    assert one(under(seen(UNDER, ago=DAY, runs=1))).first_seen == NOW - DAY


@pytest.mark.parametrize(
    ("policy", "stop"),
    [
        (replace(FIX_ALL, raising=Do.FLAG), "policy.raise"),
        (replace(FIX_ALL, lowering=Do.FLAG, linking=Do.FLAG), None),
        (replace(FIX_ALL, confirm_runs=9, settle_lower=DAY), None),
        (replace(FIX_ALL, mode=Mode.FLAG), "policy.mode"),
        (replace(FIX_ALL, codes={"tier_under": CodePolicy(do=Do.FLAG)}), "policy.codes.tier_under"),
        (replace(FIX_ALL, codes={"tier_under": CodePolicy(do=Do.FIX)}), None),
    ],
)
def test_policy_for_raising_is_its_own(policy: Policy, stop: str | None) -> None:
    assert one(under(), policy).blocked_by == stop


@pytest.mark.parametrize(
    ("policy", "stop"),
    [
        (replace(FIX_ALL, linking=Do.FLAG), "policy.link"),
        (replace(FIX_ALL, lowering=Do.FLAG, raising=Do.FLAG), None),
        (replace(FIX_ALL, confirm_runs=9, settle_lower=DAY, settle_raise=DAY), None),
        (replace(FIX_ALL, mode=Mode.FLAG), "policy.mode"),
    ],
)
def test_policy_for_linking_is_its_own(policy: Policy, stop: str | None) -> None:
    decision = one(unlinked(), policy)
    assert (decision.drift.code, decision.blocked_by) == (Code.LINK_MISSING, stop)


def test_policy_never_makes_a_row_looser() -> None:
    flagged = observe_world([linked(1)], *customers())
    loose = replace(FIX_ALL, codes={"paid_tier_no_billing": CodePolicy(do=Do.FIX)})
    assert brief(decided(flagged, policy=loose)) == [("paid_tier_no_billing", "flag", None)]


def test_policy_says_which_rule_of_it_stopped_a_fix() -> None:
    reasons = [one(under(), replace(FIX_ALL, raising=Do.FLAG)).reason, one(under(), Policy()).reason]
    assert reasons == ["policy flags every fix to raise", "policy flags everything (mode)"]


def test_a_stop_is_said_in_words() -> None:
    decision = one(over(seen(OVER, runs=1)), replace(FIX_ALL, confirm_runs=5))
    assert decision.reason == "seen in 2 of the 5 complete runs in a row that it needs"
    doubled = observe_world([linked(1, "enterprise")], *customers(), lago_sub(), stripe_sub(), stripe_sub(sub_id="b"))
    assert decided(doubled)[-1].reason.startswith("duplicate_subscription forbids it: The customer has more than one")


# hiding a row


def test_an_ignored_row_is_hidden_with_its_reason() -> None:
    decision = one(under(), replace(FIX_ALL, codes={"tier_under": CodePolicy(do=Do.IGNORE, reason="by contract")}))
    assert (decision.decided, decision.blocked_by, decision.needs_approval) == (Decided.IGNORE, None, False)
    assert decision.reason == "policy ignores tier_under: by contract"


def test_an_ignored_row_keeps_its_veto() -> None:
    doubled = observe_world([linked(1, "enterprise")], *customers(), lago_sub(), stripe_sub(), stripe_sub(sub_id="b"))
    quiet = replace(FIX_ALL, codes={"duplicate_subscription": CodePolicy(do=Do.IGNORE, reason="known")})
    assert brief(decided(doubled, policy=quiet)) == [
        ("duplicate_subscription", "ignore", None),
        ("tier_over", "flag", "duplicate_subscription"),
    ]


# what a pass looks at


def test_a_pass_over_some_organisations_decides_about_no_others() -> None:
    observed = observe_world([linked(1), linked(2)], *customers(1), *customers(2))
    ids = [each.drift.org_id for each in decided(observed, scope=Scope(org_ids=frozenset({"org_2"})))]
    assert ids == ["org_2"]


def test_a_pass_over_some_codes_keeps_the_vetoes_of_the_others() -> None:
    doubled = observe_world([linked(1, "enterprise")], *customers(), lago_sub(), stripe_sub(), stripe_sub(sub_id="b"))
    decision = one(doubled, scope=Scope(codes=frozenset({Code.TIER_OVER})))
    assert (decision.blocked_by, decision.primary) == ("duplicate_subscription", False)


def test_a_decision_carries_the_severity_of_its_row() -> None:
    assert one(under()).severity is Severity.CRITICAL

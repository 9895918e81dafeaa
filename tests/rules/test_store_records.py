"""Records of the store that are not sound: told once, held, and in nobody's way."""

from __future__ import annotations

import pytest

from builders import (
    added,
    customers,
    decided,
    judged,
    linked,
    observe_world,
    planned,
    stripe_sub,
    terms,
)
from reconciler.model.drift import Code
from reconciler.model.orgs import InvalidRecord
from reconciler.model.terms import Authority

BY_STRIPE = terms(Authority.STRIPE)


def test_an_organisation_with_a_bad_record_is_held_and_fixed_in_nothing() -> None:
    bad = InvalidRecord(key="org_1", problem="its name is blank", readable=True)
    observed = observe_world(
        [linked(1, "starter", stripe_id=None), linked(2, "starter")],
        *customers(1),
        *customers(2),
        stripe_sub(1),
        stripe_sub(2),
        invalid=[bad],
    )
    assert [each.fix.org_id for each in planned(observed, BY_STRIPE).fixes] == ["org_2"]
    decisions = [each for each in decided(observed, BY_STRIPE) if each.drift.org_id == "org_1"]
    assert (decisions[0].drift.code, decisions[0].primary) == (Code.RECORD_INVALID, True)
    assert "its name is blank" in decisions[0].drift.text
    assert added(observed, BY_STRIPE).held == 1


def test_a_record_that_cannot_be_read_is_held_beside_the_others() -> None:
    bad = InvalidRecord(key="org_lost", problem="it has no id", readable=False)
    observed = observe_world([linked(1)], *customers(), stripe_sub(), invalid=[bad])
    (decision,) = decided(observed, BY_STRIPE)
    assert (decision.drift.code, decision.drift.org_id, decision.drift.id) == (
        Code.RECORD_INVALID,
        "org_lost",
        "record_invalid:org_lost",
    )
    assert (added(observed, BY_STRIPE).orgs, added(observed, BY_STRIPE).held) == (2, 1)


def test_the_customer_of_a_record_that_cannot_be_read_is_no_orphan() -> None:
    bad = InvalidRecord(key="org_9", problem="it has no id", readable=False)
    observed = observe_world([linked(1)], *customers(1), *customers(9), stripe_sub(), stripe_sub(9), invalid=[bad])
    assert [drift.code for drift in judged(observed, BY_STRIPE).drifts] == [Code.RECORD_INVALID]


@pytest.mark.parametrize("readable", [True, False])
def test_an_organisation_with_faults_in_both_files_is_held_once_for_both(*, readable: bool) -> None:
    observed = observe_world(
        [linked(1)],
        *customers(),
        stripe_sub(),
        invalid=[
            InvalidRecord(key="org_1", problem="its name is blank", readable=True),
            InvalidRecord(key="org_1", problem="its members are no list", readable=readable),
        ],
    )
    (drift,) = judged(observed, BY_STRIPE).drifts
    assert "its name is blank; its members are no list" in drift.text
    assert (added(observed, BY_STRIPE).orgs, added(observed, BY_STRIPE).held) == (1, 1)


def test_a_fault_of_a_record_that_belongs_to_no_organisation_is_told_all_the_same() -> None:
    stray = InvalidRecord(key="org_gone", problem="a role is none of owner, member, billing_admin", readable=True)
    observed = observe_world([linked(1)], *customers(), stripe_sub(), invalid=[stray])
    assert [drift.id for drift in judged(observed, BY_STRIPE).drifts] == ["record_invalid:org_gone"]


def test_a_deleted_organisation_with_a_bad_record_is_held() -> None:
    bad = InvalidRecord(key="org_1", problem="its name is blank", readable=True)
    observed = observe_world([linked(1, status="deleted")], *customers(), invalid=[bad])
    assert [drift.code for drift in judged(observed, BY_STRIPE).drifts] == [Code.RECORD_INVALID]


def test_a_bad_status_is_told_once() -> None:
    bad = InvalidRecord(key="org_1", problem="its status is none of active, suspended, deleted", readable=True)
    observed = observe_world([linked(1, status="frozen")], *customers(), invalid=[bad])
    assert [drift.code for drift in judged(observed, BY_STRIPE).drifts] == [Code.RECORD_INVALID]


def test_an_excluded_organisation_whose_record_empties_the_store_is_told_and_counted_as_excluded() -> None:
    fault = InvalidRecord(key="org_1", problem="its status is odd", readable=True)
    observed = observe_world(
        [linked(1, "professional"), linked(2, "founders_friend")], *customers(1), *customers(2), invalid=[fault]
    )
    by = terms(Authority.BOTH, exclude={"org_1": "ours"})
    assert [each.drift.code for each in decided(observed, by)] == [Code.RECORD_INVALID]
    assert added(observed, by).excluded == 1

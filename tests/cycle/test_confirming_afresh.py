"""What changed between the sweep and a write, anywhere it could matter, keeps the write from being made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from builders import NOW, lago_customer, lago_sub, org, stripe_customer, stripe_sub, terms
from cycle.cycle_support import Works, billed, linked, results, works
from reconciler.model.acts import Contract, Waiver
from reconciler.model.observation import Snapshot
from reconciler.model.orgs import InvalidRecord
from reconciler.model.run import RunMode
from reconciler.model.terms import Authority


def meanwhile(made: Works, happens: Callable[[], object]) -> None:
    """Something happens once the last side was swept."""
    read_all = made.stripe.read_all

    def read_and_then(as_of: object) -> Snapshot:
        seen = read_all(as_of)  # type: ignore[arg-type]  # passed through
        happens()
        return seen

    made.stripe.read_all = read_and_then  # type: ignore[method-assign]  # something happens in mid-run


def fate(made: Works) -> tuple[str, str]:
    (outcome,) = made.run().outcomes
    return outcome.result.value, outcome.error or ""


def one(tier: str = "founders_friend") -> Works:
    return works([linked(1, tier), linked(2, "professional")], *billed(1), *billed(2))


def test_an_organisation_that_came_to_claim_the_same_customer_stops_the_raise() -> None:
    made = one()
    meanwhile(made, lambda: made.store.change("org_2", stripe_customer_id="cus_1"))
    assert fate(made) == ("stale", "read again, billing no longer says so")
    assert made.store.writes == []


def test_another_organisation_that_changed_its_name_or_tier_stops_nothing() -> None:
    made = one()
    meanwhile(made, lambda: made.store.change("org_2", name="New", plan_tier="starter"))
    assert fate(made) == ("fixed", "")


def test_a_waiver_given_meanwhile_stops_the_fix() -> None:
    made = one("enterprise")
    (decision,) = made.run(mode=RunMode.DRY_RUN).decisions
    said = Waiver(
        drift_id=decision.drift.id,
        pinned=decision.drift.values,
        until=NOW + timedelta(days=9),
        by="Ann",
        reason="agreed",
        at=NOW,
    )
    meanwhile(made, lambda: made.ledger.waivers.append(said))
    result, words = fate(made)
    assert (result, made.store.writes) == ("stale", [])
    assert words.startswith("judged again, it is stopped: waived by Ann")


def test_a_contract_added_meanwhile_stops_the_lowering() -> None:
    made = one("enterprise")
    said = Contract(
        id="c-1",
        org_id="org_1",
        tier="enterprise",
        amount_minor=49900,
        currency="usd",
        start=(NOW - timedelta(days=9)).date(),
        approver="Ann",
        reference="R-1",
    )
    meanwhile(made, lambda: made.ledger.contracts.append(said))
    assert (fate(made)[0], made.store.writes) == ("stale", [])


def test_a_lago_customer_that_came_to_hold_the_organisations_own_id_stops_the_raise() -> None:
    made = works(
        [org(1, "founders_friend", lago_id="lago-9", stripe_id="cus_1")],
        lago_customer(9, org_key="customer-9"),
        lago_sub(9),
        stripe_customer(1),
        stripe_sub(1),
    )
    appears = replace(made.lago.snapshot, customers=(*made.lago.snapshot.customers, lago_customer(1)))
    meanwhile(made, lambda: setattr(made.lago, "snapshot", appears))
    assert fate(made) == ("stale", "the lago customer lago-1 appeared since it was read")


def test_a_record_that_became_unsound_stops_the_fix() -> None:
    made = one()
    bad = InvalidRecord(key="org_1", problem="its name is blank", readable=True)

    def spoil() -> None:
        made.store.invalid = (bad,)
        made.store.change("org_2", name="Other")

    meanwhile(made, spoil)
    result, words = fate(made)
    assert (result, made.store.writes) == ("stale", [])
    assert "record_invalid forbids it" in words


@pytest.mark.parametrize(("minutes", "result"), [(60, "fixed"), (61, "stale")])
def test_nothing_is_written_by_a_sweep_of_more_than_an_hour_ago(minutes: int, result: str) -> None:
    made = one()

    def time_passes() -> None:
        made.clock.at += timedelta(minutes=minutes)

    meanwhile(made, time_passes)
    assert fate(made)[0] == result


def test_a_link_needs_every_configured_side_and_no_look_at_the_whole_store() -> None:
    made = works([org(1, lago_id="org_1")], *billed(1), terms=terms(Authority.STRIPE))
    run = made.run()
    assert results(run.outcomes) == [("org_1", "fixed")]
    assert (made.lago.asked, made.stripe.asked) == (["lago-1"], ["cus_1"])


def test_a_customer_that_another_organisation_came_to_claim_since_the_sweep_is_not_linked() -> None:
    made = works([org(1, "professional", lago_id="org_1"), linked(2, "professional")], *billed(1), *billed(2))

    def claimed() -> None:
        made.store.change("org_2", stripe_customer_id="cus_1")
        made.clock.at += timedelta(minutes=2)

    meanwhile(made, claimed)
    assert fate(made)[0] == "stale"
    assert made.store.records["org_1"].stripe_customer_id is None

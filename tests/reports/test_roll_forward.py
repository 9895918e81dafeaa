from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.drift import Decided, Decision, DriftMoney
from reconciler.model.money import Money
from reconciler.model.run import OutcomeResult, RunRecord
from reconciler.reports.background import Background, Known, Opening
from reconciler.reports.roll_forward import open_drifts, roll_forward_sheet
from reconciler.reports.tables import Cell
from run_builders import T0, decision, drift, fix, outcome, plan_of, run_record


def flagged(org_id: str, leak: int | None = 100, *, currency: str = "usd", waived: bool = False) -> Decision:
    of = decision(drift(org_id, money=None if leak is None else DriftMoney(currency=currency, leak=leak)))
    if not waived:
        return of
    values = {name: getattr(of, name) for name in of.__slots__}
    return Decision(**{**values, "decided": Decided.WAIT, "waived_until": T0 + timedelta(days=9)})


def opening(*decisions: Decision, **more: object) -> Opening:
    begun = run_record("run-0", decisions=decisions, started_at=T0 - timedelta(days=30))
    return Opening(run_id=begun.id, as_of=begun.as_of, open=open_drifts(begun), **more)  # type: ignore[arg-type]  # a test's own keywords


def totals(run: RunRecord, begun: Opening, **beside: object) -> dict[str, dict[str, Cell]]:
    sheet = roll_forward_sheet(run, Background(opening=begun, **beside))  # type: ignore[arg-type]  # a test's own keywords
    return {str(row["measure"]): row for row in sheet.table("roll_forward").records()}


def usd(minor: int) -> Money:
    return Money(minor=minor, currency="usd")


def test_what_was_not_there_before_is_new_and_what_stays_is_neither() -> None:
    found = totals(run_record(decisions=[flagged("org_1"), flagged("org_2", 50)]), opening(flagged("org_1")))
    assert (found["drifts"]["opening"], found["drifts"]["new"], found["drifts"]["closing"]) == (1, 1, 2)
    assert (found["leak"]["opening"], found["leak"]["new"], found["leak"]["closing"]) == (usd(100), usd(50), usd(150))


def test_what_had_been_seen_before_the_opening_is_reopened() -> None:
    begun = opening(seen_before=frozenset({"tier_over:org_1"}))
    assert totals(run_record(decisions=[flagged("org_1")]), begun)["drifts"]["reopened"] == 1


def test_what_is_gone_was_fixed_where_the_ledger_says_so_and_resolved_elsewhere_otherwise() -> None:
    begun = opening(flagged("org_1"), flagged("org_2"))
    known = {"tier_over:org_1": Known(state="fixed", first_ever_seen=T0)}
    found = totals(run_record(), begun, known=known)["drifts"]
    assert (found["fixed"], found["resolved"], found["closing"]) == (1, 1, 0)


def test_what_people_accepted_is_waived() -> None:
    found = totals(run_record(decisions=[flagged("org_1", waived=True)]), opening(flagged("org_1")))
    assert (found["drifts"]["waived"], found["leak"]["waived"], found["drifts"]["closing"]) == (1, usd(100), 0)


def test_what_came_and_was_mended_by_the_same_run_is_new_and_fixed() -> None:
    mended = fix("org_1")
    run = run_record(
        decisions=[decision(drift("org_1", fix=mended), Decided.FIX)],
        plan=plan_of([mended]),
        outcomes=[outcome(mended, OutcomeResult.FIXED)],
    )
    found = totals(run, opening())["drifts"]
    assert (found["new"], found["fixed"], found["closing"]) == (1, 1, 0)


def test_an_amount_that_moved_is_a_change_of_money_and_of_no_count() -> None:
    found = totals(run_record(decisions=[flagged("org_1", 70)]), opening(flagged("org_1", 100)))
    assert found["leak"]["changed"] == usd(-30)
    assert found["drifts"]["changed"] == 0


def test_without_an_earlier_run_there_is_no_roll_forward() -> None:
    sheet = roll_forward_sheet(run_record(decisions=[flagged("org_1")]), Background())
    assert sheet.table("roll_forward").rows == ()
    assert "no earlier complete run" in sheet.table("roll_forward").about


org_ids = st.sampled_from([f"org_{number}" for number in range(6)])
decisions = st.lists(
    st.builds(
        flagged,
        org_ids,
        st.none() | st.integers(0, 1000),
        currency=st.sampled_from(["usd", "jpy"]),
        waived=st.booleans(),
    ),
    unique_by=lambda each: each.drift.id,
)


@settings(deadline=None)  # a busy machine is no slow rule
@given(decisions, decisions, st.frozensets(org_ids), decisions)
def test_it_ties_out_in_count_and_money_whatever_happened(
    before: list[Decision], after: list[Decision], seen: frozenset[str], passed: list[Decision]
) -> None:
    begun = opening(*before, seen_before=frozenset(f"tier_over:{each}" for each in seen), passed=tuple(passed))
    for row in totals(run_record(decisions=after), begun).values():
        assert row["residual"] in {0, usd(0), Money(minor=0, currency="jpy")}


@settings(deadline=None)  # as above
@given(decisions, decisions)
def test_its_movements_add_up_to_its_totals(before: list[Decision], after: list[Decision]) -> None:
    sheet = roll_forward_sheet(run_record(decisions=after), Background(opening=opening(*before)))
    moved = list(sheet.table("movements").records())
    for row in sheet.table("roll_forward").records():
        if row["measure"] == "drifts":
            for movement in ("new", "reopened", "fixed", "waived", "resolved"):
                assert row[movement] == sum(each["movement"] == movement for each in moved)

"""Every organisation status, tier, status of both sides, schedule, authority and collecting side against another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import pytest

from builders import DAY, EVERYTHING, FIX_ALL, NOW, customers, lago_sub, linked, observe_world, stripe_sub, terms
from reconciler.model.billing import Source, Subscription, SubscriptionStatus
from reconciler.model.drift import Call, Code, Decided, Decision, Direction, Fix
from reconciler.model.terms import Authority
from reconciler.rules.compare import find_drifts
from reconciler.rules.decide import decide

NONE = "none"
STATES = (NONE, *(status.value for status in SubscriptionStatus))
LIVE = {"active", "trialing", "past_due"}
OPEN = {"unpaid", "paused", "incomplete", "pending"}
TIERS = ("founders_friend", "starter", "professional", "enterprise")
SCHEDULES = {"none": None, "ahead": NOW + 5 * DAY, "missed": NOW - 3 * DAY, "lago ahead": NOW + 5 * DAY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One organisation with at most one subscription, to `professional`, on each side; ended ones long paid out."""

    status: str
    tier: str
    lago: str
    stripe: str
    schedule: str
    authority: Authority
    collects: Source

    @property
    def states(self) -> dict[Source, str]:
        return {Source.LAGO: self.lago, Source.STRIPE: self.stripe}

    @property
    def granting(self) -> list[str]:
        return [self.states[source] for source in self.authority.sides]

    @property
    def collecting(self) -> set[str]:
        match self.authority:
            case Authority.BOTH:
                return {self.states[self.collects]}
            case Authority.EITHER:
                return {state for state in self.granting if state in LIVE} or set(self.granting)
            case Authority.LAGO | Authority.STRIPE:
                return set(self.granting)

    @property
    def late(self) -> bool:
        """Whether a payment of the collecting side is late."""
        return "past_due" in self.collecting

    @property
    def due(self) -> bool | None:
        """Whether `professional` is due; None where that is not for the rules to say."""
        if "unknown" in self.granting:
            return None
        live = [state in LIVE for state in self.granting]
        if self.authority is Authority.BOTH:
            return True if all(live) else None if any(live) else False
        if not any(live) and any(state in LIVE for state in self.states.values()):
            return None
        return any(live)

    @property
    def ending(self) -> bool:
        """Whether what grants is set to end, or anything should have ended that is still billed."""
        lives = {source for source, state in self.states.items() if state in LIVE}
        granting = lives & set(self.authority.sides)
        match self.schedule:
            case "missed":
                return bool(lives)
            case "ahead":
                return bool(granting)
            case "lago ahead":
                alone = self.authority is not Authority.EITHER or granting == {Source.LAGO}
                return Source.LAGO in granting and alone
            case _:
                return False

    def rows(self) -> Iterator[Subscription]:
        end = SCHEDULES[self.schedule]
        for source, state in self.states.items():
            if state == NONE:
                continue
            changes = {
                "status": SubscriptionStatus(state),
                "cancel_at": end if state in LIVE and (source is Source.LAGO or "lago" not in self.schedule) else None,
                "ended_at": NOW - 9 * DAY if state in {"ended", "abandoned"} else None,
            }
            if source is Source.LAGO:
                yield lago_sub(**changes)  # type: ignore[arg-type]  # fields of a subscription
            else:
                period_end = NOW - DAY if state == "ended" else NOW + 20 * DAY
                yield stripe_sub(period_end=period_end, **changes)  # type: ignore[arg-type]  # as above


def cells(authority: Authority, status: str) -> Iterator[Cell]:
    collecting = tuple(Source) if authority is Authority.BOTH else (Source.STRIPE,)
    schedules = tuple(SCHEDULES) if status == "active" else ("none",)
    for tier, lago, stripe, schedule, collects in product(TIERS, STATES, STATES, schedules, collecting):
        if schedule != "none" and (tier == "founders_friend" or not {lago, stripe} & LIVE):
            continue
        yield Cell(
            status=status,
            tier=tier,
            lago=lago,
            stripe=stripe,
            schedule=schedule,
            authority=authority,
            collects=collects,
        )


@pytest.fixture(scope="module")
def table() -> dict[Cell, tuple[Decision, ...]]:
    """What is decided in each cell."""
    return {
        cell: decided
        for authority in Authority
        for status in ("active", "suspended", "deleted", "frozen")
        for cell in cells(authority, status)
        for decided in [judged(cell)]
    }


def judged(cell: Cell) -> tuple[Decision, ...]:
    observed = observe_world([linked(1, cell.tier, status=cell.status)], *customers(), *cell.rows())
    by = terms(cell.authority, collects=cell.collects)
    return decide(find_drifts(observed, by), observed, FIX_ALL, EVERYTHING)


Table = dict[Cell, tuple[Decision, ...]]


def fixes(decisions: tuple[Decision, ...], call: Call, direction: Direction) -> list[Fix]:
    return [
        each.drift.fix
        for each in decisions
        if each.decided is Decided.FIX
        and each.drift.fix is not None
        and each.drift.fix.call is call
        and each.drift.fix.direction is direction
    ]


def test_every_cell_has_one_primary_verdict_or_none(table: Table) -> None:
    assert len(table) > 10_000
    for cell, decisions in table.items():
        assert sum(each.primary for each in decisions) == bool(decisions), cell


def test_no_cell_is_unclassified(table: Table) -> None:
    held = [cell for cell, decided in table.items() for each in decided if each.drift.code is Code.UNCLASSIFIED]
    assert held == []


def test_only_active_organisations_are_fixed(table: Table) -> None:
    fixed = {cell.status for cell, decided in table.items() if any(each.decided is Decided.FIX for each in decided)}
    assert fixed == {"active"}


def test_an_active_organisation_is_raised_exactly_where_a_higher_tier_is_due_and_paid(table: Table) -> None:
    for cell, decisions in table.items():
        if cell.status != "active":
            continue
        raised = [fix.arguments["plan_tier"] for fix in fixes(decisions, Call.PLAN, Direction.RAISE)]
        higher = TIERS.index("professional") > TIERS.index(cell.tier)
        # Only Stripe collects by itself here: where it waits for a late payment, nobody gets more.
        waits = cell.stripe == "past_due" and cell.late and Source.STRIPE in collecting_sources(cell)
        expected = ["professional"] if cell.due and higher and not waits else []
        assert raised == expected, cell


def collecting_sources(cell: Cell) -> set[Source]:
    if cell.authority is Authority.BOTH:
        return {cell.collects}
    return set(cell.authority.sides)


def test_an_active_organisation_is_lowered_to_what_is_due_only_where_nothing_is_late_ending_or_unknown(
    table: Table,
) -> None:
    seen = Counter[str]()
    for cell, decisions in table.items():
        for fix in fixes(decisions, Call.PLAN, Direction.LOWER):
            seen[fix.arguments["plan_tier"]] += 1
            assert "unknown" not in cell.states.values(), cell
            if fix.arguments["plan_tier"] == "professional":
                assert (cell.tier, cell.due, cell.late, cell.ending) == ("enterprise", True, False, False), cell
            else:
                assert (fix.arguments["plan_tier"], cell.tier) == ("founders_friend", "professional"), cell
                assert not {cell.lago, cell.stripe} & (LIVE | OPEN), cell
                assert cell.due is False, cell
    assert set(seen) == {"professional", "founders_friend"}


def test_an_active_organisation_on_more_than_is_due_is_lowered_wherever_nothing_stands_against_it(
    table: Table,
) -> None:
    for cell, decisions in table.items():
        if cell.status == "active" and cell.tier == "enterprise" and cell.due:
            sound = not cell.late and not cell.ending and "unknown" not in cell.states.values()
            assert bool(fixes(decisions, Call.PLAN, Direction.LOWER)) == sound, cell


def test_a_status_is_taken_only_where_the_collecting_side_gave_up_and_nothing_lives(table: Table) -> None:
    seen = 0
    for cell, decisions in table.items():
        for fix in fixes(decisions, Call.STATUS, Direction.LOWER):
            seen += 1
            assert fix.arguments == {"status": "suspended"}, cell
            assert (cell.stripe, Source.STRIPE in collecting_sources(cell)) == ("unpaid", True), cell
            assert not {cell.lago, cell.stripe} & LIVE, cell
            assert cell.authority is not Authority.BOTH, cell
    assert seen


def test_an_active_organisation_in_sync_has_just_what_is_due(table: Table) -> None:
    for cell, decisions in table.items():
        if cell.status == "active" and not decisions:
            if cell.tier == "founders_friend":
                assert not set(cell.granting) & (LIVE | {"unknown"}), cell
            else:
                assert (cell.tier, cell.due, cell.late, cell.ending) == ("professional", True, False, False), cell


def test_a_suspended_organisation_is_told_exactly_where_it_pays(table: Table) -> None:
    for cell, decisions in table.items():
        if cell.status == "suspended" and "unknown" not in cell.granting:
            paying = any(
                cell.states[source] in LIVE
                and not (cell.states[source] == "past_due" and source in collecting_sources(cell))
                for source in cell.authority.sides
            )
            owes = cell.authority is Authority.BOTH and cell.late  # the mirror takes no money
            assert ("suspended_but_paying" in {each.drift.code for each in decisions}) == (paying and not owes), cell


def test_a_deleted_organisation_is_told_exactly_where_it_is_billed(table: Table) -> None:
    for cell, decisions in table.items():
        if cell.status == "deleted":
            codes = [each.drift.code.value for each in decisions]
            assert codes == ["deleted_still_billed"] * bool(set(cell.states.values()) & LIVE), cell


def test_an_organisation_of_an_unknown_status_is_held_whatever_is_billed(table: Table) -> None:
    for cell, decisions in table.items():
        if cell.status == "frozen":
            assert Code.STATUS_UNKNOWN in {each.drift.code for each in decisions}, cell
            assert Decided.FIX not in {each.decided for each in decisions}, cell


def test_what_the_table_comes_to(table: Table) -> None:
    """The codes of all cells and what is fixed: any change of a rule shows here first."""
    found = {each.drift.code.value: set[str]() for decided in table.values() for each in decided}
    for decided in table.values():
        for each in decided:
            found[each.drift.code.value].add(each.decided.value)
    assert found == {
        "tier_under": {"fix", "flag"},
        "paid_not_reflected": {"fix", "flag"},
        "tier_over": {"fix", "flag"},
        "ended_still_entitled": {"fix", "flag"},
        "paid_tier_no_billing": {"flag"},
        "side_missing": {"flag"},
        "unexpected_side": {"flag"},
        "suspended_but_paying": {"flag"},
        "past_due_in_grace": {"wait"},
        "unpaid": {"fix", "flag"},
        "paused": {"flag"},
        "future_start": {"flag"},
        "deleted_still_billed": {"flag"},
        "status_unknown": {"hold"},
        "cancel_scheduled": {"wait"},
        "cancel_state_differs": {"flag"},
        "schedule_missed": {"flag"},
    }

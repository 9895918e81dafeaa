"""What a run tells of waivers and contracts that are over or that nothing needs any more."""

from __future__ import annotations

from datetime import timedelta

import pytest

from builders import DAY, NOW
from reconciler.model.acts import Contract, Waiver
from reconciler.model.history import History
from reconciler.rules.waivers import over_or_unused

MOMENT = timedelta(microseconds=1)


def waiver(drift_id: str = "tier_over:org_1", until: timedelta = DAY) -> Waiver:
    return Waiver(drift_id=drift_id, pinned={}, until=NOW + until, by="Ann", reason="agreed", at=NOW - 9 * DAY)


def contract(days_ago: int | None, number: int = 1) -> Contract:
    end = None if days_ago is None else NOW.date() - timedelta(days=days_ago)
    return Contract(
        id=f"c_{number:02}",
        org_id=f"org_{number}",
        tier="enterprise",
        amount_minor=0,
        currency="usd",
        start=NOW.date() - timedelta(days=400),
        approver="Grace",
        reference="mail of 3 May",
        end=end,
    )


def told(*said: Waiver | Contract, seen: tuple[str, ...] = (), whole: bool = True) -> list[str]:
    history = History(
        waivers={each.drift_id: each for each in said if isinstance(each, Waiver)},
        contracts=tuple(each for each in said if isinstance(each, Contract)),
    )
    return list(over_or_unused(history, seen=seen, whole=whole, now=NOW))


def test_a_waiver_whose_drift_is_there_is_not_told() -> None:
    assert told(waiver(), seen=("tier_over:org_1",)) == []


def test_a_waiver_whose_drift_is_not_there_is_not_needed() -> None:
    (line,) = told(waiver(), seen=("tier_over:org_2",))
    until = f"{NOW + DAY:%Y-%m-%d %H:%M} UTC"
    assert line == f"The waiver of tier_over:org_1 by Ann until {until} is not needed: there is no such drift"


def test_a_run_that_did_not_look_at_everything_calls_no_waiver_unneeded() -> None:
    assert told(waiver(), whole=False) == []


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("seen", [(), ("tier_over:org_1",)])
def test_an_expired_waiver_is_told_once_in_any_run(seen: tuple[str, ...], *, whole: bool) -> None:
    (line,) = told(waiver(until=timedelta(0)), seen=seen, whole=whole)
    assert line == f"The waiver of tier_over:org_1 by Ann is over since {NOW:%Y-%m-%d %H:%M} UTC: agreed"


def test_a_waiver_holds_to_its_last_moment() -> None:
    assert told(waiver(until=MOMENT), seen=("tier_over:org_1",)) == []


@pytest.mark.parametrize("days_ago", [1, 30])
def test_a_contract_that_ended_in_the_last_thirty_days_is_told(days_ago: int) -> None:
    (line,) = told(contract(days_ago))
    day = NOW.date() - timedelta(days=days_ago)
    assert line == f"The contract c_01 of org_1 for enterprise ended {day}, approved by Grace: mail of 3 May"


@pytest.mark.parametrize("days_ago", [None, -1, 0, 31])
def test_a_contract_that_runs_or_ended_long_ago_is_not_told(days_ago: int | None) -> None:
    assert told(contract(days_ago)) == []


def test_contracts_are_told_in_the_order_of_their_ends() -> None:
    lines = told(contract(1, 1), contract(9, 2), contract(1, 3))
    assert [line.split()[2] for line in lines] == ["c_02", "c_01", "c_03"]


def test_of_each_kind_ten_are_told_and_the_rest_counted() -> None:
    expired = [waiver(f"a:{number:02}", -DAY) for number in range(11)]
    unused = [waiver(f"b:{number:02}") for number in range(13)]
    lines = told(*expired, *unused, *(contract(1, number) for number in range(12)))
    assert len(lines) == 33
    more = [line for line in lines if line.startswith("And ")]
    assert [line.split(" (")[0] for line in more] == [
        "And 1 more waivers are over",
        "And 3 more waivers are not needed: there are no such drifts",
        "And 2 more contracts ended in the last 30 days",
    ]
    assert "a:09" in lines[9]


def test_ten_are_told_without_a_count() -> None:
    lines = told(*(waiver(f"b:{number:02}") for number in range(10)))
    assert len(lines) == 10
    assert not [line for line in lines if line.startswith("And ")]

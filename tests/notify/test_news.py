"""What people are told after a run, given what they were told before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from reconciler.model.billing import Source
from reconciler.model.drift import Decided, Decision, Direction, DriftMoney, Severity
from reconciler.model.run import OutcomeResult, Plan, RunMode, RunRecord
from reconciler.notify.news import Ending, Kind, Message, news
from run_builders import T0, decision, drift, outcome, run_record, source_read

HOUR = timedelta(hours=1)


def seen(number: int = 1, *, age: timedelta = 2 * HOUR, runs: int = 2, leak: int = 9900, **said: Any) -> Decision:
    made = decision(drift(org_id=f"org_{number}"))
    return replace(
        made,
        drift=replace(made.drift, id=f"drift-{number}", money=DriftMoney(currency="usd", leak=leak)),
        **{"decided": Decided.FLAG, "first_seen": T0 - age, "runs_seen": runs, **said},
    )


def a_run(decisions: Sequence[Decision] = (), **said: Any) -> RunRecord:
    return run_record(decisions=decisions, **{"mode": RunMode.FIX, **said})


def told_by(*runs: RunRecord, after: timedelta = HOUR, endings: Sequence[Ending] = ()) -> list[list[Message]]:
    """The messages of each run, everything sent."""
    told: dict[str, str] = {}
    given: list[list[Message]] = []
    for run in runs:
        messages = list(news(run, told, after=after, endings=endings))
        for message in messages:
            told = message.told(told)
        given.append(messages)
    return given


def kinds(messages: Sequence[Message]) -> list[Kind]:
    return [message.kind for message in messages]


def test_a_drift_is_told_once_when_two_runs_saw_it_and_it_is_old_enough() -> None:
    young, once, old = seen(age=HOUR / 2), seen(runs=1), seen()
    given = told_by(a_run([young]), a_run([once]), a_run([old]), a_run([old]))
    assert [kinds(each) for each in given] == [[], [], [Kind.NEW], []]


def test_a_drift_that_is_gone_is_told_as_resolved_once_and_only_if_it_was_told() -> None:
    given = told_by(a_run([seen(1), seen(2, runs=1)]), a_run(), a_run())
    assert [kinds(each) for each in given] == [[Kind.NEW], [Kind.RESOLVED], []]


def test_a_drift_that_a_fix_mended_is_resolved_and_never_new() -> None:
    mended = seen(decided=Decided.FIX)
    fixed = outcome()
    fixed = replace(fixed, fix=replace(fixed.fix, drift_id=mended.drift.id), result=OutcomeResult.FIXED)
    assert told_by(a_run([mended], outcomes=[fixed])) == [[]]
    _, given = told_by(a_run([seen()]), a_run([mended], outcomes=[fixed]))
    assert (kinds(given), given[0].body) == ([Kind.RESOLVED], "mended by a fix")


def test_a_drift_is_told_again_when_it_costs_a_quarter_more_or_is_graver() -> None:
    given = told_by(
        a_run([seen(leak=1000, severity=Severity.LOW)]),
        a_run([seen(leak=1250, severity=Severity.LOW)]),
        a_run([seen(leak=1251, severity=Severity.LOW)]),
        a_run([seen(leak=1251, severity=Severity.HIGH)]),
    )
    assert [kinds(each) for each in given] == [[Kind.NEW], [], [Kind.WORSENED], [Kind.WORSENED]]


def test_ten_drifts_are_ten_messages_and_eleven_are_one_digest() -> None:
    ten, eleven = ([seen(number) for number in range(count)] for count in (10, 11))
    assert kinds(told_by(a_run(ten))[0]) == [Kind.NEW] * 10
    first, second = told_by(a_run(eleven), a_run(eleven))
    assert kinds(first) == [Kind.DIGEST]
    assert first[0].title == "11 new"
    assert "and 1 more" in first[0].body
    assert second == []


def away(**problems: str) -> RunRecord:
    sources = {
        source: source_read(complete=source.value not in problems, problem=problems.get(source.value))
        for source in Source
    }
    return a_run(complete=not problems, sources=sources)


def test_an_outage_is_one_message_each_way_however_long_and_of_however_many_sources() -> None:
    down = away(lago="Lago is down", stripe="Stripe is down")
    given = told_by(down, down, down, away(), away())
    assert [kinds(each) for each in given] == [[Kind.OUTAGE], [], [], [Kind.OUTAGE], []]
    assert given[0][0].title == "lago and stripe cannot be read whole"
    assert given[3][0].title == "lago and stripe can be read whole again"


def test_what_an_incomplete_run_did_not_see_is_not_resolved() -> None:
    down = replace(away(lago="Lago is down"), decisions=())
    given = told_by(a_run([seen()]), down, a_run([seen()]))
    assert [kinds(each) for each in given] == [[Kind.NEW], [Kind.OUTAGE], [Kind.OUTAGE]]


def test_a_limit_that_refuses_is_told_once_and_once_more_when_it_no_longer_does() -> None:
    plan = Plan(digest="sha256:0", fixes=(), refused_by={Direction.LOWER: "max_lower_count"})
    refused = a_run(plan=plan)
    given = told_by(refused, refused, a_run())
    assert [kinds(each) for each in given] == [[Kind.BREAKER], [], [Kind.BREAKER]]
    assert "lower by max_lower_count" in given[0][0].body


def test_a_fix_that_keeps_failing_is_told_once_as_stuck_and_once_when_it_no_longer_is() -> None:
    stuck = seen(decided=Decided.WAIT, blocked_by="backoff")
    given = told_by(a_run([stuck]), a_run([stuck]), a_run())
    assert [kinds(each) for each in given] == [[Kind.STUCK], [], [Kind.STUCK]]


def test_agreements_that_end_soon_are_told_once_each() -> None:
    ending = Ending(key="contract c1 2026-12-01", text="The contract X of org_1 ends 2026-12-01")
    given = told_by(a_run(), a_run(), endings=[ending])
    assert [kinds(each) for each in given] == [[Kind.EXPIRING], []]


def test_dry_runs_and_partial_ones_are_nobodys_news() -> None:
    assert told_by(a_run([seen()], mode=RunMode.DRY_RUN), a_run([seen()], partial=True)) == [[], []]


def test_what_customers_named_comes_in_one_line_without_addresses() -> None:
    made = seen()
    hostile = replace(made, drift=replace(made.drift, org_name="a\nb\x1b[31m ann@example.com \u202e" + "x" * 900))
    ((message,),) = told_by(a_run([hostile]))
    assert message.title.isprintable()
    assert "ann@example.com" not in message.title
    assert len(message.title) < 450

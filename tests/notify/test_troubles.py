"""What people are told of a daemon that makes no run, given what they were told before."""

from __future__ import annotations

from datetime import timedelta

from reconciler.notify.news import Kind, Message
from reconciler.notify.troubles import LastingTrouble, trouble_news
from run_builders import T0

HOUR = timedelta(hours=1)


def trouble(part: str = "ledger", problem: str = "The ledger is locked", *, after: float = 0) -> LastingTrouble:
    return LastingTrouble(part=part, problem=problem, since=T0 + after * HOUR)


def told_by(*tries: tuple[float, list[LastingTrouble], bool]) -> list[list[Message]]:
    """The messages of each try, everything sent: after so many hours, with these troubles, judged or not."""
    told: dict[str, str] = {}
    given: list[list[Message]] = []
    for hours, troubles, judged in tries:
        messages = list(trouble_news(troubles, told, at=T0 + hours * HOUR, after=HOUR, judged=judged))
        for message in messages:
            told = message.told(told)
        given.append(messages)
    return given


def test_a_trouble_is_told_once_when_it_has_lasted_and_once_more_when_it_is_over() -> None:
    lasts = [trouble()]
    given = told_by((0.9, lasts, False), (1, lasts, False), (2, lasts, False), (3, [], True), (4, [], True))
    assert [[each.title for each in messages] for messages in given] == [
        [],
        ["The daemon is in trouble: ledger"],
        [],
        ["The daemon is in order again: ledger"],
        [],
    ]
    assert given[1][0].body == "ledger since 2026-10-01 12:00 UTC: The ledger is locked"
    assert given[3][0].body == "From 2026-10-01 12:00 UTC to 2026-10-01 15:00 UTC."
    assert {each.kind for messages in given for each in messages} == {Kind.TROUBLE}


def test_one_that_is_over_sooner_is_nobodys_news() -> None:
    assert told_by((0.5, [trouble()], False), (0.6, [], True)) == [[], []]


def test_what_another_trouble_hides_is_not_told_as_over() -> None:
    given = told_by(
        (1, [trouble()], False), (1.1, [trouble("store", after=1)], False), (1.2, [], False), (1.3, [], True)
    )
    assert [len(messages) for messages in given] == [1, 0, 0, 1]


def test_several_at_once_are_one_message_each_way() -> None:
    both = [trouble("reports", "The disk is full"), trouble()]
    first, second = told_by((1, both, False), (2, [], True))
    assert [each.title for each in first] == ["The daemon is in trouble: ledger and reports"]
    assert [each.title for each in second] == ["The daemon is in order again: ledger and reports"]


def test_an_address_in_the_words_of_a_trouble_is_not_sent_on() -> None:
    ((message,),) = told_by((1, [trouble("store", "no such user ann@example.com")], False))
    assert "ann@example.com" not in message.body

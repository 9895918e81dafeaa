"""Walks over a numbered list with several pages in flight, whose answers come in an order that each test sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from billing.reading_worlds import LagoList
from reconciler.billing.lago_walk import Walk

Step = int | Callable[[], None]


class Scripted:
    """Serves the pages of `script` in its order and does its other steps between them; then the lowest page first."""

    def __init__(self, width: int, script: Sequence[Step]) -> None:
        self._width = width
        self._script = list(script)
        self._given: dict[int, tuple[Any, Callable[[], object]]] = {}
        self.served: list[int] = []

    @property
    def free(self) -> bool:
        return len(self._given) < self._width

    def give(self, tag: Any, job: Callable[[], object]) -> None:
        self._given[tag.number] = tag, job

    def take(self) -> tuple[Any, Any]:
        step = self._script.pop(0) if self._script else min(self._given)
        while not isinstance(step, int):
            step()
            step = self._script.pop(0) if self._script else min(self._given)
        self.served.append(step)
        tag, job = self._given.pop(step)
        return tag, job()


def walked(moving: LagoList, hands: Scripted) -> tuple[list[int], list[str]]:
    walk = Walk(moving.fetch, key=lambda row: row.lago_id, what="customers", newest_first=True)
    problems = walk.run(hands)
    return sorted(int(each) for each in walk.rows()), problems


def customers(count: int) -> LagoList:
    return LagoList(list(range(count, 0, -1)), leave=True, anywhere=False)


def test_the_first_page_comes_alone_and_says_how_many_may_follow_at_once() -> None:
    hands = Scripted(8, [])
    assert walked(customers(10), hands) == (list(range(1, 11)), [])
    assert hands.served == [1, 2, 3, 4, 5, 1]


def test_one_page_at_a_time_is_not_looked_at_again() -> None:
    hands = Scripted(1, [])
    assert walked(customers(10), hands) == (list(range(1, 11)), [])
    assert hands.served == [1, 2, 3, 4, 5]


def test_a_page_that_shows_the_list_younger_than_the_page_before_it_is_asked_for_again() -> None:
    moving = customers(6)
    hands = Scripted(2, [1, 3, lambda: moving.numbers.insert(0, 7), 2])
    assert walked(moving, hands) == ([1, 2, 3, 4, 5, 6], [])
    assert hands.served == [1, 3, 2, 3, 4, 1]


def test_a_total_that_falls_while_pages_are_in_flight_starts_the_walk_anew() -> None:
    moving = customers(8)
    hands = Scripted(2, [1, 2, lambda: moving.numbers.remove(8), 3, 4])
    assert walked(moving, hands) == ([1, 2, 3, 4, 5, 6, 7], [])
    assert hands.served == [1, 2, 3, 4, 1, 2, 3, 4, 1]


def test_rows_that_left_while_as_many_came_are_noticed_though_totals_and_counts_agree() -> None:
    moving = customers(10)

    def grow() -> None:
        moving.numbers[:0] = [13, 12, 11]

    def swap() -> None:
        moving.numbers.remove(6)
        moving.numbers.insert(0, 14)  # customer 8 moves from page 3, which comes last, to page 4, which is here

    hands = Scripted(2, [1, grow, 2, 4, swap, 3, 5])
    rows, problems = walked(moving, hands)
    assert problems == []
    assert rows == sorted(moving.numbers)
    assert hands.served[:8] == [1, 2, 4, 3, 5, 6, 7, 1]
    assert hands.served.count(1) == 4

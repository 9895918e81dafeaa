"""Walks over a numbered list whose rows move while it is walked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from reconciler.billing.lago_walk import walk
from reconciler.billing.lago_wire import Meta, Page, WireCustomer

PER_PAGE = 2
Edit = Callable[[list[int]], object]


class MovingList:
    """Customers by number, newest first, two a page; `edits` happen before the request of that number."""

    def __init__(self, numbers: Sequence[int], edits: dict[int, Edit] | None = None) -> None:
        self.numbers = list(numbers)
        self.edits = edits or {}
        self.asked: list[int] = []

    def fetch(self, number: int) -> Page[WireCustomer]:
        self.edits.get(len(self.asked) + 1, list.copy)(self.numbers)
        self.asked.append(number)
        at = (number - 1) * PER_PAGE
        more = at + PER_PAGE < len(self.numbers)
        return page(self.numbers[at : at + PER_PAGE], total=len(self.numbers), next_page=number + 1 if more else None)


def page(numbers: Sequence[int], *, total: int, next_page: int | None) -> Page[WireCustomer]:
    return Page(
        rows=tuple(WireCustomer(lago_id=str(number), external_id=f"org_{number}") for number in numbers),
        meta=Meta(current_page=1, next_page=next_page, total_pages=-(-total // PER_PAGE), total_count=total),
    )


def walked(fetch: Callable[[int], Page[WireCustomer]]) -> tuple[list[str], list[str]]:
    rows: dict[str, WireCustomer] = {}
    problems = walk(fetch, rows, key=lambda row: row.lago_id, what="customers")
    return sorted(rows), problems


def test_a_list_that_stands_still_is_walked_once_page_by_page() -> None:
    still = MovingList([5, 4, 3, 2, 1])
    assert walked(still.fetch) == (["1", "2", "3", "4", "5"], [])
    assert still.asked == [1, 2, 3]


def test_a_full_last_page_is_the_end() -> None:
    still = MovingList([4, 3, 2, 1])
    assert walked(still.fetch) == (["1", "2", "3", "4"], [])
    assert still.asked == [1, 2]


def test_rows_pushed_back_by_new_ones_are_kept_once() -> None:
    moving = MovingList([4, 3, 2, 1], {2: lambda numbers: numbers.insert(0, 5)})
    assert walked(moving.fetch) == (["1", "2", "3", "4"], [])


def test_a_list_that_shrank_is_walked_again_so_that_no_row_is_lost() -> None:
    moving = MovingList([6, 5, 4, 3, 2, 1], {2: lambda numbers: numbers.remove(6)})
    assert walked(moving.fetch) == (["1", "2", "3", "4", "5"], [])
    assert moving.asked == [1, 2, 1, 2, 3]


def test_a_list_that_keeps_shrinking_is_given_up_after_three_walks_and_said() -> None:
    moving = MovingList(list(range(20, 0, -1)), {n: lambda numbers: numbers.pop(0) for n in range(2, 99, 2)})
    rows, problems = walked(moving.fetch)
    assert rows
    assert problems == ["Lago's list of customers shrank from 18 to 17 while it was read"]
    assert moving.asked == [1, 2, 1, 2, 1, 2]


def test_fewer_rows_than_the_list_counts_are_said() -> None:
    assert walked(lambda _: page([2, 1], total=3, next_page=None))[1] == ["Lago counts 3 customers and showed 2"]


def test_an_empty_page_that_promises_more_is_no_end() -> None:
    rows, problems = walked(lambda number: page([2, 1] if number == 1 else [], total=4, next_page=number + 1))
    assert rows == ["1", "2"]
    assert problems == ["Lago sent an empty page 2 of customers and said that more follow"]


@pytest.mark.parametrize("total", [2, 100])
def test_a_list_without_end_is_left_after_a_bounded_number_of_pages(total: int) -> None:
    asked: list[int] = []

    def endless(number: int) -> Page[WireCustomer]:
        asked.append(number)
        return page([2, 1], total=total, next_page=number + 1)

    assert "did not end" in walked(endless)[1][0]
    assert len(asked) == 3 * (total + 10)

"""Whatever changes while a list is read: a walk that calls itself whole misses no row that was there all along."""

from __future__ import annotations

from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.billing_support import NOW
from billing.reading_worlds import PER_PAGE, AnyOrder, LagoList, LagoWithAPast, StripeList
from reconciler.billing.lago_client import LagoClient
from reconciler.billing.lago_lists import LagoLists, Subscriptions
from reconciler.billing.lago_walk import Walk
from reconciler.billing.stripe_ranges import Sweep
from reconciler.billing.tally import Tally
from reconciler.errors import SourceRefusedError

EXAMPLES = settings(max_examples=300, deadline=None)
WIDTHS = st.sampled_from([1, 2, 3, 8])


@EXAMPLES
@given(data=st.data(), size=st.integers(0, 14), width=WIDTHS, changes=st.integers(0, 6), leave=st.booleans())
def test_a_whole_walk_of_lago_misses_nothing(
    data: st.DataObject, size: int, width: int, changes: int, *, leave: bool
) -> None:
    moving = LagoList(list(range(size, 0, -1)), leave=leave, anywhere=not leave)
    hands = AnyOrder(data, width=width, change=moving.change, changes=changes)
    walk = Walk(moving.fetch, key=lambda row: row.lago_id, what="customers", newest_first=leave)
    problems = walk.run(hands)
    seen = {int(each) for each in walk.rows()}
    assert problems or moving.all_along <= seen
    assert hands.jobs <= 3 * (size + 2 * changes + 20)


@EXAMPLES
@given(data=st.data(), width=WIDTHS, changes=st.integers(0, 6))
def test_a_whole_sweep_of_stripe_misses_nothing_and_its_ranges_adjoin(
    data: st.DataObject, width: int, changes: int
) -> None:
    gaps = data.draw(st.lists(st.sampled_from([0, 1, 2, 3, 60, 5_000]), max_size=60))
    moments = [1_000 + sum(gaps[: number + 1]) for number in range(len(gaps))]
    moving = StripeList([(at, number) for number, at in enumerate(moments)])
    hands = AnyOrder(data, width=width, change=moving.change, changes=changes)
    sweep = Sweep(moving.fetch, what="customers")
    try:
        problems = sweep.run(hands)
    except SourceRefusedError:  # the row on which a page ended is gone
        return
    seen = {int(each) for each in sweep.rows()}
    assert problems == []
    assert moving.all_along <= seen
    proof = sweep.proof()
    assert proof.adjoins
    assert proof.rows == len(seen)
    assert hands.jobs <= 2 * (len(gaps) // PER_PAGE + 2 * changes + 10)


@EXAMPLES
@given(data=st.data(), size=st.integers(0, 40), width=WIDTHS)
def test_a_list_that_stands_still_is_whole_in_any_order_of_answers(data: st.DataObject, size: int, width: int) -> None:
    still = LagoList(list(range(size, 0, -1)), leave=True, anywhere=False)
    hands = AnyOrder(data, width=width, change=still.change, changes=0)
    walk = Walk(still.fetch, key=lambda row: row.lago_id, what="customers", newest_first=True)
    assert walk.run(hands) == []
    assert [int(each) for each in walk.rows()] == list(range(size, 0, -1))
    assert hands.jobs <= max(1, -(-size // PER_PAGE)) + 1


# To be misled twice alike takes six changes: one that comes, goes and is made up for, in each of both walks.
@EXAMPLES
@given(data=st.data(), size=st.integers(0, 12), width=WIDTHS, changes=st.integers(0, 5))
def test_two_walks_of_what_lives_that_agree_miss_nothing(
    data: st.DataObject, size: int, width: int, changes: int
) -> None:
    moving = LagoList(list(range(size, 0, -1)), leave=True, anywhere=True)
    hands = AnyOrder(data, width=width, change=moving.change, changes=changes)
    lists = LagoLists(cast("LagoClient", LagoWithAPast(moving)), (1, 51, 0))
    found = Subscriptions()
    problems = lists.read_subscriptions(Tally(read_from=NOW), hands, found)
    assert not found.with_ended
    assert problems or moving.all_along <= {int(each) for each in found.rows}
    assert hands.jobs <= 12 * (size + 2 * changes + 20)

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
import stripe

from reconciler.sandbox.stripe import StripeSandbox
from sandbox.stripe_over_http import NOW, get, ids, library_client

AT = int(NOW.timestamp())


@pytest.fixture
def sandbox() -> StripeSandbox:
    return StripeSandbox(clock=lambda: NOW)


@pytest.fixture
def client(sandbox: StripeSandbox) -> Iterator[stripe.StripeClient]:
    with sandbox.serve() as server, library_client(server.url) as client:
        yield client


def _customers(sandbox: StripeSandbox, *seconds_ago: int) -> list[str]:
    return [sandbox.add_customer(created=NOW - timedelta(seconds=ago)) for ago in seconds_ago]


def test_the_newest_comes_first_and_among_equals_the_later_made(
    sandbox: StripeSandbox, client: stripe.StripeClient
) -> None:
    old, new, tied, oldest = _customers(sandbox, 50, 10, 10, 90)
    assert ids(get(client, "/v1/customers")) == [tied, new, old, oldest]


def test_a_page_holds_ten_rows_unless_told_and_says_whether_more_follow(
    sandbox: StripeSandbox, client: stripe.StripeClient
) -> None:
    _customers(sandbox, *range(11))
    page = get(client, "/v1/customers")
    assert (len(page["data"]), page["has_more"], page["url"], page["object"]) == (10, True, "/v1/customers", "list")
    page = get(client, "/v1/customers", limit=11)
    assert (len(page["data"]), page["has_more"]) == (11, False)


@pytest.mark.parametrize("limit", ["0", "101", "-1", "ten"])
def test_a_limit_outside_1_to_100_is_refused(client: stripe.StripeClient, limit: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        get(client, "/v1/customers", limit=limit)
    assert (refused.value.http_status, refused.value.param) == (400, "limit")
    assert refused.value.code == "parameter_invalid_integer"


def test_the_library_walks_forward_over_every_row_once(sandbox: StripeSandbox, client: stripe.StripeClient) -> None:
    made = _customers(sandbox, *([7] * 12), *range(20, 43))
    walked = [each.id for each in client.v1.customers.list({"limit": 4}).auto_paging_iter()]
    assert walked == [*reversed(made[:12]), *made[12:]]


def test_the_library_walks_backward_from_a_cursor(sandbox: StripeSandbox, client: stripe.StripeClient) -> None:
    made = _customers(sandbox, *range(9))
    page = client.v1.customers.list({"limit": 3, "ending_before": made[8]})
    assert [each.id for each in page.data] == made[5:8]
    assert page.has_more
    assert [each.id for each in page.auto_paging_iter()] == list(reversed(made[:8]))


def test_the_last_page_backward_has_no_more(sandbox: StripeSandbox, client: stripe.StripeClient) -> None:
    made = _customers(sandbox, *range(3))
    page = get(client, "/v1/customers", limit=2, ending_before=made[2])
    assert (ids(page), page["has_more"]) == (made[:2], False)


def test_rows_made_during_a_walk_neither_repeat_nor_skip_the_others(
    sandbox: StripeSandbox, client: stripe.StripeClient
) -> None:
    made = _customers(sandbox, *range(1, 7))
    first = get(client, "/v1/customers", limit=3)
    _customers(sandbox, 0, 0)
    second = get(client, "/v1/customers", limit=3, starting_after=ids(first)[-1])
    assert ids(first) + ids(second) == made


def test_created_bounds_are_exact_to_the_second(sandbox: StripeSandbox, client: stripe.StripeClient) -> None:
    newest, middle, oldest = _customers(sandbox, 0, 1, 2)
    assert ids(get(client, "/v1/customers", created={"gt": AT - 2})) == [newest, middle]
    assert ids(get(client, "/v1/customers", created={"gte": AT - 2})) == [newest, middle, oldest]
    assert ids(get(client, "/v1/customers", created={"lt": AT})) == [middle, oldest]
    assert ids(get(client, "/v1/customers", created={"lte": AT, "gt": AT - 2})) == [newest, middle]
    assert ids(get(client, "/v1/customers", created={"gte": AT - 1, "lt": AT})) == [middle]
    assert ids(get(client, "/v1/customers", created=AT - 2)) == [oldest]


def test_adjoining_created_ranges_together_hold_every_row_once(
    sandbox: StripeSandbox, client: stripe.StripeClient
) -> None:
    made = _customers(sandbox, *range(12))
    edges = [AT - 12, AT - 7, AT - 4, AT + 1]
    found = [
        each.id
        for start, end in pairwise(edges)
        for each in client.v1.customers.list({"limit": 2, "created": {"gte": start, "lt": end}}).auto_paging_iter()
    ]
    assert sorted(found) == sorted(made)


def test_a_cursor_outside_the_created_range_is_only_a_position(
    sandbox: StripeSandbox, client: stripe.StripeClient
) -> None:
    made = _customers(sandbox, *range(6))
    page = get(client, "/v1/customers", created={"lte": AT - 3}, starting_after=made[0], limit=2)
    assert (ids(page), page["has_more"]) == (made[3:5], True)


@pytest.mark.parametrize("param", ["starting_after", "ending_before"])
def test_an_unknown_cursor_is_refused(client: stripe.StripeClient, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        get(client, "/v1/customers", **{param: "cus_none"})
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, "resource_missing", param)


def test_the_cursor_of_a_customer_deleted_meanwhile_is_refused(
    sandbox: StripeSandbox, client: stripe.StripeClient
) -> None:
    first, second = _customers(sandbox, 1, 2)
    sandbox.delete_customer(first)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        get(client, "/v1/customers", starting_after=first)
    assert refused.value.code == "resource_missing"
    assert ids(get(client, "/v1/customers")) == [second]


def test_both_cursors_at_once_are_refused(sandbox: StripeSandbox, client: stripe.StripeClient) -> None:
    first, second = _customers(sandbox, 1, 2)
    with pytest.raises(stripe.InvalidRequestError, match="only specify one of these"):
        get(client, "/v1/customers", starting_after=first, ending_before=second)


@pytest.mark.parametrize(
    ("query", "param", "code"),
    [
        ({"modified": {"gte": 1}}, "modified", "parameter_unknown"),
        ({"email": ""}, "email", "parameter_invalid_empty"),
        ({"created": {"gte": "yesterday"}}, "created[gte]", "parameter_invalid_integer"),
    ],
)
def test_a_parameter_stripe_does_not_take_is_refused_by_name(
    client: stripe.StripeClient, query: dict[str, object], param: str, code: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        get(client, "/v1/customers", **query)
    assert (refused.value.http_status, refused.value.param, refused.value.code) == (400, param, code)

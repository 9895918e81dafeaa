"""Lists of one source read at once: what is cut off, and why whoever has a subscription is still in the other list."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from billing.billing_support import NOW
from reconciler.billing.abreast import abreast
from reconciler.billing.asking import OutageError
from reconciler.billing.crew import Hands
from reconciler.billing.lago_client import LagoClient, Params
from reconciler.billing.lago_lists import LagoLists
from reconciler.billing.lago_whole import read_whole
from reconciler.billing.lago_wire import Meta, Page, WireCustomer, WireSubscription
from reconciler.billing.network import Asking
from reconciler.billing.tally import Tally
from reconciler.errors import CredentialError


@dataclass
class LastFirst:
    """Hands that are always free and do the job that was given last."""

    given: list[tuple[object, Callable[[], object]]] = field(default_factory=list)
    free = True

    def give(self, tag: object, job: Callable[[], object]) -> None:
        self.given.append((tag, job))

    def take(self) -> tuple[Any, Any]:
        tag, job = self.given.pop()
        return tag, job()


class InReverse:
    """An Asking whose crews do the last job first."""

    def crew(self, _tally: Tally, *, within: str = "") -> AbstractContextManager[Hands]:
        del within
        return nullcontext(LastFirst())


@dataclass
class Signups:
    """A Lago to which `late` comes with a subscription when the customers were asked for `after` times."""

    after: int
    customers: list[str]
    late: str = "late"
    deleted: str = ""
    asked: list[str] = field(default_factory=list)
    page_size = 100

    def page(self, path: str, _model: object, _tally: Tally, *, number: int, params: Params) -> Page[Any]:
        del params
        self.asked.append(path)
        rows: list[object] = []
        if path == "/customers":
            rows = [WireCustomer(lago_id=each, external_id=f"org_{each}") for each in self.customers]
            if self.asked.count(path) == self.after:
                self.customers.insert(0, self.late)
        elif path == "/subscriptions":
            owners = [*self.customers, *([self.deleted] if self.deleted else [])]
            rows = [_subscription(each) for each in owners]
        return Page(
            rows=tuple(rows), meta=Meta(current_page=number, next_page=None, total_pages=1, total_count=len(rows))
        )


def _subscription(owner: str) -> WireSubscription:
    return WireSubscription(
        lago_id=f"of {owner}",
        external_id=f"sub_{owner}",
        lago_customer_id=owner,
        external_customer_id=f"org_{owner}",
        plan_code="professional",
        status="active",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def read(lago: Signups) -> tuple[set[str], list[str]]:
    lists = LagoLists(cast("LagoClient", lago), (1, 51, 0))
    whole = read_whole(lists, cast("Asking", InReverse()), Tally(read_from=NOW))
    return set(whole.customers), whole.problems


def test_a_customer_younger_than_the_list_whose_subscription_was_seen_is_read_after_all() -> None:
    lago = Signups(after=1, customers=["a", "b"])
    assert read(lago) == ({"a", "b", "late"}, [])
    assert lago.asked.count("/customers") == 2


def test_customers_are_read_once_where_every_subscription_has_its_own() -> None:
    lago = Signups(after=0, customers=["a", "b"])
    assert read(lago) == ({"a", "b"}, [])
    assert lago.asked.count("/customers") == 1


def test_a_deleted_customer_with_a_live_subscription_is_looked_for_only_once_more() -> None:
    lago = Signups(after=0, customers=["a"], deleted="gone")
    assert read(lago) == ({"a"}, [])
    assert lago.asked.count("/customers") == 2


def test_a_list_that_is_not_proven_cuts_off_the_others_and_gives_the_read_up() -> None:
    tally = Tally(read_from=NOW)
    reads: dict[str, Callable[[], list[str]]] = {"first": lambda: pytest.fail("cut off"), "last": lambda: ["shrank"]}
    assert abreast(cast("Asking", InReverse()), tally, reads) == {"last": ["shrank"]}
    assert tally.over
    assert tally.apart().over


def test_an_outage_is_said_as_what_is_not_proven() -> None:
    def fail() -> list[str]:
        raise OutageError("down")

    assert abreast(cast("Asking", InReverse()), Tally(read_from=NOW), {"list": fail}) == {"list": ["down"]}


def test_a_refused_key_goes_through_and_gives_the_read_up() -> None:
    def fail() -> list[str]:
        raise CredentialError("refused", remedy="Set another")

    tally = Tally(read_from=NOW)
    with pytest.raises(CredentialError):
        abreast(cast("Asking", InReverse()), tally, {"first": list, "last": fail})
    assert tally.over


def test_lists_that_were_all_read_leave_the_read_going_on() -> None:
    tally = Tally(read_from=NOW)
    assert abreast(cast("Asking", InReverse()), tally, {"first": list, "last": list}) == {"first": [], "last": []}
    assert not tally.over

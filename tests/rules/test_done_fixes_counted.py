"""What the limits take shares of, and which of the fixes that were done count."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from builders import NOW, linked, terms
from reconciler.model.acts import Release
from reconciler.model.drift import Call, Direction, Fix
from reconciler.model.history import DoneFix, History
from reconciler.model.money import Money
from reconciler.model.run import Explained, Shows
from reconciler.model.terms import Limits
from reconciler.rules.books import Books
from reconciler.rules.case import Verdict
from reconciler.rules.compare import Judgement
from reconciler.rules.limits import Population, population_of, refuse_directions

HOUR = timedelta(hours=1)
ONE = Limits(max_raise_count=2, always_allowed=10)


def raising(org_id: str = "org_1", worth: Money | None = None) -> Fix:
    return Fix(
        org_id=org_id,
        drift_id=f"tier_under:{org_id}",
        call=Call.PLAN,
        arguments={"plan_tier": "professional"},
        expects={"plan_tier": "starter"},
        direction=Direction.RAISE,
        worth=worth,
    )


def verdict(number: int, tier: str, *, had: int | None = 0, held: bool = False) -> Verdict:
    books = Books(currency="usd", billed=0, overbilled=0, due=0, had=had)
    return Verdict(org=linked(number, tier), drifts=(), books=None if held else books)


def population(*verdicts: Verdict, currency: str = "usd") -> Population:
    judgement = Judgement(verdicts=verdicts, unclaimed=(), unreadable=())
    return population_of(judgement, terms(currency=currency))


def refuses(history: History, explained: tuple[Explained, ...] = ()) -> bool:
    """Whether one raise more is refused, where two of a day are allowed."""
    few = Population(kept=1000, paid=1000, monthly={})
    return bool(refuse_directions([raising("org_9")], few, limits=ONE, history=history, explained=explained))


def test_every_organisation_on_a_paid_tier_counts_with_its_list_price() -> None:
    found = population(
        verdict(1, "founders_friend"),
        verdict(2, "starter", had=4900),
        verdict(3, "mystery", held=True),
        verdict(4, "professional", had=9900),
    )
    assert found == Population(kept=4, paid=2, monthly={"usd": 14800})


def test_what_has_no_price_adds_nothing() -> None:
    assert population(verdict(1, "starter", had=None)).monthly == {"usd": 0}
    assert population(verdict(1, "starter", held=True), currency="chf").monthly == {"usd": 4900, "eur": 4900, "chf": 0}


def test_held_organisations_count_beside_judged_ones() -> None:
    found = population(verdict(1, "starter", had=4900), verdict(2, "starter", held=True), verdict(3, "trial"))
    assert (found.paid, found.monthly) == (2, {"usd": 9800, "eur": 4900})


def test_a_fix_counts_as_often_as_it_may_have_been_written() -> None:
    done = DoneFix(key=raising().key, direction=Direction.RAISE, at=NOW)
    told = Explained(run_id="run", at=NOW, fixes=((raising(), Shows.NOT_WRITTEN),))
    assert refuses(History(done=(done, done)))
    assert not refuses(History(done=(done, done)), (told,))
    assert refuses(History(done=(done, done, done)), (told,))
    assert refuses(History(done=(done, done, done)))


@pytest.mark.parametrize(
    ("at", "released"), [(NOW, True), (NOW + HOUR, False), (NOW - HOUR, False), (NOW + HOUR / 2, True)]
)
def test_a_release_counts_from_its_moment_until_its_end(at: datetime, *, released: bool) -> None:
    release = Release(
        digest="sha256:0", until=NOW + HOUR, by="Ann", reason="all right", at=NOW, fixes=frozenset({raising().key})
    )
    done = DoneFix(key=raising().key, direction=Direction.RAISE, at=at)
    assert refuses(History(done=(done, done), releases=(release,))) is not released


def test_in_a_currency_that_nobody_pays_nothing_may_move() -> None:
    fixes = [raising(worth=Money(minor=3, currency="chf"))]
    limits = Limits(always_allowed=0, max_raise_ratio=Decimal(1), max_monthly_value_ratio=Decimal(5))
    nobody = Population(kept=10, paid=10, monthly={"usd": 9900})
    (refused,) = refuse_directions(fixes, nobody, limits=limits, history=History()).values()
    assert refused.rule == "max_monthly_value_ratio"
    assert refused.text == (
        "0.03 CHF a month to raise, the last 24 hours included, of 0.00 CHF that paid tiers list, at most a share of 5 "
        "is allowed"
    )

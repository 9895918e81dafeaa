"""The doctor on a side that answers in every way it can."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from builders import CATALOG, NOW, customers, lago_sub, observe_world, org
from fakes_billing import FakeBillingSource
from firststeps.offers import plan
from reconciler.errors import CredentialError, SourceUnavailableError, StoreMissingError
from reconciler.firststeps.checked import Checked, Verdict
from reconciler.firststeps.doctor import Patient, examine
from reconciler.firststeps.needs import Side
from reconciler.model.account import Offer, Permission
from reconciler.model.billing import Source
from reconciler.model.catalog import Catalog
from reconciler.model.observation import StoreReading
from reconciler.model.terms import Mode

WORLD = observe_world([org(1)], *customers(1), lago_sub(1))
CATALOG_OF_LAGO = Catalog(tiers={"professional": CATALOG.tiers["professional"]})
PLANS = tuple(plan(code) for code in ("professional", "professional_monthly", "professional_yearly"))


@dataclass
class Account:
    """A Lago that is well unless told otherwise."""

    skew: timedelta | None = timedelta(seconds=1)
    key_too_strong: bool = False
    lacking: Permission | None = None
    down: bool = False
    source: Source = Source.LAGO

    def introduce(self) -> str:
        return "version 1.51.0, organisation Acme"

    def permissions(self) -> tuple[Permission, ...]:
        if self.down:
            raise SourceUnavailableError("Lago is away", remedy="Run again")
        held = Permission(name="customer", held=True, required=True)
        return (held, self.lacking) if self.lacking else (held,)

    def offers(self) -> tuple[Offer, ...]:
        if self.lacking:
            raise CredentialError("may not", remedy="Give it")
        return PLANS

    def clock_skew(self) -> timedelta | None:
        return self.skew


def lines(account: Account, tmp_path: Path, billing: FakeBillingSource | None = None) -> list[Checked]:
    @contextmanager
    def opened() -> Iterator[Side]:
        yield Side(catalog=account, billing=billing or FakeBillingSource(WORLD.snapshots[Source.LAGO]))

    def read_store() -> StoreReading:
        return WORLD.store

    patient = Patient(
        folder=tmp_path,
        read_store=read_store,
        sides={Source.LAGO: opened},
        catalog=CATALOG_OF_LAGO,
        mode=Mode.FLAG,
        ledger_url=f"sqlite:///{tmp_path / 'ledger.sqlite3'}",
        user="me",
        now=NOW,
    )
    return list(examine(patient))


def bad(found: list[Checked]) -> list[tuple[Verdict, str]]:
    return [(line.verdict, line.text) for line in found if line.verdict is not Verdict.GOOD]


def test_a_side_that_is_well_gives_good_lines_only(tmp_path: Path) -> None:
    assert bad(lines(Account(), tmp_path)) == []


@pytest.mark.parametrize(("seconds", "way"), [(600, "600 s ahead of"), (-7200, "7,200 s behind")])
def test_a_clock_that_is_off_should_be_looked_at(tmp_path: Path, seconds: int, way: str) -> None:
    ((verdict, text),) = bad(lines(Account(skew=timedelta(seconds=seconds)), tmp_path))
    assert verdict is Verdict.LOOK
    assert way in text


@pytest.mark.parametrize("skew", [None, timedelta(seconds=60), timedelta(seconds=-60)])
def test_a_minute_or_a_clock_that_is_not_told_is_no_matter(tmp_path: Path, skew: timedelta | None) -> None:
    assert bad(lines(Account(skew=skew), tmp_path)) == []


@pytest.mark.parametrize("verdict", [Verdict.STOPS, Verdict.LOOK])
def test_a_permission_that_lacks_stops_only_where_a_pass_needs_it(tmp_path: Path, verdict: Verdict) -> None:
    required = verdict is Verdict.STOPS
    lacking = Permission(name="plan", held=False, required=required, remedy="Give it")
    found = lines(Account(lacking=lacking), tmp_path)
    assert [each for each, _ in bad(found)] == [verdict]
    assert any("Read whole" in line.text for line in found) is not required


def test_a_key_that_may_do_everything_should_be_looked_at(tmp_path: Path) -> None:
    ((verdict, text),) = bad(lines(Account(key_too_strong=True), tmp_path))
    assert (verdict, "secret key" in text) == (Verdict.LOOK, True)


def test_a_side_that_is_away_stops(tmp_path: Path) -> None:
    assert bad(lines(Account(down=True), tmp_path)) == [(Verdict.STOPS, "Lago is away")]


def test_a_side_that_is_not_read_whole_stops_and_nothing_is_said_of_what_is_missing(tmp_path: Path) -> None:
    billing = FakeBillingSource(WORLD.snapshots[Source.LAGO])
    billing.down = "the list broke off"
    found = lines(Account(), tmp_path, billing)
    assert bad(found) == [(Verdict.STOPS, "It was not read whole: the list broke off")]
    assert not any("catalog are there" in line.text for line in found)


def test_a_store_that_is_gone_does_not_keep_the_sides_from_being_examined(tmp_path: Path) -> None:
    @contextmanager
    def opened() -> Iterator[Side]:
        yield Side(catalog=Account(), billing=FakeBillingSource(WORLD.snapshots[Source.LAGO]))

    def gone() -> StoreReading:
        raise StoreMissingError("there is none", remedy="Look", not_done="Nothing")

    patient = Patient(
        folder=tmp_path,
        read_store=gone,
        sides={Source.LAGO: opened},
        catalog=CATALOG_OF_LAGO,
        mode=Mode.FLAG,
        ledger_url="postgresql://ledger",
        user="me",
        now=NOW,
    )
    found = list(examine(patient))
    assert bad(found) == [(Verdict.STOPS, "there is none")]
    assert any("Read whole" in line.text for line in found)
    assert bad(list(examine(replace(patient, sides={})))) == [(Verdict.STOPS, "there is none")]

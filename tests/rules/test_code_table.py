"""The table of drift codes: each as published, in the order of judging, and every word of it a whole sentence."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from builders import CATALOG, customers, decided, linked, observe_world, stripe_sub, terms
from reconciler.model.catalog import SourceKeys
from reconciler.model.drift import Code, Decided, Direction
from reconciler.model.terms import Authority
from reconciler.rules.catalogue import CATALOGUE, fixable, leaking
from reconciler.rules.row import Column, Row, Stage

PUBLISHED = Path(__file__).parents[2].parent / "shared" / "drift_codes.md"
PRICE_SECTION = {
    Code.PRICE_OVERRIDE,
    Code.DISCOUNTED,
    Code.AMOUNT_DIFFERS,
    Code.CURRENCY_DIFFERS,
    Code.INTERVAL_DIFFERS,
    Code.CONTRACT_EXPIRED,
    Code.CONTRACT_OK,
    Code.GRANDFATHERED,
}


def test_every_code_has_a_row() -> None:
    assert set(CATALOGUE) == set(Code)


def test_the_table_stands_in_the_order_of_judging() -> None:
    stages = [row.stage for row in CATALOGUE.values()]
    assert stages == sorted(stages)
    assert {stage: next(code for code, row in CATALOGUE.items() if row.stage is stage) for stage in Stage} == {
        Stage.HOLD: Code.RECORD_INVALID,
        Stage.IDENTITY: Code.ID_SHARED,
        Stage.CONTRACT: Code.CONTRACT_EXPIRED,
        Stage.IN_FLIGHT: Code.IN_FLIGHT,
        Stage.WAIT: Code.CANCEL_SCHEDULED,
        Stage.DOUBT: Code.SCHEDULE_MISSED,
        Stage.FIX: Code.FIX_FAILED,
        Stage.PRICE: Code.PRICE_OVERRIDE,
        Stage.LINK: Code.LINK_MISSING,
        Stage.FACT: Code.LINK_OTHER_FORM,
    }


def test_every_hold_wait_and_flag_outside_the_prices_stops_lowering() -> None:
    stopping = {Decided.HOLD, Decided.WAIT, Decided.FLAG}
    wanted = {code for code, row in CATALOGUE.items() if row.default in stopping} - PRICE_SECTION - {Code.ORPHAN_PAYER}
    assert {code for code, row in CATALOGUE.items() if Direction.LOWER in row.stops} >= wanted


def test_a_raise_is_stopped_by_holds_and_by_named_rows_only() -> None:
    holds = {code for code, row in CATALOGUE.items() if row.default is Decided.HOLD}
    assert {code for code, row in CATALOGUE.items() if Direction.RAISE in row.stops} == holds | {
        Code.ID_SHARED,
        Code.ID_CROSSED,
        Code.DUPLICATE_CUSTOMER,
        Code.LINK_STALE,
        Code.BILLING_DISAGREES,
        Code.SIDE_MISSING,
        Code.COLLECTION_PAUSED,
        Code.ZERO_AMOUNT_LIVE,
        Code.FREE_TIER_PAYING,
        Code.FIX_FAILED,
        Code.FIX_NOT_STICKING,
        Code.PAST_DUE_IN_GRACE,
    }


def test_what_stops_a_raise_stops_a_link_too() -> None:
    for row in CATALOGUE.values():
        assert (Direction.RAISE in row.stops) == (Direction.LINK in row.stops)


def test_the_rows_that_are_fixed_and_how() -> None:
    assert {code: CATALOGUE[code].direction for code in fixable()} == {
        Code.TIER_UNDER: Direction.RAISE,
        Code.PAID_NOT_REFLECTED: Direction.RAISE,
        Code.DOWNGRADE_EARLY: Direction.RAISE,
        Code.TIER_OVER: Direction.LOWER,
        Code.ENDED_STILL_ENTITLED: Direction.LOWER,
        Code.NEVER_PAID_ENTITLED: Direction.LOWER,
        Code.DOWNGRADE_LATE: Direction.LOWER,
        Code.PAST_DUE_BEYOND_GRACE: Direction.LOWER,
        Code.UNPAID: Direction.LOWER,
        Code.LINK_MISSING: Direction.LINK,
    }


def published() -> dict[str, dict[str, str]]:
    """The published tables: code -> column -> cell. Two codes may share a row."""
    rows: dict[str, dict[str, str]] = {}
    head: list[str] = []
    for line in PUBLISHED.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")] if line.startswith("|") else []
        if cells[:1] == ["code"]:
            head = cells
        elif cells and cells[0].startswith("`"):
            for code in re.findall(r"`(\w+)`", cells[0]):
                rows[code] = dict(zip(head, cells, strict=True))
    return rows


needs_the_page = pytest.mark.skipif(not PUBLISHED.exists(), reason="the published catalogue is not beside the project")


@needs_the_page
def test_every_published_code_is_judged_and_no_other() -> None:
    assert published().keys() == {code.value for code in Code}


@needs_the_page
@pytest.mark.parametrize("code", list(Code))
def test_each_row_stands_as_published(code: Code) -> None:
    row, said = CATALOGUE[code], published()[code]
    assert said["default"].startswith(row.default.value)
    if said["severity"] != "-":
        assert said["severity"] == row.severity.value
    if said.get("direction", "-") != "-":
        assert row.direction is not None
        assert said["direction"] == row.direction.value


@needs_the_page
@pytest.mark.parametrize("code", list(Code))
def test_the_money_of_each_row_is_that_published(code: Code) -> None:
    said = published()[code].get("money")
    if said is not None:
        words = {word for word in re.findall(r"\w+", said) if word in {column.word for column in Column}}
        assert {column.word for column in CATALOGUE[code].money} == words
        assert CATALOGUE[code].priced == ("null" not in said)


@pytest.mark.parametrize("code", list(Code))
def test_the_words_of_each_row_are_whole_sentences(code: Code) -> None:
    words = {"org": "org_1", "has": "starter", "due": "professional", "detail": "something"}
    row: Row = CATALOGUE[code]
    for template in (row.text, row.remedy):
        said = template.format_map(words)
        assert said[0].isupper()
        assert said.endswith(".")
        assert "{" not in said
    assert not row.when.endswith(".")
    assert "{" not in row.when


def test_only_codes_whose_money_leaks_whatever_the_case_may_set_a_status() -> None:
    assert leaking() == {
        Code.COLLECTION_PAUSED,
        Code.CONTRACT_EXPIRED,
        Code.DOWNGRADE_LATE,
        Code.ENDED_STILL_ENTITLED,
        Code.FUTURE_START,
        Code.LINK_DEAD,
        Code.LINK_STALE,
        Code.NEVER_PAID_ENTITLED,
        Code.PAID_TIER_NO_BILLING,
        Code.PAST_DUE_BEYOND_GRACE,
        Code.PAUSED,
        Code.PAYMENT_DISPUTED,
        Code.TIER_OVER,
        Code.TRIAL_OVERRUN,
        Code.UNPAID,
        Code.ZERO_AMOUNT_LIVE,
    }


def test_a_case_that_no_row_covers_is_unclassified_and_never_in_sync() -> None:
    twin = replace(CATALOG.tiers["professional"], name="twin", keys=SourceKeys())
    by = terms(Authority.STRIPE, catalog=replace(CATALOG, tiers={**CATALOG.tiers, "twin": twin}))
    (decision,) = decided(observe_world([linked(1, "twin")], *customers(), stripe_sub()), by)
    assert (decision.drift.code, decision.decided) == (Code.UNCLASSIFIED, Decided.HOLD)
    assert "it is due professional" in decision.drift.text

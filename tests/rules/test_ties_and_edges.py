"""Which of several counts where they are alike, what lies on the very edge, and how several are listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from builders import (
    CATALOG,
    DAY,
    NOW,
    codes_of,
    customers,
    decided,
    drifts_of,
    invoice,
    judged,
    lago_customer,
    lago_sub,
    linked,
    observe_world,
    stripe_sub,
    terms,
    world,
)
from reconciler.model.acts import Contract
from reconciler.model.billing import Discount, Item, Source, SubscriptionStatus
from reconciler.model.drift import Code, Drift
from reconciler.model.history import History, OrgState
from reconciler.model.money import Interval, Period
from reconciler.model.observation import Observation
from reconciler.model.terms import Authority, Terms
from reconciler.rules.accrual import accrued
from reconciler.rules.books import Books
from reconciler.rules.case import Case, Verdict
from reconciler.rules.catalogue import CATALOGUE
from reconciler.rules.compare import Judgement, make_world
from reconciler.rules.fixes import tier_fix
from reconciler.rules.lasting import not_lasting
from reconciler.rules.make_case import make_case
from reconciler.rules.schedules import said
from reconciler.rules.totals import add_up

BY_STRIPE = terms(Authority.STRIPE)
ENDED = SubscriptionStatus.ENDED
YEARLY = Contract(
    id="c_1",
    org_id="org_1",
    tier="professional",
    amount_minor=60000,
    currency="usd",
    start=date(2026, 1, 1),
    approver="Ann",
    reference="1",
    period=Period(interval=Interval.YEAR),
)


def case_of(observation: Observation, by: Terms = BY_STRIPE) -> Case:
    return make_case(observation.store.orgs[0], make_world(observation, by))


def told(observation: Observation, code: str, by: Terms = BY_STRIPE) -> Drift:
    (drift,) = (each for each in drifts_of(observation, by) if each.code == code)
    return drift


def detailed(drift: Drift, detail: str) -> str:
    words = {"org": "org_1", "has": drift.has.tier, "due": drift.due.tier if drift.due else "", "detail": detail}
    return CATALOGUE[drift.code].text.format_map(words)


@pytest.mark.parametrize(("month", "months"), [(2, 1), (3, 2), (4, 3), (7, 6)])
def test_whole_months_come_to_whole_amounts(month: int, months: int) -> None:
    assert accrued(90000, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, month, 1, tzinfo=UTC)) == 90000 * months


def test_of_two_alike_that_live_the_one_that_is_known_to_bill_more_comes_first() -> None:
    rows = (stripe_sub(sub_id="sub_a", amount=None), stripe_sub(sub_id="sub_b", amount=1))
    assert [each.subscription.id for each in case_of(world("professional", *rows)).standings[Source.STRIPE].live] == [
        "sub_b",
        "sub_a",
    ]


def test_of_two_alike_that_are_paid_ahead_the_one_that_is_known_to_bill_more_gives_the_currency() -> None:
    rows = (
        stripe_sub(sub_id="sub_b", amount=None, currency="eur", status=ENDED),
        stripe_sub(sub_id="sub_a", amount=1, status=ENDED),
    )
    books = case_of(world("professional", *rows)).books
    assert books is not None
    assert books.currency == "usd"


def test_what_is_not_paid_for_decides_beside_what_gives_no_more_than_is_had() -> None:
    top = stripe_sub(1, "enterprise", sub_id="sub_top", amount=0, status=SubscriptionStatus.PAST_DUE)
    late = invoice(Source.STRIPE, subscription_ids=("sub_top",), due_since=NOW - 40 * DAY)
    observed = world("professional", top, stripe_sub(), late)
    by = case_of(observed).due.by
    assert by is not None
    assert by.subscription.id == "sub_top"
    higher = case_of(world("starter", top, stripe_sub(), late)).due.by
    assert higher is not None
    assert higher.subscription.id == "sub_1_professional"


@pytest.mark.parametrize(("end", "takes"), [(NOW - timedelta(hours=26), False), (NOW - timedelta(hours=25), True)])
def test_a_trial_may_take_money_until_it_is_as_old_as_a_source_may_lag(end: datetime, *, takes: bool) -> None:
    row = stripe_sub(status=SubscriptionStatus.TRIALING, trial_end=end)
    (live,) = case_of(world("professional", row)).standings[Source.STRIPE].live
    assert live.takes_money is takes


@pytest.mark.parametrize(("until", "named"), [(NOW, False), (NOW + DAY, True), (None, True)])
def test_what_ended_and_is_not_in_the_catalog_is_named_while_it_may_be_paid_ahead(
    until: datetime | None, *, named: bool
) -> None:
    row = stripe_sub(price="price_who", status=ENDED)
    (item,) = row.items
    row = replace(row, items=(replace(item, period_end=until),), ended_at=None)
    unmapped = case_of(world("professional", row)).standings[Source.STRIPE].unmapped
    assert unmapped == (("price_who",) if named else ())


def test_a_contract_for_a_year_is_held_against_the_list_price_of_a_year() -> None:
    observed = world("professional", history=History(contracts=(YEARLY,)))
    books = case_of(observed).books
    assert books == Books(currency="usd", billed=5000, overbilled=0, due=8250, had=8250)


def test_by_a_contract_nothing_is_said_of_discounts() -> None:
    off = stripe_sub(discounts=(Discount(percent=Decimal(10)),))
    assert codes_of(world("professional", off), BY_STRIPE) == ["discounted"]
    assert codes_of(world("professional", off, history=History(contracts=(YEARLY,))), BY_STRIPE) == ["contract_ok"]


def test_several_discounts_are_listed() -> None:
    off = (Discount(percent=Decimal(10)), Discount(amount_minor=5, currency="usd"))
    drift = told(world("professional", stripe_sub(discounts=off)), "discounted")
    assert drift.text == detailed(drift, "10 %, 0.05 USD off sub_1_professional")


def test_several_ambiguous_subscriptions_are_listed() -> None:
    other = Item(id="si_2", price_id="price_starter", unit_amount=4900, currency="usd")
    rows = (stripe_sub(sub_id="sub_a", extra_items=[other]), stripe_sub(sub_id="sub_b", extra_items=[other]))
    drift = told(world("professional", *rows), "base_ambiguous")
    assert drift.text == detailed(drift, "sub_a, sub_b")


def test_several_missed_schedules_are_listed() -> None:
    rows = (stripe_sub(sub_id="sub_a", cancel_at=NOW - 3 * DAY), stripe_sub(sub_id="sub_b", cancel_at=NOW - 3 * DAY))
    drift = told(world("professional", *rows), "schedule_missed")
    ended = "should have ended at 2026-11-21 12:00 UTC and is still live"
    assert drift.text == detailed(drift, f"sub_a {ended}; sub_b {ended}")


def test_several_values_of_a_fix_that_does_not_last_are_listed() -> None:
    observed = world("professional", stripe_sub(status=ENDED, period_end=NOW - 9 * DAY))
    by = terms(Authority.STRIPE, statuses=replace(BY_STRIPE.statuses, ended="suspended"))
    fix = told(observed, "ended_still_entitled", by).fix
    assert fix is not None
    undone = world(
        "professional",
        stripe_sub(status=ENDED, period_end=NOW - 9 * DAY),
        history=History(fixed_at={fix.key: (NOW - 3 * DAY, NOW - 2 * DAY, NOW - DAY)}),
    )
    drift = told(undone, "fix_not_sticking", by)
    times = ", ".join(f"2026-11-{day} 12:00 UTC" for day in (21, 22, 23))
    assert drift.text == detailed(drift, f"status suspended was written at {times}, and each time undone")
    both = replace(fix, arguments={"status": "suspended", "plan_tier": "starter"})
    history = History(fixed_at={both.key: (NOW - 3 * DAY, NOW - 2 * DAY, NOW - DAY)})
    case = case_of(world("professional", history=history), by)
    (drift,) = not_lasting(case, [replace(told(observed, "ended_still_entitled", by), fix=both)])
    values = "plan_tier starter, status suspended"
    assert drift.text == detailed(drift, f"{values} was written at {times}, and each time undone")


def test_a_moment_that_is_not_known_is_said_so() -> None:
    assert said(None) == "a date that is not known"


def test_the_same_plan_at_another_price_is_no_downgrade() -> None:
    coming = Item(id="next", plan_code="professional_monthly", unit_amount=4900, currency="usd")
    row = lago_sub(next_item=coming, next_at=NOW + 5 * DAY)
    assert codes_of(world("professional", row), terms(Authority.LAGO)) == []
    lower = replace(row, next_item=replace(coming, plan_code="starter_monthly"))
    assert codes_of(world("professional", lower), terms(Authority.LAGO)) == ["downgrade_scheduled"]


def test_what_ended_on_a_tier_no_higher_than_due_does_not_hide_what_is_not_known_of_another() -> None:
    low = stripe_sub(1, "starter", sub_id="sub_a", status=ENDED, period_end=NOW - DAY)
    high = replace(stripe_sub(1, "enterprise", sub_id="sub_b", status=ENDED), ended_at=None)
    high = replace(high, items=(replace(high.items[0], period_end=None),))
    drift = told(world("professional", stripe_sub(1, "starter", sub_id="sub_c"), low, high), "tier_over")
    assert drift.stopped_by == "until when sub_b was paid is not known"


def test_a_customer_that_is_shared_does_not_hide_one_that_names_somebody_else() -> None:
    named = (lago_customer(1, id=each, org_key="org_8") for each in ("lago-a", "lago-b"))
    orgs = [linked(1, lago_id="org_8", stripe_id=None), linked(2, lago_id="lago-a", stripe_id=None)]
    ids = [each.id for each in drifts_of(observe_world(orgs, *named)) if each.org_id == "org_1"]
    assert ids == ["id_shared:org_1:lago-a", "id_crossed:org_1:lago-b"]


@pytest.mark.parametrize("sides", [tuple(Source), tuple(reversed(Source))])
def test_another_form_of_an_id_is_told_whichever_side_was_read_first(sides: Sequence[Source]) -> None:
    observed = observe_world([linked(1, lago_id="lago-1")], *customers(), lago_sub(), stripe_sub(), sides=sides)
    assert [each.id for each in drifts_of(observed)] == ["link_other_form:org_1:lago"]
    unlinked = observe_world(
        [linked(1, lago_id="lago-1", stripe_id=None)], *customers(), lago_sub(), stripe_sub(), sides=sides
    )
    assert sorted(codes_of(unlinked)) == ["link_missing", "link_other_form"]


def test_what_does_not_tie_out_shows_in_the_residual() -> None:
    books = Books(currency="usd", billed=0, overbilled=0, due=0, had=9900)
    verdict = Verdict(org=linked(), drifts=(), books=books)
    totals = add_up(Judgement(verdicts=(verdict,), unclaimed=(), unreadable=()), ())
    assert totals.money["usd"].residual == -9900


def test_a_fix_without_a_detail_says_only_what_its_row_says() -> None:
    case = case_of(world("starter"))
    drift = tier_fix(case, Code.DOWNGRADE_EARLY, CATALOG.tiers["professional"], effective_at=None)
    assert drift.text == detailed(drift, "")


def test_a_raise_that_has_settled_goes_on_beside_what_has_not() -> None:
    recent = OrgState(tier="starter", status="active", lago_id="org_1", stripe_id="cus_1", since=NOW - DAY / 2)
    late = invoice(Source.STRIPE, subscription_ids=("sub_1_professional",), due_since=NOW - 40 * DAY)
    row = stripe_sub(collected_automatically=False)
    observed = world("starter", row, late, history=History(orgs={"org_1": recent}))
    by = replace(BY_STRIPE, settle_lower=DAY, settle_raise=timedelta(0))
    decisions = {each.drift.code.value: each.decided.value for each in decided(observed, by)}
    assert decisions["in_flight"] == "wait"
    assert decisions["overdue_by_invoice"] == "wait"
    assert decisions["tier_under"] == "fix"


def test_what_is_billed_past_its_end_is_told_beside_what_is_billed_twice() -> None:
    rows = (stripe_sub(1, "starter", sub_id="sub_a"), stripe_sub(sub_id="sub_b", cancel_at=NOW - 3 * DAY))
    observed = world("professional", *rows)
    (verdict,) = judged(observed, BY_STRIPE).verdicts
    assert verdict.books is not None
    overbilled = [each.money.overbilled for each in verdict.drifts if each.money is not None]
    assert sum(filter(None, overbilled)) == verdict.books.overbilled == 9900

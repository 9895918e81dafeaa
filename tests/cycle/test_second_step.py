"""After the lists a pass asks each source for what they left open, and judges by what it is told."""

from __future__ import annotations

from dataclasses import replace

from builders import DAY, NOW, linked, stripe_customer, stripe_sub, terms
from cycle.cycle_support import Works, works
from reconciler.model.billing import Source, Subscription, SubscriptionStatus
from reconciler.model.observation import CustomerReading, SideList, SideRead, Wanted
from reconciler.model.run import RunMode
from reconciler.model.terms import Authority


def ended(number: int) -> Subscription:
    """What ended a day ago, at the end of its period."""
    return stripe_sub(
        number,
        status=SubscriptionStatus.ENDED,
        ended_at=NOW - DAY,
        period_start=NOW - 31 * DAY,
        period_end=NOW - DAY,
    )


def stripe_only(*numbers: int) -> Works:
    """Organisations on a paid tier, of whom Stripe's lists hold the customer only."""
    made = works(
        [linked(each, lago_id=None) for each in numbers],
        *(stripe_customer(each) for each in numbers),
        terms=terms(Authority.STRIPE),
    )
    made.line = replace(made.line, sources={Source.STRIPE: made.stripe})
    made.stripe.snapshot = replace(made.stripe.snapshot, ended_of=frozenset())
    for each in numbers:
        reading = CustomerReading(customer=stripe_customer(each), subscriptions=(ended(each),))
        made.stripe.readings[f"cus_{each}"] = reading
    return made


def test_what_ended_is_asked_for_and_decides() -> None:
    made = stripe_only(1, 2)
    run = made.run(RunMode.DRY_RUN)
    assert made.stripe.wanted == Wanted(ended_of=frozenset({"cus_1", "cus_2"}))
    assert [each.drift.code.value for each in run.decisions if each.primary] == ["ended_still_entitled"] * 2


def test_where_the_lists_left_nothing_open_nothing_is_asked() -> None:
    made = stripe_only(1)
    made.stripe.snapshot = replace(made.stripe.snapshot, subscriptions=(stripe_sub(1),))
    made.run(RunMode.DRY_RUN)
    assert made.stripe.wanted == Wanted()


def test_a_source_that_was_not_read_whole_is_asked_nothing_further() -> None:
    made = stripe_only(1)
    made.stripe.down = "Stripe is down"
    run = made.run(RunMode.DRY_RUN)
    assert made.stripe.wanted == Wanted()
    assert not run.complete


def test_who_answered_what_it_noted_and_which_list_was_refused_are_in_the_record() -> None:
    made = stripe_only(1)
    side_reads = (SideRead(name=SideList.OPEN_INVOICES, problem="it may not be read"),)
    made.stripe.snapshot = replace(
        made.stripe.snapshot, about="Stripe, test mode", notes=("A new word",), side_reads=side_reads
    )
    run = made.run(RunMode.DRY_RUN)
    read = run.sources[Source.STRIPE]
    assert (read.complete, read.about, read.side_reads) == (True, "Stripe, test mode", side_reads)
    assert "A new word" in run.notes
    assert "stripe: open invoices were not read: it may not be read" in run.notes
